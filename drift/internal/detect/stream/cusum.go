package stream

// cusum adds up how far values are above their running mean plus a tolerance delta, from 0 and never below it, and finds a drift when the sum
// exceeds the threshold. Only increases count: a decrease is found on the negated values. The change began where the sum left 0.
type cusum struct {
	split

	min              int64
	delta, threshold float64
	mean, above      float64
}

func newCUSUM(s settings) detector {
	return &cusum{min: int64(s.parameters["min_instances"]), delta: s.parameters["delta"], threshold: s.parameters["threshold"]}
}

func (d *cusum) restart() { d.split, d.mean, d.above = split{}, 0, 0 }

func (d *cusum) update(x float64) Zone {
	d.add(x)
	d.mean += (x - d.mean) / float64(d.n)
	d.above = max(0, d.above+x-d.mean-d.delta)
	if d.above == 0 {
		d.mark()
	}
	if d.n >= d.min-1 && d.above > d.threshold { // MOA counts from one
		return Drifted
	}
	return Stable
}

func (d *cusum) exchange(c *codec) {
	d.split.exchange(c)
	c.float(&d.mean)
	c.float(&d.above)
	c.require(d.above >= 0)
}
