package rank

import (
	"math"
	"math/rand/v2"
)

// draw makes random numbers by splitmix64 (G. L. Steele, D. Lea and C. H.
// Flood, 2014): a p-value takes a million of them.
type draw struct {
	state      uint64
	normal     *rand.Rand // of the same state
	normalFrom float64    // variance from which a count is drawn from the normal distribution
}

// newDraw returns a source for draws of the given number of counts. A statistic of few counts shows how each is distributed, so
// that more of them have to be exact.
func newDraw(seed uint64, counts int) *draw {
	s := &draw{state: seed, normalFrom: 9}
	if counts <= 64 {
		s.normalFrom = 100
	}
	s.normal = rand.New(s)
	return s
}

// Uint64 makes draw a rand.Source.
func (s *draw) Uint64() uint64 {
	s.state += 0x9E3779B97F4A7C15
	z := s.state
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
	z = (z ^ (z >> 27)) * 0x94D049BB133111EB
	return z ^ (z >> 31)
}

// uniform is in [0,1).
func (s *draw) uniform() float64 { return float64(s.Uint64()>>11) * 0x1p-53 }

// countTo is the size up to which values are labelled one by one.
const countTo = 24

// hypergeometric draws how many of size values, taken from left ones of which
// labels are labelled, are labelled. Small samples are drawn exactly, one by
// one. A larger one with a variance from normalFrom on is drawn as the nearest integer to a
// normal variable; with a smaller variance and at most a sixteenth of what is left, as a
// binomial one. The statistics, which are sums over counts, do not show the difference.
func (s *draw) hypergeometric(left, labels, size float64) float64 {
	switch {
	case labels == 0 || size == 0:
		return 0
	case labels == left:
		return size
	case size == left:
		return labels
	case size <= countTo:
		return s.oneByOne(left, labels, size)
	}
	share := labels / left
	variance := size * share * (1 - share) * (left - size) / (left - 1)
	switch {
	case variance >= s.normalFrom:
		count := math.Floor(size*share + math.Sqrt(variance)*s.normal.NormFloat64() + 0.5)
		return max(0, size-(left-labels), min(count, size, labels))
	case size <= left/16 && share <= 0.5:
		return min(s.binomial(size, share), labels)
	case size <= left/16:
		return size - min(s.binomial(size, 1-share), left-labels)
	case size > left/2:
		return labels - s.hypergeometric(left, labels, left-size)
	case labels > left/2:
		return size - s.oneByOne(left, size, left-labels)
	default: // few are labelled: they are distributed instead of the values
		return s.oneByOne(left, size, labels)
	}
}

// oneByOne draws size values from left ones, and counts those among the labels labelled ones.
func (s *draw) oneByOne(left, labels, size float64) float64 {
	before := labels
	for ; size > 0; size-- {
		labels -= float64(below(s.uniform()*left, labels))
		left--
	}
	return before - labels
}

// binomial draws the number of successes in trials by inversion, for a small expectation.
func (s *draw) binomial(trials, share float64) float64 {
	term := math.Exp(trials * math.Log1p(-share))
	odds := share / (1 - share)
	u, count := s.uniform(), 0.0
	for u >= term && count < trials {
		u -= term
		term *= odds * (trials - count) / (count + 1)
		count++
	}
	return count
}
