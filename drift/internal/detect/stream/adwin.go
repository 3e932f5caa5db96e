package stream

import "math"

// adwinRows is how many sizes of buckets there are. 2^44 buckets' worth of values are more than a stream takes in a lifetime; if it came to that,
// the oldest bucket would be dropped.
const adwinRows = 44

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
	capacity  int // buckets in a row; one more than are kept
	minLength int64
	grace     int64

	buckets  []bucket // row by row, the oldest bucket of a row first
	sizes    [adwinRows]int64
	last     int // the last row with a bucket
	width    int64
	total    float64
	variance float64 // sum of squared deviations from the mean
	time     int64

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
		delta: s.parameters["delta"], clock: int64(s.parameters["clock"]), capacity: int(s.parameters["max_buckets"]) + 1,
		minLength: int64(s.parameters["min_window_length"]), grace: int64(s.parameters["grace_period"]),
	}
	a.buckets = make([]bucket, adwinRows*a.capacity)
	return a
}

func (a *adwin) restart() {
	clear(a.buckets)
	clear(a.sizes[:])
	a.last, a.width, a.total, a.variance, a.time, a.dropped, a.droppedTotal = 0, 0, 0, 0, 0, 0, 0
}

func (a *adwin) update(x float64) Zone {
	a.time++
	a.width++
	if a.width > 1 {
		w := float64(a.width)
		d := x - a.total/(w-1)
		a.variance += (w - 1) * d * d / w
	}
	a.total += x
	a.insert(x)
	if a.time%a.clock != 0 || a.width <= a.grace {
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

// insert adds a bucket of one value, and merges the two oldest of each row that has too many.
func (a *adwin) insert(x float64) {
	a.buckets[a.sizes[0]] = bucket{total: x}
	a.sizes[0]++
	n := 1.0
	for row := 0; int(a.sizes[row]) == a.capacity; row++ {
		if row == adwinRows-1 {
			a.drop()
			return
		}
		own := a.buckets[row*a.capacity : (row+1)*a.capacity]
		d := own[0].total/n - own[1].total/n
		a.buckets[(row+1)*a.capacity+int(a.sizes[row+1])] = bucket{
			total: own[0].total + own[1].total, variance: own[0].variance + own[1].variance + n*n*d*d/(n+n),
		}
		a.sizes[row+1]++
		a.last = max(a.last, row+1)
		copy(own, own[2:])
		a.sizes[row] -= 2
		n *= 2
	}
}

// cut says whether some cut of the window separates different means.
func (a *adwin) cut() bool {
	w := float64(a.width)
	confidence := math.Log(2 * math.Log(w) / a.delta)
	variance := a.variance / w
	n0, n1 := int64(0), a.width
	u0, u1 := 0.0, a.total
	for row := a.last; row >= 0; row-- {
		size := int64(1) << row
		for k, b := range a.buckets[row*a.capacity:][:a.sizes[row]] {
			n0, n1, u0, u1 = n0+size, n1-size, u0+b.total, u1-b.total
			if row == 0 && k == int(a.sizes[0])-1 {
				return false // nothing is left on the other side
			}
			if n0 < a.minLength || n1 < a.minLength {
				continue
			}
			m := 1/float64(n0-a.minLength+1) + 1/float64(n1-a.minLength+1)
			distance, linear := math.Abs(u0/float64(n0)-u1/float64(n1)), 2.0/3*confidence*m
			// Most cuts fail by the second term alone, which needs no root.
			if distance > linear && distance > math.Sqrt(2*m*variance*confidence)+linear {
				return true
			}
		}
	}
	return false
}

// drop forgets the oldest bucket.
func (a *adwin) drop() {
	row := a.buckets[a.last*a.capacity : (a.last+1)*a.capacity]
	size := int64(1) << a.last
	n, oldest := float64(size), row[0]
	a.width -= size
	a.total -= oldest.total
	w := float64(a.width)
	d := oldest.total/n - a.total/w
	a.variance = max(0, a.variance-(oldest.variance+n*w*d*d/(n+w)))
	a.dropped += size
	a.droppedTotal += oldest.total
	copy(row, row[1:])
	a.sizes[a.last]--
	for a.last > 0 && a.sizes[a.last] == 0 {
		a.last--
	}
}

func (a *adwin) change() change {
	return change{length: a.width, before: mean(a.droppedTotal, a.dropped), after: mean(a.total, a.width)}
}

func (a *adwin) exchange(c *codec) {
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
		c.between(&a.sizes[row], 0, int64(a.capacity)-1)
		for i := range a.sizes[row] {
			b := &a.buckets[row*a.capacity+int(i)]
			c.finite(&b.total, math.MaxFloat64)
			c.finite(&b.variance, math.MaxFloat64)
		}
		width += a.sizes[row] << row
	}
	// The last value is in a bucket of one, the last row is not empty.
	c.require(width == 0 && a.last == 0 || a.sizes[0] > 0 && a.sizes[a.last] > 0 && width <= maxCount)
	if c.reading {
		a.width = width
	}
}
