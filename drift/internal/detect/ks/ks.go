package ks

import (
	"fmt"
	"math"
)

// maxExact is the larger sample size up to which the p-value is exact. SciPy's
// ks_2samp(method="auto") has the same limit.
const maxExact = 10_000

// Result is the outcome of a two-sample Kolmogorov–Smirnov test.
type Result struct {
	D        float64 // largest distance between the two distribution functions, in [0,1]
	Location float64 // smallest observed value at which D is attained

	// Above and Below are the one-sided distances: how far the baseline's
	// distribution function gets above the current one (the current values are
	// larger) and below it (they are smaller). D is the larger of the two.
	Above, Below float64

	P     float64 // two-sided p-value
	Exact bool    // P is exact rather than asymptotic
}

// Test tests the null hypothesis that both samples come from one
// continuous distribution, against any difference. The samples must be
// finite and in ascending order. Ties are allowed; they make the test
// conservative.
//
// With at most 10,000 values on each side, P is the exact probability of a D at
// least as large. With more it is that of the one-sample statistic at the
// effective size n·m/(n+m), rounded half to even: the same choices as SciPy's
// ks_2samp, see kolmogorovSF for the accuracy.
//
// It returns ErrEmpty or ErrNotSorted for samples that it cannot use.
func Test(baseline, current []float64) (Result, error) {
	if err := checkSorted(baseline); err != nil {
		return Result{}, fmt.Errorf("check baseline: %w", err)
	}
	if err := checkSorted(current); err != nil {
		return Result{}, fmt.Errorf("check current: %w", err)
	}
	n, m := int64(len(baseline)), int64(len(current))
	dev := deviate(baseline, current)

	units, location := dev.above, dev.aboveAt
	if dev.below > dev.above || (dev.below == dev.above && dev.belowAt < dev.aboveAt) {
		units, location = dev.below, dev.belowAt
	}
	scale := float64(n) * float64(m)
	ks := Result{
		D:        float64(units) / scale,
		Location: location,
		Above:    float64(dev.above) / scale,
		Below:    float64(dev.below) / scale,
		Exact:    max(n, m) <= maxExact,
	}
	if ks.Exact {
		ks.P = exactP(n, m, units)
	} else {
		ks.P = kolmogorovSF(effectiveSize(n, m), ks.D)
	}
	return ks, nil
}

// effectiveSize is the size of the one-sample test that stands in for a
// two-sample one.
func effectiveSize(n, m int64) int64 {
	en := float64(n) * float64(m) / float64(n+m)
	return max(1, int64(math.RoundToEven(en)))
}

// Critical returns the D at which the two-sided p-value is about alpha, for
// samples of n and m values. It solves the first term of the limiting
// distribution and applies the small-sample correction of M. A. Stephens (JRSS
// B 32, 1970); the error is below 2 % of D for n·m/(n+m) ≥ 15. It returns NaN
// for an alpha outside (0, 0.3], where the first term is not enough, and for
// sizes below 1.
func Critical(n, m int64, alpha float64) float64 {
	if n < 1 || m < 1 || !(alpha > 0 && alpha <= 0.3) {
		return math.NaN()
	}
	root := math.Sqrt(float64(n) * float64(m) / float64(n+m))
	return min(1, math.Sqrt(-math.Log(alpha/2)/2)/(root+0.12+0.11/root))
}
