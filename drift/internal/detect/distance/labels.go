package distance

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"github.com/aumos-enterprise/platform/drift/internal/detect/histogram"
)

// relabelled is a histogram.Source of the pooled values of two samples, with the labels "baseline" and "current" dealt out at random to the
// rows. The labels are drawn as they are asked for: no matter how many rows there are, a binning costs some hundred draws.
type relabelled struct {
	histogram.Pair // the observed samples, of which only the pooled values are used
	rng            *rand.Rand
	marks          []mark // what is known so far, in ascending order; the first is {0, 0} and the last has all rows
}

// mark says how many of the first rows, in the order of their values, have the label "baseline".
type mark struct{ rows, labels int64 }

func newRelabelled(pair histogram.Pair, rng *rand.Rand) *relabelled {
	return &relabelled{Pair: pair, rng: rng}
}

// deal forgets all labels.
func (r *relabelled) deal() {
	n, m := r.Sizes()
	r.marks = append(r.marks[:0], mark{}, mark{int64(n) + int64(m), int64(n)})
}

// labels returns how many of the first rows have the label.
func (r *relabelled) labels(rows int64) int64 {
	i, known := slices.BinarySearchFunc(r.marks, rows, func(m mark, rows int64) int { return cmp.Compare(m.rows, rows) })
	if known {
		return r.marks[i].labels
	}
	return r.draw(i, rows)
}

// draw inserts the mark of a number of rows before mark i.
func (r *relabelled) draw(i int, rows int64) int64 {
	from, to := r.marks[i-1], r.marks[i]
	labels := from.labels + hypergeometric(r.rng, to.rows-from.rows, to.labels-from.labels, rows-from.rows)
	r.marks = slices.Insert(r.marks, i, mark{rows, labels})
	return labels
}

// Value returns the value of the row that got the label of a rank.
func (r *relabelled) Value(rank int) float64 {
	want := int64(rank)
	// The first mark with at least so many labels bounds the row from above.
	i, _ := slices.BinarySearchFunc(r.marks, want, func(m mark, want int64) int { return cmp.Compare(m.labels, want) })
	for {
		from, to := r.marks[i-1], r.marks[i]
		if to.rows-from.rows == to.labels-from.labels { // all have it
			return r.value(int(from.rows + want - from.labels - 1))
		}
		if r.draw(i, from.rows+(to.rows-from.rows)/2) < want {
			i++
		}
	}
}

// value returns the k-th smallest of the pooled values, from 0.
func (r *relabelled) value(k int) float64 {
	x, y := r.Baseline, r.Current
	low, high := max(0, k-len(y)), min(k, len(x))
	for low < high {
		i := int(uint(low+high) >> 1)
		if x[i] < y[k-i-1] {
			low = i + 1
		} else {
			high = i
		}
	}
	if j := k - low; low == len(x) || j < len(y) && y[j] < x[low] {
		return y[j]
	}
	return x[low]
}

// Below splits the rows below v by their label.
func (r *relabelled) Below(v float64) [2]int { return r.split(r.Pair.Below(v)) }

// UpTo splits the rows up to v by their label.
func (r *relabelled) UpTo(v float64) [2]int { return r.split(r.Pair.UpTo(v)) }

func (r *relabelled) split(rows [2]int) [2]int {
	all := rows[0] + rows[1]
	labels := int(r.labels(int64(all)))
	return [2]int{labels, all - labels}
}
