package app

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/overture-im/overture/internal/outbound/guard"
)

// guardMetrics shows what guard rails did on this node, with labels from a closed list. Whether a kill switch is on stands with the census.
type guardMetrics struct {
	guard            *guard.Guard
	pauses, prefixes *prometheus.Desc
}

func newGuardMetrics(g *guard.Guard) *guardMetrics {
	return &guardMetrics{
		guard:    g,
		pauses:   prometheus.NewDesc("overture_guard_pauses_total", "Campaigns that this node paused by themselves, by guard rail.", []string{"rail"}, nil),
		prefixes: prometheus.NewDesc("overture_guard_prefix_alerts_total", "Prefixes that went over their limit outside campaigns, seen by this node.", nil, nil),
	}
}

// Describe names the metrics.
func (m *guardMetrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- m.pauses
	ch <- m.prefixes
}

// Collect reads them.
func (m *guardMetrics) Collect(ch chan<- prometheus.Metric) {
	for rail, n := range m.guard.Pauses() {
		ch <- prometheus.MustNewConstMetric(m.pauses, prometheus.CounterValue, float64(n), rail)
	}
	ch <- prometheus.MustNewConstMetric(m.prefixes, prometheus.CounterValue, float64(m.guard.PrefixAlerts()))
}
