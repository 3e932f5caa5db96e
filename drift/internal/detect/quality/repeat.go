package quality

import (
	"math"

	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
	"github.com/aumos-enterprise/platform/drift/internal/detect/tail"
)

// Repeats is the outcome of comparing how often values repeat.
type Repeats struct {
	Baseline, Current float64 // share of rows that repeat an earlier one, both at the size of the smaller side; in [0,1)
	Difference        float64 // current − baseline
	Statistic         float64 // by how much more of the current rows repeat than expected, less the same of the baseline; in (−1,1)
	Critical          float64 // |Statistic| at p = alpha; NaN where there is none
	P                 float64 // two-sided
	Drawn             bool    // P is from re-labelled samples, else from the normal law
}

// CompareRepeats tests the null hypothesis that values repeat as often on both sides. How many distinct values a sample has depends on its
// size, so the shares are those expected of as many rows as the smaller side has, drawn from either:
//
//	1 − (1/s)·Σ (1 − C(n−c, s)/C(n, s))  over the values with c of n rows.
//
// The test is of the numbers D of distinct values, given the pooled rows: with E their means over all divisions of the rows,
//
//	(E₂ − D₂)/m − (E₁ − D₁)/n.
//
// Where at most 10,000 rows have a value that repeats, or the smaller side has no more, P comes from re-labelled rows. Beyond, the numbers are
// sums over many values, and P comes from their normal limit.
//
// It returns ErrEmpty when a side has no rows.
func CompareRepeats(g *Groups, d permutation.Draws) (Repeats, error) {
	if g.n == 0 || g.m == 0 {
		return Repeats{}, ErrEmpty
	}
	size := min(g.n, g.m)
	r := Repeats{
		Baseline: repeating(g.rarefied(size, func(s Split) int64 { return s.Baseline }, g.n), size),
		Current:  repeating(g.rarefied(size, func(s Split) int64 { return s.Current }, g.m), size),
	}
	r.Difference = r.Current - r.Baseline
	// A value of one row is distinct wherever it lies: on dealing the others, the rest follows.
	p := g.pool(func(size int64) bool { return size > 1 })
	var mean [2]float64 // distinct values of the baseline and of the current side among those of more than one row
	for _, c := range p.classes {
		mean[0] += float64(c.values) * (1 - noneDrawn(p.total, c.size, p.total-p.current))
		mean[1] += float64(c.values) * (1 - noneDrawn(p.total, c.size, p.current))
	}
	n, m := float64(g.n), float64(g.m)
	expected := [2]float64{float64(p.rows) * n / (n + m), float64(p.rows) * m / (n + m)} // rows of these values on either side
	excess := func(rows, distinct [2]int64) float64 {
		// A side's other rows have a value each: D − E is that of these values, less the rows that they take from the others.
		first := mean[0] - expected[0] - float64(distinct[0]-rows[0])
		second := mean[1] - expected[1] - float64(distinct[1]-rows[1])
		return math.Round((second/m-first/n)*1e12) / 1e12 // equal ones shall be equal, however rounded
	}
	var rows, distinct [2]int64
	for split, values := range g.splits {
		if split.Baseline+split.Current > 1 {
			rows[0], rows[1] = rows[0]+values*split.Baseline, rows[1]+values*split.Current
			distinct[0] += values * min(split.Baseline, 1)
			distinct[1] += values * min(split.Current, 1)
		}
	}
	r.Statistic = excess(rows, distinct)
	if min(p.rows, p.smaller()) > maxDrawn {
		deviation := math.Sqrt(p.repeatsVariance())
		r.P = tail.Normal(r.Statistic / deviation)
		r.Critical = deviation * tail.CriticalNormal(d.Alpha)
		return r, nil
	}
	r.Drawn = true
	statistics, exceed := make([]float64, 0, d.Count), 0
	// The tally is of repeats: the rows of a value on a side, less one where it has any.
	p.draw(d.Rand, d.Count, func(size, current int64) [2]int64 {
		return [2]int64{max(size-current-1, 0), max(current-1, 0)}
	}, func(sums [2]int64) {
		statistics = append(statistics, math.Abs(excess(sums, [2]int64{})))
		if statistics[len(statistics)-1] >= math.Abs(r.Statistic) {
			exceed++
		}
	})
	r.P, r.Critical = permutation.PValue(exceed, d.Count), permutation.Critical(statistics, d.Alpha)
	return r, nil
}

// repeating is the share of rows beyond the first of each distinct value.
func repeating(distinct float64, rows int64) float64 { return max(0, 1-distinct/float64(rows)) }

// repeatsVariance is the variance of the statistic in the limit of many values. Rows are dealt to the current side independently, with its
// share π of all rows, given that as many are dealt as it has. A value of g rows is absent from the baseline with b = π^g and from the current
// side with a = (1−π)^g; its repeats are R₂ = c − 1 + 1(c=0) and R₁ = g − c − 1 + 1(c=g), so that what it adds to the statistic varies as
// 1(c=0)/m − 1(c=g)/n, less what follows from the total.
func (p pool) repeatsVariance() float64 {
	m, n := float64(p.current), float64(p.total-p.current)
	share := m / (n + m)
	var own, shared float64
	slope := 1/m + 1/n
	for _, c := range p.classes {
		size := float64(c.size)
		a, b := math.Pow(1-share, size), math.Pow(share, size)
		// X = c·(1/m + 1/n) + 1(c=0)/m − 1(c=g)/n, with c binomial.
		vc := size * share * (1 - share)
		ca, cb := -size*share*a, size*(1-share)*b // covariances of c with 1(c=0) and with 1(c=g)
		variance := slope*slope*vc + a*(1-a)/(m*m) + b*(1-b)/(n*n) + 2*slope*ca/m - 2*slope*cb/n + 2*a*b/(m*n)
		own += float64(c.values) * variance
		shared += float64(c.values) * (slope*vc + ca/m - cb/n)
	}
	return max(0, own-shared*shared/(float64(p.total)*share*(1-share)))
}

// rarefied is the number of distinct values expected of size rows drawn from one side, which has n.
func (g *Groups) rarefied(size int64, of func(Split) int64, n int64) (distinct float64) {
	side := new(Groups)
	for split, values := range g.splits {
		if rows := of(split); rows > 0 {
			if side.splits == nil {
				side.splits = make(map[Split]int64)
			}
			side.splits[Split{Baseline: rows}] += values
		}
	}
	for _, c := range side.classes() {
		distinct += float64(c.values) * (1 - noneDrawn(n, c.size, size))
	}
	return distinct
}
