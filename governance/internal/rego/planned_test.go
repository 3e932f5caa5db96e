package rego

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/topdown"
)

// retrain is the sample policy, and an input that it allows.
func retrain(t testing.TB) (*Compiled, map[string]any) {
	t.Helper()
	source, err := os.ReadFile("../../../examples/policies/retrain.rego")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Compile(Source{Modules: []Module{{Path: "p.rego", Source: string(source)}}})
	if err != nil {
		t.Fatal(err)
	}
	return c, map[string]any{
		"detection": map[string]any{
			"status": "DRIFT_STATUS_DRIFT", "severity": 0.8, "drifted_feature_count": 3.0, "feature_count": 8.0, "row_count": 5000.0,
			"evidence": map[string]any{"state": "EVIDENCE_STATE_RECORDED"},
		},
		"model": map[string]any{"name": "delays", "owner": "ops"},
	}
}

// BenchmarkAsk is the sample policy on the machine and by topdown, without the engine around them.
func BenchmarkAsk(b *testing.B) {
	c, values := retrain(b)
	in, err := NewInput(values)
	if err != nil {
		b.Fatal(err)
	}
	o, s := options{input: in}, NewEngine(Config{}).newStint()
	b.Run("machine", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if a, err := c.ask(o, s); err != nil || resultOf(a).Outcome != Allow {
				b.Fatalf("got %v, %v", a, err)
			}
		}
	})
	b.Run("topdown", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if set, err := c.run(o, s); err != nil || resultOf(c.answersOf(set)).Outcome != Allow {
				b.Fatalf("got %v, %v", set, err)
			}
		}
	})
	b.Run("plan", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if programOf(c.compiler, c.asks(c.compiler.Modules[fileName(0)].Package)) == nil {
				b.Fatal("no program")
			}
		}
	})
}

// Benchmarks of rules with more and more definitions, of which one holds: topdown has an index for them.
func BenchmarkDefinitions(b *testing.B) {
	benchDefinitions(b, 1_000, "default allow := false\n", "allow if input.subject.role == \"r%d\"\n")
}

// The same after a test that cannot fail.
func BenchmarkDefinitionsAfter(b *testing.B) {
	benchDefinitions(b, 1_000, "default allow := false\n", "allow if { input.level >= 3; input.subject.role == \"r%d\" }\n")
}

// The same as branches of one definition. With a thousand it has no program: the planner would read too much text.
func BenchmarkBranches(b *testing.B) {
	benchDefinitions(b, 300, "default allow := false\nallow := false if input.blocked\n", "else := true if input.subject.role == \"r%d\"\n")
}

func benchDefinitions(b *testing.B, most int, begin, each string) {
	b.Helper()
	for _, n := range []int{3, 10, 100, most} {
		var source strings.Builder
		source.WriteString("package p\n" + begin)
		for i := range n {
			fmt.Fprintf(&source, each, i)
		}
		c, err := Compile(Source{Modules: []Module{{Path: "p.rego", Source: source.String()}}})
		if err != nil {
			b.Fatal(err)
		}
		in, err := NewInput(map[string]any{"level": 5.0, "subject": map[string]any{"role": fmt.Sprint("r", n/2)}})
		if err != nil {
			b.Fatal(err)
		}
		o, s := options{input: in}, NewEngine(Config{}).newStint()
		topdowns := func(o options, cancel topdown.Cancel) (answers, error) {
			set, err := c.run(o, cancel)
			return c.answersOf(set), err
		}
		for name, ask := range map[string]func(options, topdown.Cancel) (answers, error){"machine": c.ask, "topdown": topdowns} {
			b.Run(fmt.Sprint(name, "/", n), func(b *testing.B) {
				for b.Loop() {
					if a, err := ask(o, s); err != nil || resultOf(a).Outcome != Allow {
						b.Fatalf("got %v, %v", a, err)
					}
				}
			})
		}
	}
}
