package decisionlog

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are those of counting.
type metrics struct {
	counted, failures prometheus.Counter
	seconds           prometheus.Histogram
}

func newMetrics() *metrics {
	return &metrics{
		counted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "aumos_decision_rollup_counted_total", Help: "Decisions that this replica counted for the statistics.",
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "aumos_decision_rollup_failures_total", Help: "Failures to count decisions; they are tried again.",
		}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "aumos_decision_rollup_seconds", Help: "Time to count one batch of decisions.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 12),
		}),
	}
}

func (m *metrics) observe(counted int, took time.Duration) {
	m.counted.Add(float64(counted))
	m.seconds.Observe(took.Seconds())
}

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.counted, m.failures, m.seconds}
}
