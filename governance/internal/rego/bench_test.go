package rego_test

import (
	"os"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/structwire"
)

// BenchmarkEvaluate is one evaluation of the sample policy in the engine, with all guards and the deadline, on an input that is converted already.
func BenchmarkEvaluate(b *testing.B) {
	source, err := os.ReadFile("../../../examples/policies/retrain.rego")
	if err != nil {
		b.Fatal(err)
	}
	c := compile(b, string(source))
	in := input(b, retrainInput())
	e := engine(b, rego.Config{})
	b.ReportAllocs()
	for b.Loop() {
		r, err := e.Evaluate(b.Context(), question(c, in))
		if err != nil || r.Outcome != rego.Allow {
			b.Fatalf("got %v, %v, want ALLOW", r, err)
		}
	}
}

// BenchmarkInput is the input of that evaluation, from the wire.
func BenchmarkInput(b *testing.B) {
	wire := retrainWire(b)
	b.ReportAllocs()
	for b.Loop() {
		readRetrain(b, wire)
	}
}

// retrainWire is a question with that input as it arrives.
func retrainWire(tb testing.TB) []byte {
	tb.Helper()
	in, err := structpb.NewStruct(retrainInput())
	if err != nil {
		tb.Fatal(err)
	}
	wire, err := proto.Marshal(&governancev1.EvaluateRequest{Input: in})
	if err != nil {
		tb.Fatal(err)
	}
	return wire
}

func readRetrain(tb testing.TB, wire []byte) rego.Input {
	tb.Helper()
	var req governancev1.EvaluateRequest
	if err := structwire.Unmarshal(wire, &req); err != nil {
		tb.Fatal(err)
	}
	in, err := rego.InputOf(req.GetInput())
	if err != nil {
		tb.Fatal(err)
	}
	return in
}

func BenchmarkCompile(b *testing.B) {
	source, err := os.ReadFile("../../../examples/policies/retrain.rego")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		compile(b, string(source))
	}
}

// retrainInput is what the drift service asks with at drift.retrain when retraining is in order.
func retrainInput() map[string]any {
	return map[string]any{
		"detection": map[string]any{
			"id": "01890000-0000-7000-8000-000000000001", "status": "DRIFT_STATUS_DRIFT", "severity": 0.8, "drifted_feature_count": 3.0, "feature_count": 8.0,
			"row_count": 5000.0, "evidence": map[string]any{"state": "EVIDENCE_STATE_RECORDED"},
		},
		"model": map[string]any{"id": "01890000-0000-7000-8000-000000000002", "name": "delays", "task": "REGRESSION", "owner": "ops"},
	}
}
