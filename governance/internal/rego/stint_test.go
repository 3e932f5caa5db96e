package rego

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// poll asks as often as it takes to look at the clock once.
func (s *stint) poll() (cancelled bool) {
	for range pollsBetween {
		cancelled = s.Cancelled()
	}
	return cancelled
}

func TestLongEvaluationsTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &Engine{wall: true, turns: turns{evaluations: make(chan struct{}, 1)}}
		first, second, third := e.newStint(), e.newStint(), e.newStint()
		for _, s := range []*stint{first, second, third} {
			s.takeUp()
		}
		first.poll()
		if len(e.turns.evaluations) != 0 {
			t.Error("a short evaluation asked for a turn")
		}
		wait(t, shortFor+1)
		if first.poll() || len(e.turns.evaluations) != 1 {
			t.Error("a long evaluation has no turn")
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			if second.poll() {
				t.Error("cancelled by nobody")
			}
			second.end()
		})
		wg.Go(func() {
			if !third.poll() {
				t.Error("not cancelled")
			}
			third.end()
		})
		synctest.Wait() // both wait
		third.Cancel()
		third.Cancel()
		synctest.Wait()
		wait(t, 10*time.Millisecond)
		if ran := second.ran(); ran != shortFor+1 {
			t.Errorf("it ran for %s, and then it waited", ran)
		}
		if ran := first.ran(); ran != shortFor+1+10*time.Millisecond {
			t.Errorf("it ran for %s", ran)
		}
		first.poll() // its turn is over: the second has one, then it goes on
		wg.Wait()
		if first.Cancelled() || len(e.turns.evaluations) != 1 {
			t.Error("the first did not go on")
		}
		first.end()
		first.end()
		if len(e.turns.evaluations) != 0 {
			t.Error("a turn was not given back")
		}
		late := e.newStint()
		late.Cancel()
		if !late.poll() {
			t.Error("not cancelled")
		}
	})
}

// wait lets the clock of the test go on.
func wait(t *testing.T, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	<-ctx.Done()
}

// Evaluations that do not come to an end leave a processor to the others, give their turns back, and do not put those into quarantine that only waited.
func TestEndlessEvaluationsLeaveAProcessor(t *testing.T) { // not parallel: it takes every processor
	e := NewEngine(Config{})
	beside := NewEngine(Config{Beside: e})
	if cap(e.turns.evaluations) >= max(2, e.config.Slots/16) || beside.turns != e.turns {
		t.Errorf("%d turns", cap(e.turns.evaluations))
	}
	c, err := Compile(Source{Modules: []Module{{Path: "p.rego", Source: "package p\nallow if count([1 | some i in numbers.range(1, 30000); some j in numbers.range(1, 30000); i == j + 1000000]) > 0"}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	var wg sync.WaitGroup
	for i := range 8 {
		engine := []*Engine{e, beside}[i%2]
		wg.Go(func() {
			r, err := engine.Evaluate(ctx, Evaluation{Tenant: tenant.ID(uuid.New()), Tenure: Tenure{Version: uuid.New()}, Policy: c, Now: time.Now()})
			if err == nil && r.Reason != Deadline {
				t.Errorf("got %v", r)
			}
		})
	}
	wg.Wait()
	for _, engine := range []*Engine{e, beside} {
		if err := engine.Close(ctx); err != nil {
			t.Error(err)
		}
	}
	if len(e.turns.evaluations) != 0 {
		t.Errorf("%d turns were not given back", len(e.turns.evaluations))
	}
}

// A builtin is not interrupted: one that may take long has a turn before it begins, however short the evaluation has been.
func TestLargeOperandsTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // time passes only while everything waits
		e := NewEngine(Config{})
		for range cap(e.turns.evaluations) {
			e.turns.evaluations <- struct{}{}
		}
		c, err := Compile(Source{Modules: []Module{{Path: "p.rego", Source: "package p\nallow if count(split(input.s, \",\")) > 0"}}})
		if err != nil {
			t.Fatal(err)
		}
		ask := func(size int) (Result, error) {
			input, err := NewInput(map[string]any{"s": strings.Repeat("a,", size/2)})
			if err != nil {
				t.Fatal(err)
			}
			return e.Evaluate(t.Context(), Evaluation{Tenant: tenant.ID(uuid.New()), Tenure: Tenure{Version: uuid.New()}, Policy: c, Input: input, Now: time.Now()})
		}
		if r, err := ask(100); err != nil || r.Outcome != Allow {
			t.Errorf("a small operand: %v, %v", r, err)
		}
		if r, err := ask(2 * largeOperands); errs.ReasonOf(err) != errs.ReasonOverloaded {
			t.Errorf("a large operand without a turn: %v, %v, want OVERLOADED", r, err)
		}
		for range cap(e.turns.evaluations) {
			<-e.turns.evaluations
		}
		if r, err := ask(2 * largeOperands); err != nil || r.Outcome != Allow {
			t.Errorf("a large operand with a turn: %v, %v", r, err)
		}
		if err := e.Close(t.Context()); err != nil || len(e.turns.evaluations) != 0 {
			t.Errorf("%v, %d turns were not given back", err, len(e.turns.evaluations))
		}
	})
}

// What no goroutine took up before the deadline, because the machine had too much to do, says nothing of the policy: it has not been asked. What is taken up late
// has as long before its first turn as others.
func TestNotTakenUpIsNoStrike(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := NewEngine(Config{})
		e.wall = true
		version := Tenure{Version: uuid.New()}
		for range strikesInARow {
			s := e.newStint()
			wait(t, e.config.Deadline)
			_, err := e.overrun(t.Context(), Evaluation{Tenure: version}, time.Since(s.start), s.ran())
			if errs.ReasonOf(err) != errs.ReasonOverloaded {
				t.Errorf("%v, want %s", err, errs.ReasonOverloaded)
			}
		}
		if e.quarantine.holds(version) {
			t.Error("quarantined without having been asked")
		}
		s := e.newStint()
		wait(t, e.config.Deadline/2)
		s.takeUp()
		wait(t, shortFor)
		if s.poll() || len(e.turns.evaluations) != 0 {
			t.Error("what was taken up late had to wait for its turn at once")
		}
		if ran := s.ran(); ran != shortFor {
			t.Errorf("it ran for %s", ran)
		}
	})
}

// A version is blamed for the time that it took, not for that in which others had their turns.
func TestWaitingIsNoStrike(t *testing.T) {
	t.Parallel()
	e := NewEngine(Config{})
	a := Tenure{Version: uuid.New()}
	deadline := e.config.Deadline
	for range strikesInARow {
		if _, err := e.overrun(t.Context(), Evaluation{Tenure: a}, deadline, deadline/20); err == nil {
			t.Error("what hardly ran was answered as if it had")
		}
	}
	if e.quarantine.holds(a) {
		t.Error("quarantined for waiting")
	}
	for range strikesInARow {
		if r, err := e.overrun(t.Context(), Evaluation{Tenure: a}, deadline, deadline/5); err != nil || r.Reason != Deadline {
			t.Errorf("got %v, %v", r, err)
		}
	}
	if !e.quarantine.holds(a) {
		t.Error("not quarantined")
	}
}
