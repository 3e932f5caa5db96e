package detect

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"sync/atomic"
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

func TestForEach(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 1000} {
		var calls, running, most atomic.Int64
		seen := make([]bool, n)
		err := forEach(t.Context(), n, func(i int) {
			most.Store(max(most.Load(), running.Add(1)))
			seen[i] = true
			calls.Add(1)
			running.Add(-1)
		})
		if err != nil || calls.Load() != int64(n) || most.Load() > int64(runtime.GOMAXPROCS(0)) {
			t.Errorf("%d: %d calls, %d at once, %v", n, calls.Load(), most.Load(), err)
		}
		for i, ok := range seen {
			if !ok {
				t.Errorf("%d: index %d was left out", n, i)
			}
		}
	}
}

// TestEvaluateStops ends the context from within: what has begun ends, nothing else begins.
func TestEvaluateStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var calls atomic.Int64
	err := forEach(ctx, 100_000, func(int) { calls.Add(1); cancel() })
	if !errors.Is(err, context.Canceled) || calls.Load() > int64(runtime.GOMAXPROCS(0)) {
		t.Errorf("%d calls, %v", calls.Load(), err)
	}
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
