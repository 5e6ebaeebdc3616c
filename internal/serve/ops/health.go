package ops

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/overture-im/overture"
)

// Check is one thing without which the server should get no traffic.
type Check struct {
	Name  string // stable: it stands in the answer, in a metric's label and in the runbook
	Means string // for whoever looks, without details
	Ask   func(ctx context.Context) error
}

// Verbose tells what only the operator may know.
type Verbose func(ctx context.Context) map[string]any

const (
	// readyBudget bounds all checks together: a load balancer waits about as long.
	readyBudget = 2 * time.Second
	// freshFor keeps a flood of questions from becoming a flood of database writes.
	freshFor = time.Second
)

type result struct {
	check Check
	err   error
}

// Stopping turns readiness red at once, before anything stops.
func (o *Ops) Stopping() { o.stopping.Store(true) }

// watchEvery is how often the checks are asked without anybody asking: the metrics must show a fault too.
const watchEvery = 2 * time.Second

// Watch asks the checks until ctx ends.
func (o *Ops) Watch(ctx context.Context) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		o.ask(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// ask runs every check at the same time, at most once a second.
func (o *Ops) ask(ctx context.Context) []result {
	o.mu.Lock()
	defer o.mu.Unlock()
	if time.Since(o.asked) < freshFor {
		return o.results
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyBudget)
	defer cancel()
	results := make([]result, len(o.deps.Checks))
	var all sync.WaitGroup
	for i, c := range o.deps.Checks {
		all.Go(func() { results[i] = result{c, c.Ask(ctx)} })
	}
	all.Wait()
	ready := 1.0
	for i, r := range results {
		failing := 0.0
		if r.err != nil {
			ready, failing = 0, 1
			if i >= len(o.results) || o.results[i].err == nil {
				o.deps.Log.WarnContext(ctx, "not ready", "check", r.check.Name, "error", r.err, "kind", string(overture.KindOf(r.err)))
			}
		} else if i < len(o.results) && o.results[i].err != nil {
			o.deps.Log.InfoContext(ctx, "ready again", "check", r.check.Name)
		}
		o.failing.WithLabelValues(r.check.Name).Set(failing)
	}
	o.ready.Set(ready)
	o.results, o.asked = results, time.Now()
	return results
}

// failure is one line of the answer.
type failure struct {
	Check string `json:"check"`
	Means string `json:"means"`
}

type health struct {
	Status string    `json:"status"` // alive, ready, not_ready
	Failed []failure `json:"failed,omitempty"`
}

func (o *Ops) livez(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, health{Status: "alive"})
}

func (o *Ops) readyz(w http.ResponseWriter, r *http.Request) {
	status, h := o.health(r.Context())
	answer(w, status, h)
}

func (o *Ops) health(ctx context.Context) (int, health) {
	if o.stopping.Load() {
		o.ready.Set(0)
		return http.StatusServiceUnavailable, health{Status: "not_ready", Failed: []failure{{"shutting_down", "the server is stopping"}}}
	}
	h := health{Status: "ready"}
	for _, r := range o.ask(ctx) {
		if r.err != nil {
			h.Status = "not_ready"
			h.Failed = append(h.Failed, failure{r.check.Name, r.check.Means})
		}
	}
	if h.Status != "ready" {
		return http.StatusServiceUnavailable, h
	}
	return http.StatusOK, h
}

// healthz is readyz; with ?verbose and the operator's token it says everything.
func (o *Ops) healthz(w http.ResponseWriter, r *http.Request) {
	if !r.URL.Query().Has("verbose") {
		o.readyz(w, r)
		return
	}
	o.forOperator(func(w http.ResponseWriter, r *http.Request) {
		status, h := o.health(r.Context())
		checks := map[string]string{}
		for _, c := range o.ask(r.Context()) {
			checks[c.check.Name] = "ok"
			if c.err != nil {
				checks[c.check.Name] = c.err.Error()
			}
		}
		all := map[string]any{"status": h.Status, "failed": h.Failed, "checks": checks}
		if o.deps.Verbose != nil {
			for k, v := range o.deps.Verbose(r.Context()) {
				all[k] = v
			}
		}
		answer(w, status, all)
	})(w, r)
}

// forOperator lets only the operator's token in.
func (o *Ops) forOperator(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		want := o.deps.Token.Reveal()
		if !ok || want == "" || subtle.ConstantTimeCompare([]byte(given), []byte(want)) != 1 {
			w.Header().Set("WWW-Authenticate", `Bearer realm="operator"`)
			answer(w, http.StatusUnauthorized, trouble{Code: "operator_only", Detail: "give the operator's token: Authorization: Bearer …; see operator.json in the data directory"})
			return
		}
		next(w, r)
	}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the asker may be gone
}
