package rego

import (
	"sync/atomic"
	"time"
)

const (
	// briefFor is how long a caller evaluates by itself: many times as long as most policies take, and nothing against the deadline.
	briefFor = 100 * time.Microsecond
	// briefPolls is how many questions whether to go on come between two looks at the clock.
	briefPolls = 16
	// briefAgain is how many questions go straight to a worker, at most, after one that was not brief.
	briefAgain = 1000
	// briefGrowth is how many times as many it is as after the last one, when no question in between was answered in time.
	briefGrowth = 4
)

// brief ends an evaluation that takes longer than its caller can do by itself. It implements topdown.Cancel.
type brief struct {
	start time.Time
	limit time.Duration
	polls int
	over  bool
	late  bool // because of the clock
}

// Cancel implements topdown.Cancel. Nobody calls it: who would is evaluating.
func (b *brief) Cancel() { b.over = true }

// Cancelled implements topdown.Cancel.
func (b *brief) Cancelled() bool {
	if b.polls++; b.polls%briefPolls == 0 && time.Since(b.start) > b.limit {
		b.over, b.late = true, true
	}
	return b.over
}

// lasting counts down the questions to a version that are not asked briefly.
type lasting struct {
	left atomic.Int32
	lost atomic.Int32 // with the last one that was late; 0: it was answered in time
}

func (l *lasting) skip() bool { return l.left.Load() > 0 && l.left.Add(-1) >= 0 }

// fail makes the next questions skip. To be late may have been an accident, as when the processor was somebody else's for a while; what is unusual otherwise is so
// the next time, too.
func (l *lasting) fail(late bool) {
	lost := int32(briefAgain)
	if late {
		lost = min(max(1, briefGrowth*l.lost.Load()), briefAgain)
		l.lost.Store(lost)
	}
	l.left.Store(lost)
}

// inTime writes only where there is something to forget: all callers share the place.
func (l *lasting) inTime() {
	if l.lost.Load() != 0 {
		l.lost.Store(0)
	}
}

// evaluateBriefly evaluates on the calling goroutine, and gives up on what is not brief: a call of a builtin cannot be interrupted, so only what ends by itself
// may keep a caller. It gives up before each call that may take milliseconds, and after briefFor; whoever gets no answer asks a worker, from the start.
func (c *Compiled) evaluateBriefly(o options) (r Result, took time.Duration, ok bool) {
	if c.program == nil || c.lasting.skip() {
		return Result{}, 0, false
	}
	defer func() {
		if recover() != nil { // a worker reports it
			r, took, ok = Result{}, 0, false
			c.lasting.fail(false)
		}
	}()
	b := brief{start: time.Now(), limit: briefFor}
	a, err := c.ask(o, &b)
	if err != nil {
		c.lasting.fail(b.late)
		return Result{}, 0, false
	}
	c.lasting.inTime()
	return resultOf(a), time.Since(b.start), true
}
