package multivariate

import (
	"math/rand/v2"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
)

// Each benchmark has the most rows that its test looks at, for the number of columns.
func benchmark(b *testing.B, rows, columns int, run func(x, y Matrix, rng *rand.Rand) error) {
	b.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	x, y := normalMatrix(rng, rows, columns, 0, 1), normalMatrix(rng, rows, columns, 0, 1)
	b.ReportAllocs()
	for b.Loop() {
		if err := run(x, y, rng); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkMMD(b *testing.B, columns int) {
	b.Helper()
	benchmark(b, PairedRows(columns), columns, func(x, y Matrix, rng *rand.Rand) error {
		pairs, err := NewPairs(x, y, nil)
		if err == nil {
			pairs.MMD(permutation.Draws{Count: 999, Rand: rng, Alpha: alpha})
		}
		return err
	})
}

func BenchmarkMMD20(b *testing.B)   { benchmarkMMD(b, 20) }
func BenchmarkMMD768(b *testing.B)  { benchmarkMMD(b, 768) }
func BenchmarkMMD4096(b *testing.B) { benchmarkMMD(b, 4096) }

func BenchmarkFeatureMMD20(b *testing.B) {
	benchmark(b, FeatureRows(20), 20, func(x, y Matrix, rng *rand.Rand) error {
		_, _, err := FeatureMMD(x.Each(), y.Each(), permutation.Draws{Count: 999, Rand: rng, Alpha: alpha})
		return err
	})
}

func BenchmarkReconstruct20(b *testing.B) {
	benchmark(b, ReconstructedRows(20), 20, func(x, y Matrix, _ *rand.Rand) error {
		_, err := Reconstruct(x, y, 0.65, nil)
		return err
	})
}

func BenchmarkCorrelations20(b *testing.B) {
	benchmark(b, 1000, 20, func(x, y Matrix, rng *rand.Rand) error {
		_, err := Correlations(x, y, permutation.Draws{Count: 999, Rand: rng, Alpha: alpha})
		return err
	})
}

func BenchmarkCorrelations50(b *testing.B) {
	benchmark(b, CorrelatedRows(50), 50, func(x, y Matrix, rng *rand.Rand) error {
		_, err := Correlations(x, y, permutation.Draws{Count: 999, Rand: rng, Alpha: alpha})
		return err
	})
}

func BenchmarkClassify20(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	rows := ClassifiedRows(20)
	x, y := normalMatrix(rng, rows, 20, 0, 1).ByColumn(), normalMatrix(rng, rows, 20, 0, 1).ByColumn()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Classify(x, y, permutation.Draws{Rand: rng, Alpha: alpha}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkClassifyAnew20(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	rows := RelearnedRows(20)
	x, y := normalMatrix(rng, rows, 20, 0, 1).ByColumn(), normalMatrix(rng, rows, 20, 0, 1).ByColumn()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ClassifyAnew(x, y, permutation.Draws{Count: 199, Rand: rng, Alpha: alpha}); err != nil {
			b.Fatal(err)
		}
	}
}
