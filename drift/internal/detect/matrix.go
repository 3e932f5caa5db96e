package detect

import (
	"errors"
	"fmt"
	"sort"
)

// Matrix holds rows of finite numbers in the precision in which vectors come, and in the pieces in which they came: to join them would hold all of
// them twice.
type Matrix struct {
	Rows, Columns int
	Pieces        [][]float32 // each of whole rows, one after the other; Rows × Columns numbers together
}

// NewMatrix returns the matrix that the pieces make up.
func NewMatrix(columns int, pieces ...[]float32) Matrix {
	m := Matrix{Columns: columns, Pieces: pieces}
	if columns > 0 {
		m.Rows = m.numbers() / columns
	}
	return m
}

func (m Matrix) numbers() (n int) {
	for _, piece := range m.Pieces {
		n += len(piece)
	}
	return n
}

// Split parts the first n rows from the others. Both share the matrix's memory.
func (m Matrix) Split(n int) (first, rest Matrix) {
	first, rest = Matrix{Rows: n, Columns: m.Columns}, Matrix{Rows: m.Rows - n, Columns: m.Columns}
	for _, piece := range m.Pieces {
		cut := min(n*m.Columns, len(piece))
		first.Pieces, rest.Pieces = append(first.Pieces, piece[:cut:cut]), append(rest.Pieces, piece[cut:])
		n -= cut / max(m.Columns, 1)
	}
	return first, rest
}

// finder returns what finds a row; it shares the matrix's memory.
func (m Matrix) finder() func(row int) []float32 {
	ends := make([]int, len(m.Pieces)) // of the pieces, in rows
	end := 0
	for k, piece := range m.Pieces {
		end += len(piece) / max(m.Columns, 1)
		ends[k] = end
	}
	return func(row int) []float32 {
		k := sort.SearchInts(ends, row+1)
		at := len(m.Pieces[k]) - (ends[k]-row)*m.Columns
		return m.Pieces[k][at : at+m.Columns]
	}
}

func (m Matrix) check() error {
	if n := m.numbers(); m.Rows < 0 || m.Columns < 0 || n != m.Rows*m.Columns || n == 0 && m.Rows > 0 {
		return fmt.Errorf("%d values are no %d×%d matrix", n, m.Rows, m.Columns)
	}
	for _, piece := range m.Pieces {
		if len(piece) > 0 && len(piece)%m.Columns != 0 {
			return fmt.Errorf("%d values are no rows of %d", len(piece), m.Columns)
		}
		for _, v := range piece {
			if v-v != 0 {
				return errors.New("vectors are not finite")
			}
		}
	}
	return nil
}
