// Package ops is the operator's door: is it alive, is it ready, how much does it do. No sign-in and no personal data.
//
//	Does:   /livez, /readyz and /metrics
//	Reads:  nothing
//	Writes: the node's heartbeat, through Deps.Ready
//	Wakes:  nobody
package ops

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/overture-im/overture"
)

// Deps of New.
type Deps struct {
	Ready func(ctx context.Context) error // writes to the database; an error means "send me no traffic"
	Log   *slog.Logger
}

// Ops answers the operator's questions.
type Ops struct {
	deps     Deps
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
	ready    prometheus.Gauge
}

// readyBudget bounds the readiness write: a load balancer waits about as long.
const readyBudget = 2 * time.Second

// New makes the metrics. Label values come from closed lists, so their number is bounded.
func New(d Deps) *Ops {
	o := &Ops{
		deps:     d,
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "overture_http_requests_total", Help: "Answered HTTP requests by door and status class.",
		}, []string{"door", "class"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "overture_http_request_seconds", Help: "Time to answer HTTP requests by door.",
			Buckets: []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"door"}),
		ready: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "overture_ready", Help: "1 when the last readiness check could write to the database.",
		}),
	}
	o.registry.MustRegister(o.requests, o.took, o.ready, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return o
}

// Register adds metrics of other parts.
func (o *Ops) Register(c prometheus.Collector) error { return o.registry.Register(c) }

// Mount adds the routes.
func (o *Ops) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /livez", o.livez)
	mux.HandleFunc("GET /readyz", o.readyz)
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.registry, promhttp.HandlerOpts{}))
}

func (o *Ops) livez(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "alive") }

func (o *Ops) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyBudget)
	defer cancel()
	if err := o.deps.Ready(ctx); err != nil {
		o.ready.Set(0)
		o.deps.Log.WarnContext(ctx, "not ready", "error", err, "kind", string(overture.KindOf(err)))
		w.Header().Set("Retry-After", "5")
		say(w, http.StatusServiceUnavailable, "not ready: the database cannot be written; see the server's log")
		return
	}
	o.ready.Set(1)
	say(w, http.StatusOK, "ready")
}

func say(w http.ResponseWriter, status int, words string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, words+"\n") // the asker may be gone
}

// Measure counts and times every request of the whole server.
func (o *Ops) Measure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		seen := &watched{ResponseWriter: w}
		next.ServeHTTP(seen, r)
		door := doorOf(r.URL.Path)
		o.requests.WithLabelValues(door, strconv.Itoa(seen.class())+"xx").Inc()
		o.took.WithLabelValues(door).Observe(time.Since(began).Seconds())
	})
}

func doorOf(path string) string {
	switch {
	case strings.HasPrefix(path, "/v1/"):
		return "api"
	case strings.HasPrefix(path, "/hooks/"):
		return "webhook"
	case path == "/livez" || path == "/readyz" || path == "/metrics":
		return "ops"
	default:
		return "site"
	}
}

// watched remembers the status. Unwrap lets http.ResponseController reach the real writer.
type watched struct {
	http.ResponseWriter
	status int
}

// WriteHeader remembers the first final status.
func (w *watched) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap gives the writer below.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *watched) class() int {
	if w.status == 0 {
		return 2
	}
	return w.status / 100
}
