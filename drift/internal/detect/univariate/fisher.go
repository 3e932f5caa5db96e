package univariate

// fisherTie is the relative difference up to which two tables count as equally
// likely. R uses the same; rounding alone would let one of two mirrored tables
// drop out.
const fisherTie = 1e-7

// FisherExact returns the two-sided p-value of R. A. Fisher's exact test on the
// 2×2 table
//
//	a b
//	c d
//
// under the null hypothesis that rows and columns are independent: the
// probability, given all four margins, of the tables that are not more likely
// than this one. Cells must be from 0 to 2^53. It takes time proportional to
// the smallest margin.
func FisherExact(a, b, c, d int64) float64 {
	// The table is fixed by its first cell, which is hypergeometric.
	row, column := a+b, a+c
	total := row + c + d
	low, high := max(0, row+column-total), min(row, column)
	if low == high {
		return 1
	}
	// ratio is P(x+1)/P(x). Weights relative to the most likely table need no
	// factorials, and so lose no digits to large logarithms.
	ratio := func(x int64) float64 {
		return float64(row-x) * float64(column-x) / (float64(x+1) * float64(total-row-column+x+1))
	}
	mode := int64((float64(row) + 1) * (float64(column) + 1) / (float64(total) + 2))
	mode = min(max(mode, low), high)

	observed := 1.0
	for x := mode; x < a; x++ {
		observed *= ratio(x)
	}
	for x := mode; x > a; x-- {
		observed /= ratio(x - 1)
	}
	limit := observed * (1 + fisherTie)

	all, extreme := 0.0, 0.0
	add := func(weight float64) {
		all += weight
		if weight <= limit {
			extreme += weight
		}
	}
	weight := 1.0
	for x := mode; ; x++ {
		add(weight)
		if x == high || weight == 0 {
			break
		}
		weight *= ratio(x)
	}
	weight = 1.0
	for x := mode; x > low && weight > 0; x-- {
		weight /= ratio(x - 1)
		add(weight)
	}
	return clip(extreme / all)
}
