package estimate

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aumos-enterprise/platform/drift/internal/detect/performance"
)

// TestFitStops learns from so many columns that it takes minutes, for a caller that leaves.
func TestFitStops(t *testing.T) {
	t.Parallel()
	const rows, columns = 5_000, 300
	features := make([]Column, columns)
	for k := range features {
		features[k].Numbers = make([]float64, rows)
		for i := range rows {
			features[k].Numbers[i] = float64((i*7919 + k*104_729) % 1009)
		}
	}
	reference := performance.Regression{Actual: features[0].Numbers, Predicted: features[1].Numbers}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if r, err := FitRegressor(ctx, features, reference, RegressionMetrics(), 500); r != nil || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, %v", r, err)
	}
}
