package shadow

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aumos-enterprise/platform/governance/internal/difference"
)

// metrics are the runner's own observations.
type metrics struct {
	questions            *prometheus.CounterVec
	same, other, skipped prometheus.Counter
	waiting              prometheus.GaugeFunc
}

func newMetrics(r *Runner) *metrics {
	m := &metrics{questions: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "aumos_shadow_questions_total", Help: "Sampled decisions by what their shadow made of them; SKIPPED: it was not asked.",
	}, []string{"result"})}
	m.same, m.other, m.skipped = m.questions.WithLabelValues("SAME"), m.questions.WithLabelValues("DIFFERENT"), m.questions.WithLabelValues("SKIPPED")
	m.waiting = prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "aumos_shadow_waiting_bytes", Help: "Inputs of sampled decisions that wait for their shadow to be asked.",
	}, func() float64 {
		r.mu.Lock()
		defer r.mu.Unlock()
		return float64(r.waiting)
	})
	return m
}

func (m *metrics) observe(d *Difference) {
	switch {
	case d == nil:
		m.skipped.Inc()
	case d.Change.Kind() == difference.Same:
		m.same.Inc()
	default:
		m.other.Inc()
	}
}

// Collectors returns the runner's metrics for the registry of the process.
func (r *Runner) Collectors() []prometheus.Collector {
	return []prometheus.Collector{r.metrics.questions, r.metrics.waiting}
}
