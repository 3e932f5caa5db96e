package performance

import (
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
)

func measureOf(t *testing.T, s Sample, metric Metric) Measure {
	t.Helper()
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, m := range s.Measure() {
		if m.Metric == metric {
			return m
		}
	}
	t.Fatalf("no metric %s", metric)
	return Measure{}
}

func TestTiedScoresHaveAreaHalf(t *testing.T) {
	t.Parallel()
	// Whatever the order of the rows, a constant score ranks nothing.
	c := Classification{Classes: 2, Actual: []int32{1, 1, 0, 0, 0}, Scores: [][]float64{{0.5, 0.5, 0.5, 0.5, 0.5}}}
	if m := measureOf(t, c, ROCAUC); m.Value != 0.5 {
		t.Errorf("area %v, want 0.5", m.Value)
	}
	if m := measureOf(t, c, AveragePrecision); m.Value != 0.4 {
		t.Errorf("average precision %v, want the share of positive rows 0.4", m.Value)
	}
}

// The interval of the calibration error holds the true one, 0 and 0.1 here, though the error of a sample is above it.
func TestCalibrationErrorInterval(t *testing.T) {
	t.Parallel()
	for _, off := range []float64{0, 0.1} {
		held := 0
		const samples = 200
		for i := range uint64(samples) {
			rng := rand.New(rand.NewPCG(12, i))
			c := Classification{Classes: 2, Scores: [][]float64{make([]float64, 100)}, Actual: make([]int32, 100)}
			for row := range c.Actual {
				p := 0.8 * rng.Float64()
				c.Scores[0][row] = p
				if rng.Float64() < p+off {
					c.Actual[row] = 1
				}
			}
			if m := measureOf(t, c, CalibrationError); m.Low <= off && off <= m.High && m.Low <= m.Value {
				held++
			}
		}
		if held < samples*93/100 {
			t.Errorf("an error of %v is in %d of %d intervals", off, held, samples)
		}
	}
}

func TestCalibrationErrorOfTies(t *testing.T) {
	t.Parallel()
	// All bins hold the same mixture, whatever the order of the rows: the error is |0.6 − 16/40|.
	c := Classification{Classes: 2, Actual: make([]int32, 40), Scores: [][]float64{make([]float64, 40)}}
	for i := range 40 {
		c.Scores[0][i] = 0.6
		if i < 16 {
			c.Actual[i] = 1
		}
	}
	if m := measureOf(t, c, CalibrationError); !goldentest.Near(m.Value, 0.2, 1e-14) {
		t.Errorf("calibration error %v, want 0.2", m.Value)
	}
}

func TestPerfectScoreIsNotCertain(t *testing.T) {
	t.Parallel()
	c := Classification{Classes: 2, Actual: []int32{1, 1, 1, 0, 0}, Predicted: []int32{1, 1, 1, 0, 0}, Scores: [][]float64{{0.9, 0.8, 0.7, 0.2, 0.1}}}
	for _, metric := range []Metric{Accuracy, F1, F1Macro, ROCAUC, AveragePrecision} {
		if m := measureOf(t, c, metric); m.Value != 1 || m.High != 1 || m.Low > 0.8 {
			t.Errorf("%s = %v in [%v, %v]", metric, m.Value, m.Low, m.High)
		}
	}
}

func TestUndefinedSaysWhy(t *testing.T) {
	t.Parallel()
	oneClass := Classification{Classes: 2, Actual: []int32{0, 0, 0}, Predicted: []int32{0, 0, 0}, Scores: [][]float64{{0.1, 0.2, 0.3}}}
	for _, c := range []struct {
		name    string
		sample  Sample
		metrics []Metric
	}{
		{"empty", Classification{Classes: 3, Actual: []int32{}, Predicted: []int32{}, Scores: [][]float64{{}, {}, {}}}, nil},
		{"empty", Regression{}, nil},
		{"one class", oneClass, []Metric{
			Precision, Recall, F1, PrecisionMacro, RecallMacro, SpecificityMacro, F1Macro, PrecisionWeighted, F1Weighted,
			ROCAUC, AveragePrecision, CalibrationError,
		}},
		{"a true value of 0", Regression{[]float64{0, 1}, []float64{1, 1}}, []Metric{MAPE}},
		{"below -1", Regression{[]float64{2, 1}, []float64{1, -1}}, []Metric{MSLE, RMSLE}},
		{"constant truth", Regression{[]float64{2, 2}, []float64{1, 3}}, []Metric{R2}},
		{"overflow", Regression{[]float64{math.MaxFloat64, 1}, []float64{-math.MaxFloat64, 1}}, []Metric{MAE, MSE, RMSE, MSLE, RMSLE, R2, MAPE}},
	} {
		for _, m := range c.sample.Measure() {
			want := c.metrics == nil || slices.Contains(c.metrics, m.Metric)
			if (m.Undefined != "") != want {
				t.Errorf("%s: %s is %v (%q), undefined: want %t", c.name, m.Metric, m.Value, m.Undefined, want)
			}
		}
	}
}

func TestClassGivenUpLowersMacro(t *testing.T) {
	t.Parallel()
	// Class 2 is never predicted: its F1 is 0 and counts.
	c := Classification{Classes: 4, Actual: []int32{0, 0, 1, 1, 2, 2}, Predicted: []int32{0, 0, 1, 1, 0, 1}}
	if m := measureOf(t, c, F1Macro); !goldentest.Near(m.Value, (0.8+0.8+0)/3, 1e-15) {
		t.Errorf("macro F1 %v, want 1.6/3", m.Value)
	}
}

func TestBadSamplesAreRefused(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	for name, s := range map[string]Sample{
		"one class":         Classification{Classes: 1, Predicted: []int32{}},
		"too many classes":  Classification{Classes: MaxClasses + 1, Predicted: []int32{}},
		"nothing said":      Classification{Classes: 2, Actual: []int32{1}},
		"class unknown":     Classification{Classes: 2, Actual: []int32{2}, Predicted: []int32{0}},
		"class negative":    Classification{Classes: 2, Actual: []int32{1}, Predicted: []int32{-1}},
		"lengths":           Classification{Classes: 2, Actual: []int32{1}, Predicted: []int32{1, 1}},
		"score NaN":         Classification{Classes: 2, Actual: []int32{1}, Scores: [][]float64{{nan}}},
		"score above 1":     Classification{Classes: 2, Actual: []int32{1}, Scores: [][]float64{{1.5}}},
		"score columns":     Classification{Classes: 3, Actual: []int32{1}, Scores: [][]float64{{0.5}}},
		"score rows":        Classification{Classes: 2, Actual: []int32{1}, Scores: [][]float64{{}}},
		"regression length": Regression{[]float64{1}, nil},
		"regression NaN":    Regression{[]float64{1}, []float64{nan}},
		"regression Inf":    Regression{[]float64{math.Inf(1)}, []float64{1}},
	} {
		if err := s.Validate(); !errors.Is(err, ErrBadSample) {
			t.Errorf("%s: error %v", name, err)
		}
		if _, err := Compare(t.Context(), s, s, 99, 0); !errors.Is(err, ErrBadSample) {
			t.Errorf("Compare %s: error %v", name, err)
		}
	}
	if _, err := Compare(t.Context(), Regression{}, Classification{Classes: 2, Predicted: []int32{}, Actual: []int32{}}, 99, 0); !errors.Is(err, ErrBadSample) {
		t.Errorf("two kinds: error %v", err)
	}
}

func TestOrderOfRowsDoesNotMatter(t *testing.T) {
	t.Parallel()
	for kind, draw := range kinds {
		rng := rand.New(rand.NewPCG(1, 2))
		for _, n := range []int{50, fewRows, 5000} {
			s := draw(rng, n)
			rows := identity(n)
			rng.Shuffle(n, func(a, b int) { rows[a], rows[b] = rows[b], rows[a] })
			before, after := s.Measure(), s.Pick(rows).Measure()
			for i := range before {
				if math.Abs(before[i].Value-after[i].Value) > 1e-13 || math.Abs(before[i].Low-after[i].Low) > 1e-13 {
					t.Errorf("%s: %s %v, shuffled %v", kind, before[i].Metric, before[i], after[i])
				}
			}
		}
	}
}

func TestCompareFindsWhatGotWorse(t *testing.T) {
	t.Parallel()
	worse := func(rng *rand.Rand, s Sample) Sample {
		switch s := s.(type) {
		case Classification:
			for i := range s.Actual {
				if rng.Float64() < 0.6 {
					s.Actual[i] = int32(rng.IntN(s.Classes))
				}
			}
		case Regression:
			for i := range s.Predicted {
				s.Predicted[i] += 1.5 * rng.NormFloat64()
			}
		}
		return s
	}
	for kind, draw := range kinds {
		rng := rand.New(rand.NewPCG(1, 3)) // of its own, since kinds come in any order
		changes, err := Compare(t.Context(), draw(rng, 3000), worse(rng, draw(rng, 3000)), 99, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range changes {
			if !c.Defined || !c.Worse() || c.P > 0.01 {
				t.Errorf("%s: %s from %v to %v, p %v by %s", kind, c.Current.Metric, c.Baseline.Value, c.Current.Value, c.P, c.Test)
			}
		}
		few, err := Compare(t.Context(), draw(rng, 3000), worse(rng, draw(rng, 300)), 99, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range few {
			if metric := c.Current.Metric; (metric == MSE || metric == LogLoss || metric == F1Macro) && (c.P != 0.01 || c.Test != TestPermutation) {
				t.Errorf("%s: %s from %v to %v, p %v by %s", kind, metric, c.Baseline.Value, c.Current.Value, c.P, c.Test)
			}
		}
	}
}

func TestCompareIsDeterministic(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 4))
	for kind, draw := range kinds {
		a, b := draw(rng, 2500), draw(rng, 120)
		first, err := Compare(t.Context(), a, b, 199, 7)
		if err != nil {
			t.Fatal(err)
		}
		second, _ := Compare(t.Context(), a, b, 199, 7)
		if !reflect.DeepEqual(first, second) {
			t.Errorf("%s: two runs differ", kind)
		}
	}
}

func FuzzCompare(f *testing.F) {
	f.Add(uint64(1), 3, 4, 2, 3)
	f.Add(uint64(2), 0, 1, 3, 1)
	f.Add(uint64(3), 40, 30, 2, 1)
	f.Fuzz(func(t *testing.T, seed uint64, n, m, k, levels int) {
		if n < 0 || m < 0 || n > 200 || m > 200 || k < 2 || k > 20 || levels < 1 {
			return
		}
		changes, err := Compare(t.Context(), multiclassOrBinary(seed, n, k, levels), multiclassOrBinary(seed+1, m, k, levels), 19, seed)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range changes {
			if c.Defined && !(c.P >= 0 && c.P <= 1 && isFinite(c.Difference)) {
				t.Fatalf("out of range: %+v", c)
			}
			for _, m := range []Measure{c.Baseline, c.Current} {
				if m.Undefined == "" && !(m.Low <= m.Value && m.Value <= m.High && isFinite(m.Low) && isFinite(m.High)) {
					t.Fatalf("out of range: %+v", m)
				}
			}
		}
	})
}

func multiclassOrBinary(seed uint64, n, k, levels int) Classification {
	if k == 2 {
		return binarySample(seed, n, levels, 0.1)
	}
	return multiclassSample(seed, n, k, levels)
}
