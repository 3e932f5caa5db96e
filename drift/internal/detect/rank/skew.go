package rank

import "math"

// maxSkew is the skewness of the difference of two means up to which the normal law and Student's are right: a level of 0.05 is then off by
// less than a tenth of itself.
const maxSkew = 0.15

// skewedMeans tells whether the difference of the means of n and m values is too skewed, given the skewness of the values.
//
// It is that of the values times (1/n² − 1/m²)/(1/n + 1/m)^{3/2}, which vanishes for equal sizes: then both tails are wrong alike, and make up for each other.
func (p *Pooled) skewedMeans(skewness float64) bool {
	a, b := 1/p.N, 1/p.M
	return math.Abs(skewness*(a*a-b*b)) > maxSkew*math.Pow(a+b, 1.5)
}

// Skewed tells whether the values are so skewed, for their number, that the difference of the means is far from normal and Welch's p-value has to come
// from Permute.
func (p *Pooled) Skewed() bool {
	return p.skewedMeans(p.skewness(func(values []float64, center float64) (sum, squares, cubes float64) {
		for _, v := range values {
			d := v*p.scale - center
			sum += d
			squares += d * d
			cubes += d * d * d
		}
		return sum, squares, cubes
	}))
}

// SkewedSpread is Skewed for the distances from the medians, which Levene's test compares: see Distances.
func (p *Pooled) SkewedSpread() bool {
	return p.skewedMeans(p.skewness(func(values []float64, center float64) (sum, squares, cubes float64) {
		median := medianOf(values, p.scale)
		for _, v := range values {
			d := math.Abs(v*p.scale-median) - center
			sum += d
			squares += d * d
			cubes += d * d * d
		}
		return sum, squares, cubes
	}))
}

// SkewedRanks is Skewed for the midranks, whose p-value of the Mann–Whitney test has to come from Permute then. Only ties skew ranks: a value that most rows
// have lifts the others far above it.
func (p *Pooled) SkewedRanks() bool {
	if !p.Tied() || p.N == p.M {
		return false
	}
	var squares, cubes float64
	size := p.size()
	p.each(func(_ float64, i, j, stepX, stepY int) {
		group := float64(stepX + stepY)
		d := float64(i+j) + group/2 - size/2
		squares += group * d * d
		cubes += group * d * d * d
	})
	return squares > 0 && p.skewedMeans(cubes/size/math.Pow(squares/size, 1.5))
}

// skewness is that of the pooled values, or of what sums makes of them; 0 where it does not matter. A side's sums are those of the distances
// from a center and of their powers.
func (p *Pooled) skewness(sums func(values []float64, center float64) (sum, squares, cubes float64)) float64 {
	if p.N == p.M {
		return 0
	}
	n := p.size()
	x, _, _ := sums(p.Baseline, 0)
	y, _, _ := sums(p.Current, 0)
	mean := x/n + y/n
	_, squaresX, cubesX := sums(p.Baseline, mean)
	_, squaresY, cubesY := sums(p.Current, mean)
	squares, cubes := squaresX+squaresY, cubesX+cubesY
	if squares == 0 {
		return 0
	}
	return cubes / n / math.Pow(squares/n, 1.5)
}

// Distances returns the samples of the distances |v − median| from the median of each side, merged, in units of which only ratios have a meaning. Levene's test
// compares their means, so that its p-value can come from Permute with Means. It takes O(n+m) time and memory.
func (p *Pooled) Distances() (Pooled, error) {
	return Measure(distances(p.Baseline, p.scale), distances(p.Current, p.scale))
}

// distances are those of sorted values from their median, ascending: those of the values below it and above it, merged.
func distances(sorted []float64, scale float64) []float64 {
	median := medianOf(sorted, scale)
	low := (len(sorted) - 1) / 2
	high := low + 1
	ascending := make([]float64, 0, len(sorted))
	for low >= 0 || high < len(sorted) {
		below, above := math.Inf(1), math.Inf(1)
		if low >= 0 {
			below = math.Abs(sorted[low]*scale - median)
		}
		if high < len(sorted) {
			above = math.Abs(sorted[high]*scale - median)
		}
		if below <= above {
			ascending = append(ascending, below)
			low--
		} else {
			ascending = append(ascending, above)
			high++
		}
	}
	return ascending
}

// medianOf is that of sorted values, in units of the scale.
func medianOf(sorted []float64, scale float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2]*scale + sorted[n/2]*scale) / 2
}
