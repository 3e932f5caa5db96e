package ks

import (
	"math"

	"github.com/aumos-enterprise/platform/drift/internal/detect/tail"
)

// The regions of R. Simard and P. L'Ecuyer, "Computing the two-sided
// Kolmogorov–Smirnov distribution", Journal of Statistical Software 39 (2011).
const (
	smallN        = 140      // up to here all methods are exact
	durbinSmall   = 0.754693 // n·d² up to which Durbin's matrix serves small n
	pomeranzSmall = 4.0      // and Pomeranz' recursion
	tailLarge     = 2.2      // n·d² from which twice the one-sided tail serves large n
	zeroLarge     = 370.0    // and from which the probability is below the smallest double
	durbinLarge   = 1.4      // n·d^1.5 up to which Durbin's matrix serves large n

	// durbinMaxN is the largest n for Durbin's matrix. Above it, wherever
	// n·d^1.5 ≤ durbinLarge, the Pelz–Good series is within 1e-12 of it.
	durbinMaxN = 10_000
)

// kolmogorovSF returns P(D_n ≥ d) for the two-sided statistic of one sample of
// n values from a continuous distribution, n ≥ 1.
//
// It chooses the methods that SciPy's kstwo.sf chooses, and agrees with it to
// a relative 1e-10, with one exception: for n > 1,000,000 and n·d² ≥ 2.2 SciPy
// uses exp(−(6nd+1)²/(18n)), which is off by up to 1e-4; this function goes on
// summing.
func kolmogorovSF(n int64, d float64) float64 {
	size := float64(n)
	nd := size * d
	ndd := nd * d
	switch {
	case d >= 1:
		return 0
	case nd <= 0.5: // also any d ≤ 0
		return 1
	case nd <= 1: // Ruben and Gambino: P(D_n < d) = n!·((2nd−1)/n)^n
		return tail.Clip(1 - math.Exp(logFactorialRatio(size)+size*math.Log(2*nd-1)))
	case nd >= size-1: // Ruben and Gambino
		return tail.Clip(2 * math.Exp(size*math.Log1p(-d)))
	case d >= 0.5: // both one-sided events cannot happen at once
		return tail.Clip(2 * smirnovSF(n, d))
	case n <= smallN && ndd <= durbinSmall:
		return tail.Clip(1 - durbinCDF(n, d))
	case n <= smallN && ndd <= pomeranzSmall:
		return tail.Clip(1 - pomeranzCDF(n, d))
	case n <= smallN:
		return tail.Clip(2 * smirnovSF(n, d))
	case ndd >= zeroLarge:
		return 0
	case ndd >= tailLarge:
		return tail.Clip(2 * smirnovSF(n, d))
	case n <= durbinMaxN && nd*math.Sqrt(d) <= durbinLarge:
		return tail.Clip(1 - durbinCDF(n, d))
	default:
		return tail.Clip(1 - pelzGoodCDF(n, d))
	}
}

// logFactorialRatio returns ln(n!/nⁿ).
func logFactorialRatio(n float64) float64 {
	return math.Log(2*math.Pi*n)/2 - n + stirlingError(n)
}

// stirlingError returns ln n! − [n·ln n − n + ½·ln(2πn)] for n ≥ 1.
func stirlingError(n float64) float64 {
	if n < 16 {
		lg, _ := math.Lgamma(n + 1)
		return lg - (n*math.Log(n) - n + math.Log(2*math.Pi*n)/2)
	}
	r := 1 / (n * n)
	return (1.0/12 - (1.0/360-(1.0/1260-(1.0/1680-(1.0/1188-691.0/360360*r)*r)*r)*r)*r) / n
}
