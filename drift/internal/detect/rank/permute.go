package rank

import (
	"math"
	"slices"

	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
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
	Means                          // Welch's t², with moderated variances
	Ranks                          // (U − nm/2)², of the midranks
)

// Permutation is the outcome of drawing a statistic from its permutation distribution.
type Permutation struct {
	P float64 // in (0,1]

	// Threshold is the smallest sum drawn with a p-value of at most alpha, as a ratio to the sum at hand; for Wasserstein that of
	// |d|, for Means t², for Ranks (U − nm/2)², else of d². It is NaN when none was drawn, as with few draws or too many that tie for the largest, or
	// the sum at hand is 0.
	Threshold float64
}

// blocks are runs of neighbouring pooled values, equal ones never apart.
type blocks struct {
	statistic Statistic
	size      []float64 // values in each
	place     []float64 // their mean, as a distance from the mean of all
	weight    []float64 // of the difference after each block in the statistic
	labels    float64   // baseline values among all
	all       float64
}

const (
	wholeTo  = 2048 // distinct values up to which each is a block
	coarsest = 512  // blocks that would hold all the values between the tails
	tailRank = 32   // a block holds at most this fraction of the values outside it on its nearer side
)

// A Cut is the pooled values in blocks, from which several statistics can be drawn.
type Cut struct {
	blocks
	counts []float64 // baseline values in each block
}

// Permute tests the null hypothesis that both samples come from one
// distribution: it divides the pooled values anew, as often as d.Count says, and counts how often the statistic
// is at least as large. d.Alpha is the level that the threshold is for. Once d is over it stops, and what it returns is of no use.
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
func (c Cut) Permute(statistic Statistic, d permutation.Draws) Permutation {
	b, counts := c.blocks, slices.Clone(c.counts)
	b.statistic = statistic
	b.weigh()
	observed, limit := b.value(counts), b.bound()
	size, mean := b.reach(counts, observed), 0.0
	if !(observed > 0) {
		return Permutation{P: 1, Threshold: math.NaN()}
	}
	source := newDraw(d.Rand.Uint64(), len(counts))
	values, exceed := make([]float64, d.Count), 0
	for i := range values {
		if d.Over() {
			break
		}
		b.divide(source, counts)
		v := b.value(counts)
		values[i] = v
		mean += b.reach(counts, v) / float64(d.Count)
		if v >= observed*sameSum {
			exceed++
		}
	}
	out := Permutation{P: permutation.PValue(exceed, d.Count), Threshold: permutation.Critical(values, d.Alpha) / observed}
	if math.Abs(out.Threshold-1) <= 1-sameSum {
		out.Threshold = 1
	}
	if exceed == 0 {
		out.P = min(out.P, limit.p(size, mean))
	}
	return out
}

// sameSum is the ratio from which two sums are equal: the same division may add up in another order.
const sameSum = 1 - 1e-12

// Cut cuts the pooled values into blocks as Permute describes.
func (p *Pooled) Cut() Cut {
	b, counts := blocks{labels: p.N, all: p.size()}, []float64(nil)
	inBlock, baseline, total := 0.0, 0.0, 0.0
	flush := func() {
		b.size, counts, b.place = append(b.size, inBlock), append(counts, baseline), append(b.place, total/inBlock)
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
	mean := 0.0
	for k, size := range b.size {
		mean += size / b.all * b.place[k]
	}
	for k := range b.place {
		b.place[k] -= mean
	}
	return Cut{blocks: b, counts: counts}
}

// weigh sets the weights of the differences d = i·m − j·n; factors common to all draws are left out.
func (b *blocks) weigh() {
	b.weight = make([]float64, len(b.size))
	before := 0.0
	for k, size := range b.size {
		after := before + size
		last := k == len(b.size)-1
		switch b.statistic {
		case Wasserstein, Energy:
			if !last {
				b.weight[k] = b.place[k+1] - b.place[k]
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
		case Means, Ranks:
		}
		before = after
	}
	if b.statistic == Ranks {
		b.place = b.midranks()
	}
}

// midranks are those of the blocks, as distances from the mean of all ranks.
func (b *blocks) midranks() []float64 {
	ranks, before := make([]float64, len(b.size)), 0.0
	for k, size := range b.size {
		ranks[k] = before + size/2 - b.all/2
		before += size
	}
	return ranks
}

// value is the statistic for given counts of baseline values. With i of the
// first r values from the baseline, i·m − (r−i)·n = i·N − r·n.
func (b *blocks) value(counts []float64) float64 {
	sum, d := 0.0, 0.0
	switch b.statistic {
	case Means:
		return b.welch(counts)
	case Ranks:
		for k, place := range b.place {
			d += counts[k] * place
		}
		return d * d
	case Wasserstein:
		for k, size := range b.size {
			d += counts[k]*b.all - size*b.labels
			sum += math.Abs(d) * b.weight[k]
		}
	case Anderson:
		for k, size := range b.size {
			step := counts[k]*b.all - size*b.labels
			middle := d + step/2
			sum += middle * middle * b.weight[k]
			d += step
		}
	case Energy, Cramer, AndersonRight:
		for k, size := range b.size {
			d += counts[k]*b.all - size*b.labels
			sum += d * d * b.weight[k]
		}
	}
	return sum
}

// moderation is how many rows of the pooled variance each side's own is moderated with: with 10 a few rows of only zeros still hide differences, with 100 the
// test takes a change of the spread of few rows for one of their mean.
const moderation = 30

// welch is the square of Welch's t, whose variances are moderated (G. K. Smyth, 2004): each is the mean of the side's own, by its degrees of freedom,
// and the pooled one, by 30. A few rows that happen to be all alike, as rows are that are mostly 0, would else make the largest t of
// all, and hide every real difference behind them; for many rows nothing changes. It is very large where only the difference is left.
func (b *blocks) welch(counts []float64) float64 {
	n, m := b.labels, b.all-b.labels
	var sum, squares, all float64
	for k, place := range b.place {
		sum += counts[k] * place
		squares += counts[k] * place * place
		all += b.size[k] * place * place
	}
	x, y := sum/n, -sum/m
	if x == y {
		return 0
	}
	ofX, ofY := max(0, squares-n*x*x), max(0, all-squares-m*y*y)
	pooled := moderation * (ofX + ofY) / (n + m - 2)
	spread := (ofX+pooled)/(n-1+moderation)/n + (ofY+pooled)/(m-1+moderation)/m
	return min((x-y)*(x-y)/spread, math.MaxFloat64)
}

// divide draws the counts of baseline values anew.
func (b *blocks) divide(source *draw, counts []float64) {
	labels, left := b.labels, b.all
	for k, size := range b.size {
		var count float64
		if size == 1 { // without a branch that nobody could predict
			count = float64(below(source.uniform()*left, labels))
		} else {
			count = source.hypergeometric(left, labels, size)
		}
		counts[k] = count
		labels -= count
		left -= size
	}
}

// below is 1 when v is below limit, else 0.
func below(v, limit float64) (is int) {
	if v < limit {
		is = 1
	}
	return is
}
