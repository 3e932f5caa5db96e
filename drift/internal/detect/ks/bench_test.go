package ks

import (
	"math/rand/v2"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/leveltest"
)

// benchSamples draws from nearly one distribution, the slowest case for the
// search: with a large D it can skip more.
func benchSamples(n, m int) (x, y []float64) {
	rng := rand.New(rand.NewPCG(1, 2))
	x = leveltest.Fill(n, rng.NormFloat64)
	y = leveltest.Fill(m, func() float64 { return rng.NormFloat64() + 0.002 })
	return x, y
}

func benchKS(b *testing.B, n, m int, shift float64) {
	b.Helper()
	x, y := benchSamples(n, m)
	for i := range y {
		y[i] += shift
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Test(x, y); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkKS1Mx1M(b *testing.B)          { benchKS(b, 1_000_000, 1_000_000, 0) }
func BenchmarkKS1Mx1MShifted(b *testing.B)   { benchKS(b, 1_000_000, 1_000_000, 0.1) }
func BenchmarkKS1Mx1MEqual(b *testing.B)     { benchKS(b, 1_000_000, 1_000_000, -0.002) }
func BenchmarkKS1Mx10k(b *testing.B)         { benchKS(b, 1_000_000, 10_000, 0) }
func BenchmarkKSExact9000x8999(b *testing.B) { benchKS(b, 9000, 8999, 0) }

// The exact p-value of a large D is the slowest one.
func BenchmarkKSExact9973x9967Shifted(b *testing.B) { benchKS(b, 9973, 9967, 1.3) }
func BenchmarkKSExact10000x10000(b *testing.B)      { benchKS(b, 10_000, 10_000, 0) }
func BenchmarkKSExact1000x100(b *testing.B)         { benchKS(b, 1000, 100, 0) }

func BenchmarkKolmogorovSF(b *testing.B) {
	for _, c := range []struct {
		name string
		n    int64
		d    float64
	}{
		{"durbin/n=100", 100, 0.08},
		{"pomeranz/n=100", 100, 0.15},
		{"smirnov/n=100", 100, 0.3},
		{"durbin/n=9000", 9000, 0.0028},
		{"pelzgood/n=500k", 500_000, 0.0015},
		{"smirnov/n=500k", 500_000, 0.004},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				kolmogorovSF(c.n, c.d)
			}
		})
	}
}
