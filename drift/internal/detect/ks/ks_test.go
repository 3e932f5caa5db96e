package ks

import (
	"errors"
	"math"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
)

func TestGolden(t *testing.T) {
	t.Parallel()
	for _, c := range readGolden(t).KSSamples {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			x, y := c.Baseline.Draw(), c.Current.Draw()
			ks, err := Test(x, y)
			if err != nil {
				t.Fatal(err)
			}
			if !goldentest.Near(ks.D, c.D, 1e-12) {
				t.Errorf("D = %v, want %v", ks.D, c.D)
			}
			if !goldentest.Near(ks.P, c.P, 1e-9) {
				t.Errorf("P = %v, want %v", ks.P, c.P)
			}
			if ks.Exact != c.Exact {
				t.Errorf("Exact = %v, want %v", ks.Exact, c.Exact)
			}
			if ks.D != max(ks.Above, ks.Below) {
				t.Errorf("D = %v with Above %v and Below %v", ks.D, ks.Above, ks.Below)
			}
			if oneSided := ks.Above != ks.Below; oneSided && (ks.Above > ks.Below) != (c.Sign > 0) {
				t.Errorf("Above = %v, Below = %v, want sign %d", ks.Above, ks.Below, c.Sign)
			}
			// SciPy's location depends on rounding when D is attained more than
			// once; ours is the smallest.
			at := math.Abs(share(x, ks.Location) - share(y, ks.Location))
			if !goldentest.Near(at, c.D, 1e-12) || ks.Location > c.Location {
				t.Errorf("Location = %v with difference %v, SciPy has %v", ks.Location, at, c.Location)
			}
		})
	}
}

// upperBound returns the number of sorted values at or below v.
func upperBound(sorted []float64, v float64) int {
	low, high := 0, len(sorted)
	for low < high {
		middle := int(uint(low+high) >> 1)
		if sorted[middle] <= v {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// share is the empirical distribution function.
func share(sorted []float64, v float64) float64 {
	return float64(upperBound(sorted, v)) / float64(len(sorted))
}

func TestOracle(t *testing.T) {
	t.Parallel()
	a := []float64{0.1, 0.4, 0.7, 1.2, 1.9, 2.3, 2.8, 3.1, 3.5, 4.2}
	b := []float64{0.9, 1.5, 2.1, 2.6, 3.3, 3.9, 4.4, 5.0, 5.7, 6.1, 6.6, 7.2}
	ks, err := Test(a, b)
	if err != nil {
		t.Fatal(err)
	}
	if ks.D != 0.5 || !goldentest.Near(ks.P, 0.09270296267200293, 1e-12) {
		t.Errorf("D = %v, P = %v", ks.D, ks.P)
	}
	if got := kolmogorovSF(effectiveSize(10, 12), 0.5); !goldentest.Near(got, 0.112, 1e-12) {
		t.Errorf("asymptotic P = %v, want 0.112", got)
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	good := []float64{1, 2}
	for name, c := range map[string]struct {
		values []float64
		want   error
	}{
		"empty":     {nil, ErrEmpty},
		"unsorted":  {[]float64{1, 3, 2}, ErrNotSorted},
		"NaN first": {[]float64{math.NaN(), 1}, ErrNotSorted},
		"NaN last":  {[]float64{1, math.NaN()}, ErrNotSorted},
		"NaN":       {[]float64{1, math.NaN(), 2}, ErrNotSorted},
		"-Inf":      {[]float64{math.Inf(-1), 2}, ErrNotSorted},
		"+Inf":      {[]float64{1, math.Inf(1)}, ErrNotSorted},
	} {
		if _, err := Test(c.values, good); !errors.Is(err, c.want) {
			t.Errorf("%s baseline: %v, want %v", name, err, c.want)
		}
		if _, err := Test(good, c.values); !errors.Is(err, c.want) {
			t.Errorf("%s current: %v, want %v", name, err, c.want)
		}
	}
}

// Not parallel: allocations of other tests would be counted.
func TestAllocatesNothing(t *testing.T) {
	x := goldentest.Sample{Seed: 1, N: 20_000, Scale: 1}.Draw()
	y := goldentest.Sample{Seed: 2, N: 15_000, Scale: 1, Shift: 0.01}.Draw()
	if got := testing.AllocsPerRun(5, func() { _, _ = Test(x, y) }); got != 0 {
		t.Errorf("asymptotic test: %v allocations", got)
	}
	for _, c := range []struct {
		n int64
		d float64
	}{{10, 0.2}, {100, 0.08}, {100, 0.15}, {100, 0.3}, {5000, 0.004}, {9000, 0.01}, {500_000, 0.003}} {
		if got := testing.AllocsPerRun(5, func() { kolmogorovSF(c.n, c.d) }); got != 0 {
			t.Errorf("kolmogorovSF(%d, %v): %v allocations", c.n, c.d, got)
		}
	}
}

func TestCritical(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{30, 100, 1000, 100_000} {
		for _, alpha := range []float64{0.2, 0.05, 0.001} {
			d := Critical(size, size, alpha)
			low := kolmogorovSF(effectiveSize(size, size), 0.98*d)
			high := kolmogorovSF(effectiveSize(size, size), 1.02*d)
			if !(high < alpha && alpha < low) {
				t.Errorf("Critical(%d, %d, %v) = %v: p from %v to %v within 2 %%", size, size, alpha, d, high, low)
			}
		}
	}
	for _, alpha := range []float64{0, -1, 0.31, math.NaN()} {
		if got := Critical(10, 10, alpha); !math.IsNaN(got) {
			t.Errorf("Critical at %v = %v, want NaN", alpha, got)
		}
	}
}
