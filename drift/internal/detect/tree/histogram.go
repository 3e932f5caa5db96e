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

// histogram has a cell for each bin of each column, that of missing values last.
type histogram []cell

// of returns the cells of a column.
func (h histogram) of(c *binned) []cell { return h[c.first : c.first+int(c.missing)+1] }

// split says how rows are divided: those of bins up to bin go left, and missing ones where missingLeft says.
type split struct {
	gain        float64 // what the loss falls by, 0 for no split
	column      int
	bin         uint8
	missingLeft bool
}

// fill counts rows, whose derivatives stand in their order.
func (h histogram) fill(b *Bins, rows []int32, gradients, hessians []float64) {
	clear(h)
	for k := range b.columns {
		cells, codes := h.of(&b.columns[k]), b.columns[k].codes
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
	other = other[:len(h)]
	for i := range h {
		c, o := &h[i], &other[i]
		c.gradient -= o.gradient
		c.hessian -= o.hessian
		c.rows -= o.rows
	}
}

// best returns the split that gains most; of equal ones the first.
func (h histogram) best(b *Bins, total cell, o Options) split {
	var found split
	whole := total.score(o.L2)
	for k := range b.columns {
		column := &b.columns[k]
		cells := h.of(column)
		bins, missing := int(column.missing), cells[column.missing]
		last := bins - 1 // a split after the last bin parts the missing values from the others
		if missing.rows > 0 {
			last = bins
		}
		var left cell
		for bin := range last {
			if cells[bin].rows == 0 {
				continue // as the split before
			}
			left.add(cells[bin])
			if gain := left.gain(total, o) - whole; gain > found.gain {
				// Where nothing is missing in these rows, others may come with missing values: they follow the larger side.
				found = split{gain: gain, column: k, bin: uint8(bin), missingLeft: missing.rows == 0 && 2*left.rows > total.rows}
			}
		}
		if missing.rows == 0 {
			continue
		}
		left = missing
		for bin := range bins - 1 {
			left.add(cells[bin])
			if gain := left.gain(total, o) - whole; gain > found.gain {
				found = split{gain: gain, column: k, bin: uint8(bin), missingLeft: true}
			}
		}
	}
	return found
}

// gain is the score of both sides when c goes left; less than any score when a side would be too small.
func (c *cell) gain(total cell, o Options) float64 {
	right := cell{total.gradient - c.gradient, total.hessian - c.hessian, total.rows - c.rows}
	if c.rows < o.MinRows || right.rows < o.MinRows || c.hessian < minHessian || right.hessian < minHessian {
		return -1
	}
	return c.score(o.L2) + right.score(o.L2)
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
