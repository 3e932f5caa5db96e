package estimate

import (
	"math"

	"github.com/aumos-enterprise/platform/drift/internal/detect/performance"
)

// spread is what the sampling error of a metric takes from the reference: the
// standard deviation of what a row contributes, and the share of rows that contribute.
type spread struct {
	variance, share float64
}

// of n rows: the standard error of a mean over the share of them that contributes.
func (s spread) of(rows float64) float64 { return s.variance / (rows * s.share) }

// counts of one class against the rest on the reference.
type counts struct{ tp, fp, fn, tn, rows float64 }

func count(actual, predicted []int32, class int32) (c counts) {
	c.rows = float64(len(actual))
	for i, a := range actual {
		switch {
		case a == class && predicted[i] == class:
			c.tp++
		case predicted[i] == class:
			c.fp++
		case a == class:
			c.fn++
		default:
			c.tn++
		}
	}
	return c
}

// share is the spread of rows of which hits are 1 and misses 0.
func (c counts) share(hits, misses float64) spread {
	p := hits / (hits + misses)
	return spread{p * (1 - p), (hits + misses) / c.rows}
}

func (c counts) precision() spread   { return c.share(c.tp, c.fp) }
func (c counts) recall() spread      { return c.share(c.tp, c.fn) }
func (c counts) specificity() spread { return c.share(c.tn, c.fp) }
func (c counts) f1() spread          { return c.share(c.tp, c.fp+c.fn) }

// correction is by what NannyML multiplies the deviation of the binary F1.
func (c counts) correction() float64 { return (c.tp + c.fp + c.fn) / (c.tp + 0.5*(c.fp+c.fn)) }

// areaSpread is the variance, over the rows of the rarer class, of the share
// of the other class's rows that they beat, ties counting a half. The variance is NannyML's but for ties, whose order there is
// the sort's, and for a row of the rarer class below all others, which it leaves out.
func areaSpread(scores []float64, positive []bool) spread {
	order := performance.Descending(scores)
	hits := 0.0
	for _, p := range positive {
		if p {
			hits++
		}
	}
	n := float64(len(scores))
	rarer := hits <= n-hits
	mine := hits
	if !rarer {
		mine = n - hits
	}
	var above, sum, square float64 // rows of the other class above
	for start := 0; start < len(order); {
		end, here := start, 0.0
		for end < len(order) && scores[order[end]] == scores[order[start]] {
			if positive[order[end]] == rarer {
				here++
			}
			end++
		}
		others := float64(end-start) - here
		// Seen from below when the rarer class is the negative one; the variance is the same.
		beaten := (above + others/2) / (n - mine)
		sum += here * beaten
		square += here * beaten * beaten
		above += others
		start = end
	}
	mean := sum / mine
	return spread{math.Max(0, square/mine-mean*mean), mine / n}
}

// precisionSpread is that of the average precision, by the delta method; NannyML resamples the reference fifty times for it.
func precisionSpread(scores []float64, actual []int32) spread {
	for _, m := range (performance.Classification{Classes: 2, Actual: actual, Scores: [][]float64{scores}}).Measure() {
		if m.Metric == performance.AveragePrecision && m.Undefined == "" {
			return spread{m.StandardError() * m.StandardError() * float64(len(scores)), 1}
		}
	}
	return spread{math.NaN(), 1}
}

// total is the standard error of a mean over classes.
func total(spreads []spread, rows float64) float64 {
	sum := 0.0
	for _, s := range spreads {
		sum += s.of(rows)
	}
	return math.Sqrt(sum) / float64(len(spreads))
}
