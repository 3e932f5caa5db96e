package stream

import "math"

// fhddm watches the share of correct predictions among the latest window values, and finds a drift when it falls below the largest share so far by more
// than Hoeffding's bound √(ln(1/δ)/(2·window)). The change began in the window; its first value is taken.
type fhddm struct {
	bound float64
	recent

	split

	best int64 // the largest number of correct predictions in a window
}

func newFHDDM(s settings) detector {
	window := s.parameters["window"]
	return &fhddm{bound: math.Sqrt(math.Log(1/s.parameters["delta"]) / (2 * window)), recent: newRecent(window)}
}

func (f *fhddm) restart() { f.split, f.best, f.next = split{}, 0, 0 }

func (f *fhddm) update(x float64) Zone {
	f.add(x)
	f.push(x, f.n)
	window := int64(len(f.values))
	if f.n < window {
		return Stable
	}
	hits := window - f.errors
	f.best = max(f.best, hits)
	if float64(f.best)/float64(window)-float64(hits)/float64(window) > f.bound {
		return Drifted
	}
	return Stable
}

func (f *fhddm) change() change { return f.split.at(int64(len(f.values)), float64(f.errors)) }

func (f *fhddm) exchange(c *codec) {
	f.split.exchange(c)
	f.recent.exchange(c, f.n)
	c.between(&f.best, 0, int64(len(f.values)))
}

// recent is a ring of the latest zeros and ones.
type recent struct {
	values []byte
	next   int64 // where the next value goes
	errors int64 // ones in the ring
}

func newRecent(window float64) recent { return recent{values: make([]byte, int(window))} }

// push puts the n-th value in place of the oldest, once the ring is full.
func (r *recent) push(x float64, n int64) {
	if n == 1 {
		r.next, r.errors = 0, 0
	}
	oldest := byte(0)
	if n > int64(len(r.values)) {
		oldest = r.values[r.next]
	}
	b := byte(x)
	r.errors += int64(b) - int64(oldest)
	r.values[r.next] = b
	if r.next++; r.next == int64(len(r.values)) {
		r.next = 0
	}
}

func (r *recent) exchange(c *codec, n int64) {
	c.between(&r.next, 0, int64(len(r.values))-1)
	c.bits(r.values)
	if !c.reading {
		return
	}
	r.errors = 0
	for i, v := range r.values {
		if int64(i) < n { // the ring fills from its start
			r.errors += int64(v)
		}
	}
	c.require(n >= int64(len(r.values)) || n == r.next)
}
