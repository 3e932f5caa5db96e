package wallbench_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// measured is what a run gave.
type measured struct {
	entries  int64
	elapsed  time.Duration
	latency  []time.Duration // of each call, ascending
	perBatch float64         // entries in one transaction, on average

	// Of the limit alone: the processor time of the server's process, and the bytes of its log.
	cpu time.Duration
	wal int64
}

func (m measured) cpuPerEntry() time.Duration { return m.cpu / time.Duration(max(1, m.entries)) }

func (m measured) walPerEntry() int64 { return m.wal / max(1, m.entries) }

func (m measured) perSecond() float64 { return float64(m.entries) / m.elapsed.Seconds() }

func (m measured) percentile(p int) time.Duration {
	if len(m.latency) == 0 {
		return 0
	}
	return m.latency[(len(m.latency)-1)*p/100]
}

// add joins two runs of the same thing.
func (m measured) add(other measured) measured {
	m.latency = slices.Concat(m.latency, other.latency)
	slices.Sort(m.latency)
	m.perBatch = (m.perBatch*float64(m.entries) + other.perBatch*float64(other.entries)) / float64(m.entries+other.entries)
	m.entries += other.entries
	m.elapsed += other.elapsed
	m.cpu += other.cpu
	m.wal += other.wal
	return m
}

// callers has n callers call do, one call after the other each, until the time is up or max calls were made (0: no such bound). do appends
// perCall entries. The numbers that it gets are unique in the run.
func callers(b *testing.B, n, perCall int, limit time.Duration, maxCalls int64, do func(ctx context.Context, caller int, number int64) error) measured {
	b.Helper()
	latencies := make([][]time.Duration, n)
	var next atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for c := range n {
		wg.Go(func() {
			for {
				number := next.Add(1)
				began := time.Now()
				if maxCalls > 0 && number > maxCalls || began.Sub(start) > limit {
					return
				}
				if err := do(context.Background(), c, number); err != nil {
					b.Error(err)
					return
				}
				latencies[c] = append(latencies[c], time.Since(began))
			}
		})
	}
	wg.Wait()
	m := measured{elapsed: time.Since(start), latency: slices.Concat(latencies...)}
	if b.Failed() {
		b.FailNow()
	}
	slices.Sort(m.latency)
	m.entries = int64(len(m.latency) * perCall)
	return m
}
