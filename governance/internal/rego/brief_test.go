package rego

import (
	"slices"
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
		skips       int32
	}{
		"a few comparisons":      {rules: `allow if input.a == 1`, brief: true},
		"a loop over the input":  {rules: `allow if { some x in input.list; x == 3 }`, brief: true},
		"a loop that is long":    {rules: `allow if { some x in data.numbers; x * 2 == 4 }`, data: numbers, skips: 1},
		"what topdown answers":   {rules: "allow if f(1) with input.a as 2\nf(x) if input.a == x + 1"},
		"an error":               {rules: `allow if 1 / input.zero == 1`, skips: briefAgain},
		"a call with much in it": {rules: `allow if concat(",", [sprintf("%v", [x]) | some x in ["a"]]) != json.marshal(data.numbers)`, data: numbers, skips: briefAgain},
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
			if skips := compiled.lasting.left.Load(); skips != c.skips {
				t.Errorf("%d questions are not asked briefly, want %d", skips, c.skips)
			}
			e := NewEngine(Config{Deadline: time.Minute})
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

// A version that is late once is asked briefly again after one question: the processor may have been somebody else's. One that stays late is asked briefly
// less and less often, until it is in time: what took long may have been an input.
func TestBriefAgain(t *testing.T) {
	t.Parallel()
	var l lasting
	skips := func() (n int) {
		for l.skip() {
			n++
		}
		return n
	}
	for _, want := range []int{1, 4, 16, 64, 256, briefAgain, briefAgain} {
		l.fail(true)
		if n := skips(); n != want {
			t.Errorf("%d questions are not asked briefly, want %d", n, want)
		}
	}
	l.inTime()
	l.fail(true)
	if n := skips(); n != 1 {
		t.Errorf("%d questions are not asked briefly after one in time, want 1", n)
	}
	l.fail(false)
	if n := skips(); n != briefAgain {
		t.Errorf("%d questions are not asked briefly after an error, want %d", n, briefAgain)
	}
}

// What a version remembers of being late is what it was when it was asked.
func TestBriefForgets(t *testing.T) {
	t.Parallel()
	compiled, err := Compile(Source{Modules: []Module{{Path: "p.rego", Source: "package p\nallow if { some x in input.list; some y in input.list; x * y == -1 }"}}})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(n int) (ok bool) {
		in, err := NewInput(map[string]any{"list": slices.Repeat([]any{1.0}, n)})
		if err != nil {
			t.Fatal(err)
		}
		_, _, ok = compiled.evaluateBriefly(options{input: in, now: time.Unix(0, 0)})
		return ok
	}
	for _, skips := range []int32{1, 4} {
		if ask(1000) || compiled.lasting.left.Load() != skips {
			t.Fatalf("%d questions are not asked briefly, want %d", compiled.lasting.left.Load(), skips)
		}
		for compiled.lasting.skip() { // as a worker's
		}
	}
	if !ask(0) || ask(1000) || compiled.lasting.left.Load() != 1 {
		t.Errorf("%d questions are not asked briefly after one in time, want 1", compiled.lasting.left.Load())
	}
}
