package multivariate

import (
	"math"

	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
)

// Rows gives rows of numbers one by one, to tests that need not have them all in memory.
type Rows struct {
	Count, Columns int
	Row            func(i int) []float64 // row i, until the next is asked for
}

// Each returns the rows one by one.
func (m Matrix) Each() Rows { return Rows{Count: m.Rows, Columns: m.Columns, Row: m.Row} }

// head returns the first rows.
func (r Rows) head(count int) Matrix {
	m := NewMatrix(min(count, r.Count), r.Columns)
	for i := range m.Rows {
		copy(m.Row(i), r.Row(i))
	}
	return m
}

// largest returns the largest value without its sign; NaN when there is one.
func (r Rows) largest(d permutation.Draws) float64 {
	largest := 0.0
	for i := range r.Count {
		if i%lookUp == 0 && d.Over() {
			break
		}
		for _, v := range r.Row(i) {
			largest = max(largest, math.Abs(v))
		}
	}
	return largest
}
