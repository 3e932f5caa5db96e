package rego

import (
	"os"
	"testing"
)

// BenchmarkAsk is the sample policy on the machine and by topdown, without the engine around them.
func BenchmarkAsk(b *testing.B) {
	source, err := os.ReadFile("../../../examples/policies/retrain.rego")
	if err != nil {
		b.Fatal(err)
	}
	c, err := Compile(Source{Modules: []Module{{Path: "p.rego", Source: string(source)}}})
	if err != nil {
		b.Fatal(err)
	}
	in, err := NewInput(map[string]any{
		"detection": map[string]any{
			"status": "DRIFT_STATUS_DRIFT", "severity": 0.8, "drifted_feature_count": 3.0, "feature_count": 8.0, "row_count": 5000.0,
			"evidence": map[string]any{"state": "EVIDENCE_STATE_RECORDED"},
		},
		"model": map[string]any{"name": "delays", "owner": "ops"},
	})
	if err != nil {
		b.Fatal(err)
	}
	o, s := options{input: in}, NewEngine(Config{}).newStint()
	b.Run("machine", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if set, err := c.ask(o, s); err != nil || c.resultOf(set).Outcome != Allow {
				b.Fatalf("got %v, %v", set, err)
			}
		}
	})
	b.Run("topdown", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if set, err := c.run(o, s); err != nil || c.resultOf(set).Outcome != Allow {
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
