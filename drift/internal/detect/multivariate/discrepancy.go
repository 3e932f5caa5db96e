package multivariate

import (
	"math"
	"math/rand/v2"

	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
)

// Discrepancy is the outcome of a test on pairs of rows. With a dissimilarity ρ of two rows it is the unbiased estimate of
//
//	2·E ρ(X,Y) − E ρ(X,X′) − E ρ(Y,Y′),
//
// 0 for equal distributions. It can be negative by chance.
type Discrepancy struct {
	Statistic float64 // the largest float where it overflows
	P         float64 // by permutation of the sides
	Critical  float64 // the statistic at which P is alpha, from the same permutations

	// Effect is √(statistic / 2·E ρ(X,Y)), 0 to 1: 0 when the sides are alike, 1 when each side is a single point. A shift of every column by
	// a small part δ of its standard deviation has an effect near δ/2.
	Effect float64

	Bandwidth float64 // MMD: σ of the kernel, in the unit of the values
}

// MMD tests the null hypothesis that both sides come from one distribution by the maximum mean discrepancy with the Gaussian kernel
// exp(−d²/2σ²): ρ = 1 − kernel, the unbiased MMD²_u of A. Gretton et al., A Kernel Two-Sample Test (JMLR 13, 2012). σ² is half the median of
// the squared distances between all rows of both sides, which do not depend on how rows are divided, so that permutations are exact.
func (p *Pairs) MMD(d permutation.Draws) Discrepancy {
	median := p.medianSquared()
	if median == 0 {
		return Discrepancy{P: 1}
	}
	found := p.discrepancy(func(squared float64) float64 { return -math.Expm1(-squared / median) }, d)
	found.Bandwidth = math.Sqrt(median/2) / p.scale
	return found
}

// Energy tests the null hypothesis that both sides come from one distribution by the energy distance: ρ is the Euclidean distance
// (G. J. Székely and M. L. Rizzo, Testing for Equal Distributions in High Dimension, 2004). The effect is the square root of their coefficient
// of inhomogeneity.
func (p *Pairs) Energy(d permutation.Draws) Discrepancy {
	found := p.discrepancy(math.Sqrt, d)
	found.Statistic, found.Critical = saturate(found.Statistic/p.scale), saturate(found.Critical/p.scale)
	return found
}

// Centroid tests the null hypothesis that both sides have one mean, against shifts of it: ρ = d²/2, so that the statistic is the unbiased
// estimate of the squared distance between the means. Under the permutations the distributions must be equal otherwise; a change of spread
// alone is hardly seen.
func (p *Pairs) Centroid(d permutation.Draws) Discrepancy {
	found := p.discrepancy(func(squared float64) float64 { return squared / 2 }, d)
	found.Statistic, found.Critical = saturate(found.Statistic/p.scale/p.scale), saturate(found.Critical/p.scale/p.scale)
	return found
}

// saturate keeps a statistic finite whose values are so large that it overflows in their unit. P and Effect are right all the same, so that
// nobody hides a shift by adding such values.
func saturate(statistic float64) float64 {
	return max(-math.MaxFloat64, min(statistic, math.MaxFloat64))
}

func (p *Pairs) discrepancy(dissimilarity func(squared float64) float64, d permutation.Draws) Discrepancy {
	rho := p.scratch()
	total := 0.0
	for i, squared := range p.squared {
		rho[i] = dissimilarity(squared)
		total += rho[i]
	}
	if total == 0 {
		return Discrepancy{P: 1}
	}
	l := newLabelling(p, rho, total)
	observed, cross := l.observed()
	found := Discrepancy{Statistic: observed, Effect: effect(observed, cross)}
	found.P, found.Critical = permute(observed, d, 2*total/float64(len(rho)), func() float64 { return l.draw(d.Rand) })
	return found
}

// permute compares the observed statistic with draws of it under re-labelling. Draws that are equal but for rounding, up to 10⁻¹² of scale,
// count as equal. The critical value is the smallest draw at which the p-value would be at most d.Alpha; NaN when it would be at none.
func permute(observed float64, d permutation.Draws, scale float64, draw func() float64) (p, critical float64) {
	statistics := make([]float64, d.Count)
	exceed := 0
	for i := range statistics {
		if d.Over() {
			break
		}
		statistics[i] = draw()
		if statistics[i] >= observed-1e-12*scale {
			exceed++
		}
	}
	return permutation.PValue(exceed, d.Count), permutation.Critical(statistics, d.Alpha)
}

// labelling computes the statistic for any division of the rows. Only pairs within the smaller side are added up; the rest follows from the
// sums over all pairs of each row.
type labelling struct {
	pairs   *Pairs
	rho     []float64
	total   float64   // over all pairs
	rowSums []float64 // over all pairs of a row
	small   int       // rows of the smaller side
	order   []int32   // of rows, shuffled
	in      []bool
	side    []int32
}

func newLabelling(p *Pairs, rho []float64, total float64) *labelling {
	n := p.rows()
	l := &labelling{
		pairs: p, rho: rho, total: total, rowSums: make([]float64, n), small: min(p.baseline, p.current),
		order: make([]int32, n), in: make([]bool, n), side: make([]int32, 0, n),
	}
	for a := range n {
		l.order[a] = int32(a)
		at := p.start(a) - a - 1
		for b := a + 1; b < n; b++ {
			l.rowSums[a] += rho[at+b]
			l.rowSums[b] += rho[at+b]
		}
	}
	return l
}

// observed returns the statistic of the sides as they are, and the mean over pairs across.
func (l *labelling) observed() (statistic, cross float64) {
	first := 0
	if l.pairs.current < l.pairs.baseline {
		first = l.pairs.baseline
	}
	l.side = l.side[:0]
	for a := first; a < first+l.small; a++ {
		l.side = append(l.side, int32(a))
	}
	return l.statistic()
}

// draw returns the statistic of a random division.
func (l *labelling) draw(rng *rand.Rand) float64 {
	for i := range l.small {
		j := i + rng.IntN(len(l.order)-i)
		l.order[i], l.order[j] = l.order[j], l.order[i]
		l.in[l.order[i]] = true
	}
	l.side = l.side[:0]
	for a, in := range l.in { // ascending, as the pairs are stored
		if in {
			l.side = append(l.side, int32(a))
			l.in[a] = false
		}
	}
	statistic, _ := l.statistic()
	return statistic
}

func (l *labelling) statistic() (statistic, cross float64) {
	within, sums := 0.0, 0.0
	for i, a := range l.side {
		row := l.rho[l.pairs.start(int(a)):]
		others := l.side[i+1:]
		var s0, s1, s2, s3 float64
		for len(others) >= 4 {
			s0 += row[others[0]-a-1]
			s1 += row[others[1]-a-1]
			s2 += row[others[2]-a-1]
			s3 += row[others[3]-a-1]
			others = others[4:]
		}
		for _, b := range others {
			s0 += row[b-a-1]
		}
		within += s0 + s1 + s2 + s3
		sums += l.rowSums[a]
	}
	across := sums - 2*within
	small, large := float64(l.small), float64(l.pairs.rows()-l.small)
	cross = across / (small * large)
	return 2*cross - 2*within/(small*(small-1)) - 2*(l.total-within-across)/(large*(large-1)), cross
}
