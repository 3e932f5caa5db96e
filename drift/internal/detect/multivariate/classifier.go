package multivariate

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/aumos-enterprise/platform/drift/internal/detect/tree"
)

// Bounds on the cost of the domain classifier.
const (
	maxClassifiedRows = 5000 // of a side
	maxClassifiedWork = 2.5e5

	classifierBins = 64 // with so few trees finer ones find nothing more
)

// ClassifiedRows is the number of rows of each side that the domain classifier learns from: 5,000, or so many that there are 250,000 values,
// but at least 500: 1,953 of 128 columns.
func ClassifiedRows(columns int) int {
	return max(500, min(maxClassifiedRows, maxClassifiedWork/max(1, columns)))
}

// inflation is the part by which the variance of a mean over five folds grows because their training rows overlap: 1 + 5·(1/4) for a fifth of
// the rows held out, as C. Nadeau and Y. Bengio, Inference for the Generalization Error (Machine Learning 52, 2003), estimate it.
const inflation = 1 + folds*(1.0/(folds-1))

// Classification is the outcome of a domain classifier.
type Classification struct {
	AUC          float64 // of telling current rows from those of the baseline, 0 to 1; 0.5 is guessing
	Lower, Upper float64 // holds the AUC with 95 % confidence
	Z            float64
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
// equal samples at a level of 5 %. With it the test is conservative. Learning anew on permuted sides would be exact, but a thousand times as
// slow, and could not tell a p-value below 1/1000. The interval is DeLong's, widened alike. Shares are the columns' parts in the gain of all
// splits, up to 1 in all.
//
// It returns ErrFew for a side of fewer than 10 rows, and the errors of package tree.
func Classify(baseline, current [][]float64, rng *rand.Rand, alpha float64) (Classification, error) {
	if len(baseline) != len(current) || len(baseline) == 0 {
		return Classification{}, fmt.Errorf("%w: %d and %d", ErrShape, len(baseline), len(current))
	}
	n, m := len(baseline[0]), len(current[0])
	if min(n, m) < 2*folds {
		return Classification{}, fmt.Errorf("%w: %d and %d, at least %d are needed", ErrFew, n, m, 2*folds)
	}
	columns := make([][]float64, len(baseline))
	for k := range columns {
		columns[k] = append(append(make([]float64, 0, n+m), baseline[k]...), current[k]...)
	}
	bins, err := tree.NewCoarseBins(columns, classifierBins)
	if err != nil {
		return Classification{}, err
	}
	fold := make([]int, n+m)
	for i, row := range Sample(rng, n, n) {
		fold[row] = i % folds
	}
	for i, row := range Sample(rng, m, m) {
		fold[n+row] = i % folds
	}
	c := Classification{Shares: make([]float64, len(columns))}
	var strata []stratum
	for k := range folds {
		scores, model, err := classifyFold(bins, fold, k, n)
		if err != nil {
			return Classification{}, err
		}
		strata = append(strata, rankStratum(scores))
		addTo(c.Shares, model.Importance())
	}
	normalize(c.Shares)
	c.conclude(rankStrata(strata, inflation), strata, alpha)
	return c, nil
}

// classifyFold scores the rows of a fold by a model of the others. Rows from n on are current ones.
func classifyFold(bins *tree.Bins, fold []int, k, n int) ([]scored, *tree.Model, error) {
	var train, test []int32
	var sides []float64
	for row := range fold {
		switch {
		case fold[row] == k:
			test = append(test, int32(row))
		case row < n:
			train, sides = append(train, int32(row)), append(sides, 0)
		default:
			train, sides = append(train, int32(row)), append(sides, 1)
		}
	}
	model, err := bins.Fit(train, sides, tree.Options{Loss: tree.Logistic, Rounds: 40, MaxLeaves: 8, L2: 1})
	if err != nil {
		return nil, nil, fmt.Errorf("learn: %w", err)
	}
	estimates, err := model.PredictRows(bins, test)
	if err != nil {
		return nil, nil, fmt.Errorf("score: %w", err)
	}
	scores := make([]scored, len(test))
	for i, row := range test {
		scores[i] = scored{estimates[i], int(row) >= n}
	}
	return scores, model, nil
}

func (c *Classification) conclude(r ranking, strata []stratum, alpha float64) {
	c.AUC, c.Z, c.P = r.AUC, r.Z, max(upper(r.Z), math.SmallestNonzeroFloat64)
	c.Effect = max(0, 2*r.AUC-1)
	c.Lower, c.Upper = max(0, r.AUC-1.959964*r.SE), min(1, r.AUC+1.959964*r.SE)
	var pairs, variance float64
	for _, s := range strata {
		pairs += s.pairs
		variance += s.variance
	}
	c.Critical = min(1, 0.5+math.Sqrt2*math.Erfcinv(2*alpha)*math.Sqrt(variance*inflation)/pairs)
}
