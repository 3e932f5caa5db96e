package rank

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Statistic names a statistic that Permute can draw.
type Statistic int

// The statistics.
const (
	Wasserstein   Statistic = iota // ∫|F − G|
	Energy                         // ∫(F − G)²
	Cramer                         // Σ(F − G)² over the pooled values
	Anderson                       // Σ(F̄ − Ḡ)²/(H(1−H)) over the pooled values
	AndersonRight                  // the same, right-continuous
)

// Permutation is the outcome of drawing a statistic from its permutation distribution.
type Permutation struct {
	P float64 // in (0,1]

	// Threshold is the smallest sum with a p-value of at most alpha, as a ratio to the sum at hand; for Wasserstein that of
	// |d|, else of d². It is NaN when no number of draws made could have such a p-value, or the sum at hand is 0.
	Threshold float64
}

// blocks are runs of neighbouring pooled values, equal ones never apart.
type blocks struct {
	size   []float64 // values in each
	weight []float64 // of the difference after each block in the statistic
	middle bool      // the statistic takes the difference midway through each block
	power  int       // 1: |d|, 2: d²
	labels float64   // baseline values among all
	all    float64
}

const (
	wholeTo  = 2048 // distinct values up to which each is a block
	coarsest = 512  // blocks that would hold all the values between the tails
	tailRank = 32   // a block holds at most this fraction of the values outside it on its nearer side
)

// Permute tests the null hypothesis that both samples come from one
// distribution: it divides the pooled values anew, draws times, and counts how often the statistic
// is at least as large. alpha is the level that the threshold is for.
//
// The values themselves are not moved. A draw walks along the pooled order and
// gives each block of values its number of baseline values, which is
// hypergeometric given those of the blocks before; the distribution functions
// at the ends of the blocks follow. Up to 2,048 distinct values each is a
// block. Beyond, neighbours are pooled, to about 1,000 blocks whatever N: at most 1/512 of
// all values and 1/32 of those further out go into one, so that
// single outliers stay alone. The statistic at hand is computed from the same blocks, so
// that the test holds its level; what is lost is only where within a block a value lies. A
// draw takes time in proportion to the blocks.
//
// When no draw is as large, the p-value is not 1/(draws+1) but Bousquet's bound, if
// that is smaller: see bound.
func (p *Pooled) Permute(statistic Statistic, draws int, alpha float64, rng *rand.Rand) Permutation {
	b, observed, limit := p.blocks(statistic)
	if !(observed > 0) {
		return Permutation{P: 1, Threshold: math.NaN()}
	}
	source := newDraw(rng.Uint64())
	values, sum, exceed := make([]float64, draws), 0.0, 0
	for i := range values {
		v := b.draw(source)
		values[i] = v
		sum += root(v, b.power)
		if v >= observed*(1-1e-12) { // the same division may add up in another order
			exceed++
		}
	}
	out := Permutation{P: float64(exceed+1) / float64(draws+1), Threshold: math.NaN()}
	if k := int(alpha * float64(draws+1)); k >= 1 {
		slices.Sort(values)
		out.Threshold = values[draws-k] / observed
	}
	if exceed == 0 {
		out.P = min(out.P, limit.p(root(observed, b.power), sum/float64(draws)))
	}
	return out
}

func root(v float64, power int) float64 {
	if power == 2 {
		return math.Sqrt(v)
	}
	return v
}

// blocks cuts the pooled values into blocks and returns them with the
// statistic at hand and what bounds its tail.
func (p *Pooled) blocks(statistic Statistic) (b blocks, observed float64, limit bound) {
	b = blocks{middle: statistic == Anderson, power: 2, labels: p.N, all: p.size()}
	if statistic == Wasserstein {
		b.power = 1
	}
	var counts, places []float64 // baseline values and mean value of each block
	inBlock, baseline, total := 0.0, 0.0, 0.0
	flush := func() {
		b.size, counts, places = append(b.size, inBlock), append(counts, baseline), append(places, total/inBlock)
		inBlock, baseline, total = 0, 0, 0
	}
	coarse := p.Distinct > wholeTo
	p.each(func(v float64, i, j, stepX, stepY int) {
		rank := float64(i + j)
		step := float64(stepX + stepY)
		room := min(b.all/coarsest, min(rank-inBlock, b.all-rank-step)/tailRank)
		if inBlock > 0 && (!coarse || inBlock+step > room) {
			flush()
		}
		inBlock += step
		baseline += float64(stepX)
		total += step * (v * p.scale)
	})
	flush()
	b.weigh(statistic, places)
	return b, b.value(counts), newBound(p, b, statistic, places)
}

// weigh sets the weights of the differences d = i·m − j·n; factors common to all draws are left out.
func (b *blocks) weigh(statistic Statistic, places []float64) {
	b.weight = make([]float64, len(b.size))
	before := 0.0
	for k, size := range b.size {
		after := before + size
		last := k == len(b.size)-1
		switch statistic {
		case Wasserstein, Energy:
			if !last {
				b.weight[k] = places[k+1] - places[k]
			}
		case Cramer:
			b.weight[k] = size
		case Anderson:
			middle := before + size/2
			if room := middle*(b.all-middle) - b.all*size/4; room > 0 {
				b.weight[k] = size / room
			}
		case AndersonRight:
			if !last {
				b.weight[k] = size / (after * (b.all - after))
			}
		}
		before = after
	}
}

// below is 1 when v is below limit, else 0.
func below(v, limit float64) (is int) {
	if v < limit {
		is = 1
	}
	return is
}

// value is the statistic for given baseline counts. With i of the first r
// values from the baseline, i·m − (r−i)·n = i·N − r·n.
func (b *blocks) value(counts []float64) float64 {
	sum, d := 0.0, 0.0
	for k, size := range b.size {
		sum, d = b.add(sum, d, k, size, counts[k])
	}
	return sum
}

// draw is value for counts drawn anew.
func (b *blocks) draw(source *draw) float64 {
	sum, d := 0.0, 0.0
	labels, left := b.labels, b.all
	for k, size := range b.size {
		var count float64
		if size == 1 { // without a branch that nobody could predict
			count = float64(below(source.uniform()*left, labels))
		} else {
			count = source.hypergeometric(left, labels, size)
		}
		sum, d = b.add(sum, d, k, size, count)
		labels -= count
		left -= size
	}
	return sum
}

func (b *blocks) add(sum, d float64, k int, size, count float64) (newSum, after float64) {
	after = d + count*b.all - size*b.labels
	at := after
	if b.middle {
		at = (d + after) / 2
	}
	if b.power == 1 {
		return sum + math.Abs(at)*b.weight[k], after
	}
	return sum + at*at*b.weight[k], after
}
