package detect

import (
	"strings"
	"testing"
)

// TestChangedType wants a change of type to be drift, however few rows there are, and the feature alone to show it.
func TestChangedType(t *testing.T) {
	t.Parallel()
	same := FeatureInput{Name: "same", Type: Numeric, CurrentType: Numeric, Baseline: numbers(1, 100, 0, 0), Current: numbers(1, 100, 0, 0)}
	for _, n := range []int64{1, 1000} {
		changed := FeatureInput{
			Name: "changed", Type: Numeric, CurrentType: Categorical, Baseline: numbers(2, int(n), 0, 0),
			Current: Sample{Counts: map[string]int64{"n/a": n}, Rows: n},
		}
		run := evaluate(t, []FeatureInput{same, changed}, Settings{})
		f := run.Features[1]
		if f.Status != StatusDrift || f.Results[0].Test != TestTypeChange || !strings.Contains(f.Reason, "CATEGORICAL") || f.Severity != 0.5 {
			t.Errorf("%d rows: got %+v", n, f)
		}
		if f.Results[1].Test != TestMissingRate || f.Explanation != nil || f.Baseline.Numeric == nil || f.Current.Numeric != nil {
			t.Errorf("%d rows: got %+v", n, f)
		}
		if run.Status != StatusDrift || run.DriftedFeatures != 1 || run.Features[0].Status != StatusOK {
			t.Errorf("%d rows: got %+v", n, run)
		}
	}
	for name, f := range map[string]FeatureInput{
		"unknown": {Type: Numeric, CurrentType: "IMAGE", Baseline: numbers(1, 9, 0, 0)},
		"misfit":  {Type: Numeric, CurrentType: Categorical, Baseline: numbers(1, 9, 0, 0), Current: numbers(1, 9, 0, 0)},
	} {
		if got := Compare(f, Settings{}); got.Status != StatusError {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}
