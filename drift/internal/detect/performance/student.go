package performance

import (
	"math"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// studentQuantile returns the 0.975 quantile of Student's t distribution.
func studentQuantile(df float64) float64 {
	if df > 1e6 {
		return z95
	}
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: df}.Quantile(0.975)
}

// studentP returns the two-sided p-value of t with df degrees of freedom: the regularised
// incomplete beta function I_{df/(df+t²)}(df/2, ½).
func studentP(t, df float64) float64 {
	if math.IsInf(t, 0) {
		return 0
	}
	return clip(mathext.RegIncBeta(df/2, 0.5, df/(df+t*t)))
}

// normalP returns the two-sided p-value of a standard normal deviate.
func normalP(z float64) float64 { return clip(math.Erfc(math.Abs(z) / math.Sqrt2)) }
