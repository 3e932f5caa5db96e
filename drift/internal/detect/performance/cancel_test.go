package performance

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestCompareStops permutes what would take minutes, for a caller that leaves.
func TestCompareStops(t *testing.T) {
	t.Parallel()
	const rows, classes = 400, MaxClasses
	s := Classification{Classes: classes, Actual: make([]int32, rows), Predicted: make([]int32, rows)}
	for i := range rows {
		s.Actual[i], s.Predicted[i] = int32(i*7%classes), int32(i*11%classes)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if changes, err := Compare(ctx, s, s, 1<<30, 1); !errors.Is(err, context.DeadlineExceeded) || changes != nil {
		t.Errorf("got %d changes, %v", len(changes), err)
	}
}
