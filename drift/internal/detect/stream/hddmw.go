package stream

import "math"

// hddmW compares two exponentially weighted means: that of the values up to the one at which mean plus McDiarmid's bound was least, and that of the
// values after it:
//
//	after − before > √((i₁+i₂)·ln(1/δ)/2)
//
// where i is the sum of the squared weights. With two_sided it also looks for a decrease. The change began after the cut.
//
// A mean's first value has the squared weight λ² + (1−λ)²; with convention hddm-w/moa it has 1.
type hddmW struct {
	lambda            float64
	first             float64 // i of one value
	logDrift, logWarn float64 // ln(1/δ)
	twoSided          bool

	n          int64
	total      weighted
	up, down   pair
	decreasing bool // the last drift is a decrease
}

// weighted is an exponentially weighted mean with the sum of its squared weights.
type weighted struct {
	mean, squares float64
	n             int64
}

// pair are the means before and after a cut, and the plain sums of their values, which say what has changed by how much.
type pair struct {
	before, after weighted
	cut           float64 // the bound that moves the cut
	sum           split
}

func newHDDMW(s settings) detector {
	lambda := s.parameters["lambda"]
	h := &hddmW{
		lambda: lambda, first: lambda*lambda + (1-lambda)*(1-lambda), twoSided: s.parameters["two_sided"] == 1,
		logDrift: math.Log(1 / s.parameters["drift_confidence"]), logWarn: math.Log(1 / s.parameters["warning_confidence"]),
	}
	if s.convention == "hddm-w/moa" {
		h.first = 1
	}
	h.restart()
	return h
}

func (h *hddmW) restart() {
	h.n, h.total, h.decreasing = 0, weighted{}, false
	h.up, h.down = pair{cut: math.Inf(1)}, pair{cut: math.Inf(-1)}
}

func (h *hddmW) learn(w *weighted, x float64) {
	w.n++
	if w.n == 1 {
		w.mean, w.squares = x, h.first
		return
	}
	w.mean = h.lambda*x + (1-h.lambda)*w.mean
	w.squares = h.lambda*h.lambda + (1-h.lambda)*(1-h.lambda)*w.squares
}

func (h *hddmW) update(x float64) Zone {
	h.n++
	h.learn(&h.total, x)
	bound := math.Sqrt(h.total.squares * h.logDrift / 2)
	h.up.sum.add(x)
	if h.total.mean+bound < h.up.cut {
		h.move(&h.up, h.total.mean+bound)
	} else {
		h.learn(&h.up.after, x)
	}
	zone := h.compare(&h.up, 1)
	h.decreasing = false
	if !h.twoSided {
		return zone
	}
	h.down.sum.add(x)
	if h.total.mean-bound > h.down.cut {
		h.move(&h.down, h.total.mean-bound)
	} else {
		h.learn(&h.down.after, x)
	}
	if down := h.compare(&h.down, -1); down > zone {
		zone, h.decreasing = down, true
	}
	return zone
}

// move puts the cut after the last value.
func (h *hddmW) move(p *pair, cut float64) {
	p.cut, p.before, p.after = cut, h.total, weighted{}
	p.sum.mark()
}

// compare tests the difference of a pair in one direction.
func (h *hddmW) compare(p *pair, sign float64) Zone {
	if p.before.n == 0 || p.after.n == 0 {
		return Stable
	}
	difference, squares := sign*(p.after.mean-p.before.mean), p.before.squares+p.after.squares
	if difference <= 0 {
		return Stable
	}
	switch {
	case difference > math.Sqrt(squares*h.logDrift/2):
		return Drifted
	case difference > math.Sqrt(squares*h.logWarn/2):
		return Warning
	}
	return Stable
}

func (h *hddmW) change() change {
	if h.decreasing {
		return h.down.sum.change()
	}
	return h.up.sum.change()
}

func (h *hddmW) exchange(c *codec) {
	c.count(&h.n)
	c.flag(&h.decreasing)
	for _, w := range []*weighted{&h.total, &h.up.before, &h.up.after, &h.down.before, &h.down.after} {
		c.finite(&w.mean, 2)
		c.finite(&w.squares, 2)
		c.count(&w.n)
	}
	c.float(&h.up.cut)
	c.float(&h.down.cut)
	h.up.sum.exchange(c)
	h.down.sum.exchange(c)
}
