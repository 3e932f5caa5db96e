package tree

import (
	"fmt"
	"math"
)

// Model is a sum of trees. It is read only and safe for concurrent use.
type Model struct {
	loss    Loss
	columns int
	base    float64
	trees   [][]node // the root first
}

// node is a leaf when left is 0, since no child is the root.
type node struct {
	value       float64 // of a leaf
	gain        float64
	threshold   float64 // values up to it go left
	column      int
	left        int // the right child comes after it
	bin         uint8
	missingLeft bool
	all         bool // every value goes left that is not missing
}

// Predict returns the estimate of each row of the columns, which must be those of the fit in their order; NaN stands for a missing value. For
// Logistic it is the probability of a 1. It returns ErrShape for other columns. An infinity goes the way of the largest values.
func (m *Model) Predict(columns [][]float64) ([]float64, error) {
	if len(columns) != m.columns {
		return nil, fmt.Errorf("%w: %d columns, the model has %d", ErrShape, len(columns), m.columns)
	}
	rows := 0
	for i, values := range columns {
		if i == 0 {
			rows = len(values)
		}
		if len(values) != rows {
			return nil, fmt.Errorf("%w: column %d has %d rows, the first %d", ErrShape, i, len(values), rows)
		}
	}
	estimates := make([]float64, rows)
	for row := range estimates {
		sum := m.base
		for _, nodes := range m.trees {
			n := &nodes[0]
			for n.left != 0 {
				v := columns[n.column][row]
				next := n.left
				if v != v && !n.missingLeft || v == v && !n.all && v > n.threshold {
					next++
				}
				n = &nodes[next]
			}
			sum += n.value
		}
		estimates[row] = m.estimate(sum)
	}
	return estimates, nil
}

// PredictRows is Predict for some rows of the bins that the model was learned from.
func (m *Model) PredictRows(b *Bins, rows []int32) ([]float64, error) {
	if len(b.columns) != m.columns {
		return nil, fmt.Errorf("%w: %d columns, the model has %d", ErrShape, len(b.columns), m.columns)
	}
	estimates := make([]float64, len(rows))
	for i, row := range rows {
		if row < 0 || int(row) >= b.rows {
			return nil, fmt.Errorf("%w: row %d of %d", ErrShape, row, b.rows)
		}
		sum := m.base
		for _, nodes := range m.trees {
			n := &nodes[0]
			for n.left != 0 {
				column := &b.columns[n.column]
				next := n.left
				if !goesLeft(column.codes[row], column.missing, n.bin, n.missingLeft) {
					next++
				}
				n = &nodes[next]
			}
			sum += n.value
		}
		estimates[i] = m.estimate(sum)
	}
	return estimates, nil
}

func (m *Model) estimate(sum float64) float64 {
	if m.loss == Logistic {
		return sigmoid(sum)
	}
	return sum
}

// Importance returns for each column the share of the gain of all splits that is its own. The shares add up to 1, or are all 0 without splits.
func (m *Model) Importance() []float64 {
	shares := make([]float64, m.columns)
	total := 0.0
	for _, nodes := range m.trees {
		for _, n := range nodes {
			if n.left != 0 {
				shares[n.column] += n.gain
				total += n.gain
			}
		}
	}
	if total > 0 && !math.IsInf(total, 0) {
		for i := range shares {
			shares[i] /= total
		}
	}
	return shares
}
