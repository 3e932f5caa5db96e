package detect

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// inPieces is the sample with its vectors in pieces of so many rows.
func inPieces(s Sample, rows ...int) Sample {
	values, columns := slices.Concat(s.Vectors.Pieces...), s.Vectors.Columns
	var pieces [][]float32
	for _, n := range rows {
		pieces = append(pieces, slices.Clone(values[:n*columns])) // nothing stands behind them
		values = values[n*columns:]
	}
	s.Vectors = NewMatrix(columns, append(pieces, values)...)
	return s
}

// TestPieces: results do not depend on the pieces in which vectors came.
func TestPieces(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	slow := func(t TestSetting) bool { return t.Convention == permutedClassifier } // which picks as the other one does
	tests := slices.DeleteFunc(vectorTests(), slow)
	run := func(baseline, current Sample) Run {
		run, err := Evaluate(t.Context(), Input{Features: []FeatureInput{
			{Name: "v", Type: Vector, Tests: tests, Baseline: baseline, Current: current},
		}}, Settings{Permutations: 99})
		if err != nil || run.FailedFeatures > 0 {
			t.Fatalf("got %s, %v", run.Reason, err)
		}
		return run
	}
	for _, columns := range []int{3, 130} { // as they are, and projected
		baseline, current := vectors(rng, 40, columns, 0), vectors(rng, 35, columns, 0.1)
		want := run(baseline, current)
		got := run(inPieces(baseline, 0, 1, 30, 0, 9, 0), inPieces(current, 34, 0))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d columns: %s", columns, diff)
		}
	}
}

func TestMatrixSplit(t *testing.T) {
	t.Parallel()
	m := NewMatrix(2, []float32{1, 2, 3, 4}, nil, []float32{5, 6, 7, 8, 9, 10})
	for n := range m.Rows + 1 {
		first, rest := m.Split(n)
		if first.Rows != n || rest.Rows != m.Rows-n || first.check() != nil || rest.check() != nil {
			t.Fatalf("after %d rows: got %+v and %+v", n, first, rest)
		}
		if got := slices.Concat(append(first.Pieces, rest.Pieces...)...); !slices.Equal(got, slices.Concat(m.Pieces...)) {
			t.Errorf("after %d rows: got %v", n, got)
		}
	}
	for name, bad := range map[string]Matrix{
		"rows":          {Rows: 2, Columns: 2, Pieces: [][]float32{{1, 2}}},
		"no columns":    {Rows: 2},
		"half a vector": {Rows: 2, Columns: 2, Pieces: [][]float32{{1, 2, 3}, {4}}},
	} {
		if bad.check() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestVectorMemory: tests that map long vectors to short ones, or look at them one by one, do not hold them in twice the precision. Not parallel:
// it measures what the process allocates.
func TestVectorMemory(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	const rows, columns = 1000, 1024
	baseline, current := vectors(rng, rows, columns, 0), vectors(rng, rows, columns, 0)
	for _, test := range []TestSetting{
		{Test: TestCovariance}, {Test: TestPCAReconstruction}, {Test: TestMMD, Convention: "mmd/random-features"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Evaluate(t.Context(), Input{Features: []FeatureInput{
			{Name: "v", Type: Vector, Tests: []TestSetting{test}, Baseline: baseline, Current: current},
		}}, Settings{Permutations: 99})
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Fatal(err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took >= 2*rows*columns*8 {
			t.Errorf("%s took %d MB", test.Test, took>>20)
		}
	}
}
