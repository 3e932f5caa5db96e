package tree

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
)

// fit learns a model of the target from all rows of the columns.
func fit(columns [][]float64, target []float64, o Options) (*Model, error) {
	b, err := NewBins(columns)
	if err != nil {
		return nil, err
	}
	if len(target) != b.rows {
		return nil, fmt.Errorf("%w: %d targets of %d rows", ErrShape, len(target), b.rows)
	}
	rows := make([]int32, b.rows)
	for i := range rows {
		rows[i] = int32(i)
	}
	return b.Fit(rows, target, o)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	column := [][]float64{{1, 2, 3}}
	for name, c := range map[string]struct {
		columns [][]float64
		target  []float64
		options Options
		want    error
	}{
		"no rows":               {[][]float64{{}}, nil, Options{}, ErrEmpty},
		"no columns, no rows":   {nil, nil, Options{}, ErrEmpty},
		"lengths of columns":    {[][]float64{{1}, {1, 2}}, []float64{1}, Options{}, ErrShape},
		"number of targets":     {column, []float64{1}, Options{}, ErrShape},
		"infinite value":        {[][]float64{{1, math.Inf(1), 2}}, []float64{1, 2, 3}, Options{}, ErrNotFinite},
		"target NaN":            {column, []float64{1, math.NaN(), 3}, Options{}, ErrNotFinite},
		"target infinite":       {column, []float64{1, math.Inf(-1), 3}, Options{}, ErrNotFinite},
		"target too large":      {column, []float64{1, 1e300, 3}, Options{}, ErrNotFinite},
		"class other than 0, 1": {column, []float64{1, 0, 2}, Options{Loss: Logistic}, ErrNotFinite},
		"loss":                  {column, []float64{1, 2, 3}, Options{Loss: 7}, ErrOptions},
		"rounds":                {column, []float64{1, 2, 3}, Options{Rounds: -1}, ErrOptions},
		"learning rate":         {column, []float64{1, 2, 3}, Options{LearningRate: math.NaN()}, ErrOptions},
		"leaves":                {column, []float64{1, 2, 3}, Options{MaxLeaves: 1}, ErrOptions},
		"rows in a leaf":        {column, []float64{1, 2, 3}, Options{MinRows: -1}, ErrOptions},
		"L2":                    {column, []float64{1, 2, 3}, Options{L2: -1}, ErrOptions},
	} {
		if _, err := fit(c.columns, c.target, c.options); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	b, err := NewBins(column)
	if err != nil {
		t.Fatal(err)
	}
	for _, rows := range [][]int32{{0, 0}, {-1, 0}, {0, 3}} {
		if _, err := b.Fit(rows, []float64{1, 2}, Options{}); !errors.Is(err, ErrShape) {
			t.Errorf("rows %v: %v, want %v", rows, err, ErrShape)
		}
	}
	m, err := fit(column, []float64{1, 2, 3}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Predict(nil); !errors.Is(err, ErrShape) {
		t.Errorf("prediction without columns: %v", err)
	}
	if _, err := m.PredictRows(b, []int32{3}); !errors.Is(err, ErrShape) {
		t.Errorf("prediction of a row that is not there: %v", err)
	}
}

// TestNothingToSplit: what no tree can part gets the best constant.
func TestNothingToSplit(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	for name, c := range map[string]struct {
		columns [][]float64
		target  []float64
		loss    Loss
		want    float64
	}{
		"one row":          {[][]float64{{1}}, []float64{5}, Squared, 5},
		"constant column":  {[][]float64{{7, 7, 7, 7}}, []float64{1, 2, 3, 6}, Squared, 3},
		"constant, median": {[][]float64{{7, 7, 7, 7}}, []float64{1, 2, 4, 600}, Absolute, 3},
		"all missing":      {[][]float64{{nan, nan}}, []float64{1, 3}, Squared, 2},
		"one class":        {[][]float64{{1, 2, 3, 4}}, []float64{1, 1, 1, 1}, Logistic, 1},
		"constant target":  {[][]float64{{1, 2, 3, 4}}, []float64{4, 4, 4, 4}, Squared, 4},
	} {
		m, err := fit(c.columns, c.target, Options{Loss: c.loss, MinRows: 1})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		estimates, err := m.Predict(c.columns)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range estimates {
			if math.Abs(f-c.want) > 1e-12 {
				t.Errorf("%s: estimates %v, want %v", name, estimates, c.want)
			}
		}
		if slices.ContainsFunc(m.Importance(), func(v float64) bool { return v != 0 }) {
			t.Errorf("%s: importances %v", name, m.Importance())
		}
	}
}

// TestExtremeValues: subnormals, the largest numbers and signed zeros are values like others.
func TestExtremeValues(t *testing.T) {
	t.Parallel()
	small, large := math.SmallestNonzeroFloat64, math.MaxFloat64
	column := []float64{-large, -1, -small, math.Copysign(0, -1), 0, small, 2 * small, 1, large, math.NaN()}
	target := []float64{1, 2, 3, 4, 4, 5, 6, 7, 8, 9}
	m, err := fit([][]float64{column}, target, Options{MinRows: 1, LearningRate: 1, Rounds: 20})
	if err != nil {
		t.Fatal(err)
	}
	estimates, err := m.Predict([][]float64{column})
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range estimates {
		if math.Abs(f-target[i]) > 1e-9 {
			t.Errorf("%v: estimate %v, want %v", column[i], f, target[i])
		}
	}
	far, err := m.Predict([][]float64{{math.Inf(1), math.Inf(-1)}})
	if err != nil || math.Abs(far[0]-8) > 1e-9 || math.Abs(far[1]-1) > 1e-9 {
		t.Errorf("estimates at the infinities %v, %v, want those of the outermost values", far, err)
	}
}

// TestBinnedPredictionIsTheSame: both ways to predict go through the same nodes.
func TestBinnedPredictionIsTheSame(t *testing.T) {
	t.Parallel()
	columns, target := made(2000, 0.2)
	b, err := NewBins(columns)
	if err != nil {
		t.Fatal(err)
	}
	var half []int32
	var targets []float64
	all := make([]int32, b.rows)
	for i := range all {
		all[i] = int32(i)
		if i%2 == 1 {
			half, targets = append(half, int32(i)), append(targets, target[i])
		}
	}
	m, err := b.Fit(half, targets, Options{})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := m.Predict(columns)
	if err != nil {
		t.Fatal(err)
	}
	coded, err := m.PredictRows(b, all)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(raw, coded) {
		t.Error("predictions from values and from bins differ")
	}
	again, err := b.Fit(half, targets, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if repeated, _ := again.PredictRows(b, all); !slices.Equal(coded, repeated) {
		t.Error("a second fit differs")
	}
}

// TestImportance: the columns that make the target take the gain, the noise next to none.
func TestImportance(t *testing.T) {
	t.Parallel()
	columns, target := made(3000, 0)
	m, err := fit(columns, target, Options{MaxLeaves: 8})
	if err != nil {
		t.Fatal(err)
	}
	shares := m.Importance()
	sum := 0.0
	for _, s := range shares {
		sum += s
	}
	if math.Abs(sum-1) > 1e-12 || shares[0] < 0.5 || shares[3] > 0.02 {
		t.Errorf("importances %v", shares)
	}
}

func BenchmarkFit(b *testing.B) {
	columns, target := made(20_000, 0.1)
	bins, err := NewBins(columns)
	if err != nil {
		b.Fatal(err)
	}
	rows := make([]int32, len(target))
	for i := range rows {
		rows[i] = int32(i)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := bins.Fit(rows, target, Options{Rounds: 20}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/20/float64(len(columns))/float64(len(rows)), "ns/row/column/round")
}

// TestCoarseBins: fewer bins are fewer thresholds, and none outside the range are made.
func TestCoarseBins(t *testing.T) {
	t.Parallel()
	columns, target := made(1000, 0.1)
	for _, bins := range []int{1, 0, -1, 256} {
		if _, err := NewCoarseBins(columns, bins); !errors.Is(err, ErrOptions) {
			t.Errorf("%d bins: %v", bins, err)
		}
	}
	b, err := NewCoarseBins(columns, 2)
	if err != nil {
		t.Fatal(err)
	}
	for k := range b.columns {
		if len(b.columns[k].thresholds) != 1 {
			t.Errorf("column %d has thresholds %v", k, b.columns[k].thresholds)
		}
	}
	rows := make([]int32, len(target))
	for i := range rows {
		rows[i] = int32(i)
	}
	if _, err := b.Fit(rows, target, Options{}); err != nil {
		t.Error(err)
	}
}

// TestMissingValues: being missing can be all that matters, and where nothing was missing they follow the larger side.
func TestMissingValues(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	o := Options{MinRows: 1, LearningRate: 1, Rounds: 1, MaxLeaves: 2}
	m, err := fit([][]float64{{7, 7, nan, 7, nan}}, []float64{1, 1, 5, 1, 5}, o)
	if err != nil {
		t.Fatal(err)
	}
	near := func(got, want float64) bool { return math.Abs(got-want) < 1e-12 }
	if got, _ := m.Predict([][]float64{{nan, 7, -100, 100}}); !slices.EqualFunc(got, []float64{5, 1, 1, 1}, near) {
		t.Errorf("estimates %v", got)
	}
	for _, c := range []struct {
		column, target []float64
		want           float64
	}{
		{[]float64{1, 1, 1, 2}, []float64{3, 3, 3, 9}, 3},
		{[]float64{1, 2, 2, 2}, []float64{3, 9, 9, 9}, 9},
	} {
		m, err := fit([][]float64{c.column}, c.target, o)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := m.Predict([][]float64{{nan}}); !near(got[0], c.want) {
			t.Errorf("a missing value after %v is %v, want %v", c.column, got[0], c.want)
		}
	}
}
