package stream

import "math"

// split counts and sums the values of a run up to a mark and in all, so that a change at the mark is dated and measured.
type split struct {
	n, markN     int64
	sum, markSum float64
}

// add takes a value.
func (s *split) add(x float64) {
	s.n++
	s.sum += x
}

// mark puts the mark after the last value: what comes next is thought to be new.
func (s *split) mark() { s.markN, s.markSum = s.n, s.sum }

// markBefore puts the mark before the last value x.
func (s *split) markBefore(x float64) { s.markN, s.markSum = s.n-1, s.sum-x }

// at returns the change whose latest values are length, and add up to latest.
func (s *split) at(length int64, latest float64) change {
	return change{length: length, before: mean(s.sum-latest, s.n-length), after: mean(latest, length)}
}

// change returns the change at the mark. A mark at the end means that the last value alone is new.
func (s *split) change() change { return s.at(s.n-s.markN, s.sum-s.markSum) }

func (s *split) exchange(c *codec) {
	c.count(&s.n)
	c.count(&s.markN)
	c.float(&s.sum)
	c.float(&s.markSum)
	c.require(s.markN <= s.n)
}

// mean is NaN for no values.
func mean(sum float64, n int64) float64 {
	if n <= 0 {
		return math.NaN()
	}
	return sum / float64(n)
}

// zoned is a split whose mark is the start of the warning zone that leads to the drift.
type zoned struct {
	split

	warning bool // the last value was in the warning zone
}

// settle moves the mark by the zone that the last value x is in: a warning zone begins with its first value, and a drift without a warning with
// the value that shows it.
func (z *zoned) settle(zone Zone, x float64) Zone {
	if zone != Stable && !z.warning {
		z.markBefore(x)
	}
	z.warning = zone != Stable
	return zone
}

func (z *zoned) exchange(c *codec) {
	z.split.exchange(c)
	c.flag(&z.warning)
}
