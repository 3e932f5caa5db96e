package stream

import "math"

// ddm watches the error rate p and its standard deviation s = √(p(1−p)/n). It keeps the least p+s, and finds a drift when p+s exceeds that p by
// drift_threshold times that s, a warning with warning_threshold, both once n exceeds warm_start. With warm_start two less it is MOA's, which counts
// from one and does not exceed. The change began where the warning zone did that led to the drift.
//
// Comparisons are strict, so that a model without errors never drifts.
type ddm struct {
	zoned

	warm                int64
	warn, drift         float64
	p, pMin, sMin, best float64 // best is the least p+s
}

func newDDM(s settings) detector {
	return &ddm{
		warm: int64(s.parameters["warm_start"]), warn: s.parameters["warning_threshold"], drift: s.parameters["drift_threshold"], best: math.Inf(1),
	}
}

func (d *ddm) restart() { d.zoned, d.p, d.pMin, d.sMin, d.best = zoned{}, 0, 0, 0, math.Inf(1) }

func (d *ddm) update(x float64) Zone {
	d.add(x)
	n := float64(d.n)
	d.p += (x - d.p) / n
	p := min(d.p, 1) // rounding may exceed it, and the root of a negative number is none
	s := math.Sqrt(p * (1 - p) / n)
	if d.n <= d.warm {
		return Stable
	}
	if p+s <= d.best {
		d.pMin, d.sMin, d.best = p, s, p+s
	}
	zone := Stable
	switch {
	case p+s > d.pMin+d.drift*d.sMin:
		zone = Drifted
	case p+s > d.pMin+d.warn*d.sMin:
		zone = Warning
	}
	return d.settle(zone, x)
}

func (d *ddm) exchange(c *codec) {
	d.zoned.exchange(c)
	for _, v := range []*float64{&d.p, &d.pMin, &d.sMin, &d.best} {
		c.float(v)
		c.require(*v >= 0)
	}
}
