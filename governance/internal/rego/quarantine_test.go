package rego_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

func TestBusyHostIsNoOverrun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, open := stuckPolicy(t)
		e := engine(t, rego.Config{TenantSlots: 20})
		for range 10 {
			if r, err := e.Evaluate(t.Context(), question(c, input(t, sticks))); errs.ReasonOf(err) != errs.ReasonOverloaded {
				t.Fatalf("got %v, %v, want %s", r, err, errs.ReasonOverloaded)
			}
		}
		open()
		if r, err := e.Evaluate(t.Context(), question(c, input(t, passes))); err != nil || r.Outcome != rego.Allow {
			t.Errorf("after that: %v, %v, want ALLOW", r, err)
		}
	})
}

func TestEndlessPolicyOverruns(t *testing.T) {
	t.Parallel()
	c := compile(t, "package p\nallow if count([1 | some i in numbers.range(1, 30000); some j in numbers.range(1, 30000); i == j + 1000000]) > 0")
	e := engine(t, rego.Config{})
	overruns := 0
	for {
		r, err := e.Evaluate(t.Context(), question(c, rego.Input{}))
		if errs.ReasonOf(err) == errs.ReasonOverloaded { // other tests have the processors
			continue
		}
		if r.Reason == rego.Quarantined && overruns == 3 {
			return
		}
		if overruns++; err != nil || r.Reason != rego.Deadline {
			t.Fatalf("after %d overruns: %v, %v", overruns, r, err)
		}
	}
}

func TestQuarantine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, open := stuckPolicy(t)
		type heard struct {
			tenure   rego.Tenure
			overruns int
		}
		var told []heard
		e := stuckEngine(t, rego.Config{
			Deadline: 250 * time.Millisecond, TenantSlots: 32,
			Quarantined: func(_ tenant.ID, a rego.Tenure, overruns int) { told = append(told, heard{a, overruns}) },
		})
		ask := func(in map[string]any, a rego.Tenure) rego.ErrorReason {
			t.Helper()
			q := question(c, input(t, in))
			q.Tenure = a
			r, err := e.Evaluate(t.Context(), q)
			if err != nil {
				t.Fatalf("Evaluate: %v", err)
			}
			return r.Reason
		}
		a := question(c, rego.Input{}).Tenure
		for _, step := range []struct {
			in   map[string]any
			want rego.ErrorReason
		}{
			{sticks, rego.Deadline},
			{sticks, rego.Deadline},
			{passes, rego.NoError}, // not three in a row
			{sticks, rego.Deadline},
			{sticks, rego.Deadline},
			{sticks, rego.Deadline},
			{passes, rego.Quarantined},
			{sticks, rego.Quarantined},
		} {
			if got := ask(step.in, a); got != step.want {
				t.Fatalf("stuck %v: %v, want %v", step.in["stuck"], got, step.want)
			}
		}
		if got := ask(passes, rego.Tenure{Version: uuid.Max, Lifts: a.Lifts}); got != rego.NoError {
			t.Errorf("another version: %v, want an answer", got)
		}
		if got := testutil.CollectAndCount(e.Collectors()[4]); got != 1 {
			t.Errorf("%d quarantine metrics", got)
		}
		if got := testutil.ToFloat64(e.Collectors()[4]); got != 1 {
			t.Errorf("%v versions in quarantine, want 1", got)
		}
		if want := []heard{{a, 5}}; !slices.Equal(told, want) {
			t.Errorf("told of %v, want %v", told, want)
		}
		lifted := rego.Tenure{Version: a.Version, Lifts: a.Lifts + 1}
		if got := ask(passes, lifted); got != rego.NoError {
			t.Errorf("the quarantine was lifted: %v, want an answer", got)
		}
		if got := testutil.ToFloat64(e.Collectors()[4]); got != 0 {
			t.Errorf("%v versions in quarantine after the lift, want 0", got)
		}
		for range 3 { // the record starts anew
			if got := ask(sticks, lifted); got != rego.Deadline {
				t.Fatalf("after the lift: %v, want %v", got, rego.Deadline)
			}
		}
		if got := ask(passes, lifted); got != rego.Quarantined {
			t.Errorf("three overruns after the lift: %v, want %v", got, rego.Quarantined)
		}
		for range 3 { // late overruns of evaluations from before the lift
			if got := ask(sticks, a); got != rego.Deadline {
				t.Fatalf("before the lift: %v, want %v", got, rego.Deadline)
			}
		}
		if want := []heard{{a, 5}, {lifted, 3}}; !slices.Equal(told, want) {
			t.Errorf("told of %v, want %v", told, want)
		}
		open()
	})
}

func TestQuarantineByWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, open := stuckPolicy(t)
		defer open()
		e := stuckEngine(t, rego.Config{Deadline: 50 * time.Millisecond, TenantSlots: 200, Slots: 200})
		overruns := 0
		for round := 0; ; round++ {
			if round > 10 {
				t.Fatalf("no quarantine after %d overruns between good answers", overruns)
			}
			if r, err := e.Evaluate(t.Context(), question(c, input(t, passes))); err != nil || r.Reason == rego.Quarantined {
				if err != nil || overruns != 10 {
					t.Errorf("%v, %v after %d overruns", r, err, overruns)
				}
				return
			}
			r, err := e.Evaluate(t.Context(), question(c, input(t, sticks)))
			if err != nil || r.Reason != rego.Deadline {
				t.Fatalf("got %v, %v, want DEADLINE", r, err)
			}
			overruns++
		}
	})
}
