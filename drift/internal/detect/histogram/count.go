package histogram

import "math"

// Count returns the number of values in each bin of at least two ascending edges, as numpy.histogram does: a bin holds its lower edge, and
// the last one its upper edge too. Values outside the edges are not counted. The values must be finite and sorted; it takes O(log n) time for
// each edge.
func Count(sorted, edges []float64) []int64 {
	counts := make([]int64, len(edges)-1)
	from := Below(sorted, edges[0])
	for i := range counts {
		to := from + Below(sorted[from:], edges[i+1])
		if i == len(counts)-1 {
			to = from + UpTo(sorted[from:], edges[i+1])
		}
		counts[i], from = int64(to-from), to
	}
	return counts
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
// else one over each, which is several times faster.
func DistinctPooled(first, second []float64, enough func(least, most int) bool) int {
	const stride = 4096                                  // distinct values between two questions
	ofFirst, ofSecond := changes(first), changes(second) // still to come
	distinct := 0
	for i, j := 0, 0; i < len(first) || j < len(second); distinct++ {
		if distinct%stride == 0 {
			if least, most := distinct+max(ofFirst, ofSecond), distinct+ofFirst+ofSecond; enough(least, most) {
				return least
			}
		}
		var v float64
		if j == len(second) || i < len(first) && first[i] <= second[j] {
			v = first[i]
		} else {
			v = second[j]
		}
		if i < len(first) && first[i] == v {
			ofFirst--
		}
		if j < len(second) && second[j] == v {
			ofSecond--
		}
		for i < len(first) && first[i] == v {
			i++
		}
		for j < len(second) && second[j] == v {
			j++
		}
	}
	return distinct
}

// changes returns the number of distinct values of a sorted and finite sample, by one pass without branches.
func changes(sorted []float64) (distinct int) {
	previous := math.Inf(-1)
	for _, v := range sorted {
		change := 0
		if previous < v {
			change = 1
		}
		distinct += change
		previous = v
	}
	return distinct
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
