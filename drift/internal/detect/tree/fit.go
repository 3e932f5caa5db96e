package tree

import (
	"fmt"
	"math"
	"slices"
)

// Fit learns a model from some of the rows, each given once; target[i] is that of rows[i]. Every round fits a tree to the derivatives of the
// loss at the model so far and adds the learning rate's part of it. The number of rounds is fixed: no rows are held back to stop early, which
// would make the model depend on how they are chosen.
//
// It returns ErrEmpty without rows, ErrShape for rows and targets that do not fit, ErrNotFinite for a target that is no finite number or for
// Logistic neither 0 nor 1, and ErrOptions. Squared targets must stay below 1e140 in size so that their squares are finite.
//
// A round takes O(rows × columns × depth) time. Memory beyond the bins is 40 bytes a row and 6 KiB for each column and leaf.
func (b *Bins) Fit(rows []int32, target []float64, o Options) (*Model, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, ErrEmpty
	}
	if len(rows) != len(target) {
		return nil, fmt.Errorf("%w: %d rows, %d targets", ErrShape, len(rows), len(target))
	}
	if err := checkTarget(target, o.Loss); err != nil {
		return nil, err
	}
	g, err := b.grower(rows, o)
	if err != nil {
		return nil, err
	}
	m := &Model{loss: o.Loss, columns: len(b.columns), base: start(target, o.Loss)}
	at := make([]float64, len(rows)) // the model so far
	for i := range at {
		at[i] = m.base
	}
	residuals := make([]float64, 0, len(rows))
	for range o.Rounds {
		if o.Ended != nil && o.Ended() {
			break
		}
		derive(o.Loss, at, target, g.gradients, g.hessians)
		nodes, leaves := g.tree()
		for _, l := range leaves {
			value := l.total.value(o.L2)
			if o.Loss == Absolute {
				residuals = residuals[:0]
				for _, row := range g.rows[l.begin:l.end] {
					residuals = append(residuals, target[g.place[row]]-at[g.place[row]])
				}
				value = median(residuals)
			}
			value *= o.LearningRate
			nodes[l.node].value = value
			for _, row := range g.rows[l.begin:l.end] {
				at[g.place[row]] += value
			}
		}
		m.trees = append(m.trees, nodes)
	}
	return m, nil
}

func (b *Bins) grower(rows []int32, o Options) (*grower, error) {
	n := len(rows)
	g := &grower{
		bins: b, options: o, rows: slices.Clone(rows), aside: make([]int32, 0, n), place: make([]int32, b.rows),
		gradients: make([]float64, n), hessians: make([]float64, n), orderedG: make([]float64, n), orderedH: make([]float64, n),
	}
	for i := range g.place {
		g.place[i] = -1
	}
	for i, row := range rows {
		if row < 0 || int(row) >= b.rows || g.place[row] >= 0 {
			return nil, fmt.Errorf("%w: row %d of %d, or twice", ErrShape, row, b.rows)
		}
		g.place[row] = int32(i)
	}
	return g, nil
}

func checkTarget(target []float64, loss Loss) error {
	for i, y := range target {
		if loss == Logistic && y != 0 && y != 1 {
			return fmt.Errorf("%w: target %d is %v, not 0 or 1", ErrNotFinite, i, y)
		}
		if !(math.Abs(y) < 1e140) {
			return fmt.Errorf("%w: target %d", ErrNotFinite, i)
		}
	}
	return nil
}

// start returns the best constant model.
func start(target []float64, loss Loss) float64 {
	if loss == Absolute {
		return median(slices.Clone(target))
	}
	mean := 0.0
	for i, y := range target {
		mean += (y - mean) / float64(i+1)
	}
	if loss == Squared {
		return mean
	}
	// A single class has no finite log-odds.
	mean = min(max(mean, 1e-15), 1-1e-15)
	return math.Log(mean / (1 - mean))
}

// derive puts down the first and second derivatives of the loss.
func derive(loss Loss, at, target, gradients, hessians []float64) {
	for i, f := range at {
		switch loss {
		case Absolute:
			gradients[i], hessians[i] = 1, 1
			if f < target[i] {
				gradients[i] = -1
			}
		case Logistic:
			p := sigmoid(f)
			gradients[i], hessians[i] = p-target[i], p*(1-p)
		default:
			gradients[i], hessians[i] = f-target[i], 1
		}
	}
}

func sigmoid(f float64) float64 { return 1 / (1 + math.Exp(-f)) }

// median returns the middle value, or the mean of the two in the middle, of at least one. It sorts its argument.
func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return values[(n-1)/2]/2 + values[n/2]/2
}
