package detect

import (
	"math"
	"strings"
	"testing"
)

// rankSettings are all rank tests in all their conventions.
func rankSettings() []TestSetting {
	var settings []TestSetting
	for _, spec := range rankSpecs() {
		for _, c := range spec.Conventions {
			settings = append(settings, TestSetting{Test: spec.Test, Convention: c.Name})
		}
	}
	return settings
}

func finiteSample(values ...float64) Sample {
	SortFloat64s(values)
	return Sample{Sorted: values, Rows: int64(len(values))}
}

func repeat(n int, values ...float64) Sample {
	var all []float64
	for range n {
		all = append(all, values...)
	}
	return finiteSample(all...)
}

// Each test finds what it is for, says nothing without a change, and has a threshold on the same side of its statistic as alpha of its p-value.
func TestRankTests(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		baseline, current Sample
		want              Status
		direction         Direction
	}{
		"equal distributions": {numbers(1, 2000, 0, 0), numbers(2, 1500, 0, 0), StatusOK, ""},
		"shift up":            {numbers(1, 2000, 0, 0), numbers(2, 1500, 1, 0), StatusDrift, DirectionIncrease},
		"shift down":          {numbers(1, 2000, 1, 0), numbers(2, 1500, 0, 0), StatusDrift, DirectionDecrease},
	} {
		got := Compare(FeatureInput{Name: "f", Type: Numeric, Tests: rankSettings(), Baseline: c.baseline, Current: c.current}, Settings{})
		for _, r := range got.Results {
			if r.Test == TestMissingRate || c.want == StatusDrift && r.Test == TestLevene {
				continue
			}
			if r.Status != c.want {
				t.Errorf("%s: %s is %s, want %s (%s)", name, r.Convention, r.Status, c.want, r.Reason)
				continue
			}
			if c.direction != "" && r.Direction != c.direction {
				t.Errorf("%s: %s goes to %s, want %s", name, r.Convention, r.Direction, c.direction)
			}
			if r.Threshold == nil {
				t.Errorf("%s: %s has no threshold", name, r.Convention)
				continue
			}
			beyond := math.Abs(*r.Statistic) >= math.Abs(*r.Threshold)
			if r.Test == TestMannWhitney { // on either side of its middle
				middle := float64(r.BaselineN*r.CurrentN) / 2
				beyond = math.Abs(*r.Statistic-middle) >= math.Abs(*r.Threshold-middle)
			}
			if beyond != (*r.PValue <= DefaultFDR) {
				t.Errorf("%s: %s has statistic %v, threshold %v, p %v", name, r.Convention, *r.Statistic, *r.Threshold, *r.PValue)
			}
		}
	}
}

// Whatever the values, every test has a status, and a change that leaves no doubt is not OK for any that applies.
func TestRankTestsAtTheEdges(t *testing.T) {
	t.Parallel()
	const tiny = math.SmallestNonzeroFloat64
	for name, c := range map[string]struct {
		baseline, current Sample
		drift             bool
	}{
		"constant":             {repeat(40, 3), repeat(50, 3), false},
		"two constants":        {repeat(40, 3), repeat(50, 4), true},
		"two values":           {repeat(40, 0, 1), repeat(40, 0, 1), false},
		"the zeros":            {repeat(40, 0), repeat(40, math.Copysign(0, -1)), false},
		"subnormal":            {repeat(20, tiny, 2*tiny, 3*tiny), repeat(20, 7*tiny, 8*tiny, 9*tiny), true},
		"largest":              {repeat(40, -math.MaxFloat64, math.MaxFloat64), repeat(40, math.MaxFloat64), true},
		"one outlier":          {finiteSample(append(numbers(1, 1000, 0, 0).Sorted, 1e300)...), numbers(2, 1000, 3, 0), true},
		"ties, other sizes":    {repeat(1000, 3), repeat(30, 3), false},
		"few levels, same":     {repeat(400, 1, 2, 3, 4, 5), repeat(8, 1, 2, 3, 4, 5), false},
		"few levels, reversed": {repeat(50, 1, 1, 1, 2, 3), repeat(50, 3, 3, 3, 2, 1), true},
	} {
		got := Compare(FeatureInput{Name: "f", Type: Numeric, Tests: rankSettings(), Baseline: c.baseline, Current: c.current}, Settings{})
		found := false
		for _, r := range got.Results {
			switch r.Status {
			case StatusDrift:
				found = true
				if !c.drift {
					t.Errorf("%s: %s finds drift: %s", name, r.Convention, r.Reason)
				}
			case StatusOK, StatusWarning, StatusNotApplicable:
			default:
				t.Errorf("%s: %s is %s: %s", name, r.Convention, r.Status, r.Reason)
			}
		}
		if c.drift && !found {
			t.Errorf("%s: no drift: %+v", name, got.Results)
		}
	}
}

// The pass over both samples is made once for all tests, and what one test draws does not depend on the others.
func TestRankTestsShareThePass(t *testing.T) {
	t.Parallel()
	f := FeatureInput{Name: "f", Type: Numeric, Tests: rankSettings(), Baseline: numbers(1, 500, 0, 0), Current: numbers(2, 300, 0.05, 0)}
	together := Compare(f, Settings{})
	for i, setting := range rankSettings() {
		alone := f
		alone.Tests = []TestSetting{setting}
		got, want := Compare(alone, Settings{}).Results[0], together.Results[i]
		if *got.PValue != *want.PValue || *got.Statistic != *want.Statistic {
			t.Errorf("%s alone: %v, p %v; among others: %v, p %v", setting.Convention, *got.Statistic, *got.PValue, *want.Statistic, *want.PValue)
		}
	}
	p := map[float64]bool{}
	for _, r := range together.Results {
		if r.Test == TestWasserstein {
			p[*r.PValue] = true
		}
	}
	if len(p) < 2 {
		t.Errorf("all conventions share their draws: %v", p)
	}
	c := &comparison{FeatureInput: f}
	first, err := c.ranks()
	again, _ := c.ranks()
	if err != nil || first != again {
		t.Errorf("a second pass: %v", err)
	}
}

func TestRankCatalogIsComplete(t *testing.T) {
	t.Parallel()
	for _, s := range rankSpecs() {
		if s.Title == "" || s.Null == "" || len(s.Assumptions) == 0 || s.PValue == "" || s.Source == "" || !(s.MinEffect > 0) || s.EffectName == "" || s.EffectRange == "" {
			t.Errorf("%s lacks a description", s.Test)
		}
		for _, c := range s.Conventions {
			if c.Description == "" || !strings.Contains(c.Name, "/") {
				t.Errorf("convention %q lacks a description or a version", c.Name)
			}
		}
	}
}
