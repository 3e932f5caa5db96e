package detect

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestDrawsEnd wants every test that draws for long to ask whether anybody still waits, and to stop then.
func TestDrawsEnd(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(8, 9))
	draw := func(n int) Sample {
		values := make([]float64, n)
		for i := range values {
			values[i] = float64(rng.IntN(40)) // ties, so that all of them draw
		}
		slices.Sort(values)
		return sorted(values)
	}
	names := map[string]int64{"a": 9, "b": 14, "c": 7, "d": 12, "e": 4}
	for _, c := range []struct {
		kind FeatureType
		t    TestSetting
	}{
		{Numeric, TestSetting{Test: TestWasserstein}},
		{Numeric, TestSetting{Test: TestEnergyDistance}},
		{Numeric, TestSetting{Test: TestCVM}},
		{Numeric, TestSetting{Test: TestAndersonDarling}},
		{Numeric, TestSetting{Test: TestJensenShannon, Convention: "js/decile-ref"}},
		{Numeric, TestSetting{Test: TestJensenShannon, Convention: "js/base2-doane"}},
		{Numeric, TestSetting{Test: TestHellinger, Convention: "hellinger/sturges"}},
		{Categorical, TestSetting{Test: TestJensenShannon}},
		{Categorical, TestSetting{Test: TestG}},
	} {
		f := FeatureInput{Name: "x", Type: c.kind, Baseline: draw(200), Current: draw(150)}
		if c.kind == Categorical {
			f.Baseline, f.Current = categories(names), categories(names)
		}
		asked := 0
		of := &comparison{FeatureInput: f, settings: Settings{Permutations: 9999}.withDefaults(), ended: func() bool { asked++; return asked > 5 }}
		if r := of.measure(c.t.WithDefaults(c.kind)); asked != 6 || r.PMethod != PPermutation {
			t.Errorf("%s: asked %d times, p-value %s", r.Convention, asked, r.PMethod)
		}
	}
}
