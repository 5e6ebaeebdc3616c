// Package ops is the operator's door: is it alive, is it ready, how much does it do, and the few things only the installation's operator may
// ask for. No sign-in of accounts and no personal data.
//
//	Does:   /livez, /readyz, /metrics; with the operator's token /healthz?verbose, /operator/quarantine, /operator/backup
//	Reads:  nothing
//	Writes: the node's heartbeat, through a check; quarantines and backups, through Deps.Operator
//	Wakes:  nobody
package ops

import (
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/overture-im/overture"
)

// Deps of New.
type Deps struct {
	Checks   []Check         // asked by /readyz; each by a name that says which part is in trouble
	Verbose  Verbose         // what /healthz?verbose tells beside the checks; nil: nothing
	Token    overture.Secret // the operator's; empty closes the operator's part of the door
	Operator Operator        // nil closes it too
	Log      *slog.Logger
}

// Ops answers the operator's questions.
type Ops struct {
	deps     Deps
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
	ready    prometheus.Gauge
	failing  *prometheus.GaugeVec
	stopping atomic.Bool

	mu      sync.Mutex
	asked   time.Time
	results []result
}

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
			Name: "overture_ready", Help: "1 when every readiness check was passed the last time they were asked.",
		}),
		failing: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "overture_check_failing", Help: "1 when a readiness check failed the last time it was asked.",
		}, []string{"check"}),
	}
	for _, door := range []string{"api", "webhook", "ops", "site"} {
		for _, class := range []string{"2xx", "4xx", "5xx"} {
			o.requests.WithLabelValues(door, class) // so that rates and alerts begin at zero instead of at nothing
		}
		o.took.WithLabelValues(door)
	}
	for _, c := range d.Checks {
		o.failing.WithLabelValues(c.Name)
	}
	o.registry.MustRegister(o.requests, o.took, o.ready, o.failing, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return o
}

// Register adds metrics of other parts.
func (o *Ops) Register(c prometheus.Collector) error { return o.registry.Register(c) }

// Mount adds the routes.
func (o *Ops) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /livez", o.livez)
	mux.HandleFunc("GET /readyz", o.readyz)
	mux.HandleFunc("GET /healthz", o.healthz)
	mux.HandleFunc("GET /metrics", o.metrics)
	mux.HandleFunc("GET /operator/quarantine", o.forOperator(o.quarantine))
	mux.HandleFunc("POST /operator/quarantine", o.forOperator(o.beginQuarantine))
	mux.HandleFunc("POST /operator/quarantine/release", o.forOperator(o.releaseQuarantine))
	mux.HandleFunc("POST /operator/backup", o.forOperator(o.backup))
}

func (o *Ops) metrics(w http.ResponseWriter, r *http.Request) {
	promhttp.HandlerFor(o.registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}

// Measure counts and times every request of the whole server.
func (o *Ops) Measure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		seen := &watched{ResponseWriter: w}
		next.ServeHTTP(seen, r)
		door := doorOf(r.URL.Path)
		if door == "live" {
			return // it lasts as long as a page is open; the door counts its sockets itself
		}
		o.requests.WithLabelValues(door, strconv.Itoa(seen.class())+"xx").Inc()
		o.took.WithLabelValues(door).Observe(time.Since(began).Seconds())
	})
}

func doorOf(path string) string {
	switch {
	case path == "/v1/live":
		return "live"
	case strings.HasPrefix(path, "/v1/"):
		return "api"
	case strings.HasPrefix(path, "/hooks/"):
		return "webhook"
	case path == "/livez" || path == "/readyz" || path == "/healthz" || path == "/metrics" || strings.HasPrefix(path, "/operator/"):
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
