package vault

import "github.com/prometheus/client_golang/prometheus"

// metrics are the vault's own observations.
type metrics struct {
	inputs     *prometheus.CounterVec
	deleted    prometheus.Counter
	unreadable prometheus.Gauge
	overdue    prometheus.Gauge
}

func newMetrics() *metrics {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	m := &metrics{
		inputs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aumos_decision_inputs_total", Help: "Inputs of decisions that were to be kept, by outcome; FAILED ones are lost for replays.",
		}, []string{"outcome"}),
		deleted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "aumos_decision_inputs_deleted_total", Help: "Kept inputs that were deleted after their retention or their erasure.",
		}),
		unreadable: gauge("aumos_decision_keys_unreadable", "Keys of tenants that no configured key unwraps."),
		overdue:    gauge("aumos_decision_inputs_upkeep_failed", "1 while the last pass of deletions and of wrapping keys anew has failed."),
	}
	for _, outcome := range []string{outcomeKept, outcomeFailed} { // else the increase by the first one would go unseen
		m.inputs.WithLabelValues(outcome)
	}
	return m
}

const (
	outcomeKept   = "KEPT"
	outcomeFailed = "FAILED"
)

func (m *metrics) observe(err error) {
	outcome := outcomeKept
	if err != nil {
		outcome = outcomeFailed
	}
	m.inputs.WithLabelValues(outcome).Inc()
}

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.inputs, m.deleted, m.unreadable, m.overdue}
}
