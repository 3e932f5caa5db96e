// Package tail computes the upper tails of the laws that test statistics follow
// under their null hypotheses, and the statistics at which a tail is as small
// as asked. Tails keep their digits however small they are.
package tail

import (
	"math"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// Clip forces a probability that rounding moved out of [0,1] back into it. What
// is no number says nothing against the null hypothesis.
func Clip(p float64) float64 {
	if math.IsNaN(p) {
		return 1
	}
	return min(max(p, 0), 1)
}

// Normal returns P(|Z| ≥ |z|) for a standard normal Z.
func Normal(z float64) float64 { return Clip(math.Erfc(math.Abs(z) / math.Sqrt2)) }

// NormalAbove returns P(Z ≥ z).
func NormalAbove(z float64) float64 { return Clip(math.Erfc(z/math.Sqrt2) / 2) }

// Z95 is CriticalNormal of 0.05: so many standard errors on either side hold the
// truth with 95 % confidence.
const Z95 = 1.959963984540054

// CriticalNormal returns the |z| at which Normal is alpha. It is NaN for an
// alpha outside (0,1).
func CriticalNormal(alpha float64) float64 {
	if !(alpha > 0 && alpha < 1) {
		return math.NaN()
	}
	return math.Sqrt2 * math.Erfcinv(alpha)
}

// CriticalNormalAbove returns the z at which NormalAbove is alpha.
func CriticalNormalAbove(alpha float64) float64 { return math.Sqrt2 * math.Erfcinv(2*alpha) }

// manyDF is where Student leaves the incomplete beta function, which loses
// digits with many degrees of freedom.
const manyDF = 5000

// Student returns P(T² ≥ square) for Student's t with df degrees of freedom,
// which is also the tail of F with 1 and df.
//
// It is the regularised incomplete beta function I_{df/(df+square)}(df/2, ½),
// and with many degrees of freedom G. W. Hill's expansion (Communications of
// the ACM 13, 1970) to a normal variable.
func Student(square, df float64) float64 {
	if !(square > 0) {
		return 1
	}
	if math.IsInf(square, 1) {
		return 0
	}
	if df > manyDF {
		a := df - 0.5
		b := 48 * a * a
		z2 := a * math.Log1p(square/df)
		z := math.Sqrt(z2)
		z += z * ((z2+3)/b - (((4*z2+33)*z2+240)*z2+855)/(10*b*b))
		return Normal(z)
	}
	return Clip(mathext.RegIncBeta(df/2, 0.5, df/(df+square)))
}

// CriticalStudent returns the |t| at which Student of t² is alpha. It is NaN
// for an alpha outside (0,1).
func CriticalStudent(df, alpha float64) float64 {
	switch {
	case !(alpha > 0 && alpha < 1):
		return math.NaN()
	case df > 1e6: // where the first six digits are the same
		return CriticalNormal(alpha)
	}
	return distuv.StudentsT{Sigma: 1, Nu: df}.Quantile(1 - alpha/2)
}

// ChiSquare returns P(X ≥ x) for a chi-square variable with df degrees of
// freedom; 1 without any.
func ChiSquare(x float64, df int) float64 {
	if df < 1 || x <= 0 {
		return 1
	}
	return Clip(mathext.GammaIncRegComp(float64(df)/2, x/2))
}

// Gamma returns P(X ≥ x) for a gamma variable of a shape above 0 and scale 1.
func Gamma(x, shape float64) float64 {
	if x <= 0 {
		return 1
	}
	return Clip(mathext.GammaIncRegComp(shape, x))
}

// CriticalChiSquare returns the x at which ChiSquare is alpha. It is NaN for an
// alpha outside (0,1), or without degrees of freedom.
func CriticalChiSquare(df int, alpha float64) float64 {
	if df < 1 || !(alpha > 0 && alpha < 1) {
		return math.NaN()
	}
	return distuv.ChiSquared{K: float64(df)}.Quantile(1 - alpha)
}
