package rank

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestLanes wants the same sums however the values are taken: sizes, ties and overlaps that begin and end lanes everywhere.
func TestLanes(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	draw := func(n int, shift, grain float64) []float64 {
		values := make([]float64, n)
		for i := range values {
			values[i] = math.Round((rng.NormFloat64()+shift)*grain) / grain // also −0
		}
		slices.Sort(values)
		return values
	}
	for range 600 {
		shift, grain := []float64{0, 0.5, 3, 100}[rng.IntN(4)], math.Pow(10, rng.Float64()*7)
		x, y := draw(1+rng.IntN(4000), 0, grain), draw(1+rng.IntN(4000), shift, grain)
		n, m := len(x), len(y)
		start := merger{x: x, y: y, n: int64(n), m: int64(m), size: float64(n + m), scale: 1, previous: min(x[0], y[0])}
		got, want := start, start
		got.run()
		want.groups(n + m)
		if got.i != n || got.j != m || got.above != want.above || got.below != want.below || got.pairs != want.pairs || got.repeats != want.repeats {
			t.Fatalf("%d and %d values, shift %g, grain %g: got %d %d %d %d, want %d %d %d %d", n, m, shift, grain,
				got.above, got.below, got.pairs, got.repeats, want.above, want.below, want.pairs, want.repeats)
		}
		for name, sums := range map[string][2]float64{
			"squares": {got.squares, want.squares}, "weighted": {got.weighted, want.weighted}, "cubes": {got.cubes, want.cubes},
			"absolute": {got.absolute, want.absolute}, "energy": {got.energy, want.energy},
		} {
			if math.Abs(sums[0]-sums[1]) > 1e-12*sums[1] {
				t.Errorf("%d and %d values, shift %g, grain %g: %s is %g, want %g", n, m, shift, grain, name, sums[0], sums[1])
			}
		}
		if math.Abs(got.signed-want.signed) > 1e-12*want.absolute {
			t.Errorf("signed is %g, want %g", got.signed, want.signed)
		}
	}
}
