package trend

import (
	"math"
	"slices"
)

// minSegment is how many points a level must last.
const minSegment = 5

// Change is a place where the level of a series changed.
type Change struct {
	Index         int     // of the first point of the new level
	Time          int64   // of that point, microseconds since 1970 UTC
	Before, After float64 // the levels: means of the segments that meet here
	Size          float64 // |After − Before| in standard deviations of the noise
}

// Segments returns where each segment but the first begins, for the division into segments of at least 5 values that minimises
// Σ (v − mean of its segment)² + penalty × (number of segments − 1), and that sum.
//
// This is the problem that PELT solves (R. Killick, P. Fearnhead, I. A. Eckley 2012, L2 cost); it is solved here by the exact recursion over
// all places, which takes n²/2 steps and needs no pruning, so that the smallest length of a segment costs no optimality.
func Segments(values []float64, penalty float64) (starts []int, cost float64) {
	n := len(values)
	sum, square := prefixSums(values)
	within := func(from, to int) float64 { // values[from:to]
		s := sum[to] - sum[from]
		return max(square[to]-square[from]-s*s/float64(to-from), 0)
	}
	if n < 2*minSegment {
		if n == 0 {
			return nil, 0
		}
		return nil, within(0, n)
	}
	best, last := make([]float64, n+1), make([]int, n+1)
	for to := 1; to <= n; to++ {
		best[to] = math.Inf(1)
		if to >= minSegment {
			best[to] = within(0, to)
		}
		for from := minSegment; from <= to-minSegment; from++ {
			if c := best[from] + within(from, to) + penalty; c < best[to] {
				best[to], last[to] = c, from
			}
		}
	}
	for at := last[n]; at > 0; at = last[at] {
		starts = append(starts, at)
	}
	slices.Reverse(starts)
	return starts, best[n]
}

// steps is Segments with a penalty that noise with a memory cannot pass: what remembers the value before wanders, and would read as a staircase. Where the values
// less their levels have a significant autocorrelation ρ of neighbours, the noise of a level is not that of the differences of neighbours, but larger by (1+ρ)/(1−ρ)²,
// and the penalty with it. Too many levels hide memory, so that it is looked for again with those that the larger penalty leaves.
func steps(values []float64, single float64) (starts []int, cost, penalty float64) {
	n := float64(len(values))
	penalty = single
	for {
		starts, cost = Segments(values, penalty)
		rho := neighbours(levelled(values, starts))
		if rho <= significantMemory/math.Sqrt(n) {
			return starts, cost, penalty
		}
		rho = min(rho+float64(len(starts)+1)/n, 0.95) // each level takes its part of it away
		larger := single * (1 + rho) / ((1 - rho) * (1 - rho))
		if len(starts) == 0 || larger <= penalty {
			return starts, cost, penalty
		}
		penalty = larger
	}
}

// significantMemory is how many standard errors of 1/√n an autocorrelation is above what chance makes once in twenty.
const significantMemory = 1.6448536269514722

// prefixSums are those of the values less their median, which keeps digits where a series is far from 0.
func prefixSums(values []float64) (sum, square []float64) {
	sum, square = make([]float64, len(values)+1), make([]float64, len(values)+1)
	if len(values) == 0 {
		return sum, square
	}
	centre := median(slices.Clone(values))
	for i, v := range values {
		v -= centre
		sum[i+1], square[i+1] = sum[i]+v, square[i]+v*v
	}
	return sum, square
}

// noise estimates the standard deviation of what is left when levels, trends and slow seasons are taken away, from the sizes of the differences
// of neighbours: the larger of their median and of the mean of all but the largest twentieth, each over what it is for normal noise. A few
// changes of the level or wild values move neither; the mean sees more of skewed noise. It falls back to their root mean square where
// most are 0.
func noise(values []float64) float64 {
	if len(values) < 2 {
		return 0
	}
	differences := make([]float64, len(values)-1)
	sum := 0.0
	for i := range differences {
		differences[i] = math.Abs(values[i+1] - values[i])
		sum += differences[i] * differences[i]
	}
	const normalMedian, normalTrimmed = 0.6744897501960817, 0.7168 // of |N(0,1)|; (φ(0) − φ(1.96))·2/0.95
	middle := median(differences)                                  // sorts them
	kept := differences[:len(differences)-len(differences)/20]
	if sigma := max(middle/normalMedian, mean(kept)/normalTrimmed) / math.Sqrt2; middle > 0 {
		return sigma
	}
	return math.Sqrt(sum / float64(2*len(differences)))
}

// penalty of one change: 3·ln n variances of the noise, the leading term of the modified information criterion of N. R. Zhang and
// D. O. Siegmund (2007), which charges for a change's place as well as for its level.
func penalty(n int, sigma float64) float64 { return 3 * math.Log(float64(n)) * sigma * sigma }

// changes describes the places where segments start.
func (s series) changes(starts []int, sigma float64) []Change {
	found := make([]Change, len(starts))
	for i, at := range starts {
		from, to := 0, len(s.values)
		if i > 0 {
			from = starts[i-1]
		}
		if i+1 < len(starts) {
			to = starts[i+1]
		}
		c := Change{Index: at, Time: s.timeAt(at), Before: mean(s.values[from:at]), After: mean(s.values[at:to])}
		c.Size = math.Abs(c.After-c.Before) / sigma
		found[i] = c
	}
	return found
}

// levelled returns the values less the means of their segments.
func levelled(values []float64, starts []int) []float64 {
	rest := slices.Clone(values)
	from := 0
	for _, to := range append(slices.Clone(starts), len(values)) {
		level := mean(values[from:to])
		for i := from; i < to; i++ {
			rest[i] -= level
		}
		from = to
	}
	return rest
}
