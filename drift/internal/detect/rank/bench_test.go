package rank

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// benchSamples draws from nearly one distribution, so that no side comes in runs.
func benchSamples(n, m int) (x, y []float64) {
	rng := rand.New(rand.NewPCG(1, 2))
	draw := func(n int, shift float64) []float64 {
		values := make([]float64, n)
		for i := range values {
			values[i] = rng.NormFloat64() + shift
		}
		slices.Sort(values)
		return values
	}
	return draw(n, 0), draw(m, 0.002)
}

func BenchmarkMeasure1Mx1M(b *testing.B) {
	x, y := benchSamples(1_000_000, 1_000_000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Measure(x, y); err != nil {
			b.Fatal(err)
		}
	}
}
