package estimate

import (
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
	"github.com/aumos-enterprise/platform/drift/internal/detect/performance"
)

func TestIsotonicProperties(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{0, 1, 2, 30, 2000} {
		scores, positive := make([]float64, n), make([]bool, n)
		for i := range n {
			scores[i], positive[i] = math.Floor(rng.Float64()*50)/50, rng.Float64() < 0.4
		}
		f := FitIsotonic(scores, positive)
		last := math.Inf(-1)
		for x := -0.1; x < 1.1; x += 0.003 {
			p := f.At(x)
			if n == 0 {
				if p != x {
					t.Errorf("without rows %v becomes %v", x, p)
				}
				continue
			}
			if !(p >= 0 && p <= 1) || p < last {
				t.Errorf("%d rows: %v at %v after %v", n, p, x, last)
			}
			last = p
		}
		// A calibrated map keeps the share of positive rows.
		sum := 0.0
		for _, s := range scores {
			sum += f.At(s)
		}
		if math.Abs(sum-float64(trues(positive))) > 1e-9*float64(n) {
			t.Errorf("%d rows: %v expected, %d positive", n, sum, trues(positive))
		}
		rng.Shuffle(n, func(a, b int) {
			scores[a], scores[b] = scores[b], scores[a]
			positive[a], positive[b] = positive[b], positive[a]
		})
		if !reflect.DeepEqual(f, FitIsotonic(scores, positive)) {
			t.Errorf("%d rows: the fit depends on their order", n)
		}
	}
}

func TestChunks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rows, size int
		want       []Chunk
	}{
		{0, 10, nil},
		{5, 10, []Chunk{{0, 5}}},
		{10, 10, []Chunk{{0, 10}}},
		{29, 10, []Chunk{{0, 10}, {10, 29}}},
		{3, 0, []Chunk{{0, 1}, {1, 2}, {2, 3}}},
	} {
		if got := Chunks(c.rows, c.size); !slices.Equal(got, c.want) {
			t.Errorf("Chunks(%d, %d) = %v, want %v", c.rows, c.size, got, c.want)
		}
	}
}

func TestReferenceIsRefused(t *testing.T) {
	t.Parallel()
	one := performance.Classification{Classes: 2, Actual: []int32{1, 1}, Scores: [][]float64{{0.5, 0.6}}}
	noScores := performance.Classification{Classes: 2, Actual: []int32{1, 0}, Predicted: []int32{1, 0}}
	for name, c := range map[string]performance.Classification{
		"one class":   one,
		"no scores":   noScores,
		"not a score": {Classes: 2, Actual: []int32{1, 0}, Scores: [][]float64{{math.NaN(), 0}}},
		"empty":       {Classes: 2, Actual: []int32{}, Scores: [][]float64{{}}},
		"class absent": {
			Classes: 3, Actual: []int32{0, 1}, Scores: [][]float64{{1, 0}, {0, 1}, {0, 0}},
		},
	} {
		if _, err := FitClassifier(c, 10); !errors.Is(err, ErrReference) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := FitClassifier(binary(1, 100, 0, 0.5), 0); !errors.Is(err, ErrReference) {
		t.Errorf("chunks of 0 rows: error %v", err)
	}
	features, r := regression(1, 200, 0)
	for name, fit := range map[string]func() (*Regressor, error){
		"few rows": func() (*Regressor, error) {
			return FitRegressor(t.Context(), nil, performance.Regression{}, RegressionMetrics(), 10)
		},
		"feature length": func() (*Regressor, error) {
			return FitRegressor(t.Context(), []Column{{Numbers: []float64{1}}}, r, RegressionMetrics(), 10)
		},
		"chunks": func() (*Regressor, error) { return FitRegressor(t.Context(), features, r, RegressionMetrics(), 0) },
		"infinite feature": func() (*Regressor, error) {
			bad := slices.Clone(features[0].Numbers)
			bad[3] = math.Inf(1)
			return FitRegressor(t.Context(), []Column{{Numbers: bad}}, r, RegressionMetrics(), 10)
		},
	} {
		if _, err := fit(); !errors.Is(err, ErrReference) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestChunkIsRefused(t *testing.T) {
	t.Parallel()
	c, err := FitClassifier(binary(1, 300, 0, 0.5), 50)
	if err != nil {
		t.Fatal(err)
	}
	for name, chunk := range map[string]performance.Classification{
		"classes":        {Classes: 3, Predicted: []int32{}, Scores: [][]float64{{}, {}, {}}},
		"no predictions": {Classes: 2, Scores: [][]float64{{0.5}}},
		"score":          {Classes: 2, Predicted: []int32{0}, Scores: [][]float64{{-1}}},
		"lengths":        {Classes: 2, Predicted: []int32{0, 1}, Scores: [][]float64{{0.5}}},
	} {
		if _, err := c.Estimate(chunk); !errors.Is(err, ErrSample) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	features, reference := regression(1, 200, 0)
	r, err := FitRegressor(t.Context(), features, reference, RegressionMetrics(), 50)
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string][]Column{
		"number of features": features[:1],
		"length":             {features[0], {Numbers: []float64{1}}},
		"kind":               {features[0], {Codes: make([]int32, 200)}},
	} {
		if _, err := r.Estimate(f, reference.Predicted, nil); !errors.Is(err, ErrSample) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestUndefinedEstimates(t *testing.T) {
	t.Parallel()
	c, err := FitClassifier(binary(1, 300, 0, 0.5), 50)
	if err != nil {
		t.Fatal(err)
	}
	empty, err := c.Estimate(performance.Classification{Classes: 2, Predicted: []int32{}, Scores: [][]float64{{}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range empty {
		if e.Status != StatusUndefined || e.Reason == "" || e.Value != nil {
			t.Errorf("empty chunk: %+v", e)
		}
	}
	// Nothing is predicted positive: the precision has no value, which is not a bad one.
	estimates, err := c.Estimate(performance.Classification{Classes: 2, Predicted: make([]int32, 3), Scores: [][]float64{{0.1, 0.2, 0.3}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range estimates {
		if (e.Status == StatusUndefined) != (e.Metric == performance.Precision) {
			t.Errorf("no positive predictions: %+v", e)
		}
	}
	// A reference of one chunk has no thresholds.
	c, err = FitClassifier(binary(1, 300, 0, 0.5), 300)
	if err != nil {
		t.Fatal(err)
	}
	estimates, _ = c.Estimate(binary(2, 300, 0, 0.5))
	for _, e := range estimates {
		if e.Status != StatusUndefined || e.Value == nil {
			t.Errorf("one chunk: %+v", e)
		}
	}
	features, reference := regression(1, 200, 0)
	reference.Actual[7] = 0
	r, err := FitRegressor(t.Context(), features, reference, []performance.Metric{performance.MAPE, performance.RMSE}, 50)
	if err != nil {
		t.Fatal(err)
	}
	of, err := r.Estimate(features, reference.Predicted, nil)
	if err != nil || len(of) != 2 {
		t.Fatal(of, err)
	}
	for _, e := range of {
		if (e.Status == StatusUndefined) != (e.Metric == performance.MAPE) || e.Realized != nil {
			t.Errorf("a true value of 0: %+v", e)
		}
	}
}

// TestClassifierFollowsShift: scores near ½ become frequent, so that a calibrated model errs more often, and the estimate knows.
func TestClassifierFollowsShift(t *testing.T) {
	t.Parallel()
	draw := func(rng *rand.Rand, n int, spread float64) performance.Classification {
		c := performance.Classification{Classes: 2, Actual: make([]int32, n), Predicted: make([]int32, n), Scores: [][]float64{make([]float64, n)}}
		for i := range n {
			s := 0.5 + spread*(rng.Float64()-0.5)
			// The model exaggerates: the truth is half as far from ½.
			if rng.Float64() < 0.5+(s-0.5)/2 {
				c.Actual[i] = 1
			}
			if s >= 0.5 {
				c.Predicted[i] = 1
			}
			c.Scores[0][i] = s
		}
		return c
	}
	rng := rand.New(rand.NewPCG(2, 2))
	c, err := FitClassifier(draw(rng, 20_000, 1), 2000)
	if err != nil {
		t.Fatal(err)
	}
	if k := c.Calibrations()[0]; !k.Needed || k.After > k.Before/2 {
		t.Errorf("calibration %+v", k)
	}
	for _, spread := range []float64{1, 0.3} {
		estimates, err := c.Estimate(draw(rng, 2000, spread))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range estimates {
			if math.Abs(*e.Value-*e.Realized) > 5**e.SamplingError {
				t.Errorf("spread %v: %s estimated %v, realized %v", spread, e.Metric, *e.Value, *e.Realized)
			}
			if (e.Status == StatusAlert) != (spread < 1) {
				t.Errorf("spread %v: %s is %s: %v in [%v, %v]", spread, e.Metric, e.Status, *e.Value, *e.Lower, *e.Upper)
			}
		}
	}
}

func TestEstimatesDoNotDependOnOrder(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 3))
	c, err := FitClassifier(multiclass(1, 2000, 3, 0.5), 200)
	if err != nil {
		t.Fatal(err)
	}
	chunk := multiclass(2, 500, 3, 0.5)
	for _, column := range chunk.Scores { // ties, with several probabilities each
		for i := range column {
			column[i] = math.Round(column[i]*10) / 10
		}
	}
	first, err := c.Estimate(chunk)
	if err != nil {
		t.Fatal(err)
	}
	rows := rng.Perm(500)
	shuffled := performance.Classification{Classes: 3, Scores: make([][]float64, 3)}
	for _, row := range rows {
		shuffled.Actual, shuffled.Predicted = append(shuffled.Actual, chunk.Actual[row]), append(shuffled.Predicted, chunk.Predicted[row])
		for k := range 3 {
			shuffled.Scores[k] = append(shuffled.Scores[k], chunk.Scores[k][row])
		}
	}
	second, err := c.Estimate(shuffled)
	if err != nil {
		t.Fatal(err)
	}
	for i := range first {
		// Counts are rounded to five decimals, so that rounding before that can show.
		if math.Abs(*first[i].Value-*second[i].Value) > 1e-7 {
			t.Errorf("%s: %v, shuffled %v", first[i].Metric, *first[i].Value, *second[i].Value)
		}
	}
}

func TestRegressorHoldOut(t *testing.T) {
	t.Parallel()
	features, reference := regression(1, 3000, 0)
	r, err := FitRegressor(t.Context(), features, reference, []performance.Metric{performance.MAE}, 300)
	if err != nil {
		t.Fatal(err)
	}
	h, ok := r.HoldOut(performance.MAE)
	if !ok || h.Explained < 0.2 || math.Abs(h.Bias) > 0.05 {
		t.Errorf("hold-out %+v", h)
	}
	if _, ok := r.HoldOut(performance.RMSE); ok {
		t.Error("RMSE was not asked for")
	}
	// The size of the errors does not depend on this feature, and it is said.
	r, err = FitRegressor(t.Context(), features[:1], reference, []performance.Metric{performance.MAE}, 300)
	if err != nil {
		t.Fatal(err)
	}
	if h, _ := r.HoldOut(performance.MAE); h.Explained > 0.05 {
		t.Errorf("hold-out without the feature %+v", h)
	}
}

func TestRegressorCategories(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(4, 4))
	draw := func(n, wide int) ([]Column, performance.Regression) {
		codes := make([]int32, n)
		r := performance.Regression{Actual: make([]float64, n), Predicted: make([]float64, n)}
		for i := range n {
			codes[i] = int32(rng.IntN(10)) - 1
			if rng.IntN(10) < wide {
				codes[i] = 3
			}
			spread := 1.0
			if codes[i] == 3 {
				spread = 5
			}
			r.Predicted[i] = 100 + rng.Float64()
			r.Actual[i] = r.Predicted[i] + spread*rng.NormFloat64()
		}
		return []Column{{Codes: codes}}, r
	}
	features, reference := draw(4000, 0)
	r, err := FitRegressor(t.Context(), features, reference, []performance.Metric{performance.RMSE}, 400)
	if err != nil {
		t.Fatal(err)
	}
	features, current := draw(1000, 8)
	estimates, err := r.Estimate(features, current.Predicted, current.Actual)
	if err != nil {
		t.Fatal(err)
	}
	if e := estimates[0]; e.Status != StatusAlert || !goldentest.Near(*e.Value, *e.Realized, 0.15) {
		t.Errorf("RMSE estimated %v, realized %v: %s", *e.Value, *e.Realized, e.Status)
	}
	features[0].Codes[0] = 77 // unseen
	if _, err := r.Estimate(features, current.Predicted, nil); err != nil {
		t.Error(err)
	}
}
