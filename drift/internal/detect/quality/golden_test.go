package quality_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
	"github.com/aumos-enterprise/platform/drift/internal/detect/quality"
)

type golden struct {
	Beyond []struct {
		N, M, K int64
		P       float64
	}
	Groups []struct {
		Splits          [][2]int64
		BaselineRepeats float64 `json:"baseline_repeats"`
		CurrentRepeats  float64 `json:"current_repeats"`
		Statistic       float64
		RepeatsP        float64 `json:"repeats_p"`
		Unseen          float64
		ExpectedUnseen  float64 `json:"expected_unseen"`
		UnseenP         float64 `json:"unseen_p"`
		ConstantP       float64 `json:"constant_p"`
	}
}

func readGolden(t *testing.T) golden {
	t.Helper()
	return goldentest.Read[golden](t, "testdata/golden.json")
}

func near(got, want, tolerance float64) bool {
	return math.Abs(got-want) <= tolerance*max(math.Abs(want), 1e-300) || got == want
}

// sequence returns n values from first on.
func sequence(n int64, first float64) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = first + float64(i)
	}
	return values
}

func TestOutOfRangeGolden(t *testing.T) {
	t.Parallel()
	for _, c := range readGolden(t).Beyond {
		current := append(sequence(c.M-c.K, 0.5/float64(c.M)), sequence(c.K, 1e6)...)
		for i := range c.M - c.K {
			current[i] = 0.5 // inside
		}
		got, err := quality.OutOfRange(sequence(c.N, 0), current)
		if err != nil || got.Above != c.K || got.Below != 0 || !near(got.P, c.P, 1e-12) {
			t.Errorf("%d, %d, %d: got %+v, %v, want P %v", c.N, c.M, c.K, got, err, c.P)
		}
		critical := quality.CriticalRange(c.N, c.M, 0.05)
		if (float64(c.K) >= critical) != (c.P <= 0.05) {
			t.Errorf("%d, %d: critical %v does not fit P = %v at %d", c.N, c.M, critical, c.P, c.K)
		}
	}
}

// TestGroupsGolden holds means and exact probabilities against every division of the rows, and drawn p-values within five standard errors.
func TestGroupsGolden(t *testing.T) {
	t.Parallel()
	const count = 99_999
	drawnAs := func(got, want float64) bool { return math.Abs(got-want) <= 5*math.Sqrt(want*(1-want)/count)+2.0/count }
	for i, c := range readGolden(t).Groups {
		g := new(quality.Groups)
		for _, split := range c.Splits {
			if err := g.Add(split[0], split[1]); err != nil {
				t.Fatal(err)
			}
		}
		d := permutation.Draws{Count: count, Rand: rand.New(rand.NewPCG(1, uint64(i))), Alpha: 0.05}
		r, err := quality.CompareRepeats(g, d)
		if err != nil || !near(r.Baseline, c.BaselineRepeats, 1e-12) || !near(r.Current, c.CurrentRepeats, 1e-12) ||
			math.Abs(r.Statistic-c.Statistic) > 2e-12 || !r.Drawn || !drawnAs(r.P, c.RepeatsP) {
			t.Errorf("%v: got %+v, %v, want %+v", c.Splits, r, err, c)
		}
		u, err := quality.CountUnseen(g, d)
		if err != nil || u.Rows != c.Unseen || !near(u.Expected, c.ExpectedUnseen, 1e-12) || !u.Drawn || !drawnAs(u.P, c.UnseenP) {
			t.Errorf("%v: got %+v, %v, want %+v", c.Splits, u, err, c)
		}
		k, err := quality.BecameConstant(g)
		if want := c.ConstantP; err != nil || k.Constant && !near(k.P, want, 1e-12) || !k.Constant && k.P != 1 {
			t.Errorf("%v: got %+v, %v, want %v", c.Splits, k, err, want)
		}
	}
}
