package performance

import (
	"cmp"
	"math"
	"slices"
)

const (
	digitBits   = 11
	digitValues = 1 << digitBits
	digits      = 6 // of 11 bits in a double
)

// fewRows is the number of rows below which comparing is faster than counting.
const fewRows = 512

// Descending returns the indices of scores in [0,1] in descending order of
// score, equal ones in ascending order of index. It counts digits of the
// doubles' bits, which are in the order of the numbers for all that are not negative.
func Descending(scores []float64) []int32 {
	order := make([]int32, len(scores))
	for i := range order {
		order[i] = int32(i)
	}
	if len(scores) < fewRows {
		slices.SortFunc(order, func(a, b int32) int { return cmp.Or(cmp.Compare(scores[b], scores[a]), cmp.Compare(a, b)) })
		return order
	}
	var counts [digits][digitValues]int32
	keys := make([]uint64, len(scores))
	for i, s := range scores {
		keys[i] = math.Float64bits(1) - math.Float64bits(s+0) // −0 becomes 0
		for d := range digits {
			counts[d][keys[i]>>(d*digitBits)&(digitValues-1)]++
		}
	}
	other := make([]int32, len(scores))
	for d := range digits {
		shift := d * digitBits
		count := &counts[d]
		if count[keys[0]>>shift&(digitValues-1)] == int32(len(scores)) {
			continue // the same digit everywhere
		}
		sum := int32(0)
		for v := range count {
			count[v], sum = sum, sum+count[v]
		}
		for _, i := range order {
			v := keys[i] >> shift & (digitValues - 1)
			other[count[v]] = i
			count[v]++
		}
		order, other = other, order
	}
	return order
}
