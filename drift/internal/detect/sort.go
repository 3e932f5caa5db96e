package detect

import (
	"math"
	"slices"
)

// radixMin is the length from which the radix sort is faster.
const radixMin = 2048

// SortFloat64s sorts values in ascending order, as slices.Sort does: any NaN
// comes first. Long slices take a radix sort over the bits, which is several
// times faster and allocates a second slice of the same length.
func SortFloat64s(values []float64) {
	if len(values) < radixMin || slices.ContainsFunc(values, math.IsNaN) {
		slices.Sort(values)
		return
	}
	if slices.IsSorted(values) {
		return
	}
	var counts [8][256]int // of each byte of the keys
	for _, v := range values {
		k := sortKey(v)
		counts[0][uint8(k)]++
		counts[1][uint8(k>>8)]++
		counts[2][uint8(k>>16)]++
		counts[3][uint8(k>>24)]++
		counts[4][uint8(k>>32)]++
		counts[5][uint8(k>>40)]++
		counts[6][uint8(k>>48)]++
		counts[7][uint8(k>>56)]++
	}
	from, to := values, make([]float64, len(values))
	for digit := range counts {
		count, shift := &counts[digit], 8*digit
		if count[uint8(sortKey(from[0])>>shift)] == len(from) {
			continue // all values share this byte
		}
		position := 0
		for b, c := range count {
			count[b] = position
			position += c
		}
		for _, v := range from {
			b := uint8(sortKey(v) >> (shift & 63))
			to[count[b]] = v
			count[b]++
		}
		from, to = to, from
	}
	if &from[0] != &values[0] {
		copy(values, from)
	}
}

// sortKey maps floats to integers of the same order: the bits of a negative
// float are inverted, a positive one only gets its sign bit set.
func sortKey(v float64) uint64 {
	bits := math.Float64bits(v)
	return bits ^ (uint64(int64(bits)>>63) | 1<<63)
}
