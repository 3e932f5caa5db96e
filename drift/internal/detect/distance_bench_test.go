package detect

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
)

// BenchmarkDistances makes one test of sorted samples of a million rows a side. Reading one of the columns once is BenchmarkRead in package
// histogram.
func BenchmarkDistances(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	draw := func() []float64 {
		values := make([]float64, 1_000_000)
		for i := range values {
			values[i] = rng.NormFloat64()
		}
		slices.Sort(values)
		return values
	}
	c := &comparison{FeatureInput: FeatureInput{Name: "x", Type: Numeric, Baseline: sorted(draw()), Current: sorted(draw())}, settings: Settings{}.withDefaults()}
	for _, convention := range []string{
		"js/decile-ref", "hellinger/decile-ref", "kl/decile-ref", "l-infinity/decile-ref", "total-variation/decile-ref",
		"psi/evidently", "js/nats-sturges", "js/base2-doane", "hellinger/sturges",
	} {
		b.Run(convention, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if f := measureDistance(c, TestSetting{Test: TestJensenShannon, Convention: convention}); f.status != "" {
					b.Fatal(f.reason)
				}
			}
		})
	}
	b.Run("psi/decile-ref", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			measurePSI(c, TestSetting{Test: TestPSI, Convention: "psi/decile-ref"})
		}
	})
}

// BenchmarkCategories makes one test of many categories.
func BenchmarkCategories(b *testing.B) {
	for _, k := range []int{10, 1000, 100_000} {
		rng := rand.New(rand.NewPCG(1, 2))
		draw := func() Sample {
			counts := map[string]int64{}
			for i := range k {
				counts["category "+strconv.Itoa(i)] = 5 + rng.Int64N(20)
			}
			return categories(counts)
		}
		f := FeatureInput{Name: "x", Type: Categorical, Baseline: draw(), Current: draw()}
		for _, t := range []TestSetting{
			{Test: TestChiSquare, Convention: "chi-square/homogeneity"},
			{Test: TestG, Convention: "g/homogeneity"},
			{Test: TestJensenShannon, Convention: "js/category"},
			{Test: TestLInfinity, Convention: "l-infinity/category"},
		} {
			b.Run(t.Convention+"/"+strconv.Itoa(k), func(b *testing.B) {
				spec, _ := Lookup(t.Test)
				b.ReportAllocs()
				for b.Loop() {
					c := &comparison{FeatureInput: f, settings: Settings{}.withDefaults()}
					if f := spec.measure(c, t); f.status != "" {
						b.Fatal(f.reason)
					}
				}
			})
		}
	}
}
