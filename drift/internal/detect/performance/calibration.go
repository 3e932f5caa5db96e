package performance

import (
	"math"

	"github.com/aumos-enterprise/platform/drift/internal/detect/tail"
)

// calibrationBins is the number of bins of the calibration error.
const calibrationBins = 10

// calibrationError is the expected calibration error
//
//	Σ_b (n_b/n)·|mean probability − share of the class| over 10 bins of equally many rows,
//
// the bins of NannyML. Rows of the same probability that a bound divides go to
// both bins in proportion, so that the order of the rows does not matter. The
// plug-in error is above 0 for a calibrated model too: in a bin without a true error by
// √(2/π) of its standard error, which is the most. The interval reaches down by as much
// as that in all bins together; its variance is that for the bins as they are.
func calibrationError(groups []group) Measure {
	bins := binsOf(groups)
	n := 0.0
	for _, b := range bins {
		n += b.rows
	}
	if n < 2*calibrationBins {
		return undefined(CalibrationError, "fewer than 20 rows")
	}
	value, square, bias := 0.0, 0.0, 0.0
	for _, b := range bins {
		value += math.Abs(b.off) / n
		square += b.square
		bias += math.Sqrt(2/math.Pi*max(0, b.square-b.off*b.off/b.rows)) / n
	}
	variance := max(0, square/n-value*value) / n
	m := inUnit(CalibrationError, IntervalWilson, value, variance, int64(n), int64(n))
	m.Low = max(0, m.Low-bias)
	return m
}

// bin sums what a bin of confidences holds: rows, and the sum and the square sum of confidence less hit.
type bin struct {
	rows, off, square float64
	upper             float64 // largest confidence
}

func (b bin) add(g group, share float64) bin {
	b.rows += share * g.rows
	b.off += share * (g.rows*g.confidence - g.hits)
	b.square += share * ((g.rows-g.hits)*g.confidence*g.confidence + g.hits*(1-g.confidence)*(1-g.confidence))
	b.upper = g.confidence
	return b
}

// binsOf divides groups in ascending order into bins of ⌊n/10⌋ rows; the last one takes the rest.
func binsOf(groups []group) []bin {
	n := 0
	for _, g := range groups {
		n += int(g.rows)
	}
	width := max(1, n/calibrationBins)
	bins := make([]bin, calibrationBins)
	start := 0
	for _, g := range groups {
		end := start + int(g.rows)
		for at := start; at < end; {
			b, stop := min(at/width, calibrationBins-1), end
			if b < calibrationBins-1 {
				stop = min(stop, (b+1)*width)
			}
			bins[b] = bins[b].add(g, float64(stop-at)/g.rows)
			at = stop
		}
		start = end
	}
	return bins
}

// calibrationP tests the null hypothesis that in each bin of probabilities the mean of
// (probability − outcome) is the same on both sides:
//
//	X² = Σ_b (d̄₂ − d̄₁)² / (s²·(1/n₁ + 1/n₂)),   s² the pooled variance in the bin,
//
// with a degree of freedom for each bin. The errors themselves are biased upwards by an amount that depends on the
// number of rows, so that those of two sizes cannot be compared. Bins are the baseline's; one with
// fewer than 30 rows on a side is joined to the next.
func calibrationP(baseline, current []group) float64 {
	const least = 30
	statistic, df := 0.0, 0
	var first, second bin
	for i, b := range binsOf(baseline) {
		last := i == calibrationBins-1
		first, baseline = first.take(baseline, b.upper, last)
		second, current = second.take(current, b.upper, last)
		if min(first.rows, second.rows) < least {
			continue
		}
		n := first.rows + second.rows
		mean := (first.off + second.off) / n
		variance := ((first.square + second.square) - n*mean*mean) / (n - 1)
		d := second.off/second.rows - first.off/first.rows
		df++
		if d != 0 && variance > 0 {
			statistic += d * d / (variance * (1/first.rows + 1/second.rows))
		}
		first, second = bin{}, bin{}
	}
	if df == 0 || !(statistic > 0) {
		return 1
	}
	return tail.ChiSquare(statistic, df)
}

// take adds the groups up to a confidence, or all, and returns the others.
func (b bin) take(groups []group, upper float64, all bool) (bin, []group) {
	i := 0
	for ; i < len(groups) && (all || groups[i].confidence <= upper); i++ {
		b = b.add(groups[i], 1)
	}
	return b, groups[i:]
}

// CalibrationErrorOf is the expected calibration error of scores in [0,1]; false with fewer than 20.
func CalibrationErrorOf(scores []float64, positive []bool) (float64, bool) {
	m := calibrationError(rank(scores, func(i int) bool { return positive[i] }).grouped(scores))
	return m.Value, m.Undefined == ""
}
