package contingency

import (
	"math"

	"github.com/aumos-enterprise/platform/drift/internal/detect/tail"
)

// fisherTie is the relative difference up to which two tables count as equally
// likely. R uses the same; rounding alone would let one of two mirrored tables
// drop out.
const fisherTie = 1e-7

// wideFisher is the standard deviation of a cell from which Fisher's test is
// made by the normal distribution. The sum would take 80 terms for each row of it.
const wideFisher = 20_000

// smallestNormal is where products of ratios end: a subnormal number times a
// ratio just below 1 is rounded back to itself, for billions of terms.
const smallestNormal = 0x1p-1022

// Fisher returns the two-sided p-value of R. A. Fisher's exact test on the
// 2×2 table
//
//	a b
//	c d
//
// under the null hypothesis that rows and columns are independent: the
// probability, given all four margins, of the tables that are not more likely
// than this one. Cells must be from 0 to 2^52.
//
// It takes time proportional to the standard deviation of a cell. From 20,000
// on, which takes billions of rows, the p-value is that of the normal
// distribution with the mean and the variance of the cell and a correction of
// half a row, which differs by less than half a percent down to 1e-15, and
// exact is false.
func Fisher(a, b, c, d int64) (p float64, exact bool) {
	row, column := float64(a)+float64(b), float64(a)+float64(c)
	total := row + float64(c) + float64(d)
	mean := row / total * column
	sigma := math.Sqrt(mean * (1 - row/total) * (total - column) / (total - 1))
	if !(sigma >= wideFisher) {
		return FisherExact(a, b, c, d), true
	}
	z := max(0, math.Abs(float64(a)-mean)-0.5) / sigma
	return tail.Normal(z), false
}

// FisherExact is Fisher by the exact sum, however long it takes: up to the
// smallest margin.
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
	for x := mode; x < a && observed >= smallestNormal; x++ {
		observed *= ratio(x)
	}
	for x := mode; x > a && observed >= smallestNormal; x-- {
		observed /= ratio(x - 1)
	}
	if observed < smallestNormal {
		return 0
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
		if x == high || weight < smallestNormal {
			break
		}
		weight *= ratio(x)
	}
	weight = 1.0
	for x := mode; x > low && weight >= smallestNormal; x-- {
		weight /= ratio(x - 1)
		add(weight)
	}
	return tail.Clip(extreme / all)
}
