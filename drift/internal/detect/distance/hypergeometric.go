package distance

import (
	"math"
	"math/rand/v2"
)

// Limits between the ways to draw.
const (
	urnRows   = 8  // up to here rows are drawn one by one
	wideSigma = 36 // the variance from which the normal approximation is used
)

// hypergeometric draws how many of taken rows are marked, when they are drawn without replacement from rows of which marked are marked.
//
// Small numbers come from an urn. In between it is the ratio-of-uniforms algorithm HRUA (E. Stadlober, 1989) that NumPy uses too. From a
// standard deviation of 6 rows on, the quantile of a uniform number comes from the normal distribution with the right mean, variance and
// skewness (E. A. Cornish and R. A. Fisher, 1938), which is off by a few hundredths of a row: far less than a thousand draws can tell. Rounding to
// whole rows adds a variance of 1/12, which is taken off before (W. F. Sheppard, 1898).
func hypergeometric(rng *rand.Rand, rows, marked, taken int64) int64 {
	// The law is symmetric in marked and taken, and mirrored when either is replaced by its complement. The smaller of all four is drawn from.
	markedFew, takenFew := min(marked, rows-marked), min(taken, rows-taken)
	x := drawFew(rng, rows, max(markedFew, takenFew), min(markedFew, takenFew))
	if markedFew != marked {
		x = takenFew - x
	}
	if takenFew != taken {
		x = marked - x
	}
	return x
}

// drawFew is hypergeometric for taken ≤ marked ≤ rows/2.
func drawFew(rng *rand.Rand, rows, marked, taken int64) int64 {
	if taken <= urnRows {
		x := int64(0)
		for ; taken > 0 && marked > 0; taken-- {
			if rng.Int64N(rows) < marked {
				marked--
				x++
			}
			rows--
		}
		return x
	}
	each := 1 / float64(rows)
	p, t := float64(marked)*each, float64(taken)*each
	mean := float64(taken) * p
	variance := mean * (1 - p) * (1 - t) * (1 + each*(1+each)) // rows/(rows−1), but for each³
	if variance < wideSigma {
		return ratioOfUniforms(rng, rows, marked, taken, mean, variance)
	}
	// The skewness is (1−2p)(1−2t)/σ with t = taken/rows, but for terms in 1/rows.
	sigma := math.Sqrt(variance - 1.0/12)
	z := rng.NormFloat64()
	skewed := (1 - 2*p) * (1 - 2*t) * (z*z - 1) / 6
	return min(max(int64(math.Floor(mean+sigma*z+skewed+0.5)), 0), taken)
}

func ratioOfUniforms(rng *rand.Rand, rows, marked, taken int64, mean, variance float64) int64 {
	const (
		d1 = 1.7155277699214135 // 2√(2/e)
		d2 = 0.8989161620588988 // 3 − 2√(3/e)
	)
	spread := math.Sqrt(variance + 0.5)
	center, width := mean+0.5, d1*spread+d2
	mode := int64((float64(taken) + 1) * (float64(marked) + 1) / (float64(rows) + 2))
	limit := min(float64(taken)+1, math.Floor(center+16*spread))
	rest := rows - marked - taken // unmarked rows that are left when no marked one is taken
	for {
		u, v := 1-rng.Float64(), rng.Float64()
		candidate := center + width*(v-0.5)/u
		if candidate < 0 || candidate >= limit {
			continue
		}
		x := int64(candidate)
		// t is the logarithm of the probability of x over that of the mode.
		t := logFactorials(mode, x) + logFactorials(marked-mode, marked-x) +
			logFactorials(taken-mode, taken-x) + logFactorials(rest+mode, rest+x)
		if u*(4-u)-3 <= t || u*(u-t) < 1 && 2*math.Log(u) <= t {
			return x
		}
	}
}

// logFactorials returns ln(a!/b!) for numbers that are not far from each other, without the difference of two large ones.
func logFactorials(a, b int64) float64 {
	switch {
	case a == b:
		return 0
	case max(a, b) < int64(len(smallLogFactorials)):
		return smallLogFactorials[a] - smallLogFactorials[b]
	case min(a, b) < 32: // the series below would be too short
		x, _ := math.Lgamma(float64(a) + 1)
		y, _ := math.Lgamma(float64(b) + 1)
		return x - y
	}
	// Stirling: ln x! = (x+½)·ln x − x + ½·ln 2π + 1/(12x) − …
	x, y := float64(a), float64(b)
	d := x - y
	return (x+0.5)*math.Log1p(d/y) + d*(math.Log(y)-1) + (1/x-1/y)/12
}

//nolint:gochecknoglobals // a constant table
var smallLogFactorials = func() (table [2048]float64) {
	for i := 2; i < len(table); i++ {
		table[i] = table[i-1] + math.Log(float64(i))
	}
	return table
}()
