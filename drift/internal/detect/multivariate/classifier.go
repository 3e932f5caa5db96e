package multivariate

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
	"github.com/aumos-enterprise/platform/drift/internal/detect/tail"
	"github.com/aumos-enterprise/platform/drift/internal/detect/tree"
)

// Bounds on the cost of the domain classifier.
const (
	maxClassifiedRows = 5000 // of a side
	maxClassifiedWork = 2.5e5

	// With so few trees, finer bins find nothing more.
	classifierBins = 64
	relearnedBins  = 16
)

// ClassifiedRows is the number of rows of each side that the domain classifier learns from: 5,000, or so many that there are 250,000 values,
// but at least 500: 1,953 of 128 columns.
func ClassifiedRows(columns int) int {
	return max(500, min(maxClassifiedRows, maxClassifiedWork/max(1, columns)))
}

// inflation is the part by which the variance of a mean over five folds grows because their training rows overlap: 1 + 5·(1/4) for a fifth of
// the rows held out, as C. Nadeau and Y. Bengio, Inference for the Generalization Error (Machine Learning 52, 2003), estimate it.
const inflation = 1 + folds*(1.0/(folds-1))

// Bounds on the cost of learning anew for every permutation.
const (
	maxRelearnedRows  = 500 // of a side
	maxRelearnedWork  = 1e4
	maxRelearnedDraws = 199
)

// RelearnedRows is the number of rows of each side that ClassifyAnew learns from: 500, or so many that there are 10,000 values of each side, but
// at least 100.
func RelearnedRows(columns int) int {
	return max(100, min(maxRelearnedRows, maxRelearnedWork/max(1, columns)))
}

// Classification is the outcome of a domain classifier.
type Classification struct {
	AUC          float64 // of telling current rows from those of the baseline, 0 to 1; 0.5 is guessing
	Lower, Upper float64 // holds the AUC with 95 % confidence
	P            float64 // of an AUC as large
	Critical     float64 // the AUC at which P is alpha
	Effect       float64 // max(0, 2·AUC − 1), 0 to 1
	Shares       []float64
}

// Classify tests the null hypothesis that nothing tells rows of the two sides apart: gradient-boosted trees learn to, and the test asks whether
// they do on rows they have not seen (D. Lopez-Paz and M. Oquab, Revisiting Classifier Two-Sample Tests, ICLR 2017). Columns are numbers, NaN
// for missing ones; categories should be numbered.
//
// In five folds, trees learned from the other folds score a fold's rows. The AUC compares scores within a fold only. P is one-sided, from the
// rank-sum statistics of the folds with a variance that allows for their common training rows; without it the test would find drift in 10 % of
// equal samples at a level of 5 %. With it the test is conservative. The interval is DeLong's, widened alike. Shares are the columns' parts in
// the gain of all splits, up to 1 in all.
//
// It returns ErrFew for a side of fewer than 10 rows, and the errors of package tree.
func Classify(baseline, current [][]float64, draws permutation.Draws) (Classification, error) {
	d, err := newDomains(baseline, current, tree.Options{Loss: tree.Logistic, Rounds: 40, MaxLeaves: 8, L2: 1, Ended: draws.Ended}, classifierBins)
	if err != nil {
		return Classification{}, err
	}
	c, strata, err := d.observe(draws.Rand)
	if err != nil {
		return Classification{}, err
	}
	var pairs, variance float64
	for _, s := range strata {
		pairs += s.pairs
		variance += s.variance
	}
	c.P = max(tail.NormalAbove(rankStrata(strata, inflation).Z), math.SmallestNonzeroFloat64)
	c.Critical = min(1, 0.5+tail.CriticalNormalAbove(draws.Alpha)*math.Sqrt(variance*inflation)/pairs)
	return c, nil
}

// ClassifyAnew is Classify with an exact P: smaller trees are learned anew for up to 199 random divisions of all rows into two sides, which takes
// a thousand times as long for a row. P is at least 1/200.
func ClassifyAnew(baseline, current [][]float64, draws permutation.Draws) (Classification, error) {
	d, err := newDomains(baseline, current, tree.Options{Loss: tree.Logistic, Rounds: 10, MaxLeaves: 4, LearningRate: 0.3, L2: 1, Ended: draws.Ended}, relearnedBins)
	if err != nil {
		return Classification{}, err
	}
	c, _, err := d.observe(draws.Rand)
	if err != nil {
		return Classification{}, err
	}
	draws.Count = min(draws.Count, maxRelearnedDraws)
	c.P, c.Critical = permute(c.AUC, draws, 1, func() float64 {
		shuffle(draws.Rand, d.order)
		strata, _, failed := d.validate()
		if failed != nil {
			err = failed
		}
		return rankStrata(strata, 1).AUC
	})
	return c, err
}

// domains are the rows of both sides, to be told apart.
type domains struct {
	bins    *tree.Bins
	order   []int32 // the first n are the baseline
	n       int
	options tree.Options
}

func newDomains(baseline, current [][]float64, o tree.Options, coarse int) (*domains, error) {
	if len(baseline) != len(current) || len(baseline) == 0 {
		return nil, fmt.Errorf("%w: %d and %d", ErrShape, len(baseline), len(current))
	}
	n, m := len(baseline[0]), len(current[0])
	if min(n, m) < 2*folds {
		return nil, fmt.Errorf("%w: %d and %d, at least %d are needed", ErrFew, n, m, 2*folds)
	}
	columns := make([][]float64, len(baseline))
	for k := range columns {
		columns[k] = append(append(make([]float64, 0, n+m), baseline[k]...), current[k]...)
	}
	bins, err := tree.NewCoarseBins(columns, coarse)
	if err != nil {
		return nil, err
	}
	d := &domains{bins: bins, order: make([]int32, n+m), n: n, options: o}
	for i := range d.order {
		d.order[i] = int32(i)
	}
	return d, nil
}

// observe makes the outcome of the sides as they are, without a p-value.
func (d *domains) observe(rng *rand.Rand) (Classification, []stratum, error) {
	shuffle(rng, d.order[:d.n])
	shuffle(rng, d.order[d.n:])
	strata, shares, err := d.validate()
	if err != nil {
		return Classification{}, nil, err
	}
	r := rankStrata(strata, inflation)
	return Classification{
		AUC: r.AUC, Effect: max(0, 2*r.AUC-1), Shares: shares,
		Lower: max(0, r.AUC-tail.Z95*r.SE), Upper: min(1, r.AUC+tail.Z95*r.SE),
	}, strata, nil
}

func shuffle(rng *rand.Rand, rows []int32) {
	rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
}

// validate learns from four folds and scores the fifth, for each of them. Both sides are dealt to the folds in turn.
func (d *domains) validate() ([]stratum, []float64, error) {
	shares := make([]float64, d.bins.Columns())
	strata := make([]stratum, folds)
	for k := range folds {
		var train, test []int32
		var sides []float64
		tested := 0 // of the baseline; they come first
		for i, row := range d.order {
			current, place := 0.0, i
			if i >= d.n {
				current, place = 1, i-d.n
			}
			if place%folds != k {
				train, sides = append(train, row), append(sides, current)
				continue
			}
			test = append(test, row)
			if current == 0 {
				tested++
			}
		}
		model, err := d.bins.Fit(train, sides, d.options)
		if err != nil {
			return nil, nil, fmt.Errorf("learn: %w", err)
		}
		estimates, err := model.PredictRows(d.bins, test)
		if err != nil {
			return nil, nil, fmt.Errorf("score: %w", err)
		}
		scores := make([]scored, len(test))
		for i := range test {
			scores[i] = scored{estimates[i], i >= tested}
		}
		strata[k] = rankStratum(scores)
		addTo(shares, model.Importance())
	}
	normalize(shares)
	return strata, shares, nil
}
