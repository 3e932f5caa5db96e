package detect_test

import (
	"math/rand/v2"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
)

// drifted evaluates a feature with its default tests, those that are recommended for numbers besides, and returns which say DRIFT.
func drifted(t *testing.T, name string, baseline, current []float64) map[detect.Test]bool {
	t.Helper()
	var tests []detect.TestSetting
	for _, test := range []detect.Test{
		detect.TestKS, detect.TestPSI, detect.TestWasserstein, detect.TestJensenShannon, detect.TestHellinger, detect.TestCVM, detect.TestAndersonDarling, detect.TestMannWhitney,
	} {
		tests = append(tests, detect.TestSetting{Test: test})
	}
	run := hold(t, name, detect.Input{Features: []detect.FeatureInput{
		{Name: "x", Type: detect.Numeric, Baseline: numbersOf(baseline...), Current: numbersOf(current...), Tests: tests},
	}}, detect.Settings{Permutations: 199})
	found := map[detect.Test]bool{}
	for _, r := range run.Features[0].Results {
		if r.Status == detect.StatusDrift {
			found[r.Test] = true
		}
	}
	return found
}

// TestMasking: whoever can add rows to the window, or to the baseline, must not be able to hide a shift of a deviation from the default test, nor
// from most of the others. One value of a million hid it from the replaced service's Jensen–Shannon and Hellinger distances (0.34 became
// 0.02), whose equal bins it spread over nothing.
func TestMasking(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 2))
	normal := func(n int, shift float64) []float64 {
		return repeat(n, func(int) float64 { return rng.NormFloat64() + shift })
	}
	with := func(values []float64, more ...float64) []float64 { return append(values, more...) }
	for name, c := range map[string]struct{ baseline, current []float64 }{
		"nothing added":              {normal(1000, 0), normal(1000, 1)},
		"one value of a million":     {normal(1000, 0), with(normal(1000, 1), 1e6)},
		"one in the baseline":        {with(normal(1000, 0), 1e6), normal(1000, 1)},
		"one on both sides":          {with(normal(1000, 0), 1e6), with(normal(1000, 1), -1e6)},
		"one of the largest numbers": {normal(1000, 0), with(normal(1000, 1), 1e300)},
		"mass at both ends":          {normal(1000, 0), with(normal(1000, 1), repeat(100, func(i int) float64 { return []float64{-50, 50}[i%2] })...)},
		"mass at the mean":           {normal(1000, 0), with(normal(1000, 1), repeat(200, func(int) float64 { return 0 })...)},
		"mass to even out the mean":  {normal(1000, 0), with(normal(1000, 1), repeat(50, func(int) float64 { return -20 })...)},
	} {
		found := drifted(t, name, c.baseline, c.current)
		if !found[detect.TestKS] || len(found) < 5 {
			t.Errorf("%s: only %v find the shift", name, found)
		}
		for _, robust := range []detect.Test{detect.TestPSI, detect.TestJensenShannon, detect.TestHellinger} {
			if !found[robust] {
				t.Errorf("%s: hides the shift from %s", name, robust)
			}
		}
	}
}

// TestSparseMasking is the replaced service's other blind spot: with 95 of 100 baseline values 0, all of its bins were one, and nothing drifted.
func TestSparseMasking(t *testing.T) {
	t.Parallel()
	sparse := func(n int, share float64) []float64 {
		return repeat(n, func(i int) float64 {
			if float64(i) < share*float64(n) {
				return 1
			}
			return 0
		})
	}
	for _, share := range []float64{0.3, 0.5, 1} {
		found := drifted(t, "sparse", sparse(1000, 0.05), sparse(1000, share))
		if len(found) < 7 { // all but one of them
			t.Errorf("ones go from 5 %% to %g %%: only %v say so", 100*share, found)
		}
	}
	if found := drifted(t, "sparse, equal", sparse(1000, 0.05), sparse(1000, 0.05)); len(found) > 0 {
		t.Errorf("equal samples drift: %v", found)
	}
}

// TestHiddenCategory: rare categories are pooled, which must not hide that much of the mass went to names nobody has seen.
func TestHiddenCategory(t *testing.T) {
	t.Parallel()
	current := map[string]int64{"a": 400, "b": 300}
	for name := range manyCategories(300, 0) {
		current[name] = 1 // three of ten rows, each with a name of its own
	}
	run := hold(t, "scattered", detect.Input{Features: []detect.FeatureInput{{
		Name: "x", Type: detect.Categorical, Baseline: counted(map[string]int64{"a": 570, "b": 430}), Current: counted(current),
		Tests: []detect.TestSetting{{Test: detect.TestChiSquare}, {Test: detect.TestPSI}, {Test: detect.TestJensenShannon}, {Test: detect.TestG}},
	}}}, detect.Settings{Permutations: 99})
	for _, r := range run.Features[0].Results {
		if r.Test != detect.TestMissingRate && r.Status != detect.StatusDrift {
			t.Errorf("%s is %s", r.Convention, r.Status)
		}
	}
	if unseen := run.Features[0].Explanation.UnseenTotal; unseen != 300 {
		t.Errorf("%d unseen categories, want 300", unseen)
	}
}
