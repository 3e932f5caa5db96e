package rank

import "math"

// Wasserstein returns the earth mover's distance ∫|F − G|, in the unit of the
// values, as scipy.stats.wasserstein_distance.
func (p *Pooled) Wasserstein() float64 { return p.absolute / (p.N * p.M) / p.scale }

// WassersteinStd is Wasserstein in standard deviations of the baseline, with
// the divisor n − 1, or of the pooled values when the baseline is constant.
// It is 0 when all values are equal.
func (p *Pooled) WassersteinStd() float64 {
	x := momentsOf(p.Baseline, p.scale)
	variance := x.variance()
	if !(variance > 0) {
		y := momentsOf(p.Current, p.scale)
		difference := y.mean - x.mean
		variance = (x.squares + y.squares + p.N*p.M/p.size()*difference*difference) / (p.size() - 1)
	}
	return p.per(math.Sqrt(variance))
}

// WassersteinIQR is Wasserstein in interquartile ranges of the baseline, by
// linear interpolation between order statistics as NumPy does. It is +Inf when the range is 0 and
// the distance is not: half of the baseline is one value.
func (p *Pooled) WassersteinIQR() float64 {
	iqr := p.quantile(p.Baseline, 0.75) - p.quantile(p.Baseline, 0.25)
	return p.per(iqr)
}

// WassersteinEvidently is Wasserstein over the standard deviation of the
// baseline with the divisor n, but at least 0.001: the score of Evidently's
// "Wasserstein distance (normed)".
func (p *Pooled) WassersteinEvidently() float64 {
	x := momentsOf(p.Baseline, p.scale)
	return p.per(max(math.Sqrt(x.squares/x.n), 0.001*p.scale))
}

// per divides the distance by a unit that is in terms of the scale.
func (p *Pooled) per(unit float64) float64 {
	if p.absolute == 0 {
		return 0
	}
	return p.absolute / (p.N * p.M) / unit
}

// quantile interpolates at rank 1 + probability·(n−1), in terms of the scale.
func (p *Pooled) quantile(sorted []float64, probability float64) float64 {
	whole, fraction := math.Modf(probability * float64(len(sorted)-1))
	low := sorted[int(whole)] * p.scale
	if fraction == 0 {
		return low
	}
	return low + fraction*(sorted[int(whole)+1]*p.scale-low)
}

// Energy returns the energy distance √(2·∫(F − G)²), in the root of the unit of
// the values, as scipy.stats.energy_distance (G. J. Székely and M. L. Rizzo).
func (p *Pooled) Energy() float64 {
	return math.Sqrt(2*p.energy) / (p.N * p.M) / math.Sqrt(p.scale)
}

// EnergyEffect is the root of the coefficient of inhomogeneity,
//
//	√(2∫(F − G)² / 2E|X − Y|),
//
// in [0,1]: 0 for equal distributions, and 1 only for two different constants.
func (p *Pooled) EnergyEffect() float64 {
	if p.energy == 0 {
		return 0
	}
	return math.Sqrt(min(1, p.energy/(p.N*p.M)/p.between()))
}

// between is nm·E|X − Y|, in units of the scale. It is
//
//	E|X − Y| = ∫(F − G)² + ∫F(1 − F) + ∫G(1 − G),
//
// whose parts need no second merge.
func (p *Pooled) between() float64 {
	all := p.N * p.M
	return p.energy/all + all*(spacing(p.Baseline, p.scale)+spacing(p.Current, p.scale))
}

// spacing is ∫F(1 − F), half of Gini's mean difference.
func spacing(sorted []float64, scale float64) float64 {
	n := float64(len(sorted))
	var sum [2]float64 // so that additions overlap
	previous := sorted[0] * scale
	for i, v := range sorted {
		at := v * scale
		rank := float64(i)
		sum[i&1] += rank * (n - rank) * (at - previous)
		previous = at
	}
	return (sum[0] + sum[1]) / (n * n)
}

// Shift returns the difference of the means, ∫(F − G), over the distance
// ∫|F − G|: 1 when the current values are larger throughout, −1 when they are
// smaller, about 0 when they only spread. It is 0 when the samples are equal.
func (p *Pooled) Shift() float64 {
	if p.absolute == 0 {
		return 0
	}
	return p.signed / p.absolute
}
