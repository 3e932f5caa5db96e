package multivariate

import (
	"fmt"
	"math"

	"github.com/aumos-enterprise/platform/drift/internal/detect/tail"
)

// folds is the number of parts of a cross-validation.
const folds = 5

// Bounds on the cost of PCA.
const (
	maxReconstructedRows = 100_000 // of a side
	maxReconstructedWork = 2e9     // products for the covariances
)

// ReconstructedRows is the number of rows of each side that PCA reconstruction looks at: 100,000, or so many that the covariances take 2·10⁹
// products: 20,345 of 128 columns.
func ReconstructedRows(columns int) int {
	return max(folds, min(maxReconstructedRows, maxReconstructedWork/(6*max(1, columns*columns))))
}

// Reconstruction is the outcome of a PCA reconstruction test.
type Reconstruction struct {
	BaselineError float64 // mean over the rows of the distance to their reconstruction, in standard deviations of the columns
	CurrentError  float64
	Components    int // that were kept
	Z             float64
	P             float64

	// Effect is |2A − 1|, 0 to 1, where A is the probability that a current row is reconstructed worse than one of the baseline (Cliff's
	// delta). A single far row cannot move it.
	Effect    float64
	Direction int       // 1 when current rows are reconstructed worse, −1 when better, 0 when neither
	Shares    []float64 // of the columns in the change of the mean squared error, up to 1 in all
}

// Reconstruct tests the null hypothesis that rows of both sides lie equally far from the space of the baseline's principal components: that
// the relations between columns, which the components describe, still hold. A shift inside that space is not seen; that is what MMD and the
// covariance test are for.
//
// Columns are standardised by the baseline, NaN replaced by its mean; so many components are kept as explain the part variance of its
// variance. Errors are cross-fitted: in five folds, the errors of a fold's rows of the baseline come from a model of the other folds' rows, and
// so do those of a fifth of the current rows. A baseline judged by a model of its own rows looks better than new rows do, and would make every
// comparison drift. Errors are compared by a rank-sum test within the folds. Rows must stand in a random order.
//
// Once ended it stops. It returns ErrAllKept when every component is kept, and then for any data; ErrFew for a side of fewer than 5 rows, ErrShape, and
// ErrNotFinite for an infinity.
func Reconstruct(baseline, current Matrix, variance float64, ended func() bool) (Reconstruction, error) {
	if err := checkIncomplete(baseline, current, folds); err != nil {
		return Reconstruction{}, err
	}
	whole := fitComponents(baseline, func(int) bool { return true })
	kept := whole.explaining(variance)
	if kept >= baseline.Columns {
		return Reconstruction{}, fmt.Errorf("%w: %d of %d", ErrAllKept, kept, baseline.Columns)
	}
	r := Reconstruction{Components: kept}
	var strata []stratum
	base, cur := newLosses(baseline.Columns), newLosses(baseline.Columns)
	for fold := range folds {
		if over(ended) {
			return r, nil
		}
		model := fitComponents(baseline, func(row int) bool { return row%folds != fold })
		var rows []scored
		for side, m := range []Matrix{baseline, current} {
			into := base
			if side == 1 {
				into = cur
			}
			for row := fold; row < m.Rows; row += folds {
				rows = append(rows, scored{into.add(model.residual(m.Row(row), kept)), side == 1})
			}
		}
		strata = append(strata, rankStratum(rows))
	}
	// A row of the baseline takes part in the models of the other folds, so that the folds' results depend on each other: by a quarter where
	// directions are ill determined, and more when there are few rows for each column. This is the variance of Z that simulations of 30 to 2,000
	// rows and 3 to 30 columns show.
	n, m := float64(baseline.Rows), float64(current.Rows)
	r.conclude(strata, 1.25+float64(baseline.Columns)/(n*(folds-1)/folds)*m/(n+m)/2, base, cur)
	return r, nil
}

// ReconstructInSample compares as Reconstruct does, but with the errors of the baseline under the model that was made of it, as NannyML does.
// They are too small, so that the test finds drift where there is none, the more the fewer rows there are for each column.
func ReconstructInSample(baseline, current Matrix, variance float64, ended func() bool) (Reconstruction, error) {
	if err := checkIncomplete(baseline, current, 2); err != nil {
		return Reconstruction{}, err
	}
	model := fitComponents(baseline, func(int) bool { return true })
	kept := model.explaining(variance)
	if kept >= baseline.Columns {
		return Reconstruction{}, fmt.Errorf("%w: %d of %d", ErrAllKept, kept, baseline.Columns)
	}
	r := Reconstruction{Components: kept}
	if over(ended) {
		return r, nil
	}
	var rows []scored
	base, cur := newLosses(baseline.Columns), newLosses(baseline.Columns)
	for row := range baseline.Rows {
		rows = append(rows, scored{base.add(model.residual(baseline.Row(row), kept)), false})
	}
	for row := range current.Rows {
		rows = append(rows, scored{cur.add(model.residual(current.Row(row), kept)), true})
	}
	r.conclude([]stratum{rankStratum(rows)}, 1, base, cur)
	return r, nil
}

func (r *Reconstruction) conclude(strata []stratum, inflation float64, base, cur *losses) {
	ranking := rankStrata(strata, inflation)
	r.Z, r.P = ranking.Z, tail.Normal(ranking.Z)
	r.Effect = math.Abs(2*ranking.AUC - 1)
	switch {
	case ranking.AUC > 0.5:
		r.Direction = 1
	case ranking.AUC < 0.5:
		r.Direction = -1
	}
	r.BaselineError, r.CurrentError = base.sum/base.rows, cur.sum/cur.rows
	r.Shares = make([]float64, len(base.columns))
	for k := range r.Shares {
		r.Shares[k] = math.Abs(cur.columns[k]/cur.rows - base.columns[k]/base.rows)
	}
	normalize(r.Shares)
}

// normalize makes numbers add up to 1, unless they are all 0 or too large.
func normalize(shares []float64) {
	sum := 0.0
	for _, s := range shares {
		sum += s
	}
	for i := range shares {
		if shares[i] /= sum; !(shares[i] >= 0) {
			shares[i] = 0
		}
	}
}

// losses adds up reconstruction errors.
type losses struct {
	rows, sum float64
	columns   []float64 // squared
}

func newLosses(columns int) *losses { return &losses{columns: make([]float64, columns)} }

// add takes over a row's residual and returns its length.
func (l *losses) add(residual []float64) float64 {
	squares := 0.0
	for k, v := range residual {
		squares += v * v
		l.columns[k] += v * v
	}
	length := math.Sqrt(squares)
	l.rows++
	l.sum += length
	return length
}
