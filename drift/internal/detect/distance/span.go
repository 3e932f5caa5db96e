package distance

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"github.com/aumos-enterprise/platform/drift/internal/detect/histogram"
)

// spans draws divisions of the pooled rows of two samples, and puts the rows into equal bins over the range of those that a draw calls the
// baseline's, with a last bin for the rows outside. A draw begins with the ranks of the baseline's smallest and largest row among all; these fix the
// edges, and few pairs of ranks come up often: the rows between their edges are looked up once. Of the rows between the two, any are the
// baseline's.
type spans struct {
	pair histogram.Pair
	n, m int64 // rows of the baseline, at least two, and of the other side
	bins int
	rng  *rand.Rand
	laws *laws // two rows more or less change no law by as much as draws can tell
	seen map[[2]int64]*span
}

// span is what the ranks of the smallest and the largest row fix.
type span struct {
	err               error     // there are no such bins
	baseline, current []int64   // rows of either side that are certain, by bin
	free              *shuffler // divides the other rows; its bins are those of kept
	kept              []int     // the bins that have such rows, the fullest first
}

func newSpans(pair histogram.Pair, bins int, rng *rand.Rand) *spans {
	n, m := pair.Sizes()
	return &spans{pair: pair, n: int64(n), m: int64(m), bins: bins, rng: rng, laws: newLaws(int64(n), int64(m)), seen: make(map[[2]int64]*span)}
}

// draw appends the rows of both sides in each bin of the next division.
func (s *spans) draw(baseline, current []int64) (a, b []int64, err error) {
	all := s.n + s.m
	low := firstOf(s.rng, all, s.n)
	high := all + 1 - firstOf(s.rng, all-low, s.n-1)
	at := s.seen[[2]int64{low, high}]
	if at == nil {
		at = s.fix(low, high)
		s.seen[[2]int64{low, high}] = at
	}
	if at.err != nil {
		return nil, nil, at.err
	}
	baseline, current = append(baseline, at.baseline...), append(current, at.current...)
	if at.free == nil {
		return baseline, current, nil
	}
	at.free.shuffle(s.rng)
	for i, bin := range at.kept {
		baseline[bin] += at.free.Baseline[i]
		current[bin] += at.free.Current[i]
	}
	return baseline, current, nil
}

// firstOf draws the place, from 1, of the first of some marked rows among rows in random order. It looks at blocks that double until one has a
// marked row, and halves that. What it learns beside the place it forgets: given the place, any division of the rows behind it is as likely.
func firstOf(rng *rand.Rand, rows, marked int64) int64 {
	before := int64(0)
	for block := int64(1); ; block *= 2 {
		block = min(block, rows-before)
		in := hypergeometric(rng, rows-before, marked, block)
		if in == 0 {
			before += block
			continue
		}
		for in < block { // else the first row of the block is marked
			half := block / 2
			if first := hypergeometric(rng, block, in, half); first > 0 {
				block, in = half, first
			} else {
				before += half
				block -= half
			}
		}
		return before + 1
	}
}

// fix looks up what the ranks, from 1, of the baseline's smallest and largest row mean.
func (s *spans) fix(low, high int64) *span {
	pooled := relabelled{Pair: s.pair}
	from, to := pooled.value(int(low-1)), pooled.value(int(high-1))
	edges, err := histogram.Edges(from, to, s.bins)
	if err != nil {
		return &span{err: err}
	}
	at := &span{baseline: make([]int64, s.bins+1), current: make([]int64, s.bins+1)}
	last := s.bins - 1
	at.current[last+1] = s.n + s.m // outside
	rows := histogram.Count(s.pair.Baseline, edges)
	for i, more := range histogram.Count(s.pair.Current, edges) {
		rows[i] += more // of both sides
		at.current[last+1] -= rows[i]
	}
	if from == to {
		// All the baseline's rows have one value, and no row of another is between them.
		bin := 0
		for bin < last && edges[bin+1] <= from {
			bin++
		}
		at.baseline[bin] = s.n
		rows[bin] -= s.n
		copy(at.current, rows)
		return at
	}
	// Beside the two themselves there are rows of the same values beyond them, which are the other side's.
	below, upTo := s.pair.Below(from), s.pair.UpTo(to)
	at.baseline[0]++
	at.baseline[last]++
	at.current[0] += low - 1 - int64(below[0]+below[1])
	at.current[last] += int64(upTo[0]+upTo[1]) - high
	for bin := range rows {
		if rows[bin] -= at.baseline[bin] + at.current[bin]; rows[bin] > 0 {
			at.kept = append(at.kept, bin)
		}
	}
	slices.SortStableFunc(at.kept, func(x, y int) int { return cmp.Compare(rows[y], rows[x]) })
	free := make([]int64, len(at.kept))
	for i, bin := range at.kept {
		free[i] = rows[bin]
	}
	at.free = newShuffler(free, s.n-2, high-low+1-s.n, s.laws)
	return at
}
