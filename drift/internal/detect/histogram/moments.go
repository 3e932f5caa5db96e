package histogram

import "math"

// Doane's rule needs the skewness of all values only to count bins, and rarely to more than two digits.
const (
	coarse    = 64      // the step in which a long sorted sample is read at first, a power of two
	coarseMin = 100_000 // the length of such a sample
	edgePart  = 64      // this part of it at either end is read value by value: what is far out counts most
)

// doaneBins returns the number of bins of Doane's rule once what it read of the values leaves no doubt of how NumPy rounds it. It begins with
// steps of a power of two, and halves them as long as there is doubt: the sum of a function that does not fall, over sorted values in steps of k,
// is less than the sum over all by at most k times what the function rises.
func doaneBins(sorted []float64, step int) (bins int, sure bool) {
	pivot := sorted[len(sorted)/2]
	low, high := sorted[0]-pivot, sorted[len(sorted)-1]-pivot
	if !(high-low > 1e-90) || !(max(-low, high) < 1e90) { // cubes of subnormal or of huge numbers
		return 0, false
	}
	edge := len(sorted) / edgePart
	if step == 1 {
		edge = 0
	}
	middle := sorted[edge : len(sorted)-edge]
	middle = middle[:len(middle)/step*step]
	outer := cubes(sorted[:edge], pivot, 1).plus(cubes(sorted[edge+len(middle):], pivot, 1))
	inner := cubes(middle, pivot, step)
	for ; step > 1; step /= 2 {
		// Half of the doubt is added to the sums, so that it goes either way; squares fall up to the pivot and rise from there.
		a, b := middle[0]-pivot, sorted[edge+len(middle)]-pivot
		half := float64(step) / 2
		doubt := sums{half * (b - a), half * (a*a + b*b), half * (b*b*b - a*a*a)}
		s := outer.plus(inner).plus(sums{doubt.first, half * (b*b - a*a), doubt.third})
		if bins, sure := s.doaneBins(sorted, doubt); sure {
			return bins, true
		}
		inner = inner.plus(cubes(middle[step/2:], pivot, step)).times(0.5)
	}
	return outer.plus(inner).doaneBins(sorted, sums{})
}

// doaneBins is the same from sums of the distances from the median, which may be off by as much as the doubt says.
func (s sums) doaneBins(sorted []float64, doubt sums) (bins int, sure bool) {
	n := float64(len(sorted))
	low, high := sorted[0], sorted[len(sorted)-1]
	most := max(sorted[len(sorted)/2]-low, high-sorted[len(sorted)/2])
	rounding := n * 0x1p-50 // of n additions
	shift, square, cube := s.first/n, s.second/n, s.third/n
	d1, d2, d3 := doubt.first/n+rounding*most, doubt.second/n+rounding*most*most, doubt.third/n+rounding*most*square
	d1 += 0x1p-46 * max(-low, high) // of the mean as NumPy takes it, by values that may be far from zero
	variance := square - shift*shift
	dv := d2 + 2*math.Abs(shift)*d1 + d1*d1
	if !(variance > 4*dv) {
		return 0, false
	}
	third := cube - 3*shift*square + 2*shift*shift*shift
	dt := d3 + 3*(math.Abs(shift)*d2+square*d1+d1*d2) + 6*(math.Abs(shift)+d1)*(math.Abs(shift)+d1)*d1
	scale := variance * math.Sqrt(variance)
	skewness := math.Abs(third) / scale
	dg := dt/scale + 2*(skewness+dt/scale)*dv/variance // (1−x)^−1.5 is below 1+2x up to x = 1/4, but for its square
	dg += (skewness + dt/scale) * 4 * (dv / variance) * (dv / variance)
	from, to := doaneWidths(n, max(0, skewness-dg)), doaneWidths(n, skewness+dg)
	if !(to < maxBins) {
		return 0, false
	}
	bins = int(math.Ceil(from * (1 - 1e-9)))
	return bins, bins == int(math.Ceil(to*(1+1e-9)))
}

// doaneWidths returns how many of Doane's widths the range has.
func doaneWidths(n, skewness float64) float64 {
	spread := math.Sqrt(6 * (n - 2) / ((n + 1) * (n + 3)))
	return 1 + math.Log2(n) + math.Log2(1+skewness/spread)
}

// sums are of the first three powers.
type sums struct{ first, second, third float64 }

func (s sums) plus(t sums) sums {
	return sums{s.first + t.first, s.second + t.second, s.third + t.third}
}

func (s sums) times(k float64) sums { return sums{k * s.first, k * s.second, k * s.third} }

// cubes adds up powers of the distances from the pivot, in steps, each value counting as many times.
func cubes(values []float64, pivot float64, step int) sums {
	var a, b sums // so that additions overlap
	i := 0
	for ; i+step < len(values); i += 2 * step {
		d, e := values[i]-pivot, values[i+step]-pivot
		dd, ee := d*d, e*e
		a.first += d
		b.first += e
		a.second += dd
		b.second += ee
		a.third += dd * d
		b.third += ee * e
	}
	if i < len(values) {
		d := values[i] - pivot
		a = a.plus(sums{d, d * d, d * d * d})
	}
	return a.plus(b).times(float64(step))
}
