package histogram

import "math"

// decileBins is the number of bins that a baseline without heavy values gets.
const decileBins = 10

// Bin is an interval of values with the rows of both sides in it. It is
// Lower < x ≤ Upper, or Lower < x < Upper when Open, or for an Atom the single
// value Lower = Upper. The outermost bounds are infinite.
type Bin struct {
	Lower, Upper      float64
	Open, Atom        bool
	Baseline, Current int64
}

// Deciles cuts the line at the deciles of the baseline, counts both sides, and
// appends the bins to those given. They cover the line without overlap, in
// ascending order.
//
// The k-th decile is the order statistic of rank ⌈k·n/10⌉, so that it is an
// observed value. A value that makes up a tenth of the baseline or more, such
// as the zeros of a sparse feature, becomes a bin of its own, so that a change
// in its share cannot hide inside a wider bin. No single row moves a bound by
// more than to the next value: a few far values cannot blind the bins.
//
// The baseline must not be empty. It takes O(log n) time for each bin.
func Deciles(s Source, bins []Bin) []Bin {
	n, m := s.Sizes()
	counted, lower := [2]int{}, math.Inf(-1)
	add := func(bin Bin, upTo [2]int) {
		bin.Baseline, bin.Current = int64(upTo[0]-counted[0]), int64(upTo[1]-counted[1])
		counted, lower = upTo, bin.Upper
		bins = append(bins, bin)
	}
	for k := 1; k <= decileBins; k++ {
		cut := s.Value((k*n + decileBins - 1) / decileBins)
		if cut == lower {
			continue
		}
		below, upTo := s.Below(cut), s.UpTo(cut)
		switch {
		case (upTo[0]-below[0])*decileBins >= n:
			add(Bin{Lower: lower, Upper: cut, Open: true}, below)
			add(Bin{Lower: cut, Upper: cut, Atom: true}, upTo)
		case k < decileBins:
			add(Bin{Lower: lower, Upper: cut}, upTo)
		}
	}
	add(Bin{Lower: lower, Upper: math.Inf(1)}, [2]int{n, m})
	return bins
}
