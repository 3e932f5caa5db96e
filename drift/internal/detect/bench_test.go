package detect

import (
	"math/rand/v2"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/ks"
	"github.com/aumos-enterprise/platform/drift/internal/detect/rank"
)

func unsorted(seed uint64, n int) []float64 {
	rng := rand.New(rand.NewPCG(seed, 0))
	values := make([]float64, n)
	for i := range values {
		values[i] = rng.NormFloat64()
	}
	return values
}

func BenchmarkSortFloat64s1M(b *testing.B) {
	values, work := unsorted(1, 1_000_000), make([]float64, 1_000_000)
	b.ReportAllocs()
	for b.Loop() {
		copy(work, values)
		SortFloat64s(work)
	}
}

// BenchmarkKS1Mx1MWithSort is the usual case: the baseline is kept sorted, the
// window is not.
func BenchmarkKS1Mx1MWithSort(b *testing.B) {
	baseline := numbers(1, 1_000_000, 0, 0).Sorted
	values, work := unsorted(2, 1_000_000), make([]float64, 1_000_000)
	b.ReportAllocs()
	for b.Loop() {
		copy(work, values)
		SortFloat64s(work)
		if _, err := ks.Test(baseline, work); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEvaluate1Mx1M(b *testing.B) {
	feature := FeatureInput{
		Type:     Numeric,
		Tests:    []TestSetting{{Test: TestKS}, {Test: TestPSI}},
		Baseline: numbers(1, 1_000_000, 0, 0),
		Current:  numbers(2, 1_000_000, 0, 0),
	}
	b.ReportAllocs()
	for b.Loop() {
		if got := Compare(feature, Settings{}); got.Status != StatusOK {
			b.Fatal(got.Reason)
		}
	}
}

// BenchmarkEvaluate100x1000 is a wide, short run.
func BenchmarkEvaluate100x1000(b *testing.B) {
	var features []FeatureInput
	for i := range uint64(100) {
		features = append(features, FeatureInput{Type: Numeric, Baseline: numbers(i, 5000, 0, 0), Current: numbers(1000+i, 1000, 0, 0)})
	}
	b.ReportAllocs()
	for b.Loop() {
		evaluate(b, features, Settings{})
	}
}

// BenchmarkRank1Mx1MWithSort is what one feature costs when the baseline is kept sorted and the window is not: the sort, the one pass
// that all rank statistics come from, and the p-values that need no draws.
func BenchmarkRank1Mx1MWithSort(b *testing.B) {
	baseline := numbers(1, 1_000_000, 0, 0).Sorted
	values, work := unsorted(2, 1_000_000), make([]float64, 1_000_000)
	b.ReportAllocs()
	for b.Loop() {
		copy(work, values)
		SortFloat64s(work)
		pooled, err := rank.Measure(baseline, work)
		if err != nil {
			b.Fatal(err)
		}
		pooled.CramerP()
		rank.AndersonP(pooled.Anderson())
		pooled.MannWhitney()
		pooled.WassersteinStd()
	}
}

// BenchmarkRankTests1Mx1M is all rank tests of a feature, with 999 draws for the distances.
func BenchmarkRankTests1Mx1M(b *testing.B) {
	feature := FeatureInput{
		Type: Numeric, Baseline: numbers(1, 1_000_000, 0, 0), Current: numbers(2, 1_000_000, 0, 0),
	}
	for _, spec := range rankSpecs() {
		feature.Tests = append(feature.Tests, TestSetting{Test: spec.Test})
	}
	b.ReportAllocs()
	for b.Loop() {
		if got := Compare(feature, Settings{}); got.Status != StatusOK {
			b.Fatal(got.Reason)
		}
	}
}
