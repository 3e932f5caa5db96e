package histogram

// Count returns the number of values in each bin of at least two ascending edges, as numpy.histogram does: a bin holds its lower edge, and
// the last one its upper edge too. Values outside the edges are not counted. The values must be finite and sorted; it takes O(log n) time for
// each edge.
func Count(sorted, edges []float64) []int64 {
	last := len(edges) - 1
	places := make([]int64, len(edges))
	for left := len(sorted); left > 0; left /= 2 { // searches side by side wait for memory together
		half := (left + 1) / 2
		for i, edge := range edges {
			step := int64(0)
			if sorted[int(places[i])+half-1] < edge {
				step = int64(half)
			}
			places[i] += step
		}
	}
	places[last] += int64(UpTo(sorted[places[last]:], edges[last]))
	for i := range last {
		places[i] = places[i+1] - places[i]
	}
	return places[:last]
}

// Below returns how many sorted values are below v.
func Below(sorted []float64, v float64) int {
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

// UpTo returns how many sorted values are at most v.
func UpTo(sorted []float64, v float64) int {
	low, high := 0, len(sorted)
	for low < high {
		middle := int(uint(low+high) >> 1)
		if sorted[middle] <= v {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// CountValues makes every distinct value of two sorted samples a bin of its own, and returns the counts of both in ascending order of the
// values. It takes O(log n) time for each distinct value. −0 and 0 are one value.
func CountValues(first, second []float64) (a, b []int64) {
	for len(first)+len(second) > 0 {
		var v float64
		switch {
		case len(second) == 0 || len(first) > 0 && first[0] <= second[0]:
			v = first[0]
		default:
			v = second[0]
		}
		i, j := run(first, v), run(second, v)
		a, b = append(a, int64(i)), append(b, int64(j))
		first, second = first[i:], second[j:]
	}
	return a, b
}

// Distinct returns the number of distinct values of a sorted sample, or limit+1 as soon as there are more than limit.
func Distinct(sorted []float64, limit int) (distinct int) {
	for len(sorted) > 0 && distinct <= limit {
		sorted = sorted[run(sorted, sorted[0]):]
		distinct++
	}
	return distinct
}

// DistinctPooled returns the number of distinct values of two sorted samples together. It is asked, now and then, whether what is known is
// enough: the least and the most that it can be. The answer is then the least. Without an end before it takes a pass over both sides together,
// else one over the longer, or one over each, which is several times faster.
func DistinctPooled(first, second []float64, enough func(least, most int) bool) int {
	const (
		stride = 4096        // distinct values between two questions
		count  = 32 * stride // those after which a pass over the shorter side costs little more
	)
	if len(first) < len(second) {
		first, second = second, first
	}
	ofFirst, ofSecond := changes(first), 0 // still to come; of the second, once they are counted
	for distinct, i, j := 0, 0, 0; ; distinct++ {
		if distinct%stride == 0 {
			most := len(second) - j
			if distinct >= count {
				if distinct == count {
					ofSecond = changes(second[j:])
				}
				most = ofSecond
			}
			if least := distinct + max(ofFirst, ofSecond); enough(least, distinct+ofFirst+most) {
				return least
			}
		}
		switch {
		case i == len(first):
			return distinct + changes(second[j:])
		case j == len(second):
			return distinct + ofFirst
		}
		v, w := first[i], second[j]
		x, y := 0, 0 // no branches: which side is next could not be foreseen
		if v <= w {
			x = 1
		}
		if w <= v {
			y = 1
		}
		i, j, ofFirst, ofSecond = i+x, j+y, ofFirst-x, ofSecond-y
		low := min(v, w) // and all that equal it
		for ; i < len(first) && first[i] == low; i++ {
		}
		for ; j < len(second) && second[j] == low; j++ {
		}
	}
}

// changes returns the number of distinct values of a sorted and finite sample. Where no two in a row are equal, which a product of differences
// above 0 proves, it counts four at once.
func changes(sorted []float64) int {
	distinct := min(1, len(sorted))
	for ; len(sorted) > 4; sorted = sorted[4:] {
		v := (*[5]float64)(sorted)
		if (v[1]-v[0])*(v[2]-v[1])*((v[3]-v[2])*(v[4]-v[3])) > 0 {
			distinct += 4
		} else {
			distinct += rises(v[:])
		}
	}
	return distinct + rises(sorted)
}

// rises returns how many values are above the one before them.
func rises(values []float64) (rises int) {
	for i := 1; i < len(values); i++ {
		rise := 0 // no branch: it could not be foreseen
		if values[i-1] < values[i] {
			rise = 1
		}
		rises += rise
	}
	return rises
}

// run returns how many values at the start of a sorted sample equal v, which nothing in it is below. It doubles its step, so that short runs
// cost no search of the whole.
func run(sorted []float64, v float64) int {
	step := 1
	for step < len(sorted) && sorted[step] == v {
		step *= 2
	}
	return UpTo(sorted[:min(step, len(sorted))], v)
}
