// Package multivariate holds the two-sample tests that look at whole rows: several columns of a table together, or vectors such as embeddings.
//
// Each test states its null hypothesis, returns a p-value in (0,1] that is never NaN, and an effect that does not grow with the sample sizes.
// Their cost is bounded whatever the samples are, by looking at no more rows than the bounds stated with each test; Sample draws them. All
// functions are pure, deterministic for a given source of random numbers, and safe for concurrent use.
package multivariate

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
)

var (
	// ErrFew says that a side has fewer rows than the test can be made with.
	ErrFew = errors.New("too few rows")

	// ErrShape says that the sides have different columns, or none.
	ErrShape = errors.New("sides do not have the same columns")

	// ErrNotFinite says that a value is NaN or infinite where none may be.
	ErrNotFinite = errors.New("value is not finite")

	// ErrAllKept says that every principal component is kept, so that nothing is lost whose size could be compared.
	ErrAllKept = errors.New("every principal component is kept, so that rows are reconstructed without error")
)

// lookUp is how many rows are between two looks whether anybody still waits.
const lookUp = 256

// over tells whether nobody waits for a result any more: what is returned then is of no use. A function that is nil says that somebody does.
func over(ended func() bool) bool { return ended != nil && ended() }

// Matrix holds rows of numbers, one after the other.
type Matrix struct {
	Rows, Columns int
	Values        []float64
}

// NewMatrix returns a matrix of zeros.
func NewMatrix(rows, columns int) Matrix {
	return Matrix{Rows: rows, Columns: columns, Values: make([]float64, rows*columns)}
}

// Row returns row i; it shares the matrix's memory.
func (m Matrix) Row(i int) []float64 {
	return m.Values[i*m.Columns : (i+1)*m.Columns : (i+1)*m.Columns]
}

// Pick returns the rows with these numbers.
func (m Matrix) Pick(rows []int) Matrix {
	picked := NewMatrix(len(rows), m.Columns)
	for i, row := range rows {
		copy(picked.Row(i), m.Row(row))
	}
	return picked
}

// Sample draws n of all row numbers without replacement, in a random order; all of them when there are no more. It takes memory for those it
// draws only.
func Sample(rng *rand.Rand, all, n int) []int {
	rows := make([]int, min(n, all))
	moved := map[int]int{} // where Fisher and Yates's shuffle would have put another row
	at := func(i int) int {
		if row, ok := moved[i]; ok {
			return row
		}
		return i
	}
	for i := range rows {
		j := i + rng.IntN(all-i)
		rows[i] = at(j)
		moved[j] = at(i)
		delete(moved, i)
	}
	return rows
}

// checkSides returns an error unless both sides have least rows and the same columns of finite numbers.
func checkSides(baseline, current Matrix, least int) error {
	return checkValues(baseline, current, least, false)
}

// checkIncomplete is checkSides for values of which NaN stand for missing ones.
func checkIncomplete(baseline, current Matrix, least int) error {
	return checkValues(baseline, current, least, true)
}

func checkValues(baseline, current Matrix, least int, incomplete bool) error {
	if baseline.Columns != current.Columns || baseline.Columns < 1 {
		return fmt.Errorf("%w: %d and %d", ErrShape, baseline.Columns, current.Columns)
	}
	for _, m := range []Matrix{baseline, current} {
		if m.Rows < least {
			return fmt.Errorf("%w: %d, at least %d are needed", ErrFew, m.Rows, least)
		}
		if len(m.Values) != m.Rows*m.Columns {
			return fmt.Errorf("%w: %d values are no %d×%d matrix", ErrShape, len(m.Values), m.Rows, m.Columns)
		}
		for _, v := range m.Values {
			if math.IsInf(v, 0) || !incomplete && math.IsNaN(v) {
				return ErrNotFinite
			}
		}
	}
	return nil
}

// shrink returns the power of two by which values must be multiplied so that squares of their differences neither overflow nor vanish; mostly 1.
func shrink(sides ...Matrix) float64 {
	largest := 0.0
	for _, m := range sides {
		for _, v := range m.Values {
			largest = max(largest, math.Abs(v))
		}
	}
	return shrinkBy(largest)
}

// shrinkBy is shrink for values of which the largest without its sign is known.
func shrinkBy(largest float64) float64 {
	if largest == 0 || 0x1p-400 < largest && largest < 0x1p400 {
		return 1
	}
	_, exponent := math.Frexp(largest)
	return math.Ldexp(1, max(min(-exponent, 1000), -1000))
}

// ByColumn returns the columns.
func (m Matrix) ByColumn() [][]float64 {
	columns := make([][]float64, m.Columns)
	for k := range columns {
		columns[k] = make([]float64, m.Rows)
		for i := range m.Rows {
			columns[k][i] = m.Row(i)[k]
		}
	}
	return columns
}
