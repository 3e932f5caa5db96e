package rank

import "math"

// merger is the one pass over two samples, between two different values: i and j of them are taken.
//
// The order of two continuous samples is random, so that a branch on which side comes next would be mispredicted every other time, and each
// step without one waits for the comparison before it. So the next values are put in order in four lanes at once, which overlap, and then added up.
type merger struct {
	x, y        []float64
	n, m        int64
	size, scale float64

	i, j     int
	previous float64 // the last value taken, in units of the scale

	above, below, pairs      int64 // of d; pairs counts double
	repeats                  int   // values beyond the first of those equal
	squares, weighted, cubes float64
	signed, absolute, energy float64

	values [lanes][maxLane + 1]float64 // the next ones in order, and the first of the next lane
	taken  [lanes][maxLane]int32       // how many are of x up to each
}

const (
	lanes   = 4
	maxLane = 256 // values in a lane
	minLane = 8   // from which lanes pay
)

// merge makes the one pass.
func (p *Pooled) merge() {
	t := merger{x: p.Baseline, y: p.Current, n: int64(len(p.Baseline)), m: int64(len(p.Current)), size: p.size(), scale: p.scale}
	t.previous = min(t.x[0], t.y[0]) * t.scale
	t.run()
	unit := 1 / (p.N * p.M)
	p.Distinct, p.Above, p.Below = len(t.x)+len(t.y)-t.repeats, float64(t.above)*unit, -float64(t.below)*unit
	p.squares, p.weighted, p.pairs = t.squares, t.weighted/4, float64(t.pairs)/2
	p.TieShare = t.cubes / (t.size * (t.size*t.size - 1))
	p.signed, p.absolute, p.energy = t.signed, t.absolute, t.energy
}

// run takes all values: in lanes where most occur once, else by groups of equal ones.
func (t *merger) run() {
	tied := false // many of the last values occur more than once
	for t.i < len(t.x) || t.j < len(t.y) {
		at := t.i + t.j
		// A lane reads one value beyond its last, and neither side may end in one.
		steps := min(maxLane, (min(len(t.x)-t.i, len(t.y)-t.j)-1)/lanes)
		if tied || steps < minLane || t.scale != 1 {
			tied = false
			t.groups(at + 4*lanes*maxLane) // and then looks again
			continue
		}
		start, repeats := t.i, t.repeats
		t.order(steps)
		for lane := range lanes {
			for first, end := at+lane*steps, at+(lane+1)*steps; t.i+t.j < end; {
				if t.singles(start, lane, t.i+t.j-first, steps); t.i+t.j < end {
					t.groups(t.i + t.j + 1)
				}
			}
		}
		tied = t.repeats-repeats > lanes*steps/8
	}
}

// order puts the next values in order, steps of them in each lane.
func (t *merger) order(steps int) {
	x, y := t.x[t.i:], t.y[t.j:]
	i0, i1, i2, i3 := 0, split(x, y, steps), split(x, y, 2*steps), split(x, y, 3*steps)
	v0, v1, v2, v3 := &t.values[0], &t.values[1], &t.values[2], &t.values[3]
	n0, n1, n2, n3 := &t.taken[0], &t.taken[1], &t.taken[2], &t.taken[3]
	for k := range min(steps, maxLane) {
		var ofX int
		v0[k], ofX = lesser(x[i0], y[k-i0])
		i0 += ofX
		n0[k] = int32(i0)
		v1[k], ofX = lesser(x[i1], y[k+steps-i1])
		i1 += ofX
		n1[k] = int32(i1)
		v2[k], ofX = lesser(x[i2], y[k+2*steps-i2])
		i2 += ofX
		n2[k] = int32(i2)
		v3[k], ofX = lesser(x[i3], y[k+3*steps-i3])
		i3 += ofX
		n3[k] = int32(i3)
	}
	v0[steps], v1[steps], v2[steps] = v1[0], v2[0], v3[0]
	v3[steps] = min(x[i3], y[lanes*steps-i3])
}

// lesser returns the lesser of a and b, and 1 if that is a, which it is when they are equal.
func lesser(a, b float64) (v float64, isA int) {
	if a <= b {
		isA = 1
	}
	return min(a, b), isA
}

// split returns how many of the first steps values in order are of x; of equal ones those of x come first.
func split(x, y []float64, steps int) int {
	low, high := max(0, steps-len(y)), min(steps, len(x))
	for low < high {
		middle := int(uint(low+high) >> 1)
		if x[middle] <= y[steps-1-middle] {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// singles takes the values of a lane from a place on as long as they occur once. The order began after start values of x.
func (t *merger) singles(start, lane, from, to int) {
	n, all, size, quarter := t.n, t.n+t.m, t.size, t.size/4
	ofAll := int64(t.i+t.j) * n
	rank := float64(t.i+t.j) + 0.5
	dBefore := float64(t.difference())
	square := dBefore * dBefore
	above, below, places := t.above, t.below, int64(0)
	squares, weighted, signed, absolute, energy := t.squares, t.weighted, t.signed, t.absolute, t.energy
	previous, values, taken, k := t.previous, t.values[lane][from:to+1], t.taken[lane][from:to], 0
	for v := values[0]; k < len(taken) && v != values[k+1]; k++ {
		gap := v - previous
		previous, v = v, values[k+1]
		signed += dBefore * gap
		absolute += math.Abs(dBefore) * gap
		energy += square * gap
		i := int64(start) + int64(taken[k])
		places += i
		ofAll += n
		d := i*all - ofAll
		above, below = max(above, d), min(below, d)
		dAfter := float64(d)
		twice := dBefore + dAfter
		dBefore = dAfter
		square = dAfter * dAfter
		squares += square
		weighted += twice * twice / (rank*(size-rank) - quarter)
		rank++
	}
	if k == 0 {
		return
	}
	// In places each of these values of x counts once for itself and once for each of the k after it, and the earlier ones once for each of the
	// k. The sum of their own places follows, and less their places among themselves it is the number of values of y below them here.
	i := start + int(taken[k-1])
	count, ofX := int64(k), int64(i-t.i)
	places = ofX*(count+1) - (places - count*int64(t.i))
	t.pairs += 2 * (ofX*int64(t.j) + places - ofX*(ofX+1)/2)
	t.i, t.j, t.previous = i, t.j+k-int(ofX), previous
	t.above, t.below = above, below
	t.squares, t.weighted, t.signed, t.absolute, t.energy = squares, weighted, signed, absolute, energy
}

// difference is d, in units of 1/(n·m).
func (t *merger) difference() int64 { return int64(t.i)*t.m - int64(t.j)*t.n }

// groups takes values with all that equal them, until so many are taken.
func (t *merger) groups(until int) {
	x, y, i, j, n, m := t.x, t.y, t.i, t.j, t.n, t.m
	size, scale := t.size, t.scale
	d, rank := t.difference(), float64(t.i+t.j)
	dBefore := float64(d)
	previous := t.previous
	above, below, pairs, repeats := t.above, t.below, t.pairs, t.repeats
	squares, weighted, cubes, signed, absolute, energy := t.squares, t.weighted, t.cubes, t.signed, t.absolute, t.energy
	for i+j < until && i+j < len(x)+len(y) {
		v := math.Inf(1)
		if i < len(x) {
			v = x[i]
		}
		if j < len(y) {
			v = min(v, y[j])
		}
		stepX, stepY := 0, 0
		for i+stepX < len(x) && x[i+stepX] == v {
			stepX++
		}
		for j+stepY < len(y) && y[j+stepY] == v {
			stepY++
		}
		gap := v*scale - previous
		previous = v * scale
		signed += dBefore * gap
		absolute += math.Abs(dBefore) * gap
		energy += dBefore * dBefore * gap
		pairs += int64(stepX) * int64(2*j+stepY)
		i += stepX
		j += stepY
		d = int64(i)*m - int64(j)*n
		above, below = max(above, d), min(below, d)
		dAfter := float64(d)
		twice := dBefore + dAfter
		dBefore = dAfter
		group := float64(stepX + stepY)
		middle := rank + group/2
		rank += group
		repeats += stepX + stepY - 1
		squares += group * dAfter * dAfter
		cubes += group * (group*group - 1)
		if room := middle*(size-middle) - size*group/4; room > 0 {
			weighted += group * twice * twice / room
		}
	}
	t.i, t.j, t.previous = i, j, previous
	t.above, t.below, t.pairs, t.repeats = above, below, pairs, repeats
	t.squares, t.weighted, t.cubes, t.signed, t.absolute, t.energy = squares, weighted, cubes, signed, absolute, energy
}
