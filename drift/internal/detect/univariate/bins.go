package univariate

import (
	"fmt"
	"math"
)

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

// DecileBins cuts the line at the deciles of the baseline and counts both
// sides. The bins cover the line without overlap, in ascending order.
//
// The k-th decile is the order statistic of rank ⌈k·n/10⌉, so that it is an
// observed value. A value that makes up a tenth of the baseline or more, such
// as the zeros of a sparse feature, becomes a bin of its own, so that a change
// in its share cannot hide inside a wider bin.
//
// The samples must be finite and sorted; it returns ErrEmpty or ErrNotSorted
// otherwise. It takes O(log n) time for each bin, after checking the order.
func DecileBins(baseline, current []float64) ([]Bin, error) {
	if err := checkSorted(baseline); err != nil {
		return nil, fmt.Errorf("check baseline: %w", err)
	}
	if err := checkSorted(current); err != nil {
		return nil, fmt.Errorf("check current: %w", err)
	}
	n := len(baseline)
	bins := make([]Bin, 0, decileBins+2)
	counted, lower := [2]int{}, math.Inf(-1)
	add := func(bin Bin, upTo [2]int) {
		bin.Baseline, bin.Current = int64(upTo[0]-counted[0]), int64(upTo[1]-counted[1])
		counted, lower = upTo, bin.Upper
		bins = append(bins, bin)
	}
	for k := 1; k <= decileBins; k++ {
		cut := baseline[(k*n+decileBins-1)/decileBins-1]
		if cut == lower {
			continue
		}
		below := [2]int{lowerBound(baseline, cut), lowerBound(current, cut)}
		upTo := [2]int{upperBound(baseline, cut), upperBound(current, cut)}
		switch {
		case (upTo[0]-below[0])*decileBins >= n:
			add(Bin{Lower: lower, Upper: cut, Open: true}, below)
			add(Bin{Lower: cut, Upper: cut, Atom: true}, upTo)
		case k < decileBins:
			add(Bin{Lower: lower, Upper: cut}, upTo)
		}
	}
	add(Bin{Lower: lower, Upper: math.Inf(1)}, [2]int{n, len(current)})
	return bins, nil
}
