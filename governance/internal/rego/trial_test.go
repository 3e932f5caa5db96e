package rego_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

func trial(c *rego.Compiled, in rego.Input) rego.Trial {
	q := question(c, in)
	return rego.Trial{Tenant: q.Tenant, Policy: c, Input: in, Now: decideTime}
}

// verdicts runs the `test_` rules and says of each what came of it.
func verdicts(t *testing.T, c *rego.Compiled) map[string]string {
	t.Helper()
	e, got := engine(t, rego.Config{Deadline: 10 * time.Second}), make(map[string]string)
	for _, rule := range c.RuleTests() {
		v, err := e.TryRule(t.Context(), trial(c, rego.Input{}), rule)
		if err != nil {
			t.Fatalf("%s: %v", rule.Path, err)
		}
		switch {
		case v.Passed:
			got[rule.Path] = "passed"
		case v.Problem != nil:
			got[rule.Path] = v.Problem.Code + ": " + v.Problem.Message
		default:
			got[rule.Path] = v.Why
		}
	}
	return got
}

func TestRuleVerdicts(t *testing.T) {
	t.Parallel()
	c := compile(t, `package p
allow if input.x == 1
test_in_main if allow with input as {"x": 1}
test_twice if 1 > 2
test_twice if 2 > 1
todo_test_later if false
`, `package p_test
import data.p
test_denies if not p.allow with input as {"x": 2}
test_undefined if p.allow with input as {"x": 2}
test_input_undefined if not input.x
test_false := false
test_number := 3
test_set contains "a"
test_all[name] := ok if some name, ok in {"a": true, "b": true}
test_some[name] := ok if some name, ok in {"a": true, "b": {"c": false}}
test_none[name] := true if some name in []
test_error if 1 / input.y == 1 with input as {"y": 0}
test_conflict := x if some x in [1, 2]
test_clock if time.now_ns() == 1772366400000000000
test_function(x) if x
`)
	want := map[string]string{
		"data.p.test_in_main":              "passed",
		"data.p.test_twice":                "passed",
		"data.p_test.test_denies":          "passed",
		"data.p_test.test_undefined":       "the rule is undefined",
		"data.p_test.test_input_undefined": "passed",
		"data.p_test.test_false":           "the rule is false",
		"data.p_test.test_number":          "the rule is 3, not true",
		"data.p_test.test_set":             `the rule is {"a"}, not true`,
		"data.p_test.test_all":             "passed",
		"data.p_test.test_some":            `"b": "c": the rule is false`,
		"data.p_test.test_none":            "the rule is an empty object",
		"data.p_test.test_error":           "eval_builtin_error: div: divide by zero",
		"data.p_test.test_conflict":        "eval_conflict_error: rule data.p_test.test_conflict produced conflicting values:\n  1 at modules[1]:13\n  2 at modules[1]:13",
		"data.p_test.test_clock":           "passed",
	}
	if diff := cmp.Diff(want, verdicts(t, c)); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
	var places []string
	for _, r := range c.RuleTests()[:4] {
		places = append(places, r.Path+" "+itoa(r.Module)+":"+itoa(r.Row))
	}
	if diff := cmp.Diff([]string{"data.p.test_in_main 0:3", "data.p.test_twice 0:4", "data.p_test.test_denies 1:3", "data.p_test.test_undefined 1:4"}, places); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
}

func TestTryTellsWhy(t *testing.T) {
	t.Parallel()
	c := compile(t, "package p\nallow if {\n\t1 / input.x == 1\n}")
	e := engine(t, rego.Config{})
	a, err := e.Try(t.Context(), trial(c, input(t, map[string]any{"x": 0.0})))
	if err != nil {
		t.Fatal(err)
	}
	want := &rego.Finding{Module: 0, Row: 3, Column: 2, Code: "eval_builtin_error", Message: "div: divide by zero"}
	if diff := cmp.Diff(want, a.Problem); diff != "" || a.Result.Outcome != rego.Error || a.Result.Reason != rego.BuiltinError {
		t.Errorf("got %+v (-want +got):\n%s", a.Result, diff)
	}
	if a, err = e.Try(t.Context(), trial(c, input(t, map[string]any{"x": 1.0}))); err != nil || a.Outcome != rego.Allow || a.Problem != nil {
		t.Errorf("got %+v, %v, want ALLOW", a, err)
	}
}

// Trials that do not come to an end are answered in time, put no version into quarantine, and take no slot of the tenant's decisions, however many there are.
func TestTrialsAreApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stuck, open := stuckPolicy(t)
		defer open()
		e := stuckEngine(t, rego.Config{Deadline: 50 * time.Millisecond, TenantSlots: 1})
		a, err := e.Try(t.Context(), trial(stuck, input(t, sticks)))
		if err != nil || a.Reason != rego.Deadline || a.Took != 50*time.Millisecond {
			t.Fatalf("got %+v, %v, want DEADLINE", a, err)
		}
		// The first one still holds the tenant's only slot of trials.
		ctx, cancel := context.WithCancelCause(t.Context())
		ended, result := errors.New("ended"), make(chan error, 1)
		go func() {
			_, err := e.Try(ctx, trial(stuck, input(t, sticks)))
			result <- err
		}()
		synctest.Wait()
		if r, err := e.Evaluate(t.Context(), question(stuck, input(t, passes))); err != nil || r.Outcome != rego.Allow {
			t.Errorf("decision beside a stuck trial: %+v, %v", r, err)
		}
		other := trial(stuck, input(t, passes))
		other.Tenant[0]++
		if a, err := e.Try(t.Context(), other); err != nil || a.Outcome != rego.Allow {
			t.Errorf("another tenant's trial: %+v, %v", a, err)
		}
		cancel(ended)
		if err := <-result; !errors.Is(err, ended) {
			t.Errorf("a trial without room: %v, want %v", err, ended)
		}
	})
}

// A trial that had no processor until its deadline has not overrun it: it is done again.
func TestTrialOnABusyHost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stuck, open := stuckPolicy(t)
		e := engine(t, rego.Config{Deadline: 50 * time.Millisecond})
		time.AfterFunc(10*time.Second, open)
		if a, err := e.Try(t.Context(), trial(stuck, input(t, sticks))); err != nil || a.Outcome != rego.Allow {
			t.Errorf("got %+v, %v, want ALLOW", a, err)
		}
		c := compile(t, "package p\nallow := true\ntest_x if true")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if v, err := e.TryRule(ctx, trial(c, rego.Input{}), c.RuleTests()[0]); !errors.Is(err, context.Canceled) {
			t.Errorf("for a caller who left: %+v, %v", v, err)
		}
	})
}

// A `test_` rule, which may ask the policy many times, has five times the deadline of an evaluation.
func TestRuleHasMoreTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		stuck.Store(t.Name(), gate)
		defer close(gate)
		c := compile(t, "package p\nallow := true\ntest_x if uuid.rfc4122(\""+t.Name()+"\")")
		v, err := stuckEngine(t, rego.Config{Deadline: 50 * time.Millisecond}).TryRule(t.Context(), trial(c, rego.Input{}), c.RuleTests()[0])
		if err != nil || !v.Late || v.Took != 250*time.Millisecond {
			t.Errorf("got %+v, %v, want an end after 250 ms", v, err)
		}
	})
}

// A `test_` rule can ask for as little as a decision can.
func TestRuleIsBounded(t *testing.T) {
	t.Parallel()
	for _, tt := range attacks {
		if !strings.HasPrefix(tt.source, "allow if ") {
			continue
		}
		c, err := tryCompile("package p\ndefault allow := false\n" + strings.Replace(tt.source, "allow if ", "test_x if ", 1))
		if err != nil {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v, err := engine(t, rego.Config{}).TryRule(t.Context(), trial(c, input(t, tt.input)), c.RuleTests()[0])
			if err != nil || v.Passed || v.Took > 5*time.Second+10*slack { // without the bound of a second: minutes
				t.Errorf("got %+v, %v", v, err)
			}
		})
	}
}

// A tenant's sets of trials wait for each other, and for no other tenant's.
func TestTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := engine(t, rego.Config{})
		id := question(nil, rego.Input{}).Tenant
		take := func(id tenant.ID) func() {
			release, err := e.Turn(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			return release
		}
		first, second := take(id), take(id)
		third := make(chan func(), 1)
		go func() { third <- take(id) }()
		synctest.Wait()
		if len(third) > 0 {
			t.Error("three at the same time")
		}
		other := id
		other[0]++
		take(other)()
		first()
		(<-third)()
		second()
	})
}
