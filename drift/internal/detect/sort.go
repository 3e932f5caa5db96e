package detect

import (
	"math"
	"math/bits"
	"slices"
	"sync"
)

const (
	radixMin    = 1024 // the length from which the radix sort is faster
	digitBits   = 8    // more than 256 places to write to at once are slower than another pass
	digits      = 4    // digits sorted by before what is left is looked at
	radix       = 1 << digitBits
	insertionTo = 32      // the length to which insertion is faster than slices.Sort
	scratchKept = 1 << 21 // the longest scratch array, in values, that is kept for the next sort: 16 MiB
)

// SortFloat64s sorts values in ascending order, as slices.Sort does: any NaN
// comes first. Long slices take a radix sort over the bits, which is several
// times faster and needs a second array of the same length.
//
// The radix sort looks at the 32 bits that follow the ones that all values
// share, the least byte first. Values that agree in those bits too
// stand side by side then, in no order. They are few unless the values are far
// closer to each other than to zero, and are sorted by themselves: by the same method
// when they are many, so that no order of values takes quadratic time.
func SortFloat64s(values []float64) {
	if len(values) < radixMin {
		slices.Sort(values)
		return
	}
	scratch, _ := scratchPool.Get().(*[]float64)
	if scratch == nil || len(*scratch) < len(values) {
		fresh := make([]float64, len(values))
		scratch = &fresh
	}
	radixSort(values, (*scratch)[:len(values)])
	if len(*scratch) <= scratchKept {
		scratchPool.Put(scratch)
	}
}

//nolint:gochecknoglobals // a cache of memory without content
var scratchPool sync.Pool // of *[]float64

// radixSort sorts values of which there may be any number.
func radixSort(values, scratch []float64) {
	if len(values) < radixMin {
		slices.Sort(values)
		return
	}
	first, differ := sortKey(values[0]), uint64(0) // the bits in which the values differ
	for _, v := range values {
		if math.IsNaN(v) {
			slices.Sort(values)
			return
		}
		differ |= sortKey(v) ^ first
	}
	if slices.IsSorted(values) {
		return
	}
	shift := max(0, bits.Len64(differ)-digits*digitBits)
	scatter(values, scratch, shift)
	if shift > 0 {
		settle(values, scratch, shift)
	}
}

// scatter sorts values by the digits above shift; more significant bits must be the same in all.
func scatter(values, scratch []float64, shift int) {
	var counts [digits][radix]uint32
	for _, v := range values {
		k := sortKey(v) >> (shift & 63)
		counts[0][k%radix]++
		counts[1][k>>digitBits%radix]++
		counts[2][k>>(2*digitBits)%radix]++
		counts[3][k>>(3*digitBits)%radix]++
	}
	from, to := values, scratch[:len(values)]
	for digit := range counts {
		count, right := &counts[digit], (shift+digit*digitBits)&63
		if int(count[sortKey(from[0])>>right%radix]) == len(from) {
			continue // all values share this digit
		}
		position := uint32(0)
		for d, c := range count {
			count[d] = position
			position += c
		}
		for _, v := range from {
			d := sortKey(v) >> right % radix
			to[count[d]] = v
			count[d]++
		}
		from, to = to, from
	}
	if &from[0] != &values[0] {
		copy(values, from)
	}
}

// settle sorts what agrees in the bits from shift on, where it is out of order.
func settle(values, scratch []float64, shift int) {
	prefix := func(i int) uint64 { return sortKey(values[i]) >> (shift & 63) }
	for i := 1; i < len(values); i++ {
		if values[i-1] <= values[i] {
			continue
		}
		low, high, same := i-1, i+1, prefix(i)
		for low > 0 && prefix(low-1) == same {
			low--
		}
		for high < len(values) && prefix(high) == same {
			high++
		}
		if group := values[low:high]; len(group) <= insertionTo {
			insertionSort(group)
		} else {
			radixSort(group, scratch)
		}
		i = high
	}
}

func insertionSort(values []float64) {
	for i, v := range values {
		for ; i > 0 && values[i-1] > v; i-- {
			values[i] = values[i-1]
		}
		values[i] = v
	}
}

// sortKey maps floats to integers of the same order: the bits of a negative
// float are inverted, a positive one only gets its sign bit set.
func sortKey(v float64) uint64 {
	bits := math.Float64bits(v)
	return bits ^ (uint64(int64(bits)>>63) | 1<<63)
}
