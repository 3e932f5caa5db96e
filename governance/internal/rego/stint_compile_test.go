package rego

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// calls is a version of n functions, each of which calls the next.
func calls(n int) Source {
	var b strings.Builder
	b.WriteString("package p\nallow if f0(1)\n")
	for i := range n {
		fmt.Fprintf(&b, "f%d(x) if f%d(x + 1)\n", i, i+1)
	}
	fmt.Fprintf(&b, "f%d(x) if x < 0\n", n)
	return Source{Modules: []Module{{Path: "p.rego", Source: b.String()}}}
}

// Who compiles large versions waits for turns. Small ones of others do not, and waiting is not held against the modules.
func TestLargeCompilationsTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // time passes only while everything waits
		e := NewEngine(Config{})
		defer func() {
			if err := e.Close(t.Context()); err != nil || len(e.turns.compilations) != 0 {
				t.Errorf("%v, %d turns were not given back", err, len(e.turns.compilations))
			}
		}()
		compile := func(ctx context.Context, source Source) error {
			_, err := e.Compile(ctx, tenant.ID(uuid.New()), source)
			return err
		}
		large, small := calls(500), calls(5)
		for range cap(e.turns.compilations) {
			e.turns.compilations <- struct{}{}
		}
		if err := compile(t.Context(), small); err != nil {
			t.Errorf("a small version: %v", err)
		}
		began := time.Now()
		if err := compile(t.Context(), large); errs.ReasonOf(err) != errs.ReasonOverloaded || time.Since(began) != e.config.CompileDeadline {
			t.Errorf("a large version that had no turn: %v after %s, want OVERLOADED", err, time.Since(began))
		}
		leaving, leave := context.WithTimeout(t.Context(), time.Millisecond)
		defer leave()
		if err := compile(leaving, large); err == nil {
			t.Error("a caller who leaves has an answer")
		}
		synctest.Wait()
		if n := e.compiles.inUse(); n != 0 {
			t.Errorf("%d compilations go on without a caller", n)
		}
		done := make(chan error)
		go func() { done <- compile(t.Context(), large) }()
		synctest.Wait()
		for range cap(e.turns.compilations) {
			<-e.turns.compilations
		}
		if err := <-done; err != nil {
			t.Errorf("with a turn: %v", err)
		}
	})
}

// Between two of its stages a compilation lets others have the turn, and stops where nobody waits for it.
func TestCompilationsTakeTurnsBetweenStages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &Engine{wall: true, turns: turns{compilations: make(chan struct{}, 1)}}
		s := e.newCompilation()
		compiler := newCompiler(1, s)
		n := 0
		for _, id := range compiler.StagesToRun() {
			if id == "Turn" {
				n++
			}
		}
		if n != len(longStages) {
			t.Errorf("%d turns between stages, want %d", n, len(longStages))
		}
		s.expect(calls(500).Modules)
		if s.look() || len(e.turns.compilations) != 1 {
			t.Error("a large version has no turn")
		}
		s.Cancel()
		if c, _, err := compile(calls(1), s); c != nil || err == nil {
			t.Error("a compilation without a caller went on")
		}
		s.end()
		if len(e.turns.compilations) != 0 {
			t.Error("the turn was not given back")
		}
	})
}

// However many processors there are, turns leave one, and compilations do not take the last from evaluations.
func TestTurns(t *testing.T) {
	t.Parallel()
	for processors, want := range map[int][2]int{1: {1, 1}, 2: {1, 1}, 3: {1, 1}, 4: {2, 1}, 8: {5, 2}, 64: {42, 21}} {
		got := newTurns(processors)
		if cap(got.evaluations) != want[0] || cap(got.compilations) != want[1] || (got.evaluations == got.compilations) != (processors < 3) {
			t.Errorf("%d processors: %d and %d turns, want %v", processors, cap(got.evaluations), cap(got.compilations), want)
		}
	}
}

// A stint that rests has a turn at once, and gives it back for as long as it rests.
func TestRestsBetweenTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &Engine{wall: true, config: Config{Rest: 3}, turns: turns{evaluations: make(chan struct{}, 1)}}
		s := e.newStint()
		s.takeUp()
		if s.poll(); len(e.turns.evaluations) != 1 {
			t.Error("it has no turn")
		}
		wait(t, 2*time.Millisecond)
		rested := make(chan time.Duration)
		go func() {
			began := time.Now()
			s.poll()
			rested <- time.Since(began)
		}()
		synctest.Wait()
		if len(e.turns.evaluations) != 0 {
			t.Error("it rests and keeps its turn")
		}
		if got := <-rested; got != 6*time.Millisecond {
			t.Errorf("after 2ms it rested for %s", got)
		}
		if s.ran() != 2*time.Millisecond {
			t.Errorf("it ran for %s", s.ran())
		}
		wait(t, time.Millisecond)
		if s.end(); s.ran() != 3*time.Millisecond {
			t.Errorf("after its rest it ran for %s in all", s.ran())
		}
	})
}
