package stream

import "math"

// adwinRows is how many sizes of buckets there are. 2^44 buckets' worth of values are more than a stream takes in a lifetime; if it came to that,
// the oldest bucket would be dropped.
const adwinRows = 44

// adwinBatch is how many values are taken at once, which is cheaper by each than to come back for every one. Nobody asks what is in the buckets between cuts.
const adwinBatch = 32

// adwin keeps a window of the latest values in buckets of 1, 2, 4, ... values, at most max_buckets of each size, and drops the oldest bucket as long
// as some cut of the window has two sides whose means differ by more than
//
//	ε = √(2·m·σ²·ln(2·ln(W)/δ)) + 2/3·m·ln(2·ln(W)/δ), m = 1/(n0−L+1) + 1/(n1−L+1)
//
// with the window's variance σ² and width W, the sides' lengths n0 and n1, and the least length of a side L. (The paper's δ' = δ/ln W and harmonic mean of the
// sides.) Cuts are tried between buckets, every clock values. Unlike River before 0.22 and scikit-multiflow, no cut is left out.
//
// MOA asks for two values more on a side than L; the second term of ε leaves that without an effect, and River does not. Both find the same drifts. With the
// policy Continue the window goes on after a drift, as in MOA; with Restart it starts empty, as in River.
type adwin struct {
	delta     float64
	clock     int64
	capacity  int64 // buckets in a row; one more than are kept
	minLength int64
	grace     int64

	buckets  []bucket             // row by row; in each from starts on sizes live ones, the oldest first: they move up, and back only when they come to the end
	fronts   [adwinRows + 1]int64 // where rows begin in buckets
	starts   [adwinRows]int64     // in buckets
	sizes    [adwinRows]int64
	last     int // the last row with a bucket
	width    int64
	total    float64
	variance float64 // sum of squared deviations from the mean
	time     int64
	left     int64 // values until cuts are tried, with those that wait

	batch   [adwinBatch]float64 // values that are not in the buckets yet
	waiting int                 // how many they are
	due     int                 // and how many may be

	leastWidth int64   // see leastConfidence
	least      float64 // the confidence of that width

	dropped      int64 // what the last update dropped
	droppedTotal float64
}

// bucket is 2^row neighbouring values.
type bucket struct {
	total    float64
	variance float64
}

func newADWIN(s settings) detector {
	a := &adwin{
		delta: s.parameters["delta"], clock: int64(s.parameters["clock"]), capacity: int64(s.parameters["max_buckets"]) + 1,
		minLength: int64(s.parameters["min_window_length"]), grace: int64(s.parameters["grace_period"]),
	}
	for row := range a.sizes {
		a.fronts[row+1] = a.fronts[row] + 2*a.capacity + adwinBatch>>row // half of what a batch brings to a row goes on to the next
	}
	a.buckets = make([]bucket, a.fronts[adwinRows])
	a.restart()
	return a
}

func (a *adwin) restart() {
	clear(a.sizes[:])
	copy(a.starts[:], a.fronts[:])
	a.last, a.width, a.total, a.variance, a.time, a.dropped, a.droppedTotal = 0, 0, 0, 0, 0, 0, 0
	a.await(a.clock)
}

// await waits for values until cuts are tried.
func (a *adwin) await(left int64) {
	a.left, a.waiting, a.due = left, 0, int(min(left, adwinBatch))
}

func (a *adwin) update(x float64) Zone {
	a.batch[a.waiting%adwinBatch] = x
	if a.waiting++; a.waiting < a.due {
		return Stable
	}
	a.take()
	if a.left > 0 {
		return Stable
	}
	a.await(a.clock)
	if a.width <= a.grace {
		return Stable
	}
	a.dropped, a.droppedTotal = 0, 0
	for a.cut() {
		a.drop()
	}
	if a.dropped > 0 {
		return Drifted
	}
	return Stable
}

// take adds the values that wait to the window, to the last bit as one after the other.
func (a *adwin) take() {
	values := a.batch[:a.waiting]
	w, total, variance := float64(a.width), a.total, a.variance
	for _, x := range values {
		if w > 0 {
			d := x*w - total // from the mean of those before, times w: one division is enough
			variance += d * d / (w * (w + 1))
		}
		w++
		total += x
	}
	a.total, a.variance = total, variance
	taken := int64(len(values))
	a.width += taken
	a.time += taken
	newest := a.places(0, taken)
	for i, x := range values {
		newest[i] = bucket{total: x}
	}
	a.merge()
	a.await(a.left - taken)
}

// merge takes the oldest buckets of each row that has too many, two by two, to the next.
func (a *adwin) merge() {
	n := 1.0 // a power of two: the divisions by it are exact
	for row := 0; a.sizes[row] >= a.capacity; row++ {
		if row == adwinRows-1 {
			a.drop()
			row--
			continue
		}
		pairs := (a.sizes[row] - a.capacity + 2) / 2
		old := a.buckets[a.starts[row]:][:2*pairs]
		merged := a.places(row+1, pairs)
		for i := range merged {
			x, y := &old[2*i], &old[2*i+1]
			d := x.total*(1/n) - y.total*(1/n)
			merged[i] = bucket{total: x.total + y.total, variance: x.variance + y.variance + n/2*d*d}
		}
		a.last = max(a.last, row+1)
		a.starts[row] += 2 * pairs
		a.sizes[row] -= 2 * pairs
		n *= 2
	}
}

// places returns n places for the newest buckets of a row.
func (a *adwin) places(row int, n int64) []bucket {
	end := a.starts[row] + a.sizes[row]
	if end+n > a.fronts[row+1] {
		front := a.fronts[row]
		copy(a.buckets[front:], a.buckets[a.starts[row]:end])
		a.starts[row], end = front, front+a.sizes[row]
	}
	a.sizes[row] += n
	return a.buckets[end:][:n]
}

// live returns the buckets of a row, the oldest first.
func (a *adwin) live(row int) []bucket { return a.buckets[a.starts[row]:][:a.sizes[row]] }

// cut says whether some cut of the window separates different means.
func (a *adwin) cut() bool {
	w := float64(a.width)
	variance := a.variance / w
	// ε is at least √(2·σ²·confidence·(1/n0+1/n1)), as m is at least 1/n0+1/n1. Most cuts are below that, which multiplied by n0·n1 needs neither a division nor a root;
	// what rounding could decide is left to the exact comparison.
	least := 2 * a.variance * a.leastConfidence() * (1 - 1e-6)
	n0, u0 := 0.0, 0.0
	low, high := float64(a.minLength), w-float64(a.minLength)
	for row := a.last; row >= 0; row-- {
		size := float64(int64(1) << row)
		for _, b := range a.live(row) {
			n0, u0 = n0+size, u0+b.total
			if c := u0*w - a.total*n0; c*c <= least*n0*(w-n0) || n0 < low || n0 > high {
				continue // also after the newest value, when nothing is left on the other side
			}
			n1, u1, confidence := w-n0, a.total-u0, a.confidence()
			m := 1/(n0-low+1) + 1/(n1-low+1)
			if math.Abs(u0/n0-u1/n1) > math.Sqrt(2*m*variance*confidence)+2.0/3*confidence*m {
				return true
			}
		}
	}
	return false
}

// confidence is ln(2·ln(W)/δ).
func (a *adwin) confidence() float64 { return math.Log(2 * math.Log(float64(a.width)) / a.delta) }

// leastConfidence is the confidence of the window's width, or of a slightly smaller one, which is less: logarithms take as long as a dozen cuts.
func (a *adwin) leastConfidence() float64 {
	if a.width < a.leastWidth || a.width > a.leastWidth+a.leastWidth/8 {
		a.leastWidth, a.least = a.width, a.confidence()
	}
	return a.least
}

// drop forgets the oldest bucket.
func (a *adwin) drop() {
	size := int64(1) << a.last
	n, oldest := float64(size), a.live(a.last)[0]
	a.width -= size
	a.total -= oldest.total
	w := float64(a.width)
	d := oldest.total/n - a.total/w
	a.variance = max(0, a.variance-(oldest.variance+n*w*d*d/(n+w)))
	a.dropped += size
	a.droppedTotal += oldest.total
	a.starts[a.last]++
	a.sizes[a.last]--
	for a.last > 0 && a.sizes[a.last] == 0 {
		a.last--
	}
}

func (a *adwin) change() change {
	return change{length: a.width, before: mean(a.droppedTotal, a.dropped), after: mean(a.total, a.width)}
}

func (a *adwin) exchange(c *codec) {
	a.take()
	c.count(&a.time)
	c.count(&a.dropped)
	c.finite(&a.droppedTotal, math.MaxFloat64)
	c.finite(&a.total, math.MaxFloat64)
	c.finite(&a.variance, math.MaxFloat64)
	c.require(a.variance >= 0)
	last := int64(a.last)
	c.between(&last, 0, adwinRows-1)
	a.last = int(last)
	width := int64(0)
	for row := range a.last + 1 {
		c.between(&a.sizes[row], 0, a.capacity-1)
		live := a.live(row)
		for i := range live {
			c.finite(&live[i].total, math.MaxFloat64)
			c.finite(&live[i].variance, math.MaxFloat64)
		}
		width += a.sizes[row] << row
	}
	// The last value is in a bucket of one, the last row is not empty.
	c.require(width == 0 && a.last == 0 || a.sizes[0] > 0 && a.sizes[a.last] > 0 && width <= maxCount)
	if c.reading {
		a.width = width
		a.await(a.clock - a.time%a.clock)
	}
}
