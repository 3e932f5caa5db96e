package histogram

import (
	"math"
	"math/bits"
)

// Edges returns bins+1 edges that divide low to high evenly, as numpy.linspace computes them. When low equals high the range is widened by a
// half on both sides. It returns ErrRange when the edges would not be finite and ascending, or there would be no bin.
func Edges(low, high float64, bins int) ([]float64, error) {
	if low == high {
		low, high = low-0.5, high+0.5
	}
	span := high - low
	if bins < 1 || !(span > 0) || math.IsInf(span, 0) {
		return nil, ErrRange
	}
	edges := make([]float64, bins+1)
	step := span / float64(bins)
	for i := range edges {
		offset := float64(i) * step
		if step == 0 { // subnormal
			offset = float64(i) / float64(bins) * span
		}
		edges[i] = offset + low // two roundings: the assignment keeps the compiler from fusing them
	}
	edges[bins] = high
	for i := range bins {
		if !(edges[i] < edges[i+1]) {
			return nil, ErrRange
		}
	}
	return edges, nil
}

// Sturges returns the edges of numpy.histogram_bin_edges(x, "sturges") for n values from low to high: a width of
//
//	(high − low)/(log₂n + 1)
//
// rounded so that whole bins fill the range (H. A. Sturges, 1926). With whole it does as NumPy 2 does for a column of an integer type, of
// which no bin is narrower than 1.
//
// It returns ErrEmpty for n below 1 and ErrRange as Edges does.
func Sturges(n int, low, high float64, whole bool) ([]float64, error) {
	if n < 1 {
		return nil, ErrEmpty
	}
	width := (high - low) / (math.Log2(float64(n)) + 1)
	if whole && width > 0 && width < 1 {
		width = 1
	}
	return filled(low, high, width)
}

// SameSturges says whether Sturges returns the same edges for every number of values from least to most: between two powers of two, log₂n + 1
// rounds up to one number, and is too far from a whole one for rounding to matter.
func SameSturges(least, most int) bool {
	return least == most || bits.Len(uint(least)) == bits.Len(uint(most)) && least&(least-1) != 0
}

// Doane returns the edges of numpy.histogram_bin_edges(x, "doane"), which has more bins than Sturges for skewed values: a width of
//
//	(max − min)/(1 + log₂n + log₂(1 + |g₁|/σ)),   σ = √(6(n−2)/((n+1)(n+3))),
//
// with the skewness g₁ of the sample (D. P. Doane, 1976). Up to two values, or equal ones, make one bin.
//
// The values must be finite and sorted. It returns ErrEmpty without values and ErrRange as Edges does. It takes a part of a
// pass, seldom a whole one.
//
// NumPy's rounding is repeated step by step where it decides: of values that are symmetric and as many as a power of two, a skewness that is not
// exactly 0 makes one bin more.
func Doane(sorted []float64) ([]float64, error) {
	if len(sorted) == 0 {
		return nil, ErrEmpty
	}
	low, high := sorted[0], sorted[len(sorted)-1]
	if len(sorted) < 3 || low == high {
		return filled(low, high, 0)
	}
	step := 1
	if len(sorted) >= coarseMin {
		step = coarse
	}
	if bins, sure := doaneBins(sorted, step); sure {
		return Edges(low, high, bins)
	}
	return doaneAsNumPy(sorted)
}

func doaneAsNumPy(sorted []float64) ([]float64, error) {
	low, high := sorted[0], sorted[len(sorted)-1]
	g, ok := skewness(sorted)
	if !ok {
		return filled(low, high, 0)
	}
	return filled(low, high, (high-low)/doaneWidths(float64(len(sorted)), math.Abs(g)))
}

// filled divides the range into as many bins of at most that width as it takes; one if the width is 0.
func filled(low, high, width float64) ([]float64, error) {
	if width == 0 {
		return Edges(low, high, 1)
	}
	bins := math.Ceil((high - low) / width)
	if !(bins < maxBins) {
		return nil, ErrRange
	}
	return Edges(low, high, int(bins))
}

// maxBins is far above what the rules make of any sample (about 90); it keeps the rounding of subnormal widths from asking for more memory, and
// NaN out.
const maxBins = 1024
