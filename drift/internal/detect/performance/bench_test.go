package performance

import (
	"math/rand/v2"
	"testing"
)

func benchMeasure(b *testing.B, s Sample) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		s.Measure()
	}
}

func BenchmarkBinary1M(b *testing.B) {
	benchMeasure(b, drawClassification(rand.New(rand.NewPCG(1, 1)), 1_000_000, 2))
}

func BenchmarkRegression1M(b *testing.B) {
	benchMeasure(b, drawRegression(rand.New(rand.NewPCG(1, 1)), 1_000_000))
}

func BenchmarkMulticlass100k(b *testing.B) {
	benchMeasure(b, drawClassification(rand.New(rand.NewPCG(1, 1)), 100_000, 10))
}

// The dearest comparison: just few enough rows for permutations.
func BenchmarkPermutations(b *testing.B) {
	for kind, draw := range kinds {
		b.Run(kind, func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 1))
			baseline, current := draw(rng, 10_000), draw(rng, permutationBelow-1)
			for b.Loop() {
				if _, err := Compare(b.Context(), baseline, current, 999, 1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
