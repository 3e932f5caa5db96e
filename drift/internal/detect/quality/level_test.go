package quality_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
	"github.com/aumos-enterprise/platform/drift/internal/detect/quality"
)

const alpha = 0.05

var sizes = [][2]int{{50, 50}, {200, 200}, {1000, 200}, {60, 900}}

// checkLevel wants p ≤ alpha at most as often as alpha on null data, up to three standard errors.
func checkLevel(t *testing.T, name string, p func(rng *rand.Rand, n, m int) float64) {
	t.Helper()
	const draws = 400
	for i, size := range sizes {
		rng := rand.New(rand.NewPCG(3, uint64(i)))
		alarms := 0
		for range draws {
			if p(rng, size[0], size[1]) <= alpha {
				alarms++
			}
		}
		if rate := float64(alarms) / draws; rate > alpha+3*math.Sqrt(alpha*(1-alpha)/draws) {
			t.Errorf("%s at %v: %.3f false alarms", name, size, rate)
		} else {
			t.Logf("%s at %v: %.3f false alarms", name, size, rate)
		}
	}
}

// zipf draws categories of which many are rare.
func zipf(rng *rand.Rand, n int) []uint64 {
	z := rand.NewZipf(rng, 1.3, 1, 1<<30)
	values := make([]uint64, n)
	for i := range values {
		values[i] = z.Uint64()
	}
	return values
}

func TestLevels(t *testing.T) {
	t.Parallel()
	grouped := func(rng *rand.Rand, n, m int) (*quality.Groups, permutation.Draws) {
		g, err := quality.GroupValues(zipf(rng, n), zipf(rng, m))
		if err != nil {
			t.Error(err)
		}
		return g, permutation.Draws{Count: 99, Rand: rng, Alpha: alpha}
	}
	checkLevel(t, "unseen", func(rng *rand.Rand, n, m int) float64 {
		g, d := grouped(rng, n, m)
		u, err := quality.CountUnseen(g, d)
		if err != nil || u.Rows >= u.Critical && u.P > alpha {
			t.Errorf("got %+v, %v", u, err)
		}
		return u.P
	})
	checkLevel(t, "repeats", func(rng *rand.Rand, n, m int) float64 {
		g, d := grouped(rng, n, m)
		r, err := quality.CompareRepeats(g, d)
		if err != nil || math.Abs(r.Statistic) >= r.Critical && r.P > alpha {
			t.Errorf("got %+v, %v", r, err)
		}
		return r.P
	})
	checkLevel(t, "range", func(rng *rand.Rand, n, m int) float64 {
		draw := func(n int) []float64 {
			values := make([]float64, n)
			for i := range values {
				values[i] = rng.NormFloat64() / rng.Float64()
			}
			slices.Sort(values)
			return values
		}
		r, err := quality.OutOfRange(draw(n), draw(m))
		if err != nil {
			t.Error(err)
		}
		return r.P
	})
}

// TestNormalLimit holds the law that large samples use against draws from it, and the two ways to draw against each other.
func TestNormalLimit(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 5))
	var below, alarms int
	const draws = 60
	for range draws {
		g, err := quality.GroupValues(zipf(rng, 60_000), zipf(rng, 50_000))
		if err != nil {
			t.Fatal(err)
		}
		d := permutation.Draws{Count: 99, Rand: rng, Alpha: 0.05}
		u, err := quality.CountUnseen(g, d)
		if err != nil || u.Drawn {
			t.Fatalf("got %+v, %v", u, err)
		}
		if u.Rows < u.Expected {
			below++
		}
		r, err := quality.CompareRepeats(g, d)
		if err != nil || r.Drawn {
			t.Fatalf("got %+v, %v", r, err)
		}
		for _, p := range []float64{u.P, r.P} {
			if p <= alpha {
				alarms++
			}
		}
	}
	// Five standard errors of 60 draws, and four of 120.
	if math.Abs(float64(below)-draws/2) > 19 || alarms > 15 || alarms < 1 {
		t.Errorf("%d of %d below what is expected, %d of %d alarms", below, draws, alarms, 2*draws)
	}
}
