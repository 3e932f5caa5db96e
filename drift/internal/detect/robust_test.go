package detect

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
)

// distanceTests are the distances with their own conventions.
func distanceTests() []TestSetting {
	return []TestSetting{{Test: TestPSI}, {Test: TestJensenShannon}, {Test: TestHellinger}, {Test: TestKullbackLeibler}, {Test: TestLInfinity}, {Test: TestTotalVariation}}
}

// A far point stretches bins of equal width until they see nothing. The default bins must still find the shift that they found without it.
func TestFarPointsBlindNoDefault(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	normal := func(n int, shift float64) []float64 {
		values := make([]float64, n)
		for i := range values {
			values[i] = rng.NormFloat64() + shift
		}
		return values
	}
	baseline, current := normal(2000, 0), normal(1000, 0.6)
	blinded := []TestSetting{
		{Test: TestJensenShannon, Convention: "js/nats-sturges"},
		{Test: TestHellinger, Convention: "hellinger/sturges"},
		{Test: TestPSI, Convention: "psi/evidently"},
	}
	for name, far := range map[string][2][]float64{
		"current":  {nil, {1e12}},
		"baseline": {{-1e12, 1e12}, nil},
		"both":     {{1e300}, {-1e300, 1e300}},
	} {
		x, y := slices.Concat(baseline, far[0]), slices.Concat(current, far[1])
		slices.Sort(x)
		slices.Sort(y)
		f := FeatureInput{Name: "x", Type: Numeric, Baseline: sorted(x), Current: sorted(y)}
		f.Tests = distanceTests()
		for _, r := range Compare(f, Settings{}).Results {
			if r.Test != TestMissingRate && r.Status != StatusDrift {
				t.Errorf("%s: %s is %s: %s", name, r.Test, r.Status, r.Reason)
			}
		}
		f.Tests = blinded
		for _, r := range Compare(f, Settings{}).Results {
			if r.Test != TestMissingRate && r.Status == StatusDrift {
				t.Errorf("%s: %s is not blinded, so that its description is wrong", name, r.Convention)
			}
		}
	}
}

// Every convention of a distance has a defined answer for samples at the edge of what floats are.
func TestDistancesOfOddSamples(t *testing.T) {
	t.Parallel()
	tiny, huge := math.SmallestNonzeroFloat64, math.MaxFloat64
	samples := map[string][]float64{
		"one":         {1},
		"two":         {1, 2},
		"equal":       {3, 3, 3, 3, 3},
		"zeros":       {math.Copysign(0, -1), 0, 0, math.Copysign(0, -1)},
		"subnormal":   {0, tiny, 2 * tiny, 3 * tiny, 9 * tiny},
		"neighbours":  {1, 1, math.Nextafter(1, 2), math.Nextafter(1, 2)},
		"whole range": {-huge, -1, 0, 1, huge},
		"huge":        {huge, huge, huge},
	}
	for first, x := range samples {
		for second, y := range samples {
			f := FeatureInput{Name: "x", Type: Numeric, Baseline: sorted(x), Current: sorted(y)}
			for convention := range distanceWays {
				spec := Spec{}
				for _, s := range Catalog() {
					if _, ok := s.Convention(convention, Numeric); ok {
						spec = s
					}
				}
				if spec.Test == "" {
					continue
				}
				f.Tests = []TestSetting{{Test: spec.Test, Convention: convention}}
				r := Compare(f, Settings{MinRows: 1, Permutations: 99}).Results[0]
				stretched := slices.Contains([]string{first, second}, "whole range") || slices.Contains([]string{first, second}, "neighbours") ||
					slices.Contains([]string{first, second}, "huge") || slices.Contains([]string{first, second}, "subnormal")
				switch {
				case r.Status == StatusError && stretched: // NumPy raises an error here
				case r.Statistic == nil || r.PValue == nil:
					t.Errorf("%s of %s and %s: %s %s", convention, first, second, r.Status, r.Reason)
				case first == second && (*r.Statistic > 1e-9 || *r.PValue < 0.5 || r.Status != StatusOK):
					t.Errorf("%s of %s and itself: %s, %v, p = %v", convention, first, r.Status, *r.Statistic, *r.PValue)
				}
			}
		}
	}
}

// The same input and seed give the same result, and a test's draws do not depend on the tests beside it.
func TestDistancesRepeat(t *testing.T) {
	t.Parallel()
	x, y := goldentest.Sample{Seed: 1, N: 300, Scale: 1}.Draw(), goldentest.Sample{Seed: 2, N: 200, Scale: 1, Shift: 0.03}.Draw()
	f := FeatureInput{Name: "x", Type: Numeric, Baseline: sorted(x), Current: sorted(y)}
	f.Tests = distanceTests()
	all := Compare(f, Settings{Seed: 7}).Results
	for i, test := range f.Tests {
		alone := f
		alone.Tests = []TestSetting{test}
		if got, want := *Compare(alone, Settings{Seed: 7}).Results[0].PValue, *all[i].PValue; got != want {
			t.Errorf("%s: p = %v alone and %v beside others", test.Test, got, want)
		}
	}
	other := Compare(f, Settings{Seed: 8}).Results
	if *other[1].PValue == *all[1].PValue && *other[4].PValue == *all[4].PValue && *other[5].PValue == *all[5].PValue {
		t.Error("another seed changed nothing")
	}
}

// Bins of the baseline are cut again for each permutation: with the bins kept, NannyML's would raise 11 % of false alarms at a level of 5 %.
func TestDoaneLevel(t *testing.T) {
	t.Parallel()
	const draws = 300
	rng := rand.New(rand.NewPCG(1, 2))
	alarms := 0
	for i := range draws {
		x, y := make([]float64, 30), make([]float64, 30)
		for j := range x {
			x[j], y[j] = rng.NormFloat64(), rng.NormFloat64()
		}
		slices.Sort(x)
		slices.Sort(y)
		f := FeatureInput{Name: "x", Type: Numeric, Baseline: sorted(x), Current: sorted(y)}
		f.Tests = []TestSetting{{Test: TestJensenShannon, Convention: "js/base2-doane"}}
		if *Compare(f, Settings{Permutations: 99, Seed: uint64(i)}).Results[0].PValue <= 0.05 {
			alarms++
		}
	}
	if rate, slack := float64(alarms)/draws, 3*math.Sqrt(0.05*0.95/draws); rate > 0.05+slack || rate < 0.05-slack {
		t.Errorf("false alarm rate %.3f", rate)
	}
}
