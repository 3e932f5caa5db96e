package stream

import "math"

// ecdd compares an exponentially weighted error rate z with the overall one p, and finds a drift when it is above p by more than L standard deviations
// of z, a warning at half of that. L is a polynomial in p that was fitted so that a stream without a change has a false alarm every 400 values on
// average (for lambda = 0.2): expect alarms. The change began where the warning zone did that led to the drift.
type ecdd struct {
	zoned

	min     int64
	lambda  float64
	z       float64
	decayed float64 // (1−lambda)^(2n)
}

func newECDD(s settings) detector {
	return &ecdd{min: int64(s.parameters["min_instances"]), lambda: s.parameters["lambda"], decayed: 1}
}

func (d *ecdd) restart() { d.zoned, d.z, d.decayed = zoned{}, 0, 1 }

func (d *ecdd) update(x float64) Zone {
	d.add(x)
	d.decayed *= (1 - d.lambda) * (1 - d.lambda)
	d.z += d.lambda * (x - d.z)
	if d.n+1 < d.min { // MOA counts from one, and warns one value earlier
		return Stable
	}
	p := d.sum / float64(d.n)
	s := math.Sqrt(p * (1 - p) * d.lambda * (1 - d.decayed) / (2 - d.lambda))
	p2 := p * p
	limit := 3.97 + p*(-6.56+p2*(48.73+p2*(-330.13+p2*848.18)))
	zone := Stable
	switch {
	case d.n+1 > d.min && d.z > p+limit*s:
		zone = Drifted
	case d.z > p+limit*s/2:
		zone = Warning
	}
	return d.settle(zone, x)
}

func (d *ecdd) exchange(c *codec) {
	d.zoned.exchange(c)
	c.finite(&d.z, 2)
	c.finite(&d.decayed, 1)
}
