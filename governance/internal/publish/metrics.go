package publish

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The publisher's metrics have a label for the sink, of which there are a handful.
func metric(name, help string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName("aumos", "audit", name), help, []string{"sink"}, nil)
}

// Describe sends nothing: the sinks are known to Collect alone.
func (p *Publisher) Describe(chan<- *prometheus.Desc) {}

// Collect reports on each sink. The age is the one to alert on: it grows while a sink lacks the newest head of some log.
func (p *Publisher) Collect(to chan<- prometheus.Metric) {
	published := metric("heads_published_total", "Signed heads that the sink took.")
	failures := metric("head_publication_failures_total", "Attempts to publish a signed head that failed.")
	unsent := metric("heads_unpublished", "Logs whose newest signed head the sink has not taken.")
	oldest := metric("heads_unpublished_seconds", "For how long the sink has lacked the newest signed head of some log.")
	for _, f := range p.feeds {
		name := f.sink.Name()
		to <- prometheus.MustNewConstMetric(published, prometheus.CounterValue, float64(f.published.Load()), name)
		to <- prometheus.MustNewConstMetric(failures, prometheus.CounterValue, float64(f.failures.Load()), name)
		to <- prometheus.MustNewConstMetric(unsent, prometheus.GaugeValue, float64(f.count()), name)
		to <- prometheus.MustNewConstMetric(oldest, prometheus.GaugeValue, f.oldest(time.Now()).Seconds(), name)
	}
}
