package ks

import "github.com/aumos-enterprise/platform/drift/internal/detect/tail"

// exactP returns the probability under the null hypothesis, without ties, that
// two samples of n and m values differ by at least units/(n·m) in their
// distribution functions.
func exactP(n, m, units int64) float64 {
	divisor := gcd(n, m)
	steps := units / divisor // the distance in units of 1/lcm(n, m)
	switch {
	case steps == 0:
		return 1
	case n == m:
		return tail.Clip(exactEqualP(n, steps))
	default:
		return tail.Clip(exactUnequalP(min(n, m), max(n, m), divisor, steps))
	}
}

// exactEqualP is exactP for equal sizes, distance steps/n. Paths are counted
// by reflection,
//
//	P = 2·Σ_{k≥1} (−1)^{k−1} C(2n, n−k·steps) / C(2n, n),
//
// nested as A₀(1 − A₁(1 − A₂(…))) with the ratios A of neighbouring terms, so
// that nothing cancels.
func exactEqualP(n, steps int64) float64 {
	nested := 0.0
	for k := n / steps; k >= 0; k-- {
		ratio := 1.0
		top, bottom := float64(n-k*steps), float64(n+k*steps+1)
		for range steps {
			ratio *= top / bottom
			top--
			bottom++
		}
		nested = ratio * (1 - nested)
	}
	return 2 * nested
}

// exactUnequalP is exactP for small < large with the given greatest common
// divisor and distance steps/lcm. Under the null hypothesis the merged order
// of the samples is a random lattice path from (0,0) to (large, small), and P
// is the share of the paths that reach a point (i,j) where
//
//	|i·small − j·large| ≥ steps·divisor.
//
// With P(i,j) the share of such paths among those to (i,j), T. Viehmann
// (arXiv:2102.08037) has the recursion
//
//	P(i,j) = (i·P(i−1,j) + j·P(i,j−1)) / (i+j),
//
// and P = 1 outside. All terms are positive, so that small probabilities keep
// their digits. It is evaluated here along the diagonals i+j = s, whose cells
// do not depend on each other; outside[j] is P(s−j, j). It takes at most
// n·m·2D steps.
func exactUnequalP(small, large, divisor, steps int64) float64 {
	a, b := small/divisor, large/divisor // inside: |a·i − b·j| < steps
	outside := make([]float64, small+1)
	for j := range outside[1:] {
		outside[j+1] = 1
	}
	for s := int64(1); s <= small+large; s++ {
		// On the diagonal a·i − b·j = a·s − (a+b)·j.
		low := max(floorDiv(a*s-steps, a+b)+1, 0, s-large)
		high := min(floorDiv(a*s+steps-1, a+b), small, s)
		if low > high {
			return 1
		}
		inverse := 1 / float64(s)
		j, i := float64(high)*inverse, float64(s-high)*inverse
		cells := outside[max(low-1, 0) : high+1]
		for c := len(cells) - 1; c > 0; c-- {
			cells[c] = i*cells[c] + j*cells[c-1]
			i += inverse
			j -= inverse
		}
		if low > 0 {
			outside[low-1] = 1
		}
	}
	return outside[small]
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// floorDiv rounds the quotient down. The divisor b must be positive.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
