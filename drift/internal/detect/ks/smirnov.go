package ks

import "math"

// smirnovNodes is the number of terms from which smirnovSF leaves terms out.
const smirnovNodes = 500

// smirnovSF returns the one-sided P(D⁺_n ≥ d), 0 < d < 1 and n·d > 1, by the
// sum of N. Smirnov (1944) and of Birnbaum and Tingey (1951),
//
//	d·Σ_{j=0}^{⌊n(1−d)⌋} C(n,j)·(d + j/n)^{j−1}·(1 − d − j/n)^{n−j}.
//
// The terms are positive, so that the sum keeps its digits however small it
// is. For n·d above about 40, as all callers with long sums have it, they are
// also the values of a very smooth function that vanishes with all its
// derivatives at both ends. The sum over every h-th term, times h, is then the
// same to double precision (both are trapezoid rules for one integral), so
// that the cost does not grow with n.
func smirnovSF(n int64, d float64) float64 {
	size := float64(n)
	last := int64(math.Floor(size * (1 - d)))
	stride := max(1, last/smirnovNodes)
	whole := stirlingError(size)

	sum := 0.0
	for j := stride; j <= last && j < n; j += stride {
		sum += smirnovTerm(size, float64(j), d, whole)
	}
	if stride > 1 {
		return d * float64(stride) * sum
	}
	return d*sum + math.Exp(size*math.Log1p(-d))
}

// smirnovTerm is one term of smirnovSF for 0 < j < n, written with
// C(n,j) = nⁿ/(jʲ·(n−j)^{n−j})·√(n/(2πj(n−j)))·e^{δ(n)−δ(j)−δ(n−j)},
// δ being Stirling's error, so that the large powers cancel on paper instead
// of in the logarithms.
func smirnovTerm(n, j, d, whole float64) float64 {
	rest := n - j
	shift := n * d
	if shift >= rest {
		return 0
	}
	exponent := j*math.Log1p(shift/j) + rest*math.Log1p(-shift/rest) +
		whole - stirlingError(j) - stirlingError(rest)
	return math.Sqrt(n/(2*math.Pi*j*rest)) * math.Exp(exponent) / (d + j/n)
}
