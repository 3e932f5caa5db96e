package rank

import "math"

// maxSkew is the skewness of the difference of the means up to which Student's t
// is right: a level of 0.05 is then off by less than a tenth of itself.
const maxSkew = 0.15

// Skewed tells whether the values are so skewed, for their number, that the
// difference of the means is far from normal and Welch's p-value has to come from Permute.
//
// The skewness of the difference is that of the pooled values times
// (1/n² − 1/m²)/(1/n + 1/m)^{3/2}, which vanishes for equal sizes: then both tails are wrong alike, and make up for each other.
func (p *Pooled) Skewed() bool {
	mean, n := 0.0, p.size()
	for _, values := range [][]float64{p.Baseline, p.Current} {
		for _, v := range values {
			mean += v * p.scale / n
		}
	}
	var squares, cubes float64
	for _, values := range [][]float64{p.Baseline, p.Current} {
		for _, v := range values {
			d := v*p.scale - mean
			squares += d * d
			cubes += d * d * d
		}
	}
	if squares == 0 {
		return false
	}
	skewness := cubes / n / math.Pow(squares/n, 1.5)
	a, b := 1/p.N, 1/p.M
	return math.Abs(skewness*(a*a-b*b)) > maxSkew*math.Pow(a+b, 1.5)
}
