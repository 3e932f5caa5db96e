package permutation

import (
	"math"
	"slices"
)

// Critical returns the statistic at which the p-value of these draws is alpha: the smallest of them that PValue would call significant, were
// it the observed one. It sorts the draws. It is NaN when none would be, for want of draws or because too many are the largest.
func Critical(draws []float64, alpha float64) float64 {
	if !(alpha > 0 && alpha < 1) {
		return math.NaN()
	}
	most := int(math.Floor(alpha*float64(len(draws)+1)+1e-9)) - 1 // as many may lie at or above it
	if most < 1 {
		return math.NaN()
	}
	slices.Sort(draws)
	place := len(draws) - most
	for place > 0 && place < len(draws) && same(draws[place-1], draws[place]) {
		place++ // ties with what may not lie at or above it
	}
	if place == len(draws) {
		return math.NaN()
	}
	return draws[place]
}

// same tells whether two statistics are equal but for rounding: the same division of rows may add up in another order.
func same(a, b float64) bool { return math.Abs(a-b) <= 1e-12*math.Abs(b) }
