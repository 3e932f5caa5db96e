package stream

import "math"

// rddm is DDM with two cures for its growing deaf on long stable runs: a run of more than max_concept values is shortened to its latest
// min_concept, and a warning zone that lasts warning_limit values counts as a drift. After a drift it starts with the values of the warning zone
// that led to it. It follows MOA's RDDM step by step.
type rddm struct {
	zoned

	warm                   int64
	warn, drift            float64
	maxConcept, warnLimit  int64
	p, s, pMin, sMin, best float64
	run                    int64 // values that p is of, plus one

	stored      []byte // the latest values, a ring
	first, last int64
	kept        int64
	warnAt      int64 // when the warning zone began, in values taken; -1 outside one
	warnPlace   int64 // its first value in the ring; -1 without one
	taken       int64
	rebuild     bool // before the next value, p is to be computed anew from the ring
	drifted     bool // and that because of a drift
}

func newRDDM(s settings) detector {
	d := &rddm{
		warm: int64(s.parameters["warm_start"]), warn: s.parameters["warning_threshold"], drift: s.parameters["drift_threshold"],
		maxConcept: int64(s.parameters["max_concept"]), warnLimit: int64(s.parameters["warning_limit"]),
		stored: make([]byte, int(s.parameters["min_concept"])),
		run:    1, p: 1, last: -1, warnAt: -1, warnPlace: -1,
	}
	d.forget()
	return d
}

// forget forgets the least error rate.
func (d *rddm) forget() { d.pMin, d.sMin, d.best = math.Inf(1), math.Inf(1), math.Inf(1) }

// restart leaves the work to the next update, which knows what to keep.
func (d *rddm) restart() { d.zoned = zoned{} }

// replay computes p anew from the values that are kept.
func (d *rddm) replay() {
	size := int64(len(d.stored))
	d.run, d.p, d.s = 1, 1, 0
	if d.drifted {
		d.forget()
	}
	if d.warnPlace >= 0 {
		d.first = d.warnPlace
		d.kept = d.last - d.first + 1
		if d.kept <= 0 {
			d.kept += size
		}
	}
	place := d.first
	for range d.kept {
		d.learn(float64(d.stored[place]))
		if d.drifted && d.run > d.warm && d.p+d.s < d.best {
			d.pMin, d.sMin, d.best = d.p, d.s, d.p+d.s
		}
		d.run++
		place = (place + 1) % size
	}
	d.warnPlace, d.warnAt, d.rebuild, d.drifted = -1, -1, false, false
}

// learn takes a value into the error rate; run still counts from before it.
func (d *rddm) learn(x float64) {
	d.p = min(d.p+(x-d.p)/float64(d.run), 1)
	d.s = math.Sqrt(d.p * (1 - d.p) / float64(d.run))
}

func (d *rddm) update(x float64) Zone {
	if d.rebuild {
		d.replay()
	}
	d.store(x)
	d.add(x)
	d.learn(x)
	d.taken++
	d.run++
	if d.run <= d.warm {
		return d.settle(Stable, x)
	}
	if d.p+d.s < d.best {
		d.pMin, d.sMin, d.best = d.p, d.s, d.p+d.s
	}
	return d.settle(d.judge(), x)
}

func (d *rddm) judge() Zone {
	switch {
	case d.p+d.s > d.pMin+d.drift*d.sMin:
		d.rebuild, d.drifted = true, true
		if d.warnAt < 0 {
			d.first, d.kept = d.last, 1
		}
		return Drifted
	case d.p+d.s > d.pMin+d.warn*d.sMin:
		if d.warnAt >= 0 && d.warnAt+d.warnLimit <= d.taken {
			d.rebuild, d.drifted = true, true
			d.first, d.kept, d.warnAt, d.warnPlace = d.last, 1, -1, -1
			return Drifted
		}
		if d.warnAt < 0 {
			d.warnAt, d.warnPlace = d.taken, d.last
		}
		return Warning
	}
	d.warnAt, d.warnPlace = -1, -1
	if d.run > d.maxConcept {
		d.rebuild = true
	}
	return Stable
}

// store keeps a value in place of the oldest.
func (d *rddm) store(x float64) {
	size := int64(len(d.stored))
	d.last = (d.last + 1) % size
	d.stored[d.last] = byte(x)
	if d.kept < size {
		d.kept++
		return
	}
	d.first = (d.first + 1) % size
	if d.warnPlace == d.last {
		d.warnPlace = -1
	}
}

func (d *rddm) exchange(c *codec) {
	size := int64(len(d.stored))
	d.zoned.exchange(c)
	for _, v := range []*float64{&d.p, &d.s, &d.pMin, &d.sMin, &d.best} {
		c.float(v)
		c.require(*v >= 0)
	}
	c.require(d.p <= 1)
	c.between(&d.run, 1, maxCount+1)
	c.between(&d.first, 0, size-1)
	c.between(&d.last, -1, size-1)
	c.between(&d.kept, 0, size)
	c.between(&d.warnAt, -1, maxCount)
	c.between(&d.warnPlace, -1, size-1)
	c.count(&d.taken)
	c.flag(&d.rebuild)
	c.flag(&d.drifted)
	c.bits(d.stored)
}
