package contingency

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
)

func TestProportionsGolden(t *testing.T) {
	t.Parallel()
	for _, c := range readGolden(t).Missing {
		got, err := Proportions(c.Baseline[0], c.Baseline[1], c.Current[0], c.Current[1])
		if err != nil {
			t.Fatal(err)
		}
		if !goldentest.Near(got.Z, c.Z, 1e-12) || !goldentest.Near(got.P, c.P, 1e-9) || got.Exact != c.Exact {
			t.Errorf("%v against %v: %+v, want z %v, p %v, exact %v", c.Baseline, c.Current, got, c.Z, c.P, c.Exact)
		}
	}
}

func TestProportionsDefined(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		counts [4]int64
		want   Change
	}{
		"none missing":      {[4]int64{0, 100, 0, 50}, Change{P: 1, Exact: true}},
		"all missing":       {[4]int64{100, 100, 50, 50}, Change{BaselineRate: 1, CurrentRate: 1, P: 1, Exact: true}},
		"equal rates, some": {[4]int64{50, 100, 50, 100}, Change{BaselineRate: 0.5, CurrentRate: 0.5, P: 1}},
	} {
		got, err := Proportions(c.counts[0], c.counts[1], c.counts[2], c.counts[3])
		if err != nil || got != c.want {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, c.want)
		}
	}
	for name, c := range map[string]struct {
		counts [4]int64
		want   error
	}{
		"no baseline":    {[4]int64{0, 0, 1, 2}, ErrEmpty},
		"no current":     {[4]int64{1, 2, 0, 0}, ErrEmpty},
		"nothing":        {[4]int64{0, 0, 0, 0}, ErrEmpty},
		"more than rows": {[4]int64{3, 2, 1, 2}, ErrBadCount},
		"negative":       {[4]int64{1, 2, -1, 2}, ErrBadCount},
		"negative rows":  {[4]int64{0, -1, 1, 2}, ErrBadCount},
		"too many":       {[4]int64{0, 1, 1, math.MaxInt64}, ErrBadCount},
	} {
		if got, err := Proportions(c.counts[0], c.counts[1], c.counts[2], c.counts[3]); !errors.Is(err, c.want) {
			t.Errorf("%s: %+v, %v, want %v", name, got, err, c.want)
		}
	}
}

// TestProportionsTails adds up the probability of all tables of two equal rates whose p-value is at most so much.
func TestProportionsTails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		n, m int64
		rate float64
	}{{10_000, 100, 0.05}, {10_000, 1000, 0.005}, {1000, 200, 0.05}, {500, 500, 0.02}} {
		baseline, current := binomialRange(c.n, c.rate), binomialRange(c.m, c.rate)
		for _, level := range []float64{0.05, 1e-3, 1e-5} {
			alarms := 0.0
			for a, pa := range baseline {
				for b, pb := range current {
					got, err := Proportions(a, c.n, b, c.m)
					if err != nil {
						t.Fatal(err)
					}
					if got.P <= level {
						alarms += pa * pb
					}
				}
			}
			if alarms > 1.6*level {
				t.Errorf("%v: p ≤ %v has the probability %v", c, level, alarms)
			}
		}
	}
}

// binomialRange are the probabilities of the numbers that n rows of a rate may have, those below 1e-12 left out.
func binomialRange(n int64, rate float64) map[int64]float64 {
	all := map[int64]float64{}
	law := distuv.Binomial{N: float64(n), P: rate}
	for k := range n + 1 {
		if p := law.Prob(float64(k)); p > 1e-12 {
			all[k] = p
		}
	}
	return all
}

func TestFisherExactGolden(t *testing.T) {
	t.Parallel()
	for _, c := range readGolden(t).Fisher {
		a, b, x, y := c.Table[0], c.Table[1], c.Table[2], c.Table[3]
		for _, got := range []float64{FisherExact(a, b, x, y), FisherExact(b, a, y, x), FisherExact(a, x, b, y)} {
			if !goldentest.Near(got, c.P, 1e-12) {
				t.Errorf("FisherExact(%v) = %v, want %v", c.Table, got, c.P)
			}
		}
	}
}

// TestFisherExactEnumerates counts all tables with the same margins.
func TestFisherExactEnumerates(t *testing.T) {
	t.Parallel()
	for total := int64(1); total <= 12; total++ {
		for row := int64(0); row <= total; row++ {
			for column := int64(0); column <= total; column++ {
				enumerateFisher(t, row, column, total)
			}
		}
	}
}

func enumerateFisher(t *testing.T, row, column, total int64) {
	t.Helper()
	ways := func(x int64) int64 {
		left, right := new(big.Int).Binomial(row, x), new(big.Int).Binomial(total-row, column-x)
		return left.Mul(left, right).Int64()
	}
	low, high := max(0, row+column-total), min(row, column)
	for a := low; a <= high; a++ {
		var all, extreme int64
		for x := low; x <= high; x++ {
			all += ways(x)
			if ways(x) <= ways(a) {
				extreme += ways(x)
			}
		}
		want := float64(extreme) / float64(all)
		if got := FisherExact(a, row-a, column-a, total-row-column+a); !goldentest.Near(got, want, 1e-12) {
			t.Errorf("FisherExact(%d, %d, %d, %d) = %v, want %v", a, row-a, column-a, total-row-column+a, got, want)
		}
	}
}
