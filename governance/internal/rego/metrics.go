package rego

import (
	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the engine's own observations.
type metrics struct {
	duration    prometheus.Histogram
	overruns    prometheus.Counter
	differences prometheus.Counter
	busy        prometheus.GaugeFunc
	compiling   prometheus.GaugeFunc
	trying      prometheus.GaugeFunc
	quarantined prometheus.GaugeFunc
}

func newMetrics(e *Engine) metrics {
	gauge := func(name, help string, value func() int) prometheus.GaugeFunc {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(value()) })
	}
	return metrics{
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "aumos_policy_evaluation_seconds",
			Help:    "Time that the evaluation of one policy took, also past its deadline.",
			Buckets: []float64{10e-6, 25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 5e-3, 25e-3, 100e-3, 200e-3, 1, 10},
		}),
		overruns: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "aumos_policy_evaluation_overruns_total", Help: "Evaluations that were not done at their deadline.",
		}),
		differences: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "aumos_policy_evaluation_differences_total", Help: "Comparisons in which the machine and the evaluator gave different answers.",
		}),
		busy: gauge("aumos_policy_evaluations_running", "Evaluations that run, also those that nobody waits for any more.",
			e.evaluations.inUse),
		compiling:   gauge("aumos_policy_compilations_running", "Compilations that run.", e.compiles.inUse),
		quarantined: gauge("aumos_policy_versions_quarantined", "Versions that overran repeatedly in this process and are not evaluated since.", e.quarantine.count),
		trying:      gauge("aumos_policy_trials_running", "Tests of policies that run, also those that nobody waits for any more.", e.trials.inUse),
	}
}

// Collectors returns the engine's metrics for the registry of the process.
func (e *Engine) Collectors() []prometheus.Collector {
	m := e.metrics
	return []prometheus.Collector{m.duration, m.overruns, m.busy, m.compiling, m.quarantined, m.trying, m.differences}
}
