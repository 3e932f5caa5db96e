package quality

import (
	"math/rand/v2"
	"sort"
)

// maxDrawn is the number of rows up to which a re-labelling is drawn. Beyond, sums over values are close to normal.
const maxDrawn = 10_000

// pool is the pooled rows of both sides, by value, that are divided anew: some to the current side and the others to the baseline.
type pool struct {
	classes        []class // the values that matter, by size
	rows           int64   // rows of these
	current, total int64   // rows of the current side, and of both
}

// pool returns the values for which keep holds. It depends on their sizes only.
func (g *Groups) pool(keep func(size int64) bool) pool {
	p := pool{current: g.m, total: g.n + g.m}
	for _, c := range g.classes() {
		if keep(c.size) {
			p.classes = append(p.classes, c)
			p.rows += c.size * c.values
		}
	}
	return p
}

// tally says what a value with size rows, current of them on the current side, adds to each of two sums.
type tally func(size, current int64) [2]int64

func (t tally) of(classes []class, current func(size int64) int64) (sums [2]int64) {
	for _, c := range classes {
		add := t(c.size, current(c.size))
		sums[0] += c.values * add[0]
		sums[1] += c.values * add[1]
	}
	return sums
}

// draw calls visit with the sums of draws divisions, in whichever way is cheaper.
func (p pool) draw(rng *rand.Rand, draws int, t tally, visit func(sums [2]int64)) {
	if p.rows > 3*p.smaller() { // picking a row takes about thrice as long as dealing one
		p.pick(rng, draws, t, visit)
		return
	}
	p.deal(rng, draws, t, visit)
}

// smaller is the number of rows of the smaller side.
func (p pool) smaller() int64 { return min(p.current, p.total-p.current) }

// deal calls visit with the sums of draws divisions. It deals the rows of the values one after the other.
func (p pool) deal(rng *rand.Rand, draws int, t tally, visit func(sums [2]int64)) {
	for range draws {
		current, total := uint64(p.current), uint64(p.total) // at most 2^53
		var sums [2]int64
		for _, c := range p.classes {
			for range c.values {
				before := current
				for range c.size {
					if rng.Uint64N(total) < current {
						current--
					}
					total--
				}
				add := t(c.size, int64(before-current))
				sums[0] += add[0]
				sums[1] += add[1]
			}
		}
		visit(sums)
	}
}

// pick is deal by picking the rows of the smaller side, which is cheap when that is small and the values are many.
func (p pool) pick(rng *rand.Rand, draws int, t tally, visit func(sums [2]int64)) {
	fromCurrent := p.current <= p.total-p.current
	untouched := func(size int64) int64 { // rows on the current side where none was picked
		if fromCurrent {
			return 0
		}
		return size
	}
	places := newPlaces(p.classes)
	all, set, touched := t.of(p.classes, untouched), newRowSet(p.total), newCounter(places.values)
	for range draws {
		for range p.smaller() {
			row := rng.Int64N(p.total)
			for !set.add(row) { // at most half of the rows are picked
				row = rng.Int64N(p.total)
			}
			if row < p.rows {
				touched.add(places.value(row))
			}
		}
		sums := all
		for value, picked := range touched.all() {
			size := places.size(value)
			if !fromCurrent {
				picked = size - picked
			}
			was, is := t(size, untouched(size)), t(size, picked)
			sums[0] += is[0] - was[0]
			sums[1] += is[1] - was[1]
		}
		visit(sums)
		set.clear()
		touched.clear()
	}
}

// places numbers the rows of classes, and their values.
type places struct {
	classes              []class
	firstRow, firstValue []int64 // of each class
	values               int64
}

func newPlaces(classes []class) places {
	p := places{classes: classes}
	var row, value int64
	for _, c := range classes {
		p.firstRow, p.firstValue = append(p.firstRow, row), append(p.firstValue, value)
		row, value = row+c.size*c.values, value+c.values
	}
	p.values = value
	return p
}

// value returns the number of the value that a row has.
func (p places) value(row int64) int64 {
	c := sort.Search(len(p.firstRow), func(i int) bool { return p.firstRow[i] > row }) - 1
	return p.firstValue[c] + (row-p.firstRow[c])/p.classes[c].size
}

// size returns the number of rows that a value has.
func (p places) size(value int64) int64 {
	return p.classes[sort.Search(len(p.firstValue), func(i int) bool { return p.firstValue[i] > value })-1].size
}
