package multivariate

import (
	"cmp"
	"math"
	"slices"
)

// NormalScores replaces values by the quantiles of the normal distribution at their ranks, Φ⁻¹((rank − ½)/n) with the mean rank of equal
// values, and scales them to variance 1 (B. L. van der Waerden, 1952). They do not depend on the unit of the values, and no single value can
// outweigh the others. NaN stands for a missing value and becomes 0, the score of the median; so does every value of a column that does not vary.
func NormalScores(values []float64) {
	order := make([]int, 0, len(values))
	for i, v := range values {
		if v == v {
			order = append(order, i)
		} else {
			values[i] = 0
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
	scores := make([]float64, len(order))
	squares, sum := 0.0, 0.0
	for begin := 0; begin < len(order); {
		end := begin + 1
		for end < len(order) && values[order[end]] == values[order[begin]] {
			end++
		}
		rank := float64(begin+end+1) / 2
		score := math.Sqrt2 * math.Erfinv(2*(rank-0.5)/float64(len(order))-1)
		for i := begin; i < end; i++ {
			scores[i] = score
			sum += score
			squares += score * score
		}
		begin = end
	}
	n := float64(len(order))
	center := sum / n
	deviation := math.Sqrt(max(0, squares/n-center*center))
	for i, at := range order {
		values[at] = 0
		if deviation > 1e-9 {
			values[at] = (scores[i] - center) / deviation
		}
	}
}

// Standardize replaces values by their distance from the mean in standard deviations, divisor n. NaN becomes 0, and so does every value of a
// column that does not vary.
func Standardize(values []float64) {
	m := Matrix{Rows: len(values), Columns: 1, Values: values}
	rows := make([]int, 0, len(values))
	for i, v := range values {
		if v == v {
			rows = append(rows, i)
		}
	}
	mean, deviation := center(m, rows, 0)
	for i, v := range values {
		values[i] = 0
		if z := (v - mean) / deviation; z-z == 0 && math.Abs(z) > 1e-12 { // equal values differ from their mean by rounding
			values[i] = z
		}
	}
}

// NormalScoreColumns replaces each column by its normal scores. It stops once ended.
func NormalScoreColumns(m Matrix, ended func() bool) {
	values := make([]float64, m.Rows)
	for k := range m.Columns {
		if over(ended) {
			break
		}
		for i := range values {
			values[i] = m.Row(i)[k]
		}
		NormalScores(values)
		for i, v := range values {
			m.Row(i)[k] = v
		}
	}
}
