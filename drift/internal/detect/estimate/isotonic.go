package estimate

import (
	"slices"

	"github.com/aumos-enterprise/platform/drift/internal/detect/performance"
)

// Isotonic is a non-decreasing map from scores to probabilities.
type Isotonic struct {
	scores, shares []float64 // knots, ascending
}

// FitIsotonic returns the non-decreasing function with the least squared error
// on outcomes of 0 and 1, by the pool-adjacent-violators algorithm (M. Ayer et al., 1955).
// Scores are in [0,1]; without any the map is the identity. Equal scores are one point with their share of positive
// outcomes. It is scikit-learn's IsotonicRegression(out_of_bounds="clip"), which takes scores
// closer than 10⁻¹⁵ for equal too.
//
// Pools are compared as fractions of whole numbers, so that the fit does not depend on the order of rows or on rounding.
func FitIsotonic(scores []float64, positive []bool) Isotonic {
	type pool struct {
		hits, rows  int64
		first, last float64
	}
	var pools []pool
	for _, i := range slices.Backward(performance.Descending(scores)) {
		hit := int64(0)
		if positive[i] {
			hit = 1
		}
		if n := len(pools); n > 0 && pools[n-1].last == scores[i] {
			pools[n-1].hits += hit
			pools[n-1].rows++
			continue
		}
		pools = append(pools, pool{hit, 1, scores[i], scores[i]})
	}
	merged := pools[:0]
	for _, p := range pools {
		for len(merged) > 0 {
			before := merged[len(merged)-1]
			if before.hits*p.rows < p.hits*before.rows {
				break
			}
			p = pool{before.hits + p.hits, before.rows + p.rows, before.first, p.last}
			merged = merged[:len(merged)-1]
		}
		merged = append(merged, p)
	}
	var f Isotonic
	for _, p := range merged {
		share := float64(p.hits) / float64(p.rows)
		f.scores, f.shares = append(f.scores, p.first), append(f.shares, share)
		if p.last > p.first {
			f.scores, f.shares = append(f.scores, p.last), append(f.shares, share)
		}
	}
	return f
}

// At returns the probability at a score: linear between the knots, constant beyond them.
func (f Isotonic) At(score float64) float64 {
	n := len(f.scores)
	switch {
	case n == 0:
		return score
	case !(score > f.scores[0]):
		return f.shares[0]
	case score >= f.scores[n-1]:
		return f.shares[n-1]
	}
	i, found := slices.BinarySearch(f.scores, score)
	if found || f.shares[i] == f.shares[i-1] {
		return f.shares[i]
	}
	slope := (f.shares[i] - f.shares[i-1]) / (f.scores[i] - f.scores[i-1])
	return min(f.shares[i], f.shares[i-1]+slope*(score-f.scores[i-1]))
}
