package detect

import (
	"math"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
)

// The conventions with rare categories pooled, by hand: 5, 4 and 1 tenths against 2, 4 and 4.
func TestPooledCategories(t *testing.T) {
	t.Parallel()
	plain := FeatureInput{
		Name: "x", Type: Categorical,
		Baseline: counted([]int64{500, 400, 100}), Current: counted([]int64{200, 400, 400}),
	}
	rare := FeatureInput{
		Name: "x", Type: Categorical,
		Baseline: counted([]int64{500, 400, 0, 94, 1, 2, 0, 3}), Current: counted([]int64{200, 400, 396, 0, 1, 0, 2, 1}),
	}
	xlogx := func(x float64) float64 { return x * math.Log2(x) }
	kl := 0.0
	for _, c := range [][2]float64{{500.5, 200.5}, {400.5, 400.5}, {100.5, 400.5}} {
		kl += c[0] / 1001.5 * math.Log(c[0]/c[1])
	}
	tenths := []float64{0.5, 0.4, 0.1, 0.2, 0.4, 0.4}
	entropy := 0.0
	for _, p := range tenths {
		entropy += xlogx(p) / 2
	}
	for convention, want := range map[string]float64{
		"js/category":              math.Sqrt(entropy - xlogx(0.35) - xlogx(0.4) - xlogx(0.25)),
		"hellinger/category":       math.Sqrt(1 - math.Sqrt(0.5*0.2) - 0.4 - math.Sqrt(0.1*0.4)),
		"kl/category":              kl,
		"l-infinity/category":      0.3,
		"total-variation/category": 0.3,
	} {
		test := specOf(t, convention, Categorical).Test
		plain.Tests = []TestSetting{{Test: test}}
		r := Compare(plain, Settings{}).Results[0]
		if r.Convention != convention || !goldentest.Near(*r.Statistic, want, 1e-12) || r.PMethod == PAsymptotic && *r.DF != 2 {
			t.Errorf("%s = %v, DF %v by %s, want %v", convention, *r.Statistic, r.DF, r.Convention, want)
		}
		// Of three names each side expects fewer than 2 rows; they are one bin, and the categories that are on one side only move the distance.
		rare.Tests = []TestSetting{{Test: test}}
		if r := Compare(rare, Settings{}).Results[0]; r.Status != StatusDrift || !(*r.Statistic > want) {
			t.Errorf("%s with rare ones: %s, %v", convention, r.Status, *r.Statistic)
		}
	}
}
