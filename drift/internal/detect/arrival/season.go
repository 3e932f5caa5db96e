package arrival

import (
	"math"
	"time"

	"github.com/aumos-enterprise/platform/drift/internal/detect/tail"
)

const (
	// minHours is the number of hours of the week that both windows must cover for at least half.
	minHours = 12
	// minExpected is the number of rows that each side expects in a cell at least, as in the tests of categories, and as many times more as rows
	// come in bursts; neighbouring hours are pooled until they reach it.
	minExpected = 2
)

// Season is the outcome of comparing at which hours of the week rows come.
type Season struct {
	Statistic float64 // Pearson's, over Dispersion
	P         float64
	DF        int     // cells less one; 0 when there is a single cell
	V         float64 // balanced Cramér's V of the rates, in [0,1]
	Hours     int     // hours of the week that were compared
	Busier    int     // the hour of the week, from Sunday midnight on, in which the current rate grew most against the others

	// Dispersion is by how much the counts of one hour vary more from week to week than independent rows would; at least 1.
	Dispersion float64
}

// CompareSeasons tests the null hypothesis that rows come in every hour of the week at rates that have one ratio between the sides, whatever
// the rates are. Only hours that both windows cover are compared, and each by the time for which it is covered: with exposures e₁ and e₂, a row
// in hour h is current with probability
//
//	π(h) = ρ·e₂(h) / (e₁(h) + ρ·e₂(h)),
//
// where ρ makes the expected number of current rows that which came. Hours with few rows are pooled with the next. The statistic is
// Σ (c − tπ)²/(tπ(1−π)) for c of t rows, chi-square with one degree of freedom less than cells for rows that come independently. Where rows
// come in bursts, counts of one hour vary more from week to week than such rows; the statistic is divided by as much, as far as the windows
// cover hours more than once (McCullagh and Nelder, Generalized Linear Models, 4.5).
//
// It returns ErrTooFew when a side has fewer than three instants, and ErrNoShared when both windows have fewer than twelve hours of the week in
// common: a window of a single instant has none.
func CompareSeasons(baseline, current []int64, zone *time.Location) (Season, error) {
	if min(len(baseline), len(current)) < 3 {
		return Season{}, ErrTooFew
	}
	before, after := newWeek(baseline, zone), newWeek(current, zone)
	shared := make([]cell, 0, hours)
	for h := range hours {
		if before.exposure[h] >= 0.5 && after.exposure[h] >= 0.5 {
			shared = append(shared, cell{
				first: h, hours: 1, rows: [2]float64{before.rows[h], after.rows[h]}, exposure: [2]float64{before.exposure[h], after.exposure[h]},
			})
		}
	}
	if len(shared) < minHours {
		return Season{}, ErrNoShared
	}
	s := Season{P: 1, Hours: len(shared), Dispersion: max(dispersion(baseline, zone), dispersion(current, zone))}
	cells := pool(shared, minExpected*s.Dispersion)
	if len(cells) < 2 {
		return s, nil
	}
	s.DF = len(cells) - 1
	s.Statistic = pearson(cells) / s.Dispersion
	s.P = tail.ChiSquare(s.Statistic, s.DF)
	s.V, s.Busier = balanced(cells)
	return s, nil
}

// cell is some hours of the week that are compared as one: first of the baseline, then of the current side.
type cell struct {
	first, hours   int
	rows, exposure [2]float64
}

func (c cell) join(d cell) cell {
	c.hours += d.hours
	for side := range 2 {
		c.rows[side] += d.rows[side]
		c.exposure[side] += d.exposure[side]
	}
	return c
}

// pool joins neighbouring hours until each cell expects as many rows as least on either side.
func pool(shared []cell, least float64) []cell {
	all := shared[0]
	for _, c := range shared[1:] {
		all = all.join(c)
	}
	ratio := all.rows[1] / (all.rows[0] + all.rows[1])
	enough := func(c cell) bool {
		total := c.rows[0] + c.rows[1]
		return total*min(ratio, 1-ratio) >= least
	}
	var cells []cell
	var open *cell
	for _, c := range shared {
		if open != nil {
			c = open.join(c)
		}
		if open = &c; enough(c) {
			cells, open = append(cells, c), nil
		}
	}
	switch {
	case open == nil:
	case len(cells) == 0:
		cells = append(cells, *open)
	default:
		cells[len(cells)-1] = cells[len(cells)-1].join(*open)
	}
	return cells
}

// pearson is the statistic of cells at the ratio of rates that fits them.
func pearson(cells []cell) (sum float64) {
	var current, total float64
	for _, c := range cells {
		current, total = current+c.rows[1], total+c.rows[0]+c.rows[1]
	}
	if current == 0 || current == total {
		return 0
	}
	// The expected number of current rows grows with ρ: halve an interval of its logarithm.
	low, high := -100.0, 100.0
	for range 200 {
		middle := (low + high) / 2
		expected := 0.0
		for _, c := range cells {
			expected += (c.rows[0] + c.rows[1]) * c.chance(middle)
		}
		if expected < current {
			low = middle
		} else {
			high = middle
		}
	}
	for _, c := range cells {
		t, p := c.rows[0]+c.rows[1], c.chance((low+high)/2)
		if variance := t * p * (1 - p); variance > 0 {
			sum += (c.rows[1] - t*p) * (c.rows[1] - t*p) / variance
		}
	}
	return sum
}

// chance is π at a ratio of rates, given as its logarithm.
func (c cell) chance(logRatio float64) float64 {
	return 1 / (1 + c.exposure[0]/c.exposure[1]*math.Exp(-logRatio))
}

// balanced is √(½·Σ (p−q)²/(p+q)) of what shares of the rows would come in each cell if every hour were covered as long as any other, and the
// first hour of the cell that gained most.
func balanced(cells []cell) (v float64, busier int) {
	var totals [2]float64
	share := func(c cell, side int) float64 { return c.rows[side] / c.exposure[side] * float64(c.hours) }
	for _, c := range cells {
		totals[0], totals[1] = totals[0]+share(c, 0), totals[1]+share(c, 1)
	}
	if totals[0] == 0 || totals[1] == 0 {
		return 0, 0
	}
	most := math.Inf(-1)
	for _, c := range cells {
		p, q := share(c, 0)/totals[0], share(c, 1)/totals[1]
		if p+q > 0 {
			v += (p - q) * (p - q) / (p + q)
		}
		if q-p > most {
			most, busier = q-p, c.first
		}
	}
	return min(1, math.Sqrt(v/2)), busier
}

// dispersion is the variance of the counts of an hour of the week over the weeks that cover it wholly, over their mean, both summed over the
// hours: busy hours tell more than idle ones. It is 1 when that is less, or when there is too little to say.
func dispersion(times []int64, zone *time.Location) float64 {
	const leastDF = 24
	if len(times) < 3 || times[len(times)-1]-times[0] > maxWindow || times[len(times)-1]-times[0] < 0 {
		return 1
	}
	var sums, squares, weeks [hours]float64
	last := times[len(times)-1]
	// Each step is one local hour, or what the window or a change of the clock leaves of it.
	for t, i := times[0], 0; t < last; {
		h, left := hourOfWeek(t, zone)
		left = min(left, last-t)
		from := i
		for i < len(times) && times[i]-t < left {
			i++
		}
		t += left
		if count := float64(i - from); left == hour {
			sums[h], squares[h], weeks[h] = sums[h]+count, squares[h]+count*count, weeks[h]+1
		}
	}
	var variance, mean, df float64
	for h := range hours {
		if n := weeks[h]; n > 1 {
			variance += (squares[h] - sums[h]*sums[h]/n) / (n - 1)
			mean += sums[h] / n
			df += n - 1
		}
	}
	if df < leastDF || mean == 0 {
		return 1
	}
	return max(1, variance/mean)
}
