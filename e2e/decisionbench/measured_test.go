//go:build linux

package decisionbench_test

import "time"

// measured is what a run gave.
type measured struct {
	elapsed time.Duration
	latency []time.Duration // of each answer, ascending
	cpu     used
	refused refused
}

// refused counts the questions that had to be put again.
type refused struct{ overloaded, unavailable int }

func (r *refused) count(how answer) {
	if how == unavailable {
		r.unavailable++
	} else {
		r.overloaded++
	}
}

func (r *refused) add(other refused) {
	r.overloaded += other.overloaded
	r.unavailable += other.unavailable
}

func (m measured) perSecond() float64 { return float64(len(m.latency)) / m.elapsed.Seconds() }

func (m measured) percentile(p int) time.Duration {
	if len(m.latency) == 0 {
		return 0
	}
	return m.latency[(len(m.latency)-1)*p/100]
}
