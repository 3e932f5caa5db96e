package rego

import (
	"runtime"
	"sync/atomic"
	"time"
)

const (
	// shortFor is how long an evaluation has a processor without asking: longer than all but a few policies need.
	shortFor = 2 * time.Millisecond
	// turnFor is how long a long evaluation goes on while others wait for their turn.
	turnFor = 5 * time.Millisecond
	// pollsBetween is how many questions whether to go on come between two looks at the clock; each is worth about a microsecond of work.
	pollsBetween = 64
)

// newLong makes the turns of long evaluations: fewer than there are processors, so that one is left for those that are short, and for everything else that the
// process does. The scheduler knows no priorities: without that, whoever has evaluations that do not come to an end makes everybody wait.
func newLong() chan struct{} { return make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1)) }

// stint is the time that one evaluation spends on a processor. The evaluator asks it at every expression whether to go on, and there it waits for its turn
// when it has become long. It implements topdown.Cancel.
type stint struct {
	long      chan struct{}
	start     time.Time
	cancelled atomic.Bool
	stop      atomic.Pointer[chan struct{}] // closed by Cancel while the evaluation waits
	waited    atomic.Int64                  // nanoseconds, in waits that are over
	waits     atomic.Int64                  // since when, in nanoseconds after start; 0: it does not

	// Only the evaluation uses these.
	polls int
	turn  time.Duration // since when it has its turn, after start; 0: it has none
}

func (e *Engine) newStint() *stint { return &stint{long: e.long, start: time.Now()} }

// Cancel ends the evaluation soon, also one that waits.
func (s *stint) Cancel() {
	s.cancelled.Store(true)
	if stop := s.stop.Swap(nil); stop != nil {
		close(*stop)
	}
}

// Cancelled implements topdown.Cancel.
func (s *stint) Cancelled() bool {
	if s.cancelled.Load() {
		return true
	}
	if s.polls++; s.polls%pollsBetween != 0 {
		return false
	}
	switch ran := time.Since(s.start); {
	case s.turn == 0 && ran > shortFor:
		s.wait()
	case s.turn != 0 && ran-s.turn > turnFor:
		s.end()
		s.wait()
	}
	return s.cancelled.Load()
}

// wait returns when it is the evaluation's turn, or when it is cancelled. Turns come in the order in which they were asked for.
func (s *stint) wait() {
	select {
	case s.long <- struct{}{}:
		s.turn = time.Since(s.start)
		return
	default:
	}
	began := time.Since(s.start)
	s.waits.Store(int64(began))
	stop := make(chan struct{})
	s.stop.Store(&stop)
	if !s.cancelled.Load() { // else Cancel may have come before stop
		select {
		case s.long <- struct{}{}:
			s.turn = time.Since(s.start)
		case <-stop:
		}
	}
	s.stop.Store(nil)
	s.waited.Add(int64(time.Since(s.start) - began))
	s.waits.Store(0)
}

// end gives the turn back, if the evaluation has it. Whoever runs the evaluation calls it at the end.
func (s *stint) end() {
	if s.turn != 0 {
		<-s.long
		s.turn = 0
	}
}

// ran is how long the evaluation has been running, without what it waited.
func (s *stint) ran() time.Duration {
	ran := time.Since(s.start) - time.Duration(s.waited.Load())
	if since := s.waits.Load(); since != 0 {
		ran -= time.Since(s.start) - time.Duration(since)
	}
	return ran
}
