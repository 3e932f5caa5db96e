package stream

import "math"

// eddm watches the distances between errors: their mean plus two standard deviations, q, falls when errors come more often. It keeps the
// largest q, and finds a drift when q falls below beta times it, a warning below alpha, once both values and errors exceed warm_start. Between errors
// the zone stays what it was.
//
// The first distance is that from the start of the run, as in River and MOA. Convention eddm/moa takes the population's standard deviation (n, not
// n−1), judges from warm_start values on and ends a warning with a new largest q. The ratio is that of q, which is not squared.
type eddm struct {
	split

	moa         bool
	warm        int64
	alpha, beta float64

	errors, lastError int64
	mean, squares     float64 // of the distances: Welford's
	largest           float64
	warning           bool
}

func newEDDM(s settings) detector {
	return &eddm{moa: s.convention == "eddm/moa", warm: int64(s.parameters["warm_start"]), alpha: s.parameters["alpha"], beta: s.parameters["beta"]}
}

func (d *eddm) restart() {
	*d = eddm{moa: d.moa, warm: d.warm, alpha: d.alpha, beta: d.beta}
}

func (d *eddm) update(x float64) Zone {
	d.add(x)
	if x != 1 {
		return d.zone()
	}
	distance := float64(d.n - d.lastError)
	d.errors++
	d.lastError = d.n
	old := d.mean
	d.mean += (distance - old) / float64(d.errors)
	d.squares += (distance - old) * (distance - d.mean)
	freedom, warm := d.errors-1, d.warm
	if d.moa {
		freedom, warm, d.warning = d.errors, d.warm-1, false
	}
	if d.n <= warm {
		return d.zone()
	}
	q := d.mean + 2*math.Sqrt(max(d.squares, 0)/float64(max(freedom, 1)))
	if q > d.largest {
		d.largest = q
		d.mark()
		return d.zone()
	}
	if d.errors <= d.warm {
		return d.zone()
	}
	level := q / d.largest
	if level < d.beta {
		return Drifted
	}
	d.warning = level < d.alpha
	return d.zone()
}

// zone is that between errors.
func (d *eddm) zone() Zone {
	if d.warning {
		return Warning
	}
	return Stable
}

func (d *eddm) exchange(c *codec) {
	d.split.exchange(c)
	c.count(&d.errors)
	c.count(&d.lastError)
	c.finite(&d.mean, maxCount)
	c.finite(&d.squares, math.MaxFloat64)
	c.finite(&d.largest, math.MaxFloat64)
	c.flag(&d.warning)
	c.require(d.errors <= d.n && d.lastError <= d.n && d.largest >= 0)
}
