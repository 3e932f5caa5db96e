package distance

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

const (
	thinRows  = 64 // bins with up to so many rows of both sides are thinned
	thinCells = 16 // if there are at least so many of them
)

// shuffler draws divisions of the pooled rows into two sides.
type shuffler struct {
	Bins            // the last division
	pooled  []int64 // rows of both sides, the fullest bins first
	thinned int     // the first of the bins that are thinned; from there on all are

	// laws holds, for a number of rows, the distribution function of how many are the baseline's when each is with the same probability.
	laws  [thinRows + 1][]float64
	share float64 // that probability
}

func (b Bins) shuffler() *shuffler {
	k := len(b.Baseline)
	s := &shuffler{
		Bins:   Bins{Baseline: make([]int64, k), Current: make([]int64, k), n: b.n, m: b.m, filled: b.filled},
		pooled: make([]int64, k), share: float64(b.n) / (float64(b.n) + float64(b.m)),
	}
	for i, rows := range b.Baseline {
		s.pooled[i] = rows + b.Current[i]
	}
	// The order of bins changes no distance.
	slices.SortFunc(s.pooled, func(x, y int64) int { return cmp.Compare(y, x) })
	s.thinned = k
	for s.thinned > 0 && s.pooled[s.thinned-1] <= thinRows {
		s.thinned--
	}
	if k-s.thinned < thinCells {
		s.thinned = k
	}
	for _, rows := range s.pooled[s.thinned:] {
		if s.laws[rows] == nil {
			s.laws[rows] = binomial(int(rows), s.share)
		}
	}
	return s
}

func (s *shuffler) shuffle(rng *rand.Rand) {
	rows, left := s.n+s.m, s.n
	for i, pooled := range s.pooled[:s.thinned] {
		a := hypergeometric(rng, rows, left, pooled)
		s.Baseline[i], s.Current[i] = a, pooled-a
		rows -= pooled
		left -= a
	}
	s.thin(rng, left)
}

// thin divides the small bins, which get want of the baseline's rows. It gives each row to the baseline independently, and then takes single
// rows back, or gives more, until there are as many as wanted. Rows that are chosen independently are a random subset of their number, and so
// they stay one.
func (s *shuffler) thin(rng *rand.Rand, want int64) {
	pooled, baseline, current := s.pooled[s.thinned:], s.Baseline[s.thinned:], s.Current[s.thinned:]
	if len(pooled) == 0 {
		return
	}
	given := int64(0)
	for i, rows := range pooled {
		law, u := s.laws[rows], rng.Float64()
		a := int(float64(rows) * s.share)
		for a > 0 && u < law[a-1] {
			a--
		}
		for u >= law[a] {
			a++
		}
		baseline[i], current[i] = int64(a), rows-int64(a)
		given += int64(a)
	}
	// A row is chosen by a bin and a place in it; a place that holds no such row is refused.
	for fullest := pooled[0]; given > want; {
		if i := rng.IntN(len(pooled)); rng.Int64N(fullest) < baseline[i] {
			baseline[i]--
			current[i]++
			given--
		}
	}
	for fullest := pooled[0]; given < want; {
		if i := rng.IntN(len(pooled)); rng.Int64N(fullest) < current[i] {
			baseline[i]++
			current[i]--
			given++
		}
	}
}

// binomial returns P(X ≤ x) for x from 0 to n; the last is above every uniform number.
func binomial(n int, p float64) []float64 {
	law := make([]float64, n+1)
	sum := 0.0
	for x := range law {
		sum += math.Exp(smallLogFactorials[n] - smallLogFactorials[x] - smallLogFactorials[n-x] + float64(x)*math.Log(p) + float64(n-x)*math.Log1p(-p))
		law[x] = sum
	}
	law[n] = 1
	return law
}
