//go:build !race

package rego

import (
	"testing"

	"google.golang.org/protobuf/types/known/structpb"
)

// What a question leaves to the garbage collector is the input's values and what the policy itself makes of them. Under the race detector pools forget at random.
func TestQuestionAllocates(t *testing.T) { //nolint:paralleltest // it counts what the process allocates
	c, in := retrain(t)
	message, err := structpb.NewStruct(in)
	if err != nil {
		t.Fatal(err)
	}
	s := NewEngine(Config{}).newStint()
	allocations := testing.AllocsPerRun(500, func() {
		in, err := InputOf(message)
		if err != nil {
			t.Fatal(err)
		}
		if a, err := c.ask(options{input: in}, s); err != nil || resultOf(a).Outcome != Allow {
			t.Fatalf("got %v, %v", a, err)
		}
	})
	if s.end(); allocations > 47 {
		t.Errorf("%v allocations a question", allocations)
	}
}
