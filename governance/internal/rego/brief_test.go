package rego

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// A caller answers by itself what is brief, and nothing else.
func TestBrief(t *testing.T) {
	t.Parallel()
	numbers := `{"numbers":[` + strings.Repeat("1,", 40_000) + `2]}`
	for name, c := range map[string]struct {
		rules, data string
		brief       bool
	}{
		"a few comparisons":      {rules: `allow if input.a == 1`, brief: true},
		"a loop over the input":  {rules: `allow if { some x in input.list; x == 3 }`, brief: true},
		"a loop that is long":    {rules: `allow if { some x in data.numbers; x * 2 == 4 }`, data: numbers},
		"what topdown answers":   {rules: "allow if f(1) with input.a as 2\nf(x) if input.a == x + 1"},
		"an error":               {rules: `allow if 1 / input.zero == 1`},
		"a call with much in it": {rules: `allow if concat(",", [sprintf("%v", [x]) | some x in ["a"]]) != json.marshal(data.numbers)`, data: numbers},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := ParseData([]byte(c.data))
			if err != nil {
				t.Fatal(err)
			}
			compiled, err := Compile(Source{Modules: []Module{{Path: "p.rego", Source: "package p\n" + c.rules}}, Data: data})
			if err != nil {
				t.Fatal(err)
			}
			in, err := NewInput(map[string]any{"a": 1.0, "zero": 0.0, "list": []any{1.0, 2.0, 3.0}})
			if err != nil {
				t.Fatal(err)
			}
			o := options{input: in, now: time.Unix(0, 0)}
			want, _ := compiled.evaluate(o, nil)
			r, _, ok := compiled.evaluateBriefly(o)
			if ok != c.brief || ok && r.Outcome != want.Outcome {
				t.Errorf("answered briefly: %t, %v; want %t, %v", ok, r.Outcome, c.brief, want.Outcome)
			}
			if compiled.program != nil && compiled.lasting.skip() == c.brief {
				t.Errorf("the next question is asked briefly: %t", !c.brief)
			}
			e := NewEngine(Config{})
			ev := Evaluation{Tenant: tenant.ID(uuid.New()), Tenure: Tenure{Version: uuid.New()}, Policy: compiled, Input: in, Now: o.now}
			got, err := e.Evaluate(t.Context(), ev)
			if err != nil || got.Outcome != want.Outcome || got.Reason != want.Reason {
				t.Errorf("the engine says %v %v, %v; want %v %v", got.Outcome, got.Reason, err, want.Outcome, want.Reason)
			}
			if err := e.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// A version that was not brief once is asked briefly again later: what took long may have been an input.
func TestBriefAgain(t *testing.T) {
	t.Parallel()
	var l lasting
	l.again()
	for i := range briefAgain {
		if !l.skip() {
			t.Fatalf("question %d is asked briefly", i)
		}
	}
	if l.skip() {
		t.Error("it is never asked briefly again")
	}
}
