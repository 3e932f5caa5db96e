// Package tail computes the upper tails of the laws that test statistics follow
// under their null hypotheses, and the statistics at which a tail is as small
// as asked. Tails keep their digits however small they are.
package tail

import (
	"math"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// Clip forces a probability that rounding moved out of [0,1] back into it.
func Clip(p float64) float64 { return min(max(p, 0), 1) }

// Normal returns P(|Z| ≥ |z|) for a standard normal Z.
func Normal(z float64) float64 { return Clip(math.Erfc(math.Abs(z) / math.Sqrt2)) }

// CriticalNormal returns the |z| at which Normal is alpha. It is NaN for an
// alpha outside (0,1).
func CriticalNormal(alpha float64) float64 {
	if !(alpha > 0 && alpha < 1) {
		return math.NaN()
	}
	return math.Sqrt2 * math.Erfcinv(alpha)
}

// ChiSquare returns P(X ≥ x) for a chi-square variable with df degrees of
// freedom; 1 without any.
func ChiSquare(x float64, df int) float64 {
	if df < 1 || x <= 0 {
		return 1
	}
	return Clip(mathext.GammaIncRegComp(float64(df)/2, x/2))
}

// CriticalChiSquare returns the x at which ChiSquare is alpha. It is NaN for an
// alpha outside (0,1), or without degrees of freedom.
func CriticalChiSquare(df int, alpha float64) float64 {
	if df < 1 || !(alpha > 0 && alpha < 1) {
		return math.NaN()
	}
	return distuv.ChiSquared{K: float64(df)}.Quantile(1 - alpha)
}
