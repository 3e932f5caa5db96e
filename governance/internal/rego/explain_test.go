package rego_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

func explain(t testing.TB, c *rego.Compiled, in map[string]any, d rego.Detail) rego.Explanation {
	t.Helper()
	x, err := engine(t, rego.Config{Deadline: 10 * time.Second}).Explain(t.Context(), question(c, input(t, in)), d)
	if err != nil {
		t.Fatalf("Explain: %v", err)
	}
	return x
}

var explained = []string{`package deploy

import data.lib

default allow := false

allow if {
	count(violations) == 0
	some role in input.roles
	lib.known(role)
}

violations contains "SCORE" if {
	score := input.model.score * 2
	score < 1
}

violations contains "OWNER" if not input.model.owner

labels[k] := v if some k, v in {"a": 1, "b": input.n}

obligations contains "log" if labels.b == 3

unrelated := [x | some x in input.roles]
`, `package lib

known(role) if role in {"admin", "ops"}

known(role) if startswith(role, "x-")
`}

// Which definitions held is known by their places, as they were written: not those that were tried and failed, nor those that nobody asked.
func TestExplainRules(t *testing.T) {
	t.Parallel()
	c := compile(t, explained...)
	x := explain(t, c, map[string]any{"n": 3.0, "roles": []any{"guest", "ops"}, "model": map[string]any{"score": 0.7, "owner": "o"}}, rego.Detail{})
	want := rego.Explanation{Rules: []rego.FiredRule{
		{Path: "data.deploy.allow", Module: "a.rego", Row: 7, Column: 1},
		{Path: "data.deploy.labels", Module: "a.rego", Row: 20, Column: 1},
		{Path: "data.deploy.obligations", Module: "a.rego", Row: 22, Column: 1},
		{Path: "data.lib.known", Module: "b.rego", Row: 3, Column: 1},
	}}
	if diff := cmp.Diff(want, x); diff != "" {
		t.Errorf("explanation (-want +got):\n%s", diff)
	}
	x = explain(t, c, map[string]any{"roles": []any{"x-1"}, "model": map[string]any{"score": 0.2}}, rego.Detail{})
	want = rego.Explanation{Rules: []rego.FiredRule{
		{Path: "data.deploy.allow", Module: "a.rego", Row: 5, Column: 1},
		{Path: "data.deploy.violations", Module: "a.rego", Row: 13, Column: 1},
		{Path: "data.deploy.violations", Module: "a.rego", Row: 18, Column: 1},
	}}
	if diff := cmp.Diff(want, x); diff != "" {
		t.Errorf("explanation of a denial (-want +got):\n%s", diff)
	}
}

func TestExplainTrace(t *testing.T) {
	t.Parallel()
	x := explain(t, compile(t, explained...), map[string]any{"n": 3.0, "roles": []any{"x-1"}, "model": map[string]any{"score": 0.7, "owner": "o"}}, rego.Detail{Trace: true})
	got := strings.Join(x.Trace, "\n")
	for _, want := range []string{
		"Enter a.rego:7: data.deploy.allow",
		"| Enter a.rego:13: data.deploy.violations",
		"| | Eval  a.rego:15: lt(score, 1)    {score: 1.4}\n| | Fail  a.rego:15: lt(score, 1)    {score: 1.4}",
		`| | Fail  a.rego:18: not input.model.owner    {input.model.owner: "o"}`,
		`| | Eval  b.rego:5: startswith(role, "x-")    {role: "x-1"}`,
		"| Exit  b.rego:5: data.lib.known\nExit  a.rego:7: data.deploy.allow",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no step %q", want)
		}
	}
	for _, hidden := range []string{"check:", "guarded:", "__local"} {
		if strings.Contains(got, hidden) {
			t.Errorf("the trace shows %q", hidden)
		}
	}
	if t.Failed() || x.Truncated {
		t.Logf("truncated: %v\n%s", x.Truncated, got)
	}
}

// What is explained stays within the limits whatever the policy does, and says that something is left out.
func TestExplainLimits(t *testing.T) {
	t.Parallel()
	var many strings.Builder
	many.WriteString("package p\nallow := true\n")
	for range 1100 {
		many.WriteString("violations contains \"v\" if input.x\n")
	}
	x := explain(t, compile(t, many.String()), map[string]any{"x": true}, rego.Detail{})
	if len(x.Rules) != rego.MaxFiredRules || !x.Truncated || x.Trace != nil {
		t.Errorf("%d rules, truncated %v, %d steps", len(x.Rules), x.Truncated, len(x.Trace))
	}
	if x = explain(t, compile(t, many.String()), map[string]any{"x": true}, rego.Detail{MaxBytes: 240}); len(x.Rules) != 10 || !x.Truncated {
		t.Errorf("%d rules in few bytes, truncated %v", len(x.Rules), x.Truncated)
	}

	const loop = "package p\nallow if count([1 | some i in numbers.range(1, 5000); i > input.n]) > 0\n"
	x = explain(t, compile(t, loop), map[string]any{"n": 3.0}, rego.Detail{Trace: true})
	if len(x.Trace) != rego.MaxSteps || !x.Truncated || len(x.Rules) != 1 {
		t.Errorf("%d steps, truncated %v, %d rules", len(x.Trace), x.Truncated, len(x.Rules))
	}

	long := strings.Repeat("long ", 10_000)
	big := map[string]any{"big": long, "list": []any{long, long, map[string]any{long: long}}}
	x = explain(t, compile(t, "package p\nallow if {\n\tx := input\n\ty := [x, input.big, input.list]\n\tcount(y) == 3\n\tx.big != \"x"+long+"\"\n}"), big, rego.Detail{Trace: true})
	for _, step := range x.Trace {
		if len(step) > 1200 {
			t.Errorf("a step of %d bytes: %s...", len(step), step[:300])
		}
	}
	if len(x.Trace) < 4 {
		t.Errorf("steps: %q", x.Trace)
	}
	x = explain(t, compile(t, loop), map[string]any{"n": 3.0}, rego.Detail{Trace: true, MaxBytes: 1000})
	size := 0
	for _, step := range x.Trace {
		size += len(step)
	}
	if size == 0 || size > 1000 || !x.Truncated {
		t.Errorf("%d bytes, truncated %v", size, x.Truncated)
	}
}

// An explanation ends at the deadline with what was seen until then, and is held against nobody.
func TestExplainDeadline(t *testing.T) {
	t.Parallel()
	e := engine(t, rego.Config{Deadline: 100 * time.Millisecond})
	c := compile(t, "package p\nviolations contains \"v\" if input.x\nallow if {\n\tcount(violations) == 1\n\tcount([1 | some i in numbers.range(1, 30000); some j in numbers.range(1, 30000); i == j + 1000000]) > 0\n}")
	q := question(c, input(t, map[string]any{"x": true}))
	seen := 0
	for range 10 {
		x, err := e.Explain(t.Context(), q, rego.Detail{Trace: true})
		if errs.ReasonOf(err) == errs.ReasonOverloaded {
			continue // those that were given up still hold the tenant's slots
		}
		if err != nil || !x.Truncated {
			t.Errorf("%v: truncated %v", err, x.Truncated)
		}
		if len(x.Rules) > 0 && len(x.Trace) > 0 { // it had a processor before the deadline
			seen++
		}
	}
	if seen == 0 {
		t.Error("nothing was seen of any")
	}
	simple := q
	simple.Policy = compile(t, "package p\nallow := true")
	for {
		r, err := e.Evaluate(t.Context(), simple)
		if errs.ReasonOf(err) == errs.ReasonOverloaded {
			continue
		}
		if err != nil || r.Outcome != rego.Allow {
			t.Errorf("after overrunning explanations: %v, %v", r.Reason, err)
		}
		break
	}
	other := q
	other.Tenant[0]++
	other.Tenure.Version = uuid.New()
	if _, err := e.Explain(t.Context(), other, rego.Detail{}); err != nil {
		t.Error(err)
	}
}

// What a policy does to keep an evaluation from ending, or to fill the memory, it does to an explanation too: with more work for each step.
func TestExplainAttacks(t *testing.T) { // not parallel: it measures time
	for _, a := range attacks {
		c, err := tryCompile("package p\n" + a.source)
		if err != nil {
			continue
		}
		t.Run(a.name, func(t *testing.T) {
			for try := 1; ; try++ {
				tardy := explainAttack(t, a, c)
				if tardy == "" {
					return
				}
				if try == tries {
					t.Error(tardy)
					return
				}
				t.Log(tardy)
			}
		})
	}
}

// explainAttack explains an attack and says what took too long.
func explainAttack(t *testing.T, a attack, c *rego.Compiled) (tardy string) {
	t.Helper()
	e := engine(t, rego.Config{})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	x, err := e.Explain(t.Context(), question(c, input(t, a.input)), rego.Detail{Trace: true})
	took := time.Since(start)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(t.Context()); err != nil {
		t.Error(err)
	}
	ended := time.Since(start)
	runtime.ReadMemStats(&after)
	if allocated := (after.TotalAlloc - before.TotalAlloc) >> 20; allocated > 512 {
		t.Errorf("allocated %d MiB", allocated)
	}
	size := 0
	for _, step := range x.Trace {
		size += len(step)
	}
	if len(x.Trace) > rego.MaxSteps || size > rego.MaxTraceBytes || len(x.Rules) > rego.MaxFiredRules {
		t.Errorf("%d steps of %d bytes, %d rules", len(x.Trace), size, len(x.Rules))
	}
	switch limit := 250*time.Millisecond + slack; {
	case took > limit:
		return fmt.Sprintf("explained after %s, want at most %s", took, limit)
	case ended > time.Second+10*slack:
		return fmt.Sprintf("ended after %s", ended)
	}
	return ""
}
