package tree

// Bounds on splits.
const (
	minHessian = 1e-3  // sum of second derivatives that a side must have
	tiny       = 1e-15 // keeps quotients defined; scikit-learn's, for the goldens
)

// cell sums the rows of one bin.
type cell struct {
	gradient, hessian float64
	rows              int
}

// histogram has a cell for each bin of each column.
type histogram [][maxBins + 1]cell

// split says how rows are divided: those of bins up to bin go left, and missing ones where missingLeft says.
type split struct {
	gain        float64 // what the loss falls by, 0 for no split
	column      int
	bin         uint8
	missingLeft bool
}

// fill counts rows, whose derivatives stand in their order.
func (h histogram) fill(b *Bins, rows []int32, gradients, hessians []float64) {
	for k := range h {
		h[k] = [maxBins + 1]cell{}
		cells, codes := &h[k], b.columns[k].codes
		gradients, hessians := gradients[:len(rows)], hessians[:len(rows)]
		for i, row := range rows {
			c := &cells[codes[row]]
			c.gradient += gradients[i]
			c.hessian += hessians[i]
			c.rows++
		}
	}
}

// subtract takes away another histogram, which leaves that of the other rows.
func (h histogram) subtract(other histogram) {
	for k := range h {
		for i := range h[k] {
			c, o := &h[k][i], &other[k][i]
			c.gradient -= o.gradient
			c.hessian -= o.hessian
			c.rows -= o.rows
		}
	}
}

// best returns the split that gains most; of equal ones the first.
func (h histogram) best(b *Bins, total cell, o Options) split {
	var found split
	for k := range h {
		column := &b.columns[k]
		bins := len(column.thresholds) + 1
		missing := h[k][missingBin]
		try := func(bin int, left cell, missingLeft bool) {
			right := cell{total.gradient - left.gradient, total.hessian - left.hessian, total.rows - left.rows}
			if left.rows < o.MinRows || right.rows < o.MinRows || left.hessian < minHessian || right.hessian < minHessian {
				return
			}
			if gain := left.score(o.L2) + right.score(o.L2) - total.score(o.L2); gain > found.gain {
				found = split{gain: gain, column: k, bin: uint8(bin), missingLeft: missingLeft}
			}
		}
		last := bins - 1 // a split after the last bin parts the missing values from the others
		if missing.rows > 0 {
			last = bins
		}
		var left cell
		for bin := range last {
			left.add(h[k][bin])
			// Where nothing is missing in these rows, others may come with missing values: they follow the larger side.
			try(bin, left, missing.rows == 0 && 2*left.rows > total.rows)
		}
		if missing.rows == 0 {
			continue
		}
		left = missing
		for bin := range bins - 1 {
			left.add(h[k][bin])
			try(bin, left, true)
		}
	}
	return found
}

func (c *cell) add(o cell) {
	c.gradient += o.gradient
	c.hessian += o.hessian
	c.rows += o.rows
}

// value is the leaf value with the smallest loss to second order.
func (c *cell) value(l2 float64) float64 { return -c.gradient / (c.hessian + l2 + tiny) }

// score is twice the loss that this value saves.
func (c *cell) score(l2 float64) float64 { return c.gradient * c.gradient / (c.hessian + l2 + tiny) }
