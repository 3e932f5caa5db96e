package histogram

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
)

// golden is testdata/golden.json, made by NumPy. Edges are null where NumPy raises an error.
type golden struct {
	Samples []struct {
		Name          string
		Values        []float64
		Sturges       []float64
		SturgesCounts []int64 `json:"sturges_counts"`
		Doane         []float64
		DoaneCounts   []int64 `json:"doane_counts"`
	}
	Sturges []struct {
		N         int
		Low, High float64
		Whole     bool
		Edges     []float64
	}
}

func readGolden(t *testing.T) golden {
	t.Helper()
	return goldentest.Read[golden](t, "testdata/golden.json")
}

// The edges are NumPy's to the last bit, since a value may lie on one.
func TestEdgesGolden(t *testing.T) {
	t.Parallel()
	check := func(name string, got []float64, err error, want []float64) {
		t.Helper()
		if want == nil {
			if !errors.Is(err, ErrRange) {
				t.Errorf("%s: %v %v, want %v", name, got, err, ErrRange)
			}
			return
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v %v, want %v", name, got, err, want)
		}
	}
	g := readGolden(t)
	for _, c := range g.Samples {
		edges, err := Sturges(len(c.Values), c.Values[0], c.Values[len(c.Values)-1], false)
		check(c.Name+" sturges", edges, err, c.Sturges)
		if err == nil {
			checkCounts(t, c.Name, c.Values, edges, c.SturgesCounts)
		}
		edges, err = Doane(c.Values)
		check(c.Name+" doane", edges, err, c.Doane)
		if err == nil {
			checkCounts(t, c.Name, c.Values, edges, c.DoaneCounts)
		}
	}
	for _, c := range g.Sturges {
		edges, err := Sturges(c.N, c.Low, c.High, c.Whole)
		check("rule", edges, err, c.Edges)
	}
}

// checkCounts wants the counts of sorted values.
func checkCounts(t *testing.T, name string, values, edges []float64, want []int64) {
	t.Helper()
	if diff := cmp.Diff(want, Count(values, edges)); diff != "" {
		t.Errorf("%s: counts (-want +got):\n%s", name, diff)
	}
}

func TestNoBins(t *testing.T) {
	t.Parallel()
	huge := math.MaxFloat64
	for name, c := range map[string]struct {
		make func() ([]float64, error)
		want error
	}{
		"nothing, sturges":       {func() ([]float64, error) { return Sturges(0, 0, 0, false) }, ErrEmpty},
		"nothing, doane":         {func() ([]float64, error) { return Doane(nil) }, ErrEmpty},
		"range overflows":        {func() ([]float64, error) { return Sturges(9, -huge, huge, false) }, ErrRange},
		"range overflows, doane": {func() ([]float64, error) { return Doane([]float64{-huge, 0, huge}) }, ErrRange},
		"neighbours":             {func() ([]float64, error) { return Sturges(9, 1, math.Nextafter(1, 2), false) }, ErrRange},
		"neighbours, doane":      {func() ([]float64, error) { return Doane([]float64{1, 1, math.Nextafter(1, 2)}) }, ErrRange},
		"sum overflows":          {func() ([]float64, error) { return Doane([]float64{-1e308, 1e308, 1.5e308, 1.6e308}) }, ErrRange},
		"equal and huge":         {func() ([]float64, error) { return Sturges(2, huge, huge, false) }, ErrRange},
		"no bins":                {func() ([]float64, error) { return Edges(0, 1, 0) }, ErrRange},
		"not a number":           {func() ([]float64, error) { return Edges(math.NaN(), 1, 3) }, ErrRange},
	} {
		if edges, err := c.make(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, %v, want %v", name, edges, err, c.want)
		}
	}
}

func TestDistinct(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) []float64 {
			values := rapid.SliceOfN(rapid.SampledFrom([]float64{-3, math.Copysign(0, -1), 0, 1, 1.5, 2, 8}), 0, 40).Draw(t, label)
			slices.Sort(values)
			return values
		}
		x, y := draw("x"), draw("y")
		a, b := map[float64]int64{}, map[float64]int64{}
		for _, v := range x {
			a[v]++
		}
		pooled := map[float64]bool{}
		for _, v := range y {
			b[v]++
			pooled[v] = true
		}
		for _, v := range x {
			pooled[v] = true
		}
		if got := Distinct(x, 100); got != len(a) {
			t.Fatalf("Distinct = %d, want %d", got, len(a))
		}
		if got := Distinct(x, 2); got != min(len(a), 3) {
			t.Fatalf("Distinct up to 2 = %d of %d", got, len(a))
		}
		if got := DistinctPooled(x, y, func(int, int) bool { return false }); got != len(pooled) {
			t.Fatalf("DistinctPooled = %d, want %d", got, len(pooled))
		}
		gotA, gotB := CountValues(x, y)
		var wantA, wantB []int64
		for _, v := range []float64{-3, 0, 1, 1.5, 2, 8} {
			if pooled[v] {
				wantA, wantB = append(wantA, a[v]), append(wantB, b[v])
			}
		}
		if !slices.Equal(gotA, wantA) || !slices.Equal(gotB, wantB) {
			t.Fatalf("CountValues = %v %v, want %v %v", gotA, gotB, wantA, wantB)
		}
	})
}

// CountSource of a pair is Count, and nothing is lost.
func TestCountSource(t *testing.T) {
	t.Parallel()
	pair := Pair{Baseline: []float64{-9, 0, 1, 2, 3, 3, 9}, Current: []float64{-1, 0.5, 3, 4}}
	edges := []float64{0, 1, 2, 3}
	a, b := CountSource(pair, edges, nil, nil)
	if diff := cmp.Diff([][]int64{{1, 1, 3, 2}, {1, 0, 1, 2}}, [][]int64{a, b}); diff != "" {
		t.Error(diff)
	}
}

// TestDistinctPooledEnds wants the edges of all distinct values from a count that ended as soon as it could.
func TestDistinctPooledEnds(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	ended := 0
	for range 300 {
		values := 1 + rng.IntN(40_000)
		draw := func() []float64 {
			sorted := make([]float64, 1+rng.IntN(20_000))
			for i := range sorted {
				sorted[i] = float64(rng.IntN(values))
			}
			slices.Sort(sorted)
			return sorted
		}
		x, y := draw(), draw()
		all := DistinctPooled(x, y, func(int, int) bool { return false })
		n := DistinctPooled(x, y, SameSturges)
		if n != all {
			ended++
		}
		for _, high := range []float64{1, 7, 1e9, math.Pi} {
			want, _ := Sturges(all, 0, high, false)
			if got, err := Sturges(n, 0, high, false); err != nil || !slices.Equal(got, want) {
				t.Fatalf("%d values in place of %d: %d edges, want %d, %v", n, all, len(got), len(want), err)
			}
		}
	}
	if ended < 100 {
		t.Errorf("only %d counts ended before all values", ended)
	}
}

// TestDistinctPooledCountsLate wants the shorter side's values counted when its rows alone leave too much open for long.
func TestDistinctPooledCountsLate(t *testing.T) {
	t.Parallel()
	var x, y []float64
	for i := range 200_000 {
		x = append(x, float64(i))
	}
	for i := range 50_000 {
		v := float64(190_000 + i)
		y = append(y, v, v, v)
	}
	const all = 240_000
	asked := 0
	got := DistinctPooled(y, x, func(least, most int) bool {
		if asked++; least > all || most < all {
			t.Fatalf("%d to %d values, but there are %d", least, most, all)
		}
		return SameSturges(least, most)
	})
	if got != len(x) || asked > 40 {
		t.Errorf("%d values after %d questions, want %d", got, asked, len(x))
	}
	if got := DistinctPooled(x, y, func(int, int) bool { return false }); got != all {
		t.Errorf("%d values in all, want %d", got, all)
	}
}
