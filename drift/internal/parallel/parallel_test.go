package parallel_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/parallel"
)

func TestEach(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 1000} {
		var calls, running, most atomic.Int64
		seen := make([]bool, n)
		err := parallel.Each(t.Context(), n, func(i int) {
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

// TestEachStops ends the context from within: what has begun ends, nothing else begins.
func TestEachStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var calls atomic.Int64
	err := parallel.Each(ctx, 100_000, func(int) { calls.Add(1); cancel() })
	if !errors.Is(err, context.Canceled) || calls.Load() > int64(runtime.GOMAXPROCS(0)) {
		t.Errorf("%d calls, %v", calls.Load(), err)
	}
}
