package distance

import "math"

// Measure is a distance between the shares of two samples in the same bins: at least 0, and 0 for equal shares. It is symmetric unless said
// otherwise.
type Measure struct {
	of func(baseline, current []int64, n, m float64) float64

	// Under the null hypothesis factor·distance^power/(1/n + 1/m) tends to chi-square; factor is 0 where there is no such law.
	factor, power float64

	sum bool // whether it is a sum over the bins, or the root of one
}

// Of returns the distance between two samples.
func (m Measure) Of(b Bins) float64 { return m.of(b.Baseline, b.Current, float64(b.n), float64(b.m)) }

// JensenShannon is the square root of the Jensen–Shannon divergence in units of ln(base):
//
//	√(½·Σ(p·ln(p/μ) + q·ln(q/μ))/ln(base)),   μ = (p + q)/2.
//
// It is a metric (D. M. Endres and J. E. Schindelin, 2003) and, in base 2, from 0 to 1. SciPy's scipy.spatial.distance.jensenshannon is the
// same. Since the divergence is about Σ(p−q)²/(8μ), 8·ln(base)·distance² over 1/n + 1/m tends to chi-square.
func JensenShannon(base float64) Measure {
	unit := math.Log(base)
	return Measure{factor: 8 * unit, power: 2, sum: true, of: func(a, b []int64, n, m float64) float64 {
		sum := 0.0
		for i := range a {
			if a[i]+b[i] == 0 {
				continue
			}
			p, q := float64(a[i])/n, float64(b[i])/m
			mean := (p + q) / 2
			sum += mean * entropy((p-q)/(p+q))
		}
		return math.Sqrt(max(sum, 0) / unit)
	}}
}

// entropy returns ½·((1+d)·ln(1+d) + (1−d)·ln(1−d)) for d from −1 to 1, without the difference of nearly equal numbers.
func entropy(d float64) float64 {
	s := d * d
	switch {
	case s < 1.0/256: // Σ s^k/(2k(2k−1)), whose first term left out is below 1e-17 of the sum; most draws of a permutation test come here
		return s * (1.0/2 + s*(1.0/12+s*(1.0/30+s*(1.0/56+s*(1.0/90+s*(1.0/132+s*(1.0/182)))))))
	case s == 1:
		return math.Ln2
	}
	return math.Log1p(-s)/2 + d*math.Atanh(d)
}

// Hellinger is √(½·Σ(√p − √q)²) = √(1 − Σ√(pq)), a metric from 0 to 1 (E. Hellinger, 1909). 8·distance² over 1/n + 1/m tends to chi-square.
func Hellinger() Measure {
	return Measure{factor: 8, power: 2, sum: true, of: func(a, b []int64, n, m float64) float64 {
		sum := 0.0
		for i := range a {
			d := math.Sqrt(float64(a[i])/n) - math.Sqrt(float64(b[i])/m)
			sum += d * d
		}
		return math.Sqrt(sum / 2)
	}}
}

// TotalVariation is ½·Σ|p − q|, from 0 to 1: the share of rows that would have to move.
func TotalVariation() Measure {
	return Measure{sum: true, of: func(a, b []int64, n, m float64) float64 {
		sum := 0.0
		for i := range a {
			sum += math.Abs(float64(a[i])/n - float64(b[i])/m)
		}
		return sum / 2
	}}
}

// LInfinity is max|p − q|, from 0 to 1: the largest change of a share.
func LInfinity() Measure {
	return Measure{of: func(a, b []int64, n, m float64) float64 {
		largest := 0.0
		for i := range a {
			largest = max(largest, math.Abs(float64(a[i])/n-float64(b[i])/m))
		}
		return largest
	}}
}

// LikelihoodRatio is G = 2·ΣO·ln(O/E) over the rows of both sides in each bin, which grows with the sample sizes: no distance, but tested alike.
func LikelihoodRatio() Measure {
	return Measure{sum: true, of: func(a, b []int64, n, m float64) float64 {
		sum := 0.0
		for i := range a {
			x, y := float64(a[i]), float64(b[i])
			if a[i] > 0 {
				sum += x * math.Log(x/((x+y)*(n/(n+m))))
			}
			if b[i] > 0 {
				sum += y * math.Log(y/((x+y)*(m/(n+m))))
			}
		}
		return max(2*sum, 0)
	}}
}

// KullbackLeibler is Σp·ln(p/q), in nats: what is lost by describing the baseline, p, with the current shares, q (S. Kullback and
// R. A. Leibler, 1951). It is not symmetric. Every bin that is not empty on both sides gets half a row on both, see contingency.BinPSI for why. Twice the divergence over
// 1/n + 1/m tends to chi-square.
func KullbackLeibler() Measure {
	return Measure{factor: 2, power: 1, sum: true, of: func(a, b []int64, n, m float64) float64 {
		filled := 0
		for i := range a {
			if a[i]+b[i] > 0 {
				filled++
			}
		}
		n += float64(filled) / 2
		m += float64(filled) / 2
		sum := 0.0
		for i := range a {
			if a[i]+b[i] == 0 {
				continue
			}
			p, q := (float64(a[i])+0.5)/n, (float64(b[i])+0.5)/m
			sum += p*math.Log(p/q) - (p - q) // the second term sums to 0; with it no summand is negative
		}
		return max(sum, 0)
	}}
}

// FilledPSI is the stability index Σ(p − q)·ln(p/q) as Evidently computes it: a share of 0 counts as 0.0001, or as a millionth of the smallest
// other share of the same side if that is at most 0.0001. The shares then no longer sum to 1. Bins that are empty on both sides are filled too.
//
// It jumps by a few hundredths when a bin becomes empty, so that it has no law of its own.
func FilledPSI() Measure {
	return Measure{sum: true, of: func(a, b []int64, n, m float64) float64 {
		fillA, fillB := fill(a, n), fill(b, m)
		sum := 0.0
		for i := range a {
			p, q := share(a[i], n, fillA), share(b[i], m, fillB)
			sum += (p - q) * math.Log(p/q)
		}
		return sum
	}}
}

// FilledKullbackLeibler is Σp·ln(p/q) as Evidently computes it: shares of 0 are filled as by FilledPSI, and both sides are divided by their
// sums again.
func FilledKullbackLeibler() Measure {
	return Measure{sum: true, of: func(a, b []int64, n, m float64) float64 {
		fillA, fillB := fill(a, n), fill(b, m)
		sumA, sumB := 0.0, 0.0
		for i := range a {
			sumA += share(a[i], n, fillA)
			sumB += share(b[i], m, fillB)
		}
		sum := 0.0
		for i := range a {
			p, q := share(a[i], n, fillA)/sumA, share(b[i], m, fillB)/sumB
			sum += p*math.Log(p/q) - (p - q)
		}
		return max(sum, 0)
	}}
}

// share is the share of rows in total, or what stands for none.
func share(rows int64, total, none float64) float64 {
	if rows == 0 {
		return none
	}
	return float64(rows) / total
}

// fill is what stands for a share of 0.
func fill(counts []int64, total float64) float64 {
	least := int64(maxCount)
	for _, rows := range counts {
		if rows > 0 {
			least = min(least, rows)
		}
	}
	if smallest := float64(least) / total; smallest <= 1e-4 {
		return smallest / 1e6
	}
	return 1e-4
}
