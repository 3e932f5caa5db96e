package simulation_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aumos-enterprise/platform/governance/internal/difference"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/simulation"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

func compile(t *testing.T, rules string) *rego.Compiled {
	t.Helper()
	c, err := rego.Compile(rego.Source{Modules: []rego.Module{{Path: "p.rego", Source: "package p\n" + rules}}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newEngine(t *testing.T, deadline time.Duration) *rego.Engine {
	t.Helper()
	e := rego.NewEngine(rego.Config{Deadline: deadline})
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return e
}

func cases(t *testing.T, inputs ...map[string]any) (list []simulation.Case) {
	t.Helper()
	for _, in := range inputs {
		input, err := rego.NewInput(in)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, simulation.Case{Input: input, Now: time.Unix(1_700_000_000, 0)})
	}
	return list
}

func TestRun(t *testing.T) {
	t.Parallel()
	engine := newEngine(t, time.Second)
	s := simulation.Simulation{
		Tenant: tenant.ID{1}, Compared: true,
		Candidate:    compile(t, "default allow := false\nallow if input.n < 5\nviolations contains \"high\" if input.n >= 5"),
		ComparedWith: compile(t, "allow if input.n < 10\nallow := false if input.n == 11"),
		Cases:        cases(t, map[string]any{"n": 1.0}, map[string]any{"n": 7.0}, map[string]any{"n": 11.0}, map[string]any{"n": 20.0}),
	}
	found, summary, err := s.Run(t.Context(), engine)
	if err != nil {
		t.Fatal(err)
	}
	want := difference.Summary{Compared: 4, Same: 1, AllowToDeny: 1, ViolationsChanged: 1, FromError: 1}
	if diff := cmp.Diff(want, summary); diff != "" {
		t.Error(diff)
	}
	if found[1].Difference.Kind() != difference.AllowToDeny || found[1].Explanation != nil {
		t.Errorf("got %+v", found[1])
	}
}

func TestNothingToCompareWith(t *testing.T) {
	t.Parallel()
	engine := newEngine(t, time.Second)
	s := simulation.Simulation{Candidate: compile(t, "allow := true"), Cases: cases(t, nil), Explain: &rego.Detail{MaxBytes: 1000}}
	found, summary, err := s.Run(t.Context(), engine)
	if err != nil || summary != (difference.Summary{}) {
		t.Fatalf("got %+v, %v", summary, err)
	}
	if f := found[0]; f.Candidate.Outcome != rego.Allow || f.Difference.From != 0 || f.Explanation == nil || len(f.Explanation.Rules) != 1 {
		t.Errorf("got %+v", f)
	}
	s.Compared = true // with a version that does not compile any more
	found, summary, err = s.Run(t.Context(), engine)
	if err != nil || found[0].Other.Outcome != rego.Error || summary.FromError != 1 {
		t.Errorf("got %+v, %+v, %v", found, summary, err)
	}
}

// Both versions draw the same, and a second simulation says the same.
func TestChanceIsTheSameForBoth(t *testing.T) {
	t.Parallel()
	engine := newEngine(t, time.Second)
	dice := "default allow := false\nallow if rand.intn(\"x\", 2) == 0\nviolations contains uuid.rfc4122(\"y\")"
	var inputs []map[string]any
	for n := range 20 {
		inputs = append(inputs, map[string]any{"n": float64(n)})
	}
	s := simulation.Simulation{Compared: true, Candidate: compile(t, dice), ComparedWith: compile(t, dice), Cases: cases(t, inputs...)}
	first, summary, err := s.Run(t.Context(), engine)
	if err != nil || summary.Same != 20 {
		t.Fatalf("got %+v, %v", summary, err)
	}
	again, _, err := s.Run(t.Context(), engine)
	if diff := cmp.Diff(first, again); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}

// What would help is said: fewer inputs when the answers take the time, another try when others have the engine.
func TestTooLong(t *testing.T) {
	t.Parallel()
	s := simulation.Simulation{
		Tenant: tenant.ID{1}, Cases: cases(t, slices.Repeat([]map[string]any{{}}, 20)...),
		Candidate: compile(t, "allow if {\n\tsome i in numbers.range(1, 3000)\n\tsome j in numbers.range(1, 3000)\n\tsome k in numbers.range(1, 3000)\n\ti + j + k < 0\n}"),
	}
	_, _, err := s.RunWithin(t.Context(), newEngine(t, 200*time.Millisecond), time.Second)
	e, ok := errors.AsType[*errs.Error](err)
	if !ok || e.Reason != errs.ReasonInvalidField || e.RetryAfter != 0 || len(e.Violations) != 1 || e.Violations[0].Field != "inputs" {
		t.Fatalf("got %v (%+v)", err, e)
	}
	if said := e.Violations[0].Description; !strings.HasSuffix(said, "of 20 were answered within 1s: send fewer at once") {
		t.Errorf("it says %q", said)
	}

	// A tenant has one trial at a time: of two simulations one has the engine, and the other nothing.
	engine, ends := newEngine(t, 10*time.Second), make(chan error, 2)
	for range 2 {
		go func() {
			_, _, err := s.RunWithin(t.Context(), engine, 500*time.Millisecond)
			ends <- err
		}()
	}
	advice := make(map[errs.Reason]time.Duration)
	for range 2 {
		if e, ok := errors.AsType[*errs.Error](<-ends); ok {
			advice[e.Reason] = e.RetryAfter
		}
	}
	if diff := cmp.Diff(map[errs.Reason]time.Duration{errs.ReasonInvalidField: 0, errs.ReasonOverloaded: 500 * time.Millisecond}, advice); diff != "" {
		t.Error(diff)
	}
}

func TestCallerLeaves(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := simulation.Simulation{Candidate: compile(t, "allow := true"), Cases: cases(t, nil)}
	if _, _, err := s.Run(ctx, newEngine(t, time.Second)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
