package rank

import (
	"math"

	"github.com/aumos-enterprise/platform/drift/internal/detect/tail"
)

// moments are sums over the distances of one sample's values from its median,
// in units of the scale. The mean is at most a standard deviation from the
// median, so that a single pass loses no digits.
type moments struct {
	n, median, mean float64
	squares         float64 // Σ(v − mean)²
	distance        float64 // mean |v − median|
}

func momentsOf(sorted []float64, scale float64) moments {
	n := len(sorted)
	m := moments{n: float64(n), median: medianOf(sorted, scale)}
	var sum, squares, distance [2]float64 // two of each, so that additions overlap
	for i, v := range sorted {
		d := v*scale - m.median
		sum[i&1] += d
		squares[i&1] += d * d
		distance[i&1] += math.Abs(d)
	}
	shift := (sum[0] + sum[1]) / m.n
	m.mean, m.distance = m.median+shift, (distance[0]+distance[1])/m.n
	m.squares = max(0, squares[0]+squares[1]-m.n*shift*shift)
	return m
}

// variance has the divisor n − 1.
func (m moments) variance() float64 { return m.squares / (m.n - 1) }

// Location is the outcome of Welch's t test.
type Location struct {
	T      float64 // positive when the current mean is larger
	DF     float64 // degrees of freedom by Welch and Satterthwaite
	P      float64 // two-sided
	CohenD float64 // the difference of the means in standard deviations, the mean of both variances, signed
}

// WelchT tests the null hypothesis that both samples have the same mean,
// whatever their variances (B. L. Welch, 1947); as
// scipy.stats.ttest_ind(current, baseline, equal_var=False).
//
// Two samples that are constant at the same value have T 0 and P 1. It returns
// ErrTooFew when a side has fewer than two values, and ErrNoSpread when the sides are constant at
// different values.
func (p *Pooled) WelchT() (Location, error) {
	if min(p.N, p.M) < 2 {
		return Location{}, ErrTooFew
	}
	x, y := momentsOf(p.Baseline, p.scale), momentsOf(p.Current, p.scale)
	vx, vy := x.variance()/x.n, y.variance()/y.n
	difference := y.mean - x.mean
	switch {
	case vx+vy > 0:
	case difference == 0:
		return Location{DF: x.n + y.n - 2, P: 1}, nil
	default:
		return Location{}, ErrNoSpread
	}
	l := Location{
		T:      difference / math.Sqrt(vx+vy),
		CohenD: difference / math.Sqrt((x.variance()+y.variance())/2),
	}
	a, b := vx/(vx+vy), vy/(vx+vy)
	l.DF = 1 / (a*a/(x.n-1) + b*b/(y.n-1))
	l.P = tail.Student(l.T*l.T, l.DF)
	return l, nil
}

// Spread is the outcome of Levene's test.
type Spread struct {
	W  float64 // F statistic with 1 and N−2 degrees of freedom
	P  float64
	DF float64 // N − 2

	// Change is one minus the ratio of the smaller to the larger mean distance
	// from the median, with the sign of the change: in [−1,1], and −1 when the current sample has no spread left.
	Change float64
}

// Levene tests the null hypothesis that both samples have the same spread
// around their medians, as M. B. Brown and A. B. Forsythe (1974) have it; as
// scipy.stats.levene(center="median").
//
// Two samples without spread have W 0 and P 1. It returns ErrTooFew when a side has fewer than two
// values, and ErrNoSpread when all distances from the median are the same on each side, but not on both.
func (p *Pooled) Levene() (Spread, error) {
	if min(p.N, p.M) < 2 {
		return Spread{}, ErrTooFew
	}
	x, y := momentsOf(p.Baseline, p.scale), momentsOf(p.Current, p.scale)
	s := Spread{DF: p.size() - 2, P: 1}
	if x.distance == y.distance {
		return s, nil
	}
	s.Change = 1 - min(x.distance, y.distance)/max(x.distance, y.distance)
	if y.distance < x.distance {
		s.Change = -s.Change
	}
	unit := unitOf(max(x.distance, y.distance))
	within := x.spread(p.Baseline, p.scale, unit) + y.spread(p.Current, p.scale, unit)
	difference := (y.distance - x.distance) / unit
	if !(within > 0) {
		return Spread{}, ErrNoSpread
	}
	s.W = s.DF * (p.N * p.M / p.size() * difference * difference) / within
	if math.IsInf(s.W, 0) {
		return Spread{}, ErrNoSpread
	}
	s.P = tail.Student(s.W, s.DF)
	return s, nil
}

// spread is Σ(|v − median| − distance)², in units squared.
func (m moments) spread(sorted []float64, scale, unit float64) float64 {
	sum := 0.0
	for _, v := range sorted {
		d := (math.Abs(v*scale-m.median) - m.distance) / unit
		sum += d * d
	}
	return sum
}

// unitOf is 1, or a distance whose square vanishes: values may lie close together and still far from those of the other side, which make the scale.
func unitOf(distance float64) float64 {
	if distance < 0x1p-400 {
		return distance
	}
	return 1
}

// CriticalT returns the |T| at which the two-sided p-value is alpha, the root
// of CriticalLevene; NaN for an alpha outside (0,1).
func CriticalT(df, alpha float64) float64 {
	return math.Sqrt(solve(func(square float64) float64 { return tail.Student(square, df) }, alpha))
}
