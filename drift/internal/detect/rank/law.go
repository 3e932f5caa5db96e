package rank

import (
	"math"

	"github.com/aumos-enterprise/platform/drift/internal/detect/tail"
)

// A law is the distribution of a quadratic form Σ Z_j²/μ_j, with independent
// standard normal Z_j and 0 < μ_1 < μ_2 < …: what the Cramér–von Mises and the
// Anderson–Darling statistic become in large samples.
//
// N. V. Smirnov's formula (1936) gives its tail from D(y) = Π(1 − y/μ_j),
//
//	P(Q > x) = (1/π)·Σ_{k≥1} (−1)^{k+1} ∫_{μ_{2k−1}}^{μ_{2k}} e^{−xy/2}/(y·√(−D(y))) dy.
//
// The integrand is singular as one over a square root at both ends, which is the weight of
// Gauss–Chebyshev quadrature. Nothing cancels in the tail, other than in one minus the distribution
// function, as SciPy computes it: a p-value of 1e-30 has its digits.
type law struct {
	none     float64                        // x below which P is 1 to double precision
	interval func(k int) (from, to float64) // in the variable t of integration
	rate     func(t float64) float64        // y as a function of t
	weight   func(t, above float64) float64 // dy/dt/(y·√(−D)), given how far t is above the lower end
}

// cramer is the law of the Cramér–von Mises statistic: μ_j = (jπ)², D(t²) = sin(t)/t.
var cramer = law{ //nolint:gochecknoglobals // a constant
	none:     0.003,
	interval: func(k int) (from, to float64) { return float64(2*k-1) * math.Pi, float64(2*k) * math.Pi },
	rate:     func(t float64) float64 { return t * t },
	weight:   func(t, above float64) float64 { return 2 / math.Sqrt(t*math.Sin(above)) },
}

// anderson is the law of the Anderson–Darling statistic of two samples: μ_j = j(j+1),
// D(y) = −cos(πs/2)/(πy) with s = √(1+4y).
var anderson = law{ //nolint:gochecknoglobals // a constant
	none:     0.03,
	interval: func(k int) (from, to float64) { return float64(4*k - 1), float64(4*k + 1) },
	rate:     func(s float64) float64 { return (s - 1) * (s + 1) / 4 },
	weight: func(s, above float64) float64 {
		return s * math.Sqrt(math.Pi/((s-1)*(s+1)*math.Sin(math.Pi/2*above)))
	},
}

// sf returns P(Q > x), to 1e-13 of itself.
func (l law) sf(x float64) float64 {
	if !(x >= l.none) {
		return 1
	}
	if x > 2000 {
		return 0
	}
	// The exponential falls within 1/x of the lower end; nodes lie there as 1/nodes².
	nodes := 40 + int(12*math.Sqrt(x))
	sum, sign := 0.0, 1.0
	for k := 1; ; k++ {
		from, to := l.interval(k)
		if x*l.rate(from)/2 > 745 {
			break
		}
		part, half := 0.0, (to-from)/2
		for node := range nodes {
			angle := math.Pi * (float64(node) + 0.5) / float64(nodes)
			s, c := math.Sincos(angle / 2)
			above := 2 * half * s * s // from + half·(1 − cos(angle))
			t := from + above
			part += math.Exp(-x*l.rate(t)/2) * l.weight(t, above) * 2 * half * s * c
		}
		part *= math.Pi / float64(nodes)
		sum += sign * part
		sign = -sign
		if part < 1e-17*sum {
			break
		}
	}
	return tail.Clip(sum / math.Pi)
}

// quantile returns the x at which P(Q > x) is alpha, or NaN for an alpha outside (0,1).
func (l law) quantile(alpha float64) float64 { return solve(l.sf, alpha) }

// solve returns the x > 0 at which a decreasing probability falls to alpha; NaN for an alpha outside (0,1).
func solve(sf func(x float64) float64, alpha float64) float64 {
	if !(alpha > 0 && alpha < 1) {
		return math.NaN()
	}
	low, high := 0.0, 1.0
	for sf(high) > alpha && high < 1e300 {
		low, high = high, 2*high
	}
	for range 60 {
		middle := low + (high-low)/2
		if sf(middle) > alpha {
			low = middle
		} else {
			high = middle
		}
		if high-low <= 1e-12*high {
			break
		}
	}
	return high
}
