package stream

import (
	"math"

	"github.com/aumos-enterprise/platform/drift/internal/detect/tail"
)

// stepd compares the error rate of the latest window values with that of all before them, as soon as those are as many, by the test of two proportions
// with continuity correction:
//
//	Z = (|r₀/n₀ − r₁/n₁| − h/2) / √(p(1−p)·h), h = 1/n₀ + 1/n₁
//
// Both directions count. The change began with the window.
//
// A difference smaller than the correction is no difference. MOA takes the absolute value of Z instead, so that it finds drifts where the rates
// agree too well to be distinguished, or there are no errors at all; elsewhere the two agree.
type stepd struct {
	drift, warn float64 // critical values of Z
	recent

	split
}

func newSTEPD(s settings) detector {
	return &stepd{drift: tail.CriticalNormal(s.parameters["alpha_drift"]), warn: tail.CriticalNormal(s.parameters["alpha_warning"]), recent: newRecent(s.parameters["window"])}
}

func (d *stepd) restart() { d.split, d.next = split{}, 0 }

func (d *stepd) update(x float64) Zone {
	d.add(x)
	d.push(x, d.n)
	window := int64(len(d.values))
	if d.n < 2*window {
		return Stable
	}
	older, newer := float64(d.n-window), float64(window)
	p := d.sum / float64(d.n)
	h := 1/older + 1/newer
	difference := math.Abs((d.sum-float64(d.errors))/older-float64(d.errors)/newer) - h/2
	if difference <= 0 {
		return Stable
	}
	z := difference / math.Sqrt(p*(1-p)*h) // p is neither 0 nor 1: the rates differ
	switch {
	case z > d.drift:
		return Drifted
	case z > d.warn:
		return Warning
	}
	return Stable
}

func (d *stepd) change() change { return d.split.at(int64(len(d.values)), float64(d.errors)) }

func (d *stepd) exchange(c *codec) {
	d.split.exchange(c)
	d.recent.exchange(c, d.n)
}
