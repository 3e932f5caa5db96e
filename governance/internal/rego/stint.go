package rego

import (
	"sync/atomic"
	"time"
)

const (
	// shortFor is how long an evaluation has a processor without asking: longer than all but a few policies need.
	shortFor = 2 * time.Millisecond
	// turnFor is how long a long evaluation goes on while others wait for their turn.
	turnFor = 5 * time.Millisecond
	// restTurnFor is the same for one that rests after each turn.
	restTurnFor = time.Millisecond
	// atOnce is how long what takes turns from the beginning goes on without one.
	atOnce = -1
	// pollsBetween is how many questions whether to go on come between two looks at the clock; each is worth about a microsecond of work.
	pollsBetween = 64
)

// turns are those of everything that takes long: fewer than there are processors, so that one is left for what is short, and for everything else that the
// process does. The scheduler knows no priorities: without that, whoever has evaluations or compilations that do not come to an end makes everybody wait.
type turns struct{ evaluations, compilations chan struct{} }

// newTurns gives compilations a third, since a stage of one, which cannot be interrupted, can take longer than the deadline of an evaluation. With a
// single turn they share it.
func newTurns(processors int) turns {
	n := max(1, processors-1)
	if n == 1 {
		shared := make(chan struct{}, 1)
		return turns{shared, shared}
	}
	compilations := max(1, n/3)
	return turns{make(chan struct{}, n-compilations), make(chan struct{}, compilations)}
}

// stint is the time that one evaluation or compilation spends on a processor. The evaluator asks it at every expression whether to go on, the compiler
// between stages, and there it waits for its turn when it has become long. It implements topdown.Cancel. The methods of a nil stint do nothing.
type stint struct {
	long      chan struct{} // holds the turns
	short     time.Duration // how long it goes on without one
	turnFor   time.Duration
	rest      int // it rests so many times as long as its turns are
	start     time.Time
	cancelled atomic.Bool
	stop      atomic.Pointer[chan struct{}] // closed by Cancel while the evaluation waits
	worked    processorTime

	// Only the evaluation uses these.
	begun time.Time // when it was taken up; until then start
	polls int
	holds bool          // its turn
	turn  time.Duration // since when, after it was taken up
}

func (e *Engine) newStint() *stint {
	s := e.stintOf(e.turns.evaluations)
	if s.rest = e.config.Rest; s.rest > 0 {
		s.short, s.turnFor = atOnce, restTurnFor
	}
	return s
}

func (e *Engine) stintOf(turns chan struct{}) *stint {
	now := time.Now()
	return &stint{long: turns, short: shortFor, turnFor: turnFor, start: now, begun: now, worked: processorTime{wall: e.wall, epoch: now}}
}

// takeUp is the first that the goroutine does that works; the last is end.
func (s *stint) takeUp() {
	s.begun = time.Now()
	s.worked.take()
}

// age is how long ago it was taken up.
func (s *stint) age() time.Duration { return time.Since(s.begun) }

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
	return s.look()
}

// look looks at the clock, waits if it is not its turn, and reports whether it is cancelled.
func (s *stint) look() (cancelled bool) {
	if s == nil {
		return false
	}
	switch ran := s.age(); {
	case s.cancelled.Load():
	case !s.holds && ran > s.short:
		s.wait()
	case s.holds && ran-s.turn > s.turnFor:
		worked := ran - s.turn
		s.yield()
		if s.rest > 0 {
			s.pause(time.Duration(s.rest) * worked)
		}
		s.wait()
	}
	return s.cancelled.Load()
}

// own lets the evaluation have its turn before it has become long, and reports whether it is cancelled.
func (s *stint) own() (cancelled bool) {
	if s.short = atOnce; s.holds {
		return s.cancelled.Load()
	}
	return s.look()
}

// wait returns when it is the evaluation's turn, or when it is cancelled. Turns come in the order in which they were asked for.
func (s *stint) wait() {
	select {
	case s.long <- struct{}{}:
		s.begin()
		return
	default:
	}
	s.idle(func(stop <-chan struct{}) {
		select {
		case s.long <- struct{}{}:
			s.begin()
		case <-stop:
		}
	})
}

func (s *stint) begin() { s.holds, s.turn = true, s.age() }

func (s *stint) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	s.idle(func(stop <-chan struct{}) {
		select {
		case <-timer.C:
		case <-stop:
		}
	})
}

// idle does what only takes time. Cancel closes stop.
func (s *stint) idle(pass func(stop <-chan struct{})) {
	if s.worked.leave() { // a thread is not kept waiting
		defer s.worked.take()
	}
	stop := make(chan struct{})
	s.stop.Store(&stop)
	if !s.cancelled.Load() { // else Cancel may have come before stop
		pass(stop)
	}
	s.stop.Store(nil)
}

// yield gives the turn back, if the evaluation has it.
func (s *stint) yield() {
	if s.holds {
		<-s.long
		s.holds = false
	}
}

// end is what the goroutine that took it up does last.
func (s *stint) end() {
	s.yield()
	s.worked.leave()
}

// ran is how long the evaluation has had a processor, until now or until it ended. It is 0 for what no goroutine has taken up yet: on a machine with too much to
// do, goroutines wait for a processor, too.
func (s *stint) ran() time.Duration { return s.worked.taken() }
