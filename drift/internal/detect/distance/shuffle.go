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

	scarceRows  = 150 // bins with up to so many rows, beyond which a draw is nearly normal and quick, are drawn by themselves
	scarceShare = 512 // if all of them together are at most this part of the smaller side
)

// shuffler draws divisions of the pooled rows into two sides.
type shuffler struct {
	Bins            // the last division
	pooled  []int64 // rows of both sides, the fullest bins first
	thinned int     // the first of the bins that are thinned; from there to scarce all are
	scarce  int     // the first of the bins that are drawn by themselves; from there on all are

	laws *laws
}

// laws are distribution functions of how many of so many rows are the baseline's when each is with the same probability.
type laws struct {
	of    [scarceRows + 1][]float64 // those that were needed
	share float64                   // that probability
}

func (b Bins) shuffler() *shuffler {
	pooled := make([]int64, len(b.Baseline))
	for i, rows := range b.Baseline {
		pooled[i] = rows + b.Current[i]
	}
	return newShuffler(pooled, b.n, b.m, newLaws(b.n, b.m))
}

func newLaws(n, m int64) *laws { return &laws{share: float64(n) / (float64(n) + float64(m))} }

// newShuffler takes over the rows of both sides in each bin, of which n are the baseline's and m are not, and sorts them: the order of bins changes no distance.
func newShuffler(pooled []int64, n, m int64, l *laws) *shuffler {
	k := len(pooled)
	s := &shuffler{
		Bins:   Bins{Baseline: make([]int64, k), Current: make([]int64, k), n: n, m: m},
		pooled: pooled, laws: l,
	}
	slices.SortFunc(s.pooled, func(x, y int64) int { return cmp.Compare(y, x) })
	s.scarce = k
	for room := min(n, m) / scarceShare; s.scarce > 0 && s.pooled[s.scarce-1] <= min(room, scarceRows); s.scarce-- {
		room -= s.pooled[s.scarce-1]
	}
	s.thinned = s.scarce
	for s.thinned > 0 && s.pooled[s.thinned-1] <= thinRows {
		s.thinned--
	}
	if s.scarce-s.thinned < thinCells {
		s.thinned = s.scarce
	}
	for _, rows := range s.pooled[s.thinned:] {
		if l.of[rows] == nil {
			l.of[rows] = binomial(int(rows), l.share)
		}
	}
	return s
}

// shuffle makes the next division. It begins with the bins that hold next to nothing of the rows: how many of theirs are the baseline's hardly
// tells how many of the others are. To draw from them independently is off by a few thousandths at most, in total variation (P. Diaconis and
// D. Freedman, 1980), and the other bins get what they leave.
func (s *shuffler) shuffle(rng *rand.Rand) {
	rows, left := s.n+s.m, s.n
	for i := s.scarce; i < len(s.pooled); i++ {
		a := s.laws.given(rng, s.pooled[i])
		s.Baseline[i], s.Current[i] = a, s.pooled[i]-a
		rows -= s.pooled[i]
		left -= a
	}
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
	pooled, baseline, current := s.pooled[s.thinned:s.scarce], s.Baseline[s.thinned:s.scarce], s.Current[s.thinned:s.scarce]
	if len(pooled) == 0 {
		return
	}
	given := int64(0)
	for i, rows := range pooled {
		a := s.laws.given(rng, rows)
		baseline[i], current[i] = a, rows-a
		given += a
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

// given draws how many of so many rows are the baseline's when each is independently.
func (l *laws) given(rng *rand.Rand, rows int64) int64 {
	law, u := l.of[rows], rng.Float64()
	a := int(float64(rows) * l.share)
	for a > 0 && u < law[a-1] {
		a--
	}
	for u >= law[a] {
		a++
	}
	return int64(a)
}

// binomial returns P(X ≤ x) for x from 0 to n; the last is above every uniform number.
func binomial(n int, p float64) []float64 {
	law := make([]float64, n+1)
	sum, hit, miss := 0.0, math.Log(p), math.Log1p(-p)
	for x := range law {
		sum += math.Exp(smallLogFactorials[n] - smallLogFactorials[x] - smallLogFactorials[n-x] + float64(x)*hit + float64(n-x)*miss)
		law[x] = sum
	}
	law[n] = 1
	return law
}
