package quality

import (
	"math"

	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
	"github.com/aumos-enterprise/platform/drift/internal/detect/tail"
)

// negligible is the probability below which a value is taken never to be unseen by chance.
const negligible = 1e-15

// Unseen is the outcome of looking for values that the baseline does not have.
type Unseen struct {
	Rows     float64 // current rows with such a value
	Expected float64 // such rows expected under the null hypothesis, given the pooled rows
	Share    float64 // Rows over the current rows, in [0,1]
	Critical float64 // Rows at p = alpha; NaN where there is none
	P        float64 // one-sided: of as many rows or more
	Drawn    bool    // P is from re-labelled samples, else from the normal law
}

// CountUnseen tests the null hypothesis that both sides come from one distribution by the number of current rows whose value no row of the
// baseline has. Rare values are unseen now and then without any change: a value with g of the N pooled rows, with probability
// Π (m−i)/(N−i), i < g, which is what I. J. Good and A. Turing reckoned with.
//
// Where at most 10,000 rows have a value rare enough for that, or the smaller side has no more rows, P comes from re-labelled rows. Beyond, the
// number is a sum over many values, and P comes from its normal limit.
//
// It returns ErrEmpty when a side has no rows.
func CountUnseen(g *Groups, d permutation.Draws) (Unseen, error) {
	if g.n == 0 || g.m == 0 {
		return Unseen{}, ErrEmpty
	}
	u := Unseen{P: 1}
	for split, values := range g.splits {
		if split.Baseline == 0 {
			u.Rows += float64(values * split.Current) // a whole number
		}
	}
	u.Share = u.Rows / float64(g.m)
	chance := func(size int64) float64 { return noneDrawn(g.n+g.m, size, g.n) }
	p := g.pool(func(size int64) bool { return chance(size) >= negligible })
	for _, c := range p.classes {
		u.Expected += float64(c.values) * float64(c.size) * chance(c.size)
	}
	if min(p.rows, p.smaller()) > maxDrawn {
		deviation := math.Sqrt(p.unseenVariance())
		if u.Rows > 0 {
			u.P = tail.NormalAbove((u.Rows - 0.5 - u.Expected) / deviation)
		}
		u.Critical = u.Expected + 0.5 + deviation*tail.CriticalNormalAbove(d.Alpha)
		return u, nil
	}
	u.Drawn = true
	counts, exceed := make([]float64, 0, d.Count), 0
	p.draw(d.Rand, d.Count, func(size, current int64) [2]int64 {
		if current == size {
			return [2]int64{size}
		}
		return [2]int64{}
	}, func(sums [2]int64) {
		counts = append(counts, float64(sums[0]))
		if counts[len(counts)-1] >= u.Rows {
			exceed++
		}
	})
	u.P, u.Critical = permutation.PValue(exceed, d.Count), permutation.Critical(counts, d.Alpha)
	return u, nil
}

// unseenVariance is the variance of the number of unseen rows in the limit of many values: that of rows dealt to the current side
// independently with its share π of all rows, given that as many are dealt as it has. With p = π^g for a value of g rows,
//
//	Σ g²p(1−p) − (Σ g²p(1−π))² / (N·π(1−π)).
func (p pool) unseenVariance() float64 {
	share := float64(p.current) / float64(p.total)
	var own, shared float64
	for _, c := range p.classes {
		size := float64(c.size)
		chance := math.Pow(share, size)
		own += float64(c.values) * size * size * chance * (1 - chance)
		shared += float64(c.values) * size * size * chance * (1 - share)
	}
	return max(0, own-shared*shared/(float64(p.total)*share*(1-share)))
}
