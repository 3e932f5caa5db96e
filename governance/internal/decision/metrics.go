package decision

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

// metrics are the decider's own observations.
type metrics struct {
	decisions *prometheus.CounterVec
	outcomes  [rego.Error + 1]prometheus.Counter // those of decisions; the first one is of failures
	seconds   prometheus.Histogram
	hits      prometheus.Counter
	misses    prometheus.Counter
	listening prometheus.Gauge
	targets   prometheus.GaugeFunc
	versions  prometheus.GaugeFunc
	bytes     prometheus.GaugeFunc
}

func newMetrics() *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	m := &metrics{
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aumos_decisions_total", Help: "Decisions by outcome; FAILED: there was none, the caller got an error.",
		}, []string{"outcome"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "aumos_decision_seconds",
			Help:    "Time from the question to the durable answer.",
			Buckets: []float64{250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 1, 5},
		}),
		hits:   counter("aumos_decision_cache_hits_total", "Questions whose policies were remembered."),
		misses: counter("aumos_decision_cache_misses_total", "Questions whose policies had to be read."),
		listening: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "aumos_decision_cache_listening", Help: "1 while changes of policies are heard; 0: nothing is remembered.",
		}),
	}
	m.outcomes[0] = m.decisions.WithLabelValues("FAILED")
	for _, o := range []rego.Outcome{rego.Allow, rego.Deny, rego.Error} {
		m.outcomes[o] = m.decisions.WithLabelValues(o.String())
	}
	return m
}

// remembered makes the size of the cache a metric.
func (m *metrics) remembered(size func() int) {
	m.targets = prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "aumos_decision_cache_entries", Help: "Policies and decision points that are remembered.",
	}, func() float64 { return float64(size()) })
}

// kept makes the compiled versions that memory has a metric, and what they take.
func (m *metrics) kept(size func() (n int, bytes int64)) {
	m.versions = prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "aumos_decision_versions", Help: "Compiled policy versions in memory.",
	}, func() float64 { n, _ := size(); return float64(n) })
	m.bytes = prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "aumos_decision_versions_bytes", Help: "About what the compiled policy versions in memory take.",
	}, func() float64 { _, bytes := size(); return float64(bytes) })
}

func (m *metrics) observe(outcome rego.Outcome, err error, took time.Duration) {
	if err != nil {
		outcome = 0
	}
	m.outcomes[outcome].Inc()
	m.seconds.Observe(took.Seconds())
}

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.decisions, m.seconds, m.hits, m.misses, m.listening, m.targets, m.versions, m.bytes}
}
