package app

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/overture-im/overture"
)

// retentionMetrics counts what retention deleted on this node, by class; never whose.
type retentionMetrics struct {
	deleted *prometheus.CounterVec
	ran     prometheus.Gauge
}

func newRetentionMetrics() *retentionMetrics {
	m := &retentionMetrics{
		deleted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "overture_retention_deleted_total", Help: "People, conversations, people on lists of drafts and audit entries that this node deleted because they were old.",
		}, []string{"class"}),
		ran: prometheus.NewGauge(prometheus.GaugeOpts{Name: "overture_retention_last_run_seconds", Help: "When this node last looked through an account for old data, in seconds since 1970; 0: not since its start."}),
	}
	for _, c := range overture.RetentionClasses() {
		m.deleted.WithLabelValues(string(c))
	}
	return m
}

// Deleted and Ran make it an observer of the sweeper.
func (m *retentionMetrics) Deleted(class overture.RetentionClass, n int) {
	m.deleted.WithLabelValues(string(class)).Add(float64(n))
}

// Ran notes the moment.
func (m *retentionMetrics) Ran(at time.Time) { m.ran.Set(float64(at.Unix())) }

func (m *retentionMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.deleted, m.ran}
}
