package stream

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
)

// minKSWIN is the least distance that is a drift, whatever its significance: River's.
const minKSWIN = 0.1

// kswin compares the latest values of a window with as many drawn at random from the rest of it, by the two-sample Kolmogorov–Smirnov test with its
// exact p-value, at every value. A drift is a p-value of at most alpha and a distance above 0.1; the window then keeps its latest values. The change
// began with those.
//
// Draws come from a seeded PCG and not from the Mersenne Twister of River, so that single detections differ, and rates do not. As there is a test at
// every value, alpha is no rate of false alarms of the stream: with the defaults expect some hundreds in 10⁵ values.
type kswin struct {
	critical int64 // the least distance that is a drift, in steps of 1/recent

	split

	window, drawn, recent []float64 // the window is a ring; the others are room to sort in
	next, kept            int64
	order, swapped        []int32 // room to draw in: the older values' places in order, and what was swapped
	source                rand.PCG
}

func newKSWIN(s settings) detector {
	window, recent := int(s.parameters["window"]), int(s.parameters["recent"])
	k := &kswin{
		critical: criticalSteps(recent, s.parameters["alpha"]), window: make([]float64, window),
		drawn: make([]float64, recent), recent: make([]float64, recent), order: make([]int32, window-recent), swapped: make([]int32, recent),
	}
	for i := range k.order {
		k.order[i] = int32(i)
	}
	k.source.Seed(s.seed, kswinDraws)
	return k
}

// kswinDraws separates these draws from others of the same seed.
const kswinDraws = 0x4b53_5749_4e

// criticalSteps returns the least number of steps of 1/n that the distance of two samples of n values must reach for a p-value of at most alpha and a distance
// above 0.1; n+1 when none does. The p-value of k steps is 2·Σ (−1)^(j+1)·C(2n, n−jk)/C(2n, n) (B. Gnedenko and V. Korolyuk, 1951).
func criticalSteps(n int, alpha float64) int64 {
	for k := 1; k <= n; k++ {
		if float64(k)/float64(n) > minKSWIN && equalKS(n, k) <= alpha {
			return int64(k)
		}
	}
	return int64(n) + 1
}

// equalKS is the p-value of a distance of k steps between two samples of n values.
func equalKS(n, k int) float64 {
	p, sign := 0.0, 1.0
	for shift := k; shift <= n; shift += k {
		term := 1.0
		for i := range shift { // C(2n, n−shift)/C(2n, n), factor by factor
			term *= float64(n-i) / float64(n+shift-i)
		}
		p += sign * term
		sign = -sign
	}
	return min(1, 2*p)
}

// restart begins the counts with the values that the window has kept; the draws go on.
func (k *kswin) restart() {
	k.split = split{n: int64(len(k.recent)), sum: sum(k.recent)}
}

func (k *kswin) update(x float64) Zone {
	size := int64(len(k.window))
	k.add(x)
	k.window[k.next] = x
	k.next = (k.next + 1) % size
	if k.kept = min(k.kept+1, size); k.kept < size {
		return Stable
	}
	older := size - int64(len(k.recent))
	for i := range k.drawn { // the first steps of a shuffle
		j := i + int(k.draw(uint64(len(k.order)-i)))
		k.order[i], k.order[j] = k.order[j], k.order[i]
		k.drawn[i], k.swapped[i] = k.at(int64(k.order[i])), int32(j)
	}
	for i := len(k.swapped) - 1; i >= 0; i-- { // and back
		j := k.swapped[i]
		k.order[i], k.order[j] = k.order[j], k.order[i]
	}
	for i := range k.recent {
		k.recent[i] = k.at(older + int64(i))
	}
	slices.Sort(k.drawn)
	slices.Sort(k.recent)
	if steps(k.drawn, k.recent) < k.critical {
		return Stable
	}
	k.kept = int64(len(k.recent))
	return Drifted
}

// at returns a value of a full window, the oldest first.
func (k *kswin) at(i int64) float64 { return k.window[(k.next+i)%int64(len(k.window))] }

// draw returns a number below n, by rejection.
func (k *kswin) draw(n uint64) uint64 {
	for limit := -n % n; ; { // 2^64 mod n
		if v := k.source.Uint64(); v >= limit {
			return v % n
		}
	}
}

// steps is the largest difference of the counts of values up to some value, in two sorted samples of one size.
func steps(a, b []float64) (most int64) {
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		v := min(a[i], b[j])
		for i < len(a) && a[i] == v {
			i++
		}
		for j < len(b) && b[j] == v {
			j++
		}
		most = max(most, int64(i-j), int64(j-i))
	}
	return most
}

func (k *kswin) change() change {
	return k.split.at(int64(len(k.recent)), sum(k.recent))
}

func sum(values []float64) (total float64) {
	for _, v := range values {
		total += v
	}
	return total
}

func (k *kswin) exchange(c *codec) {
	size := int64(len(k.window))
	k.split.exchange(c)
	c.between(&k.next, 0, size-1)
	c.between(&k.kept, 0, size)
	for i := range k.window {
		c.finite(&k.window[i], MaxValue)
	}
	for i := range k.recent { // what change measures
		c.finite(&k.recent[i], MaxValue)
	}
	source, _ := k.source.MarshalBinary() // never fails: four letters and two numbers
	high, low := binary.BigEndian.Uint64(source[4:]), binary.BigEndian.Uint64(source[12:])
	c.word(&high)
	c.word(&low)
	if c.reading {
		k.source.Seed(high, low)
	}
}
