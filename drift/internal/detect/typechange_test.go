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

// TestChangedLengthOfVectors: vectors of another model are no error, and nothing to compare either.
func TestChangedLengthOfVectors(t *testing.T) {
	t.Parallel()
	side := func(rows, columns int) Sample {
		values := make([]float32, rows*columns)
		for i := range values {
			values[i] = float32(i * i % 17)
		}
		m := NewMatrix(columns, values)
		return Sample{Vectors: m, Rows: int64(rows) + 1, Missing: 1}
	}
	for _, test := range []Test{TestMMD, TestCentroidShift, TestDomainClassifier, TestCovariance, TestPCAReconstruction} {
		f := FeatureInput{Name: "v", Type: Vector, Baseline: side(60, 3), Current: side(50, 4), Tests: []TestSetting{{Test: test}}}
		got := Compare(f, Settings{})
		if got.Status != StatusDrift || got.Results[0].Test != TestTypeChange || !strings.Contains(got.Reason, "vectors of 4 numbers, those of the baseline of 3") {
			t.Errorf("%s: got %+v", test, got)
		}
	}
	// Where a side has no vector, its length says nothing.
	empty := FeatureInput{Name: "v", Type: Vector, Baseline: side(60, 3), Current: Sample{Rows: 40, Missing: 40}, Tests: []TestSetting{{Test: TestMMD}}}
	if got := Compare(empty, Settings{}); got.Results[0].Test != TestMMD || got.Results[0].Status != StatusInsufficientData {
		t.Errorf("got %+v", got)
	}
}
