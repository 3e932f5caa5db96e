package histogram

import (
	"math/rand/v2"
	"testing"
)

func benchValues() []float64 {
	rng := rand.New(rand.NewPCG(1, 2))
	values := make([]float64, 1_000_000)
	for i := range values {
		values[i] = rng.NormFloat64()
	}
	return values
}

// BenchmarkRead is the floor: every value read once.
func BenchmarkRead(b *testing.B) {
	values := benchValues()
	b.SetBytes(int64(8 * len(values)))
	for b.Loop() {
		var s0, s1, s2, s3 float64
		for i := 0; i+3 < len(values); i += 4 {
			s0 += values[i]
			s1 += values[i+1]
			s2 += values[i+2]
			s3 += values[i+3]
		}
		sink = s0 + s1 + s2 + s3
	}
}

var sink float64

func BenchmarkGridAdd(b *testing.B) {
	values := benchValues()
	edges, err := Sturges(len(values), -6, 6, false)
	if err != nil {
		b.Fatal(err)
	}
	grid := NewGrid(edges)
	b.SetBytes(int64(8 * len(values)))
	b.ReportAllocs()
	for b.Loop() {
		grid.Add(values)
	}
}
