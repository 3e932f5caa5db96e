package detect

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// numbers is a sample of n normal values with the given mean and missing rows
// besides.
func numbers(seed uint64, n int, mean float64, missing int64) Sample {
	rng := rand.New(rand.NewPCG(seed, 0))
	values := make([]float64, n)
	for i := range values {
		values[i] = rng.NormFloat64() + mean
	}
	SortFloat64s(values)
	return Sample{Sorted: values, Rows: int64(n) + missing, Missing: missing}
}

func categories(counts map[string]int64) Sample {
	s := Sample{Counts: counts}
	for _, c := range counts {
		s.Rows += c
	}
	return s
}

func withMissing(s Sample, missing int64) Sample {
	s.Rows += missing
	s.Missing += missing
	return s
}

func constant(n int, v float64) Sample {
	return Sample{Sorted: slices.Repeat([]float64{v}, n), Rows: int64(n)}
}

// verdicts lists the status and direction of each test.
func verdicts(f FeatureResult) []string {
	var list []string
	for _, r := range f.Results {
		list = append(list, strings.Join([]string{string(r.Test), string(r.Status), string(r.Direction)}, " "))
	}
	return list
}

func TestCompareVerdicts(t *testing.T) {
	t.Parallel()
	abc := func(a, b, c int64) Sample { return categories(map[string]int64{"a": a, "b": b, "c": c}) }
	truth := func(yes, no int64) Sample { return categories(map[string]int64{"true": yes, "false": no}) }
	both := []TestSetting{{Test: TestKS}, {Test: TestPSI}}
	sparse := Sample{Sorted: slices.Concat(make([]float64, 950), numbers(1, 50, 10, 0).Sorted), Rows: 1000}
	filled := Sample{Sorted: slices.Concat(make([]float64, 300), numbers(2, 700, 10, 0).Sorted), Rows: 1000}

	for name, c := range map[string]struct {
		feature FeatureInput
		want    Status
		tests   []string
	}{
		"no change": {
			FeatureInput{Type: Numeric, Tests: both, Baseline: numbers(1, 1000, 0, 0), Current: numbers(2, 1000, 0, 0)},
			StatusOK,
			[]string{"KS OK CHANGED", "PSI OK CHANGED", "MISSING_RATE OK NONE"},
		},
		"up": {
			FeatureInput{Type: Numeric, Baseline: numbers(1, 1000, 0, 0), Current: numbers(2, 1000, 1, 0)},
			StatusDrift,
			[]string{"KS DRIFT INCREASE", "MISSING_RATE OK NONE"},
		},
		"down": {
			FeatureInput{Type: Numeric, Baseline: numbers(1, 1000, 0, 0), Current: numbers(2, 1000, -1, 0)},
			StatusDrift,
			[]string{"KS DRIFT DECREASE", "MISSING_RATE OK NONE"},
		},
		"significant and too small": {
			FeatureInput{Type: Numeric, Baseline: numbers(1, 100_000, 0, 0), Current: numbers(2, 100_000, 0.05, 0)},
			StatusOK,
			[]string{"KS OK INCREASE", "MISSING_RATE OK NONE"},
		},
		"significant and half as large as matters": {
			FeatureInput{Type: Numeric, Baseline: numbers(1, 100_000, 0, 0), Current: numbers(2, 100_000, 0.2, 0)},
			StatusWarning,
			[]string{"KS WARNING INCREASE", "MISSING_RATE OK NONE"},
		},
		"large and not significant": {
			FeatureInput{Type: Numeric, Baseline: numbers(1, 30, 0, 0), Current: numbers(3, 30, 0.3, 0)},
			StatusOK,
			[]string{"KS OK INCREASE", "MISSING_RATE OK NONE"},
		},
		"sparse": {
			FeatureInput{Type: Numeric, Tests: both, Baseline: sparse, Current: filled},
			StatusDrift,
			[]string{"KS DRIFT INCREASE", "PSI DRIFT CHANGED", "MISSING_RATE OK NONE"},
		},
		"constant": {
			FeatureInput{Type: Numeric, Tests: both, Baseline: constant(50, 3), Current: constant(60, 3)},
			StatusOK,
			[]string{"KS OK NONE", "PSI OK NONE", "MISSING_RATE OK NONE"},
		},
		"another constant": {
			FeatureInput{Type: Numeric, Tests: both, Baseline: constant(50, 3), Current: constant(60, 4)},
			StatusDrift,
			[]string{"KS DRIFT INCREASE", "PSI DRIFT CHANGED", "MISSING_RATE OK NONE"},
		},
		"too few rows": {
			FeatureInput{Type: Numeric, Baseline: numbers(1, 1000, 0, 0), Current: numbers(2, 29, 5, 0)},
			StatusInsufficientData,
			[]string{"KS INSUFFICIENT_DATA NONE", "MISSING_RATE INSUFFICIENT_DATA NONE"},
		},
		"all missing now": {
			FeatureInput{Type: Numeric, Baseline: numbers(1, 1000, 0, 0), Current: Sample{Rows: 500, Missing: 500}},
			StatusDrift,
			[]string{"KS INSUFFICIENT_DATA NONE", "MISSING_RATE DRIFT INCREASE"},
		},
		"all missing always": {
			FeatureInput{Type: Numeric, Baseline: Sample{Rows: 90, Missing: 90}, Current: Sample{Rows: 50, Missing: 50}},
			StatusInsufficientData,
			[]string{"KS INSUFFICIENT_DATA NONE", "MISSING_RATE OK NONE"},
		},
		"fewer missing": {
			FeatureInput{Type: Numeric, Baseline: numbers(1, 800, 0, 200), Current: numbers(2, 900, 0, 0)},
			StatusDrift,
			[]string{"KS OK DECREASE", "MISSING_RATE DRIFT DECREASE"},
		},
		"no rows at all": {
			FeatureInput{Type: Categorical},
			StatusInsufficientData,
			[]string{"CHI_SQUARE INSUFFICIENT_DATA NONE", "MISSING_RATE INSUFFICIENT_DATA NONE"},
		},
		"categories, no change": {
			FeatureInput{Type: Categorical, Tests: []TestSetting{{Test: TestChiSquare}, {Test: TestPSI}}, Baseline: abc(500, 300, 200), Current: abc(51, 29, 20)},
			StatusOK,
			[]string{"CHI_SQUARE OK CHANGED", "PSI OK CHANGED", "MISSING_RATE OK NONE"},
		},
		"categories, unseen": {
			FeatureInput{Type: Categorical, Tests: []TestSetting{{Test: TestChiSquare}, {Test: TestPSI}}, Baseline: abc(500, 500, 0), Current: abc(50, 50, 30)},
			StatusDrift,
			[]string{"CHI_SQUARE DRIFT CHANGED", "PSI DRIFT CHANGED", "MISSING_RATE OK NONE"},
		},
		"one category": {
			FeatureInput{Type: Categorical, Baseline: abc(500, 0, 0), Current: abc(50, 0, 0)},
			StatusOK,
			[]string{"CHI_SQUARE OK NONE", "MISSING_RATE OK NONE"},
		},
		"boolean up": {
			FeatureInput{Type: Boolean, Baseline: truth(100, 900), Current: truth(30, 70)},
			StatusDrift,
			[]string{"CHI_SQUARE DRIFT INCREASE", "MISSING_RATE OK NONE"},
		},
		"boolean down": {
			FeatureInput{Type: Boolean, Baseline: truth(900, 100), Current: withMissing(truth(20, 80), 1)},
			StatusDrift,
			[]string{"CHI_SQUARE DRIFT DECREASE", "MISSING_RATE OK INCREASE"},
		},
		"a test that does not apply": {
			FeatureInput{Type: Boolean, Tests: []TestSetting{{Test: TestKS}, {Test: TestChiSquare}}, Baseline: truth(50, 50), Current: truth(50, 50)},
			StatusError,
			[]string{"KS ERROR NONE", "CHI_SQUARE OK NONE", "MISSING_RATE OK NONE"},
		},
		"a test listed twice": {
			FeatureInput{Type: Boolean, Tests: []TestSetting{{Test: TestPSI}, {Test: TestPSI}}, Baseline: truth(50, 50), Current: truth(50, 50)},
			StatusError,
			[]string{"PSI OK NONE", "PSI ERROR NONE", "MISSING_RATE OK NONE"},
		},
		"drift before error": {
			FeatureInput{Type: Boolean, Tests: []TestSetting{{Test: "GUESS"}, {Test: TestChiSquare}}, Baseline: truth(90, 10), Current: truth(10, 90)},
			StatusDrift,
			[]string{"GUESS ERROR NONE", "CHI_SQUARE DRIFT DECREASE", "MISSING_RATE OK NONE"},
		},
		"no number for the smallest effect": {
			FeatureInput{Type: Boolean, Tests: []TestSetting{{Test: TestPSI, MinEffect: math.NaN()}}, Baseline: truth(50, 50), Current: truth(50, 50)},
			StatusError,
			[]string{"PSI ERROR NONE", "MISSING_RATE OK NONE"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Compare(c.feature, Settings{})
			if got.Status != c.want {
				t.Errorf("status %s (%s), want %s", got.Status, got.Reason, c.want)
			}
			if diff := cmp.Diff(c.tests, verdicts(got)); diff != "" {
				t.Errorf("tests (-want +got):\n%s", diff)
			}
			if (got.Reason == "") != (got.Status == StatusOK) {
				t.Errorf("status %s with reason %q", got.Status, got.Reason)
			}
			checkResults(t, got)
			checkJSON(t, got)
		})
	}
}

// checkResults checks what must hold of any results.
func checkResults(t *testing.T, f FeatureResult) {
	t.Helper()
	for _, r := range f.Results {
		tested := r.PValue != nil
		if tested != (r.Statistic != nil && r.QValue != nil && r.Effect != nil && r.PMethod != "") {
			t.Errorf("%s: half a result: %+v", r.Test, r)
		}
		if decided := r.Status == StatusOK || r.Status == StatusWarning || r.Status == StatusDrift; decided != tested {
			t.Errorf("%s: status %s, p-value %v", r.Test, r.Status, r.PValue)
		}
		if r.Status != StatusOK && r.Reason == "" {
			t.Errorf("%s: status %s without a reason", r.Test, r.Status)
		}
		if r.Severity < 0 || r.Severity >= 1 || (r.Status == StatusDrift) != (r.Severity >= 0.5) {
			t.Errorf("%s: status %s with severity %v", r.Test, r.Status, r.Severity)
		}
	}
}

// checkJSON checks that a result can be stored, which NaN would prevent, and
// read back.
func checkJSON(t *testing.T, f FeatureResult) {
	t.Helper()
	data, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var back FeatureResult
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(f, back); diff != "" {
		t.Errorf("JSON loses (-want +got):\n%s", diff)
	}
}

func TestCompareRefuses(t *testing.T) {
	t.Parallel()
	good := numbers(1, 100, 0, 0)
	counts := categories(map[string]int64{"a": 50, "b": 50})
	for name, c := range map[string]FeatureInput{
		"unknown type":        {Type: "TEXT", Baseline: good, Current: good},
		"unsorted":            {Type: Numeric, Baseline: good, Current: Sample{Sorted: []float64{2, 1}, Rows: 2}},
		"NaN":                 {Type: Numeric, Baseline: Sample{Sorted: []float64{1, math.NaN()}, Rows: 2}, Current: good},
		"infinite":            {Type: Numeric, Baseline: good, Current: Sample{Sorted: []float64{1, math.Inf(1)}, Rows: 2}},
		"rows do not fit":     {Type: Numeric, Baseline: good, Current: Sample{Sorted: []float64{1, 2}, Rows: 3}},
		"more missing":        {Type: Numeric, Baseline: good, Current: Sample{Rows: 3, Missing: 4}},
		"negative rows":       {Type: Numeric, Baseline: good, Current: Sample{Rows: -3, Missing: -3}},
		"counts for numbers":  {Type: Numeric, Baseline: good, Current: counts},
		"numbers for counts":  {Type: Categorical, Baseline: counts, Current: good},
		"negative count":      {Type: Categorical, Baseline: counts, Current: Sample{Counts: map[string]int64{"a": -1, "b": 1}}},
		"counts overflow":     {Type: Categorical, Baseline: counts, Current: Sample{Counts: map[string]int64{"a": math.MaxInt64, "b": 1}}},
		"neither true nor no": {Type: Boolean, Baseline: counts, Current: counts},
	} {
		got := Compare(c, Settings{})
		if got.Status != StatusError || got.Reason == "" || len(got.Results) != 0 {
			t.Errorf("%s: %+v", name, got)
		}
		checkJSON(t, got)
	}
}

// A table of names that occur once each holds nothing to test, which is not the
// same as nothing found.
func TestCompareRareCategories(t *testing.T) {
	t.Parallel()
	ids := func(prefix string) Sample {
		counts := map[string]int64{}
		for i := range 100 {
			counts[prefix+string(rune('A'+i))] = 1
		}
		return categories(counts)
	}
	got := Compare(FeatureInput{
		Type: Categorical, Tests: []TestSetting{{Test: TestChiSquare}, {Test: TestPSI}},
		Baseline: ids("x"), Current: ids("y"),
	}, Settings{})
	want := []string{"CHI_SQUARE INSUFFICIENT_DATA NONE", "PSI INSUFFICIENT_DATA NONE", "MISSING_RATE OK NONE"}
	if diff := cmp.Diff(want, verdicts(got)); diff != "" || got.Status != StatusInsufficientData {
		t.Errorf("status %s (-want +got):\n%s", got.Status, diff)
	}
	if e := got.Explanation; e.UnseenTotal != 100 || e.VanishedTotal != 100 || len(e.Unseen) != maxCategories {
		t.Errorf("explanation %+v", e)
	}
}
