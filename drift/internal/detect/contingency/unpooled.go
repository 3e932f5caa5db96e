package contingency

import (
	"math"

	"github.com/aumos-enterprise/platform/drift/internal/detect/tail"
)

// allCells returns a cell for each category.
func (t Table) allCells() []cell {
	cells := make([]cell, len(t.Categories))
	for i, c := range t.Categories {
		cells[i] = cell{c.Baseline, c.Current}
	}
	return cells
}

// Unpooled is ChiSquare as SciPy's chi2_contingency, and with it NannyML and
// alibi-detect, compute it: no category is pooled, so that with rare ones the
// p-value is only roughly right. CramersV is the usual √(χ²/N) of the table
// without Yates' correction, as in scipy.stats.contingency.association; unlike
// that of ChiSquare it depends on the ratio of the sample sizes.
//
// It returns ErrEmpty when a side has no rows.
func Unpooled(table Table) (Homogeneity, error) { return table.unpooled(pearson) }

// UnpooledG is Unpooled with the likelihood ratio of G.
func UnpooledG(table Table) (Homogeneity, error) { return table.unpooled(likelihoodRatio) }

func (t Table) unpooled(statistic func(observed, expected float64) float64) (Homogeneity, error) {
	if t.BaselineN == 0 || t.CurrentN == 0 {
		return Homogeneity{}, ErrEmpty
	}
	cells := t.allCells()
	h := Homogeneity{DF: len(cells) - 1, P: 1}
	if h.DF == 0 {
		return h, nil
	}
	h.Statistic = t.sum(cells, h.DF == 1, statistic)
	h.P = tail.ChiSquare(h.Statistic, h.DF)
	h.CramersV = math.Sqrt(min(1, t.sum(cells, false, pearson)/t.rows()))
	return h, nil
}

// BiasCorrected is ChiSquare with the V of W. Bergsma (2013) for its effect,
// which is 0 on average when nothing changed, while the usual one grows with
// the number of categories: with k cells and N rows
//
//	√(max(0, χ²/N − (k−1)/(N−1)) / min(k' − 1, r' − 1)),   k' = k − (k−1)²/(N−1),   r' = 2 − 1/(N−1).
//
// It returns ErrEmpty when a side has no rows.
func BiasCorrected(table Table) (Homogeneity, error) {
	h, err := ChiSquare(table)
	if err != nil || h.DF == 0 {
		h.CramersV = 0
		return h, err
	}
	cells, _, err := table.pooled()
	if err != nil {
		return Homogeneity{}, err
	}
	k, n := float64(len(cells)), table.rows()
	phi := max(0, table.sum(cells, false, pearson)/n-(k-1)/(n-1))
	least := min(k-(k-1)*(k-1)/(n-1), 2-1/(n-1)) - 1
	h.CramersV = 0
	if least > 0 {
		h.CramersV = math.Sqrt(min(1, phi/least))
	}
	return h, nil
}

// GoodnessOfFit compares the current counts with what the shares of the
// baseline predict, as Evidently does: Σ(O − E)²/E with E = m·a/n, and one
// degree of freedom less than categories. No category is pooled.
//
// The null hypothesis is that the current rows come from exactly the shares of
// the baseline. That the baseline is a sample too is left out, so that the test
// raises false alarms: 36 % at a level of 5 % with 1,000 rows a side and 6
// categories, and 7 % with a baseline of ten times the size. It serves to
// compare with numbers that Evidently made. A category that the baseline lacks
// makes the statistic infinite, for which it is the largest float, and P 0.
//
// It returns ErrEmpty when a side has no rows.
func GoodnessOfFit(table Table) (Homogeneity, error) {
	if table.BaselineN == 0 || table.CurrentN == 0 {
		return Homogeneity{}, ErrEmpty
	}
	h := Homogeneity{DF: len(table.Categories) - 1, P: 1, CramersV: cramersV(table)}
	for _, c := range table.Categories {
		if c.Baseline == 0 {
			h.Statistic, h.P = math.MaxFloat64, 0
			return h, nil
		}
		h.Statistic += pearson(float64(c.Current), float64(c.Baseline)*(float64(table.CurrentN)/float64(table.BaselineN)))
	}
	h.P = tail.ChiSquare(h.Statistic, h.DF)
	return h, nil
}

func (t Table) rows() float64 { return float64(t.BaselineN) + float64(t.CurrentN) }
