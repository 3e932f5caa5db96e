package stream

import "math"

// hddmA compares the mean of all values z̄ with that up to the value x̄ at which mean plus Hoeffding's bound was least:
//
//	z̄ − x̄ ≥ √(m/2·ln(2/δ)), m = (n−k)/(k·n)
//
// for n values of which k come up to the cut. With two_sided it also looks for a decrease against the value at which mean minus bound was largest. The
// change began after the cut.
type hddmA struct {
	logDrift, logWarn float64 // ln(2/δ)
	logBound          float64 // ln(1/δ) of the drift
	twoSided          bool

	n, minN, maxN int64
	sum, min, max float64 // sums up to n, minN and maxN
	z, zMin, zMax float64 // means
	below         float64 // zMin + its bound
	above         float64 // zMax − its bound
	decreasing    bool    // the last drift is a decrease
}

func newHDDMA(s settings) detector {
	return &hddmA{
		logDrift: math.Log(2 / s.parameters["drift_confidence"]), logWarn: math.Log(2 / s.parameters["warning_confidence"]),
		logBound: math.Log(1 / s.parameters["drift_confidence"]), twoSided: s.parameters["two_sided"] == 1,
	}
}

func (h *hddmA) restart() {
	*h = hddmA{logDrift: h.logDrift, logWarn: h.logWarn, logBound: h.logBound, twoSided: h.twoSided}
}

func (h *hddmA) update(x float64) Zone {
	h.n++
	n := float64(h.n)
	h.z += (x - h.z) / n
	h.sum += x
	bound := math.Sqrt(1 / (2 * n) * h.logBound)
	if h.minN == 0 || h.below >= h.z+bound {
		h.minN, h.min, h.zMin, h.below = h.n, h.sum, h.z, h.z+bound
	}
	if h.maxN == 0 || h.above <= h.z-bound {
		h.maxN, h.max, h.zMax, h.above = h.n, h.sum, h.z, h.z-bound
	}
	zone := h.compare(h.z-h.zMin, h.minN)
	h.decreasing = false
	if h.twoSided && zone != Drifted {
		if down := h.compare(h.zMax-h.z, h.maxN); down > zone {
			zone, h.decreasing = down, true
		}
	}
	return zone
}

// compare tests a difference of the mean from that of the first k values.
func (h *hddmA) compare(difference float64, k int64) Zone {
	if k == h.n {
		return Stable
	}
	half := float64(h.n-k) / float64(k) * (1 / float64(h.n)) / 2
	switch {
	case difference >= math.Sqrt(half*h.logDrift):
		return Drifted
	case difference >= math.Sqrt(half*h.logWarn):
		return Warning
	}
	return Stable
}

func (h *hddmA) change() change {
	s := split{n: h.n, sum: h.sum, markN: h.minN, markSum: h.min}
	if h.decreasing {
		s.markN, s.markSum = h.maxN, h.max
	}
	return s.change()
}

func (h *hddmA) exchange(c *codec) {
	c.count(&h.n)
	c.between(&h.minN, 0, h.n)
	c.between(&h.maxN, 0, h.n)
	for _, v := range []*float64{&h.sum, &h.min, &h.max, &h.z, &h.zMin, &h.zMax, &h.below, &h.above} {
		c.finite(v, maxCount)
	}
	c.flag(&h.decreasing)
}
