package decision

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// Questions wait for each other only under one request id, in their order.
func TestChains(t *testing.T) {
	t.Parallel()
	a, b := uuid.UUID{1}, uuid.UUID{2}
	var questions []Question
	for _, request := range []uuid.UUID{a, uuid.Nil, b, a, uuid.Nil, a} {
		questions = append(questions, Question{Request: request})
	}
	if diff := cmp.Diff([][]int{{0, 3, 5}, {1}, {2}, {4}}, chains(questions)); diff != "" {
		t.Errorf("chains (-want +got):\n%s", diff)
	}
	if got := chains(nil); len(got) != 0 {
		t.Errorf("of nothing: %v", got)
	}
}

func TestTurns(t *testing.T) {
	t.Parallel()
	const share = 3
	turns := make(turn, share)
	var now, most atomic.Int64
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			for range 20 {
				if err := turns.take(t.Context()); err != nil {
					t.Error(err)
					return
				}
				n := now.Add(1)
				for seen := most.Load(); n > seen && !most.CompareAndSwap(seen, n); seen = most.Load() {
				}
				now.Add(-1)
				turns.leave()
			}
		})
	}
	all.Wait()
	if most.Load() > share {
		t.Errorf("%d at the same time", most.Load())
	}
	for range share {
		_ = turns.take(t.Context())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := turns.take(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that has left: %v", err)
	}
	if err := turn(nil).take(ctx); err != nil {
		t.Errorf("outside of batches: %v", err)
	}
	turn(nil).leave()
}

// A defect ends the call that met it, not the process.
func TestBatchDefect(t *testing.T) {
	t.Parallel()
	defer func() {
		if p, _ := recover().(string); !strings.Contains(p, "nil pointer") || !strings.Contains(p, "batch.go") {
			t.Errorf("recovered %q", p)
		}
	}()
	(&Decider{config: Config{BatchShare: 1}}).EvaluateBatch(t.Context(), make([]Question, 5))
	t.Error("the defect is swallowed")
}
