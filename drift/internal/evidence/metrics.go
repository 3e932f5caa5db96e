package evidence

import "github.com/prometheus/client_golang/prometheus"

// metrics tell operators whether evidence gets through.
type metrics struct {
	recorded prometheus.Counter
	failed   *prometheus.CounterVec
	pending  prometheus.Gauge
	oldest   prometheus.Gauge
	unswept  prometheus.Gauge
}

func newMetrics(registry *prometheus.Registry) *metrics {
	m := &metrics{
		recorded: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "aumos_drift_evidence_recorded_total", Help: "Pieces of evidence that this process recorded in governance.",
		}),
		failed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aumos_drift_evidence_failed_attempts_total", Help: "Attempts to record evidence that failed and are repeated.",
		}, []string{"cause"}),
		pending: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "aumos_drift_evidence_pending", Help: "Pieces of evidence of all tenants that wait to be recorded, as of the last sweep.",
		}),
		oldest: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "aumos_drift_evidence_oldest_pending_seconds", Help: "Age of the oldest evidence that waits, as of the last sweep.",
		}),
		unswept: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "aumos_drift_evidence_sweep_failed", Help: "1 while the last sweep has failed: what waits is as of an earlier one.",
		}),
	}
	registry.MustRegister(m.recorded, m.failed, m.pending, m.oldest, m.unswept)
	return m
}
