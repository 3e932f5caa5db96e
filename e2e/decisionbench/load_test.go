package decisionbench_test

import (
	"slices"
	"sync"
	"testing"
	"time"
)

// ask puts the question once, on one connection.
type ask func() error

// measured is what a run gave.
type measured struct {
	elapsed time.Duration
	latency []time.Duration // of each answer, ascending
	cpu     used
}

func (m measured) perSecond() float64 { return float64(len(m.latency)) / m.elapsed.Seconds() }

func (m measured) percentile(p int) time.Duration {
	if len(m.latency) == 0 {
		return 0
	}
	return m.latency[(len(m.latency)-1)*p/100]
}

// saturate asks on every connection, one question after the other, for the given time.
func saturate(b *testing.B, connections []ask, limit time.Duration) measured {
	b.Helper()
	latencies := make([][]time.Duration, len(connections))
	var wg sync.WaitGroup
	start := time.Now()
	for i, do := range connections {
		wg.Go(func() {
			for {
				began := time.Now()
				if began.Sub(start) > limit {
					return
				}
				if err := do(); err != nil {
					b.Error(err)
					return
				}
				latencies[i] = append(latencies[i], time.Since(began))
			}
		})
	}
	wg.Wait()
	return collect(b, start, latencies)
}

// sustain asks at a fixed rate, whether or not earlier questions have been answered, and counts each question's time from when it was due: a server that
// stalls cannot hide what waited meanwhile.
func sustain(b *testing.B, connections []ask, rate float64, limit time.Duration) measured {
	b.Helper()
	questions := int(rate * limit.Seconds())
	due := make(chan time.Time, questions)
	latencies := make([][]time.Duration, len(connections))
	var wg sync.WaitGroup
	start := time.Now()
	for i, do := range connections {
		wg.Go(func() {
			for at := range due {
				if err := do(); err != nil {
					b.Error(err)
					return
				}
				latencies[i] = append(latencies[i], time.Since(at))
			}
		})
	}
	clock := time.NewTicker(500 * time.Microsecond)
	defer clock.Stop()
	for sent := 0; sent < questions; <-clock.C {
		for ; sent < questions && time.Since(start).Seconds()*rate >= float64(sent); sent++ {
			due <- start.Add(time.Duration(float64(sent) / rate * float64(time.Second)))
		}
	}
	close(due)
	wg.Wait()
	return collect(b, start, latencies)
}

func collect(b *testing.B, start time.Time, latencies [][]time.Duration) measured {
	b.Helper()
	m := measured{elapsed: time.Since(start), latency: slices.Concat(latencies...)}
	if b.Failed() {
		b.FailNow()
	}
	slices.Sort(m.latency)
	return m
}
