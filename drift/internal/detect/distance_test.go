package detect

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
)

// distanceGolden is testdata/golden_distance.json, which holds the numbers of Evidently and NannyML themselves.
type distanceGolden struct {
	Numeric []struct {
		Name              string
		Baseline, Current goldentest.Sample
		Distances         map[string]float64
	}
	Categorical []struct {
		Name           string
		BaselineCounts []int64 `json:"baseline_counts"`
		CurrentCounts  []int64 `json:"current_counts"`
		Distances      map[string]float64
	}
}

func readDistanceGolden(t *testing.T) distanceGolden {
	t.Helper()
	return goldentest.Read[distanceGolden](t, "testdata/golden_distance.json")
}

func sorted(values []float64) Sample {
	return Sample{Sorted: values, Rows: int64(len(values))}
}

func counted(counts []int64) Sample {
	byName := map[string]int64{}
	for i, count := range counts {
		byName[fmt.Sprintf("c%03d", i)] = count
	}
	return categories(byName)
}

// specOf finds the test that has a convention.
func specOf(t *testing.T, convention string, kind FeatureType) Spec {
	t.Helper()
	for _, spec := range Catalog() {
		if _, ok := spec.Convention(convention, kind); ok && spec.Applies(kind) {
			return spec
		}
	}
	t.Fatalf("no test has the convention %q for %s features", convention, kind)
	return Spec{}
}

// checkDistances makes each test alone and compares its statistic, to 1e-12. The peers lose more than that where they take a small difference
// of numbers near 1: Evidently's Hellinger distance is the root of 1 − Σ√(pq), SciPy's Jensen–Shannon distance that of a sum whose terms
// cancel, and NannyML calls rows outside all bins what rounding leaves of a sum of 1. So squares may also differ by 4e-15.
func checkDistances(t *testing.T, f FeatureInput, want map[string]float64) {
	t.Helper()
	for _, convention := range slices.Sorted(maps.Keys(want)) {
		spec := specOf(t, convention, f.Type)
		f.Tests = []TestSetting{{Test: spec.Test, Convention: convention}}
		r := Compare(f, Settings{MinRows: 1, Permutations: 99}).Results[0]
		if r.Statistic == nil {
			t.Errorf("%s: %s %s", convention, r.Status, r.Reason)
			continue
		}
		expected := want[convention]
		// The square is what is computed, and what cancels.
		square := math.Abs(*r.Statistic**r.Statistic - expected*expected)
		loose := convention == "hellinger/sturges" && f.Name == "large numbers" // densities times the mean width of bins that differ in the ninth digit
		if !goldentest.Near(*r.Statistic, expected, 1e-12) && square > 4e-15 && !(loose && goldentest.Near(*r.Statistic, expected, 1e-6)) {
			t.Errorf("%s = %.17g, want %.17g", convention, *r.Statistic, expected)
		}
		if r.Convention != convention || *r.Effect != *r.Statistic || *r.PValue < 0.01 && r.PMethod == PPermutation {
			t.Errorf("%s: %+v", convention, r)
		}
	}
}

func TestDistancesGolden(t *testing.T) {
	t.Parallel()
	golden, seen := readDistanceGolden(t), map[string]bool{}
	for _, c := range golden.Numeric {
		for convention := range c.Distances {
			seen[convention] = true
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			checkDistances(t, FeatureInput{Name: c.Name, Type: Numeric, Baseline: sorted(c.Baseline.Draw()), Current: sorted(c.Current.Draw())}, c.Distances)
		})
	}
	for _, c := range golden.Categorical {
		for convention := range c.Distances {
			seen[convention] = true
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			checkDistances(t, FeatureInput{Name: "x", Type: Categorical, Baseline: counted(c.BaselineCounts), Current: counted(c.CurrentCounts)}, c.Distances)
		})
	}
	for convention := range distanceWays {
		if !seen[convention] && !strings.HasSuffix(convention, "/category") { // those are in TestPooledCategories
			t.Errorf("no golden value for %s", convention)
		}
	}
}
