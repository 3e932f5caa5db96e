package distance

import (
	"math/rand/v2"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
)

// benchBins is a bell over 22 bins with a million rows a side, as Sturges' rule makes them.
func benchBins() Bins {
	rng := rand.New(rand.NewPCG(1, 2))
	a, b := make([]int64, 22), make([]int64, 22)
	for range 1_000_000 {
		a[min(max(int(11+2.2*rng.NormFloat64()), 0), 21)]++
		b[min(max(int(11+2.2*rng.NormFloat64()), 0), 21)]++
	}
	bins, _ := NewBins(a, b)
	return bins
}

func BenchmarkPermute(b *testing.B) {
	bins := benchBins()
	for name, m := range map[string]Measure{"js": JensenShannon(2), "hellinger": Hellinger(), "psi": FilledPSI(), "l-infinity": LInfinity()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m.Permute(bins, permutation.Draws{Count: 999, Alpha: 0.05, Rand: rand.New(rand.NewPCG(1, 2))})
			}
		})
	}
}

func BenchmarkShuffle(b *testing.B) {
	s, rng := benchBins().shuffler(), rand.New(rand.NewPCG(1, 2))
	b.ReportAllocs()
	for b.Loop() {
		s.shuffle(rng)
	}
}

func BenchmarkAsymptotic(b *testing.B) {
	bins, m := benchBins(), JensenShannon(2)
	b.ReportAllocs()
	for b.Loop() {
		m.Asymptotic(bins, 0.05)
	}
}
