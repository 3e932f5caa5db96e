package replay

import "github.com/prometheus/client_golang/prometheus"

// metrics are the worker's own observations.
type metrics struct {
	decisions prometheus.Counter
	done      *prometheus.CounterVec
}

func newMetrics() *metrics {
	return &metrics{
		decisions: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "aumos_replay_decisions_total", Help: "Recorded decisions that were put to a candidate.",
		}),
		done: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aumos_replays_total", Help: "Replays that this replica finished, by state.",
		}, []string{"state"}),
	}
}

func (m *metrics) finished(reason string) {
	state := Succeeded
	if reason != "" {
		state = Failed
	}
	m.done.WithLabelValues(string(state)).Inc()
}

func (m *metrics) all() []prometheus.Collector { return []prometheus.Collector{m.decisions, m.done} }
