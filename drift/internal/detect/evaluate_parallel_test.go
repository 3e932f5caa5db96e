package detect

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
)

// evaluate is Evaluate with a context that does not end.
func evaluate(tb testing.TB, features []FeatureInput, settings Settings) Run {
	tb.Helper()
	run, err := Evaluate(tb.Context(), Input{Features: features}, settings)
	if err != nil {
		tb.Fatal(err)
	}
	return run
}

func TestEvaluateStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	feature := FeatureInput{Name: "x", Type: Numeric, Baseline: numbers(1, 50, 0, 0), Current: numbers(2, 50, 0, 0)}
	if run, err := Evaluate(ctx, Input{Features: []FeatureInput{feature}}, Settings{}); !errors.Is(err, context.Canceled) || run.Features != nil {
		t.Errorf("got %+v, %v", run, err)
	}
}

// TestEvaluateOrder wants the same result whatever stands beside a feature, in whichever order.
func TestEvaluateOrder(t *testing.T) {
	t.Parallel()
	var features, reversed []FeatureInput
	for i := range uint64(64) {
		f := FeatureInput{Name: string(rune('A' + i)), Type: Numeric, Baseline: numbers(i, 300, 0, 0), Current: numbers(100+i, 200, float64(i)/100, 0)}
		features, reversed = append(features, f), append([]FeatureInput{f}, reversed...)
	}
	forward, backward := evaluate(t, features, Settings{}), evaluate(t, reversed, Settings{})
	for i := range features {
		a, errA := json.Marshal(forward.Features[i])
		b, errB := json.Marshal(backward.Features[len(features)-1-i])
		if errA != nil || errB != nil || string(a) != string(b) {
			t.Errorf("feature %d depends on the order:\n%s\n%s", i, a, b)
		}
	}
}
