package detect

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
)

func TestSummarizeGolden(t *testing.T) {
	t.Parallel()
	for _, c := range readGolden(t).Summaries {
		values := c.Sample.Draw()
		got := summarizeNumbers(values)
		if got.Mean == nil || !goldentest.Near(*got.Mean, c.Mean, 1e-12) {
			t.Errorf("mean %v, want %v", got.Mean, c.Mean)
		}
		if diff := cmp.Diff(c.Std, got.Std, cmpopts.EquateApprox(1e-12, 0)); diff != "" {
			t.Errorf("std (-want +got):\n%s", diff)
		}
		if got.Min != c.Min || got.Max != c.Max || got.Median != quantile(values, 0.5) {
			t.Errorf("got %+v, want min %v, max %v", got, c.Min, c.Max)
		}
		var quantiles []float64
		for _, q := range got.Quantiles {
			quantiles = append(quantiles, q.Value)
		}
		if diff := cmp.Diff(c.Quantiles, quantiles, cmpopts.EquateApprox(1e-12, 0)); diff != "" {
			t.Errorf("quantiles (-want +got):\n%s", diff)
		}
	}
}

func TestSummarizeOverflow(t *testing.T) {
	t.Parallel()
	got := summarizeNumbers([]float64{-math.MaxFloat64, math.MaxFloat64, math.MaxFloat64, math.MaxFloat64})
	if got.Mean != nil || got.Std != nil {
		t.Errorf("overflowing moments: %v, %v", got.Mean, got.Std)
	}
	for _, q := range got.Quantiles {
		if finite(q.Value) == nil {
			t.Errorf("quantile %v = %v", q.Probability, q.Value)
		}
	}
}
