package stream

import "math"

// pageHinkley adds up how far values are from their running mean, with a tolerance delta and a slow forgetting alpha, and finds a drift when the sum has risen
// from its least (or fallen from its largest) value by more than the threshold. The change began where that extreme was.
//
// Convention page-hinkley/moa has one sum, for increases only, which itself must exceed the threshold; judgement begins one value earlier, and the
// change began where the sum was last not positive.
type pageHinkley struct {
	moa                     bool
	min                     int64
	delta, threshold, alpha float64

	up, down  split // marked at the extremes
	mean      float64
	rise, dip float64
	least     float64 // of rise
	most      float64 // of dip
	falling   bool    // the last drift is a decrease
}

func newPageHinkley(s settings) detector {
	p := &pageHinkley{
		moa: s.convention == "page-hinkley/moa", min: int64(s.parameters["min_instances"]),
		delta: s.parameters["delta"], threshold: s.parameters["threshold"], alpha: s.parameters["alpha"],
	}
	p.restart()
	return p
}

func (p *pageHinkley) restart() {
	p.up, p.down, p.mean, p.rise, p.dip, p.falling = split{}, split{}, 0, 0, 0, false
	p.least, p.most = math.Inf(1), -1 // as in River, whose sums for decreases begin above
}

func (p *pageHinkley) update(x float64) Zone {
	p.up.add(x)
	p.mean += (x - p.mean) / float64(p.up.n)
	deviation := x - p.mean
	p.rise = p.alpha*p.rise + deviation - p.delta
	if p.moa {
		if p.rise <= 0 {
			p.up.mark()
		}
		if p.up.n >= p.min-1 && p.rise > p.threshold {
			return Drifted
		}
		return Stable
	}
	p.down.add(x)
	p.dip = p.alpha*p.dip + deviation + p.delta
	if p.rise < p.least {
		p.least = p.rise
		p.up.mark()
	}
	if p.dip > p.most {
		p.most = p.dip
		p.down.mark()
	}
	if p.up.n < p.min {
		return Stable
	}
	rising := p.rise-p.least > p.threshold
	p.falling = !rising && p.most-p.dip > p.threshold
	if rising || p.falling {
		return Drifted
	}
	return Stable
}

func (p *pageHinkley) change() change {
	if p.falling {
		return p.down.change()
	}
	return p.up.change()
}

func (p *pageHinkley) exchange(c *codec) {
	p.up.exchange(c)
	p.down.exchange(c)
	for _, v := range []*float64{&p.mean, &p.rise, &p.dip, &p.least, &p.most} {
		c.float(v)
	}
	c.flag(&p.falling)
}
