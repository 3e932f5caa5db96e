package contingency

import (
	"math/rand/v2"
	"testing"
)

func BenchmarkChiSquare(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	baseline := namedCounts(countCategories(rng, 100_000, 1000, 1))
	current := namedCounts(countCategories(rng, 100_000, 1000, 1))
	b.ReportAllocs()
	for b.Loop() {
		table, err := NewTable(baseline, current)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := ChiSquare(table); err != nil {
			b.Fatal(err)
		}
	}
}
