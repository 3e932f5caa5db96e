package estimate

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/aumos-enterprise/platform/drift/internal/detect/performance"
	"github.com/aumos-enterprise/platform/drift/internal/detect/tree"
)

const (
	folds = 3

	// mostRows of the reference are learned from, evenly spaced.
	mostRows = 30_000

	// leastRows is the smallest reference: each fold must fill some leaves.
	leastRows = 100
)

// Column is one feature of a regression's rows: Numbers, where NaN stands for
// a missing value, or Codes, where a negative one does.
type Column struct {
	Numbers []float64
	Codes   []int32
}

func (c Column) rows() int { return max(len(c.Numbers), len(c.Codes)) }

// Regressor estimates the errors of a regression. Make one with FitRegressor.
type Regressor struct {
	orders []map[int32]float64 // of each column: what stands for a category
	losses []*lossModel
}

// HoldOut says how well the error model does on rows that it was not fitted on.
type HoldOut struct {
	// Explained is the share of the errors' variance that is explained. At 0 or below, the features say nothing about
	// the size of the errors, and the estimate can do no better than repeat the reference.
	Explained float64

	// Bias is (mean estimate − mean error)/mean error.
	Bias float64
}

// lossModel estimates the mean of one loss, and the metrics made of it.
type lossModel struct {
	loss         func(actual, predicted float64) (float64, bool)
	mean, root   performance.Metric
	models       []*tree.Model
	HoldOut      HoldOut
	average      float64 // on the reference
	deviation    float64
	thresholds   map[performance.Metric][2]float64
	unusable     string
	wantedMean   bool
	wantedOfRoot bool
}

// RegressionMetrics are those that FitRegressor can estimate.
func RegressionMetrics() []performance.Metric {
	return []performance.Metric{performance.MAE, performance.MSE, performance.RMSE, performance.MAPE, performance.MSLE, performance.RMSLE}
}

func lossModels(wanted []performance.Metric) []*lossModel {
	var models []*lossModel
	for _, m := range []*lossModel{
		{mean: performance.MAE, loss: func(y, p float64) (float64, bool) { return math.Abs(y - p), true }},
		{mean: performance.MSE, root: performance.RMSE, loss: func(y, p float64) (float64, bool) { return (y - p) * (y - p), true }},
		{mean: performance.MAPE, loss: func(y, p float64) (float64, bool) { return math.Abs((y - p) / y), y != 0 }},
		{mean: performance.MSLE, root: performance.RMSLE, loss: func(y, p float64) (float64, bool) {
			l := math.Log1p(y) - math.Log1p(p)
			return l * l, y > -1 && p > -1
		}},
	} {
		m.wantedMean, m.wantedOfRoot = slices.Contains(wanted, m.mean), m.root != "" && slices.Contains(wanted, m.root)
		if m.wantedMean || m.wantedOfRoot {
			models = append(models, m)
		}
	}
	return models
}

// FitRegressor learns the size of the errors from reference rows of which the truth is known: direct loss
// estimation. For each loss (absolute, squared, relative, squared logarithmic) boosted trees are fitted to the loss of a row, from its features and
// its prediction. There is one model for each of three folds of the rows, fitted on the other two thirds; HoldOut is measured on the fold
// itself, and an estimate is the mean of the three models. A category stands for
// the mean prediction of its rows in the reference; one that the reference does not have is a missing value.
//
// Thresholds come from the reference's chunks of chunkRows rows, which should be the size of the chunks to estimate. It returns
// an error that wraps ErrReference for a reference that cannot be used, and that of ctx, at whose end no more trees are grown.
func FitRegressor(ctx context.Context, features []Column, reference performance.Regression, metrics []performance.Metric, chunkRows int) (*Regressor, error) {
	if err := reference.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrReference, err)
	}
	if reference.Rows() < leastRows {
		return nil, fmt.Errorf("%w: %d rows, %d are needed", ErrReference, reference.Rows(), leastRows)
	}
	if chunkRows < 1 {
		return nil, fmt.Errorf("%w: chunks of %d rows", ErrReference, chunkRows)
	}
	r := &Regressor{losses: lossModels(metrics)}
	for i, c := range features {
		if c.rows() != reference.Rows() {
			return nil, fmt.Errorf("%w: feature %d has %d rows, want %d", ErrReference, i, c.rows(), reference.Rows())
		}
		r.orders = append(r.orders, meanPrediction(c.Codes, reference.Predicted))
	}
	columns := r.matrix(features, reference.Predicted)
	rows := spaced(reference.Rows(), mostRows)
	for i, column := range columns {
		columns[i] = pick(column, rows)
	}
	bins, err := tree.NewBins(columns)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrReference, err)
	}
	chunks := Chunks(reference.Rows(), chunkRows)
	for _, m := range r.losses {
		err := m.fit(ctx, bins, rows, reference, chunks)
		if ended := ctx.Err(); ended != nil {
			return nil, ended
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrReference, m.mean, err)
		}
	}
	return r, nil
}

// HoldOut tells how well the model behind a metric does on held-out rows; false for a metric that is not estimated.
func (r *Regressor) HoldOut(metric performance.Metric) (HoldOut, bool) {
	for _, m := range r.losses {
		if (m.mean == metric || m.root == metric) && m.unusable == "" {
			return m.HoldOut, true
		}
	}
	return HoldOut{}, false
}

// Estimate returns the estimates of one chunk. actual is nil where the truth is not known. It returns
// an error that wraps ErrSample for a chunk that cannot be used.
func (r *Regressor) Estimate(features []Column, predicted, actual []float64) ([]Estimate, error) {
	known := actual
	if known == nil {
		known = predicted
	}
	chunk := performance.Regression{Actual: known, Predicted: predicted}
	if err := chunk.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSample, err)
	}
	if len(features) != len(r.orders) {
		return nil, fmt.Errorf("%w: %d features, the reference has %d", ErrSample, len(features), len(r.orders))
	}
	for i, c := range features {
		if c.rows() != len(predicted) || (c.Codes == nil) != (r.orders[i] == nil) && len(predicted) > 0 {
			return nil, fmt.Errorf("%w: feature %d does not fit the prediction or the reference", ErrSample, i)
		}
	}
	columns := r.matrix(features, predicted)
	var estimates []Estimate
	for _, m := range r.losses {
		value, err := m.estimate(columns, len(predicted))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrSample, err)
		}
		estimates = append(estimates, m.report(value, chunk, actual != nil)...)
	}
	return estimates, nil
}

// meanPrediction is what stands for each category; nil for numbers.
func meanPrediction(codes []int32, predicted []float64) map[int32]float64 {
	if codes == nil {
		return nil
	}
	sums, rows := map[int32]float64{}, map[int32]float64{}
	for i, c := range codes {
		if c >= 0 {
			sums[c] += predicted[i]
			rows[c]++
		}
	}
	for c := range sums {
		sums[c] /= rows[c]
	}
	return sums
}

// matrix is the features in numbers, and the prediction last.
func (r *Regressor) matrix(features []Column, predicted []float64) [][]float64 {
	var columns [][]float64
	for i, c := range features {
		if r.orders[i] == nil {
			columns = append(columns, c.Numbers)
			continue
		}
		numbers := make([]float64, len(c.Codes))
		for row, code := range c.Codes {
			v, ok := r.orders[i][code]
			if numbers[row] = v; !ok {
				numbers[row] = math.NaN()
			}
		}
		columns = append(columns, numbers)
	}
	return append(columns, predicted)
}

// spaced are at most most of n rows, evenly spaced.
func spaced(n, most int) []int32 {
	rows := make([]int32, min(n, most))
	for i := range rows {
		rows[i] = int32(int64(i) * int64(n) / int64(len(rows)))
	}
	return rows
}
