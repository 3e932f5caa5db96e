package rank

import (
	"math"

	"github.com/aumos-enterprise/platform/drift/internal/detect/tail"
)

// bound is Bousquet's inequality for the permutation distribution of a
// statistic that is a supremum of differences of means.
//
// ∫|F − G| is the largest difference of the means of f over all functions f
// with slopes of at most 1, and √∫w(F − G)² that over all f in the unit ball of a
// Hilbert space. With both sides drawn from the pooled values without
// replacement, I. Tolstikhin, G. Blanchard and M. Kloft (COLT 2014, theorem 2) have
//
//	P(Q − E ≥ t) ≤ exp(−v·h(t/v)),   h(u) = (1+u)·ln(1+u) − u,   v = nσ² + 2E,
//
// for Q = sup Σ (f − mean of f) over n draws with f − mean ≤ 1, where σ² is the largest variance of f and E
// the expectation of Q for draws with replacement. It reaches where draws cannot, and is
// far above the true probability: a p-value that says less than the data do.
type bound struct {
	n, m     float64
	variance float64 // upper limit of σ², in units of d
	largest  float64 // upper limit of f − mean
}

// reach is what the bound is about: √ of a sum over d², the sum over |d|, for Means not t but the difference of the means, and for Ranks that of the mean ranks, all times N.
func (b *blocks) reach(counts []float64, value float64) float64 {
	switch b.statistic {
	case Wasserstein:
		return value
	case Means, Ranks:
		sum := 0.0
		for k, place := range b.place {
			sum += counts[k] * place
		}
		return math.Abs(sum) * b.all
	default:
		return math.Sqrt(value)
	}
}

// bound finds σ² and the largest f − mean.
//
// For Wasserstein, Means and Ranks they are at most the variance of the values and the
// distance of the mean from the further end; for quadratic forms Σ w·Var of the
// indicators, and the norm of the indicators of the first or the last value.
func (b *blocks) bound() bound {
	limit := bound{n: min(b.labels, b.all-b.labels), m: max(b.labels, b.all-b.labels)}
	if b.statistic == Wasserstein || b.statistic == Means || b.statistic == Ranks {
		for k, size := range b.size {
			limit.variance += size / b.all * b.place[k] * b.place[k]
		}
		limit.largest = max(-b.place[0], b.place[len(b.place)-1])
		return limit
	}
	before, low, high := 0.0, 0.0, 0.0
	for k, size := range b.size {
		share := (before + size) / b.all
		spread := share * (1 - share)
		if b.statistic == Anderson {
			share = (before + size/2) / b.all
			spread = share*(1-share) - size/b.all/4
		}
		limit.variance += b.weight[k] * spread
		low += b.weight[k] * (1 - share) * (1 - share)
		high += b.weight[k] * share * share
		before += size
	}
	limit.largest = math.Sqrt(max(low, high))
	return limit
}

// p returns the bound for a statistic, and the mean of what was drawn, both as
// sums over d. Draws with replacement vary more by (N−1)/(N−n), and so is their
// expectation; a twentieth more covers what the mean of the draws may be off by.
func (b bound) p(statistic, mean float64) float64 {
	if !(b.largest > 0) {
		return 1
	}
	all := b.n + b.m
	unit := 1 / (all * b.largest)
	expected := 1.05 * mean * unit * math.Sqrt((all-1)/b.m)
	t := statistic*unit - expected
	v := b.n*b.variance/(b.largest*b.largest) + 2*expected
	if !(t > 0 && v > 0) {
		return 1
	}
	u := t / v
	return tail.Clip(math.Exp(-v * ((1+u)*math.Log1p(u) - u)))
}
