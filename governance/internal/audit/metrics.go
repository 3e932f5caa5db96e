package audit

import "github.com/prometheus/client_golang/prometheus"

// metrics are the wall's, without a tenant label: their number must not grow with the tenants.
type metrics struct {
	appended, repeated, refused, poisoned, conflicts, unwritten prometheus.Counter
	signed, signFailures, inconsistencies                       prometheus.Counter
	committed, commitFailures                                   prometheus.Counter
	batch, flush, sign                                          prometheus.Histogram
	ready                                                       prometheus.Gauge
	queued, watched                                             prometheus.Collector
}

func newMetrics() *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "aumos", Subsystem: "audit", Name: name, Help: help})
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "aumos", Subsystem: "audit", Name: name, Help: help, Buckets: buckets})
	}
	seconds := prometheus.ExponentialBuckets(0.0005, 2, 14) // 0.5 ms to 4 s
	m := &metrics{
		appended:        counter("entries_appended_total", "Entries made durable by this replica."),
		repeated:        counter("entries_repeated_total", "Appends of entries that were on the wall already."),
		refused:         counter("appends_refused_total", "Appends refused because too many waited, or the wall was closing."),
		poisoned:        counter("entries_poisoned_total", "Entries that the database refused for what they hold."),
		conflicts:       counter("batch_conflicts_total", "Batches tried again because another replica was faster or an entry was there already."),
		unwritten:       counter("entries_unwritten_total", "Entries whose appends were answered UNAVAILABLE, or CONFLICT after many tries: the database did not take them in time."),
		signed:          counter("checkpoints_signed_total", "Heads signed by this replica."),
		signFailures:    counter("checkpoint_failures_total", "Heads that could not be signed, whatever the reason."),
		inconsistencies: counter("log_inconsistencies_total", "Times that a log contradicted its last signed head or a witness: look into each."),
		committed:       counter("heads_committed_total", "Heads that this replica committed to on the platform's log."),
		commitFailures:  counter("commitment_failures_total", "Failures to commit to a head; they are tried again."),
		batch:           histogram("batch_entries", "Entries in one transaction.", prometheus.ExponentialBuckets(1, 2, 13)),
		flush:           histogram("flush_seconds", "Time from taking a batch to its last answer.", seconds),
		sign:            histogram("sign_seconds", "Time to prove, sign and store one head.", seconds),
		ready: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: "aumos", Subsystem: "audit", Name: "ready", Help: "1 while the wall reaches its database, else 0.",
		}),
	}
	m.ready.Set(1)
	return m
}

func (m *metrics) waiting(n func() int) {
	m.queued = prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "aumos", Subsystem: "audit", Name: "queue_entries", Help: "Entries that wait to be appended.",
	}, func() float64 { return float64(n()) })
}

func (m *metrics) watching(n func() int) {
	m.watched = prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "aumos", Subsystem: "audit", Name: "watches", Help: "Watches of logs under way on this replica.",
	}, func() float64 { return float64(n()) })
}

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{
		m.appended, m.repeated, m.refused, m.poisoned, m.conflicts, m.unwritten, m.signed, m.signFailures, m.inconsistencies,
		m.committed, m.commitFailures, m.batch, m.flush, m.sign, m.ready, m.queued, m.watched,
	}
}
