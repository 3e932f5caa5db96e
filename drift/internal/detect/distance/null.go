package distance

import (
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/aumos-enterprise/platform/drift/internal/detect/histogram"
	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
	"github.com/aumos-enterprise/platform/drift/internal/detect/tail"
)

// Outcome is a distance with its test of the null hypothesis that both samples come from one distribution.
type Outcome struct {
	Distance  float64
	P         float64
	Threshold float64 // the distance at which P is the level that was asked for; NaN when no distance is rare enough
	DF        int     // degrees of freedom; 0 unless P is asymptotic
}

// Asymptotic tests the distance by its large-sample law: with k bins, factor·distance^power/(1/n + 1/m) is chi-square with k−1 degrees of
// freedom. Both sizes enter, since the baseline is a sample too. A single bin has the distance 0 and P 1. ok tells whether the distance has
// such a law.
func (m Measure) Asymptotic(b Bins, level float64) (o Outcome, ok bool) {
	if m.factor == 0 {
		return Outcome{}, false
	}
	o = Outcome{Distance: m.Of(b), P: 1, DF: b.DF(), Threshold: math.NaN()}
	if o.DF < 1 {
		return o, true
	}
	scale := 1/float64(b.n) + 1/float64(b.m)
	o.P = tail.ChiSquare(m.factor*math.Pow(o.Distance, m.power)/scale, o.DF)
	o.Threshold = math.Pow(tail.CriticalChiSquare(o.DF, level)*scale/m.factor, 1/m.power)
	return o, true
}

// Limits on the work of Permute.
const (
	minDraws = 99
	maxWork  = 4_000_000 // bins × draws
)

// Permute tests the distance by draws of which rows are the baseline's: given the rows of both sides together in each bin, the baseline's are
// multivariate hypergeometric. This is right for bins and categories that do not depend on which rows are the baseline's. The cost depends on
// the number of bins, hardly on that of rows.
//
// P counts the draws with at least the observed distance, as permutation.PValue does. Threshold is the smallest drawn distance with a P of at most
// d.Alpha, as permutation.Critical finds it. Once d is over no more are made, and what is returned is of no use.
//
// So that the cost stays bounded there are fewer draws, but not fewer than 99, when draws times bins exceed four million. A sum over thousands
// of bins is nearly normal (C. Morris, 1975), so that P and Threshold are then those of the t distribution of one more draw, and P can be small
// enough to stand among many tests. L-infinity is no sum; its P is counted even then.
func (m Measure) Permute(b Bins, d permutation.Draws) Outcome {
	if b.DF() < 1 {
		return Outcome{Distance: m.Of(b), P: 1, Threshold: math.NaN()}
	}
	s := b.shuffler()
	asked := d.Count
	d.Count = min(asked, max(minDraws, maxWork/len(b.Baseline)))
	return m.permute(b, d, d.Count < asked && m.sum, func() float64 {
		s.shuffle(d.Rand)
		return m.Of(s.Bins)
	})
}

// PermuteRule is Permute for bins that are made from the baseline alone. It cuts the line again for each draw, by the rows that the draw calls
// the baseline's; with the bins kept, such a test raises up to four times as many false alarms as it should. The samples must be finite and
// sorted. A draw that cannot be cut counts as if it had the observed distance. It returns the error of the rule for the samples themselves, or
// ErrEmpty.
func (m Measure) PermuteRule(pair histogram.Pair, rule *Rule, d permutation.Draws) (Outcome, error) {
	b, err := rule.Bins(pair)
	if err != nil {
		return Outcome{}, err
	}
	deal := rule.draws(pair, d.Rand)
	observed := m.Of(b)
	var x, y []int64
	return m.permute(b, d, false, func() float64 {
		var err error
		if x, y, err = deal(x[:0], y[:0]); err != nil {
			return observed
		}
		return m.of(x, y, float64(b.n), float64(b.m))
	}), nil
}

func (m Measure) permute(b Bins, d permutation.Draws, normal bool, draw func() float64) Outcome {
	o := Outcome{Distance: m.Of(b), Threshold: math.NaN()}
	distances := make([]float64, d.Count)
	exceed := 0
	for i := range distances {
		if d.Over() {
			break
		}
		distances[i] = draw()
		if distances[i] >= o.Distance*(1-rounding) {
			exceed++
		}
	}
	if normal {
		return o.normal(distances, d.Alpha)
	}
	o.P, o.Threshold = permutation.PValue(exceed, d.Count), permutation.Critical(distances, d.Alpha)
	return o
}

// normal takes P and Threshold from the distribution of a further draw, when draws are normal.
func (o Outcome) normal(distances []float64, level float64) Outcome {
	mean, sigma := stat.MeanStdDev(distances, nil)
	n := float64(len(distances))
	sigma *= math.Sqrt(1 + 1/n)
	if sigma == 0 {
		o.P = 1
		return o
	}
	law := distuv.StudentsT{Sigma: 1, Nu: n - 1}
	o.P = law.CDF((mean - o.Distance) / sigma) // the lower tail, which keeps its digits
	if level > 0 && level < 1 {
		o.Threshold = mean - sigma*law.Quantile(level)
	}
	return o
}

// rounding is the relative difference up to which two distances count as equal. The same division of rows over bins in another order would
// otherwise be taken for a smaller or a larger one.
const rounding = 1e-12
