package ks

// deviation finds the largest differences between two empirical distribution
// functions F(v) = i/n and G(v) = j/m, where i and j count the values ≤ v.
// Differences are kept as the integers i·m − j·n, so that they are exact.
type deviation struct {
	x, y             []float64
	above, below     int64   // max of i·m − j·n and of its negative, at least 0
	aboveAt, belowAt float64 // smallest value at which each is attained
}

const (
	coarseBlocks = 512 // blocks of the first look
	leafSize     = 128 // values up to which a block is merged value by value
)

// deviate compares sorted samples. It takes O(n+m) time at most, usually far
// less: it looks at the borders of blocks first, and enters only those blocks
// in which a difference could exceed the best one known. It does not allocate.
//
// Block (i0, i1) stands for the values v with x[i0] ≤ v < x[i1]. With
// j0 = #{y < x[i0]}, the counts in it satisfy i0 ≤ i ≤ i1 and j0 ≤ j ≤ j1.
func deviate(baseline, current []float64) deviation {
	if len(baseline) < len(current) {
		d := deviate(current, baseline)
		d.above, d.below = d.below, d.above
		d.aboveAt, d.belowAt = d.belowAt, d.aboveAt
		d.x, d.y = baseline, current
		return d
	}
	x, y := baseline, current
	first := min(x[0], y[0])
	d := deviation{x: x, y: y, aboveAt: first, belowAt: first}

	var at, rank [coarseBlocks + 1]int
	blocks := min(coarseBlocks, len(x))
	for b := range blocks {
		i := int(int64(len(x)) * int64(b) / int64(blocks))
		j := lowerBound(y, x[i])
		at[b], rank[b] = i, j
		if i+j > 0 && (i == 0 || x[i-1] < x[i]) {
			d.note(i, j)
		}
	}
	at[blocks], rank[blocks] = len(x), len(y)
	for b := range blocks {
		d.search(at[b], at[b+1], rank[b], rank[b+1])
	}
	return d
}

// search looks at block (i0, i1), in which y's ranks run from j0 to j1.
func (d *deviation) search(i0, i1, j0, j1 int) {
	n, m := int64(len(d.x)), int64(len(d.y))
	highest := int64(i1)*m - int64(j0)*n
	lowest := int64(i0)*m - int64(j1)*n
	if highest < d.above && -lowest < d.below {
		return
	}
	if i1-i0 == 1 || (i1-i0)+(j1-j0) <= leafSize {
		d.merge(i0, i1, j0, j1)
		return
	}
	i := i0 + (i1-i0)/2
	j := j0 + lowerBound(d.y[j0:j1], d.x[i])
	d.search(i0, i, j0, j)
	d.search(i, i1, j, j1)
}

// merge looks at every distinct value of a block. A value counts only after
// all its ties on both sides are passed; one that continues in the next block
// belongs to that.
func (d *deviation) merge(i0, i1, j0, j1 int) {
	x, y := d.x[:i1], d.y[:j1]
	open := i1 < len(d.x)
	for i, j := i0, j0; i < len(x) || j < len(y); {
		var v float64
		switch {
		case i == len(x):
			v = y[j]
		case j == len(y):
			v = x[i]
		default:
			v = min(x[i], y[j])
		}
		if open && v >= d.x[i1] {
			return
		}
		for i < len(x) && x[i] == v {
			i++
		}
		for j < len(y) && y[j] == v {
			j++
		}
		d.note(i, j)
	}
}

// note takes the difference after i values of x and j of y, which is attained
// at the larger of the last ones.
func (d *deviation) note(i, j int) {
	diff := int64(i)*int64(len(d.y)) - int64(j)*int64(len(d.x))
	if diff < d.above && -diff < d.below {
		return
	}
	var v float64
	switch {
	case i == 0:
		v = d.y[j-1]
	case j == 0:
		v = d.x[i-1]
	default:
		v = max(d.x[i-1], d.y[j-1])
	}
	if diff > d.above || (diff == d.above && v < d.aboveAt) {
		d.above, d.aboveAt = diff, v
	}
	if -diff > d.below || (-diff == d.below && v < d.belowAt) {
		d.below, d.belowAt = -diff, v
	}
}

// lowerBound returns the number of sorted values below v.
func lowerBound(sorted []float64, v float64) int {
	low, high := 0, len(sorted)
	for low < high {
		middle := int(uint(low+high) >> 1)
		if sorted[middle] < v {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}
