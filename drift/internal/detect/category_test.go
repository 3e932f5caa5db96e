package detect

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
)

// categoryGolden is testdata/golden_category.json, made by SciPy, Evidently and NannyML.
type categoryGolden struct {
	Tables []struct {
		Name           string
		BaselineCounts []int64 `json:"baseline_counts"`
		CurrentCounts  []int64 `json:"current_counts"`
		Tests          map[string]struct {
			Statistic, P float64
			Effect       *float64
		}
	}
}

func TestCategoriesGolden(t *testing.T) {
	t.Parallel()
	golden := goldentest.Read[categoryGolden](t, "testdata/golden_category.json")
	for _, c := range golden.Tables {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			for _, convention := range slices.Sorted(maps.Keys(c.Tests)) {
				want := c.Tests[convention]
				f := FeatureInput{Name: "x", Type: Categorical, Baseline: counted(c.BaselineCounts), Current: counted(c.CurrentCounts)}
				f.Tests = []TestSetting{{Test: specOf(t, convention, Categorical).Test, Convention: convention}}
				r := Compare(f, Settings{MinRows: 1}).Results[0]
				if r.Statistic == nil {
					t.Errorf("%s: %s %s", convention, r.Status, r.Reason)
					continue
				}
				// Statistics of equal shares are what rounding leaves.
				if !goldentest.Near(*r.Statistic, want.Statistic, 1e-12) && math.Abs(*r.Statistic-want.Statistic) > 1e-12 {
					t.Errorf("%s = %.17g, want %.17g", convention, *r.Statistic, want.Statistic)
				}
				// A p-value of permutations is near the asymptotic one, not the same.
				if !goldentest.Near(*r.PValue, want.P, 1e-9) && !(r.PMethod == PPermutation && math.Abs(*r.PValue-want.P) < 0.02) {
					t.Errorf("%s: P = %.17g, want %.17g", convention, *r.PValue, want.P)
				}
				if want.Effect != nil && math.Abs(*r.Effect-*want.Effect) > 1e-12 {
					t.Errorf("%s: effect %.17g, want %.17g", convention, *r.Effect, *want.Effect)
				}
			}
		})
	}
}

func TestCategoryVerdicts(t *testing.T) {
	t.Parallel()
	counts := func(a, b, c int64) Sample {
		return categories(map[string]int64{"a": a, "b": b, "c": c})
	}
	truth := func(yes, no int64) Sample { return categories(map[string]int64{"true": yes, "false": no}) }
	for name, c := range map[string]struct {
		kind              FeatureType
		baseline, current Sample
		test              TestSetting
		status            Status
		direction         Direction
		reason            string
	}{
		"three categories, Fisher": {
			Categorical, counts(50, 30, 20), counts(50, 30, 20), TestSetting{Test: TestFisherExact}, StatusNotApplicable, DirectionNone, moreThanTwo,
		},
		"three categories, z": {
			Categorical, counts(50, 30, 20), counts(50, 30, 20), TestSetting{Test: TestTwoProportionZ}, StatusNotApplicable, DirectionNone, moreThanTwo,
		},
		"one category, Fisher":  {Categorical, counts(50, 0, 0), counts(60, 0, 0), TestSetting{Test: TestFisherExact}, StatusOK, DirectionNone, ""},
		"one category, z":       {Categorical, counts(50, 0, 0), counts(60, 0, 0), TestSetting{Test: TestTwoProportionZ}, StatusOK, DirectionNone, ""},
		"another category":      {Categorical, counts(50, 0, 0), counts(0, 60, 0), TestSetting{Test: TestFisherExact}, StatusDrift, DirectionChanged, "rate_difference"},
		"more often true":       {Boolean, truth(20, 80), truth(50, 50), TestSetting{Test: TestFisherExact}, StatusDrift, DirectionIncrease, "rate_difference"},
		"less often true":       {Boolean, truth(50, 50), truth(20, 80), TestSetting{Test: TestTwoProportionZ}, StatusDrift, DirectionDecrease, "rate_difference"},
		"never true":            {Boolean, truth(0, 80), truth(0, 80), TestSetting{Test: TestTwoProportionZ}, StatusOK, DirectionNone, ""},
		"unseen, G":             {Categorical, counts(50, 50, 0), counts(40, 40, 20), TestSetting{Test: TestG}, StatusDrift, DirectionChanged, "cramers_v"},
		"unseen, Evidently":     {Categorical, counts(50, 50, 0), counts(40, 40, 20), TestSetting{Test: TestChiSquare, Convention: "chi-square/evidently"}, StatusDrift, DirectionChanged, "cramers_v"},
		"unseen, JS":            {Categorical, counts(50, 50, 0), counts(40, 40, 20), TestSetting{Test: TestJensenShannon}, StatusDrift, DirectionChanged, "jensen_shannon"},
		"one category, PSI":     {Categorical, counts(50, 0, 0), counts(60, 0, 0), TestSetting{Test: TestPSI, Convention: "psi/evidently"}, StatusOK, DirectionNone, ""},
		"one category, G":       {Categorical, counts(50, 0, 0), counts(60, 0, 0), TestSetting{Test: TestG}, StatusOK, DirectionNone, ""},
		"boolean, L infinity":   {Boolean, truth(50, 50), truth(20, 80), TestSetting{Test: TestLInfinity}, StatusDrift, DirectionChanged, "largest_share_change"},
		"all rare":              {Categorical, distinct(0, 40), distinct(100, 40), TestSetting{Test: TestJensenShannon}, StatusInsufficientData, DirectionNone, tooRare},
		"too many categories":   {Categorical, distinct(0, 60_000), distinct(50_000, 60_000), TestSetting{Test: TestHellinger, Convention: "hellinger/every-category"}, StatusNotApplicable, DirectionNone, "100000"},
		"many categories, TV":   {Categorical, repeated(3000, 0), repeated(3000, 0), TestSetting{Test: TestTotalVariation}, StatusOK, DirectionNone, ""},
		"unpooled, moved":       {Categorical, repeated(6000, 0), repeated(6000, 3000), TestSetting{Test: TestJensenShannon, Convention: "js/base2-category"}, StatusDrift, DirectionChanged, "jensen"},
		"many categories moved": {Categorical, repeated(3000, 0), repeated(3000, 1500), TestSetting{Test: TestTotalVariation}, StatusDrift, DirectionChanged, "total_variation"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := Compare(FeatureInput{Name: "x", Type: c.kind, Baseline: c.baseline, Current: c.current, Tests: []TestSetting{c.test}}, Settings{MinRows: 1, Permutations: 199})
			r := f.Results[0]
			if r.Status != c.status || r.Direction != c.direction || !strings.Contains(r.Reason, c.reason) {
				t.Errorf("%s %s %q, want %s %s %q", r.Status, r.Direction, r.Reason, c.status, c.direction, c.reason)
			}
		})
	}
}

// distinct has n categories of one row each, from a number on.
func distinct(from, n int) Sample {
	counts := map[string]int64{}
	for i := range n {
		counts[fmt.Sprint("id", from+i)] = 1
	}
	return categories(counts)
}

// repeated has n categories of ten rows each, from a number on.
func repeated(n, from int) Sample {
	counts := map[string]int64{}
	for i := range n {
		counts[fmt.Sprint("id", from+i)] = 10
	}
	return categories(counts)
}

// Names of a megabyte are neither copied nor compared more often than needed.
func TestLongNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1<<20)
	baseline, current := map[string]int64{}, map[string]int64{}
	for i := range 20 {
		baseline[long+strconv.Itoa(i)] = 50
		current[long+strconv.Itoa(i+3)] = 50
	}
	f := FeatureInput{Name: "x", Type: Categorical, Baseline: categories(baseline), Current: categories(current)}
	for _, spec := range Catalog() {
		if spec.Scope == ScopeFeature && spec.Applies(Categorical) && slices.Contains([]Test{TestG, TestPSI, TestChiSquare, TestJensenShannon, TestTotalVariation}, spec.Test) {
			f.Tests = append(f.Tests, TestSetting{Test: spec.Test})
		}
	}
	for _, r := range Compare(f, Settings{}).Results {
		if r.Test != TestMissingRate && r.Status != StatusDrift {
			t.Errorf("%s: %s %s", r.Test, r.Status, r.Reason)
		}
	}
}

// The asymptotic p-value of G would raise 10 % of false alarms here.
func TestGLevel(t *testing.T) {
	t.Parallel()
	const draws = 400
	rng := rand.New(rand.NewPCG(3, 4))
	draw := func() Sample {
		counts := make([]int64, 10)
		for range 30 {
			counts[rng.IntN(10)]++
		}
		return counted(counts)
	}
	alarms := 0
	for i := range draws {
		f := FeatureInput{Name: "x", Type: Categorical, Baseline: draw(), Current: draw(), Tests: []TestSetting{{Test: TestG}}}
		if *Compare(f, Settings{Permutations: 99, Seed: uint64(i)}).Results[0].PValue <= 0.05 {
			alarms++
		}
	}
	if rate, slack := float64(alarms)/draws, 3*math.Sqrt(0.05*0.95/draws); rate > 0.05+slack || rate < 0.05-slack {
		t.Errorf("false alarm rate %.3f", rate)
	}
}
