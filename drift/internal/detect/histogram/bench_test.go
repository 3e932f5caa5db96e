package histogram

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func benchValues(seed uint64) []float64 {
	rng := rand.New(rand.NewPCG(seed, 2))
	values := make([]float64, 1_000_000)
	for i := range values {
		values[i] = rng.NormFloat64()
	}
	return values
}

// BenchmarkRead is the floor: every value read once.
func BenchmarkRead(b *testing.B) {
	values := benchValues(1)
	b.SetBytes(int64(8 * len(values)))
	for b.Loop() {
		sink = readOnce(values)
	}
}

// readOnce is a function because b.Loop keeps what is assigned in its body out of registers.
func readOnce(values []float64) float64 {
	var s0, s1, s2, s3 float64
	for i := 0; i+3 < len(values); i += 4 {
		s0 += values[i]
		s1 += values[i+1]
		s2 += values[i+2]
		s3 += values[i+3]
	}
	return s0 + s1 + s2 + s3
}

var sink float64

// BenchmarkDistinctPooled counts as far as Sturges' rule needs it.
func BenchmarkDistinctPooled(b *testing.B) {
	x, y := benchValues(1), benchValues(2)
	slices.Sort(x)
	slices.Sort(y)
	b.ReportAllocs()
	for b.Loop() {
		DistinctPooled(x, y, SameSturges)
	}
}

func BenchmarkDoane(b *testing.B) {
	x := benchValues(1)
	slices.Sort(x)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Doane(x); err != nil {
			b.Fatal(err)
		}
	}
}
