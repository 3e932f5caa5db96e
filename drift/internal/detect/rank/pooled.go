package rank

import (
	"fmt"
	"math"
)

// Pooled is two sorted samples, merged once.
//
// With i and j the numbers of baseline and current values at or below v, F(v) =
// i/n and G(v) = j/m are the distribution functions, N = n+m, and d = i·m − j·n
// is their difference in units of 1/(n·m), which is exact.
type Pooled struct {
	Baseline, Current []float64 // read only

	N, M     float64 // the sizes
	Distinct int     // different values

	// Above and Below are the largest F − G and G − F, in [0,1].
	Above, Below float64

	// TieShare is Σ(l³−l)/(N³−N) over the multiplicities l of the pooled values: 0 when all differ, 1 when none does.
	TieShare float64

	squares  float64 // Σ l·d², d after each value
	weighted float64 // Σ l·d̄²/(B(N−B) − N·l/4), d̄ and B = rank midway through each value
	pairs    float64 // Σ over baseline values of current values below, and half of those equal

	// Integrals over the values, in units of the scale.
	scale                    float64 // a power of two that keeps squares of values from overflow and underflow
	signed, absolute, energy float64 // ∫d, ∫|d|, ∫d²
}

// Measure merges two samples. They must be finite and ascending, and are kept, not copied.
//
// It returns ErrEmpty, ErrTooLarge or ErrNotSorted for samples that it cannot
// use. It takes O(n+m) time without allocation.
func Measure(baseline, current []float64) (Pooled, error) {
	if err := checkSorted(baseline); err != nil {
		return Pooled{}, fmt.Errorf("check baseline: %w", err)
	}
	if err := checkSorted(current); err != nil {
		return Pooled{}, fmt.Errorf("check current: %w", err)
	}
	p := Pooled{
		Baseline: baseline, Current: current, N: float64(len(baseline)), M: float64(len(current)),
		scale: scaleOf(baseline, current),
	}
	p.merge()
	return p, nil
}

// scaleOf returns 1, or for very large or very small values a power of two
// that brings the largest near 1, so that sums of squares stay in range.
func scaleOf(baseline, current []float64) float64 {
	largest := max(math.Abs(baseline[0]), math.Abs(baseline[len(baseline)-1]), math.Abs(current[0]), math.Abs(current[len(current)-1]))
	_, exponent := math.Frexp(largest)
	if largest == 0 || exponent > -300 && exponent < 300 {
		return 1
	}
	return math.Ldexp(1, max(min(-exponent, 1023), -1022))
}
