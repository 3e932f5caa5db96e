package api

import "github.com/prometheus/client_golang/prometheus"

// metrics tell operators what the service computes.
type metrics struct {
	evaluation prometheus.Histogram
	detections *prometheus.CounterVec
}

func newMetrics(cfg Config, slots *slots) *metrics {
	m := &metrics{
		evaluation: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "aumos_drift_evaluation_seconds", Help: "Time that sorting an upload and comparing it took.",
			Buckets: []float64{.001, .005, .02, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}),
		detections: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aumos_drift_detections_total", Help: "Detections stored, by their status.",
		}, []string{"status"}),
	}
	cfg.Registry.MustRegister(m.evaluation, m.detections,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "aumos_drift_evaluations", Help: "Uploads that are being sorted and compared.",
		}, func() float64 { return float64(len(slots.overall)) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "aumos_drift_upload_bytes", Help: "Memory reserved by uploads in progress.",
		}, func() float64 { return float64(cfg.Budget.Used()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "aumos_drift_baseline_cache_bytes", Help: "Memory held by the cache of baselines.",
		}, func() float64 { return float64(cfg.Baselines.Used()) }),
	)
	return m
}
