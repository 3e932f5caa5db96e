package detect

import (
	"cmp"
	"math"
	"slices"
)

// AdjustBH returns the q-values of a family of p-values: the smallest false
// discovery rate at which each would be called significant by the step-up
// procedure of Y. Benjamini and Y. Hochberg (JRSS B 57, 1995),
//
//	q_(i) = min_{k≥i} min(1, p_(k)·m/k)   for p_(1) ≤ … ≤ p_(m).
//
// A NaN stands for a test that was not made: it does not count in m, and its
// q-value is NaN. The rate is controlled for independent tests and for
// positively dependent ones. The argument is not changed.
func AdjustBH(p []float64) []float64 {
	q := make([]float64, len(p))
	order := make([]int, 0, len(p))
	for i, v := range p {
		if math.IsNaN(v) {
			q[i] = v
			continue
		}
		order = append(order, i)
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })

	least := 1.0
	for rank := len(order); rank >= 1; rank-- {
		i := order[rank-1]
		least = min(least, p[i]*(float64(len(order))/float64(rank)))
		q[i] = least
	}
	return q
}
