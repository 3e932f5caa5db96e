package performance

import (
	"math"
	"slices"
)

// ranking is the rows in order of a score, largest first.
type ranking struct {
	order    []int32
	ends     []int32 // where each group of equal scores ends in order
	hits     []int32 // positive rows of each group
	positive []bool  // by row
	p, n     float64 // positive and negative rows
}

// rank orders the rows of scores in [0,1].
func rank(scores []float64, positive func(i int) bool) ranking {
	r := ranking{order: Descending(scores), positive: make([]bool, len(scores))}
	hits := int32(0)
	for at, i := range r.order {
		if r.positive[i] = positive(int(i)); r.positive[i] {
			hits++
			r.p++
		}
		if at == len(r.order)-1 || scores[r.order[at+1]] != scores[i] {
			r.ends, r.hits, hits = append(r.ends, int32(at+1)), append(r.hits, hits), 0
		}
	}
	r.n = float64(len(scores)) - r.p
	return r
}

// groups calls f for each group of equal scores, with its rows, its number of positive ones
// and the number of positive rows before it.
func (r ranking) groups(f func(rows []int32, positive, above float64)) {
	start, above := int32(0), 0.0
	for g, end := range r.ends {
		positive := float64(r.hits[g])
		f(r.order[start:end], positive, above)
		start, above = end, above+positive
	}
}

// auc returns the area under the ROC curve: the probability that a positive
// row scores higher than a negative one, ties counting a half (Mann–Whitney).
// It adds weight × the influence of each row, of which the mean square by n is
// the variance of E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson (Biometrics 44, 1988). Both
// classes must occur.
func (r ranking) auc(weight float64, influence []float64) float64 {
	placement := make([]float64, len(r.order))
	sum, seen := 0.0, 0.0
	r.groups(func(rows []int32, positive, above float64) {
		negativeAbove := seen - above
		negative := float64(len(rows)) - positive
		seen += float64(len(rows))
		for _, i := range rows {
			if r.positive[i] {
				placement[i] = (r.n - negativeAbove - negative/2) / r.n
				sum += placement[i]
			} else {
				placement[i] = (above + positive/2) / r.p
			}
		}
	})
	auc := sum / r.p
	total := r.p + r.n
	positive, negative := weight*total/r.p*unbiased(r.p), weight*total/r.n*unbiased(r.n)
	for i, p := range placement {
		if r.positive[i] {
			influence[i] += positive * (p - auc)
		} else {
			influence[i] += negative * (p - auc)
		}
	}
	return auc
}

// unbiased turns deviations into ones whose mean square is the sample variance.
func unbiased(n float64) float64 {
	if n < 2 {
		return 1
	}
	return math.Sqrt(n / (n - 1))
}

// averagePrecision returns Σ(R_k − R_{k−1})·P_k over the distinct scores from
// the largest down, with P_k and R_k the precision and recall of the rows at
// or above it: the area under the precision-recall curve without
// interpolation, scikit-learn's average_precision_score. It is the mean, over the
// positive rows, of the precision at their score, whose influence function follows by
// the chain rule. A positive row must occur.
func (r ranking) averagePrecision(weight float64, influence []float64) float64 {
	total := r.p + r.n
	share := r.p / total
	precisions := make([]float64, len(r.ends))
	seen, sum, group := 0.0, 0.0, 0
	r.groups(func(rows []int32, positive, above float64) {
		seen += float64(len(rows))
		precisions[group] = (above + positive) / seen
		sum += positive * precisions[group]
		group++
	})
	value := sum / r.p

	// A row counts in the precision at its own score and at each lower one:
	// a is Σ 1/R and b is Σ P/R over the positive rows there, with R the share of rows at or above.
	a, b := 0.0, 0.0
	for g, end := range slices.Backward(r.ends) {
		start := int32(0)
		if g > 0 {
			start = r.ends[g-1]
		}
		rows, positive := r.order[start:end], float64(r.hits[g])
		at := float64(end) / total
		a += positive / total / at
		b += positive / total * precisions[g] / at
		for _, i := range rows {
			d := -b
			if r.positive[i] {
				d += precisions[g] + a - value
			}
			influence[i] += weight * d / share
		}
	}
	return value
}

// AreaOf is the area under the ROC curve of scores in [0,1]; false unless both classes occur.
func AreaOf(scores []float64, positive []bool) (float64, bool) {
	r := rank(scores, func(i int) bool { return positive[i] })
	if r.p == 0 || r.n == 0 {
		return 0, false
	}
	return r.auc(1, make([]float64, len(scores))), true
}
