package estimate

import (
	"context"
	"math"

	"github.com/aumos-enterprise/platform/drift/internal/detect/performance"
	"github.com/aumos-enterprise/platform/drift/internal/detect/tree"
)

// fit learns one loss. rows are those of the reference that the bins hold.
func (m *lossModel) fit(ctx context.Context, bins *tree.Bins, rows []int32, reference performance.Regression, chunks []Chunk) error {
	losses := make([]float64, reference.Rows())
	for i, y := range reference.Actual {
		v, defined := m.loss(y, reference.Predicted[i])
		if !defined || v-v != 0 {
			m.unusable = "a row of the reference has no such error"
			return nil
		}
		losses[i] = v
	}
	m.average, m.deviation = meanAndDeviation(losses)
	if m.deviation-m.deviation != 0 {
		m.unusable = "the errors of the reference overflow"
		return nil
	}
	m.limit(losses, chunks)
	return m.crossFit(ctx, bins, pick(losses, rows))
}

// crossFit fits a model for each fold on the other ones, and measures it on the fold.
func (m *lossModel) crossFit(ctx context.Context, bins *tree.Bins, losses []float64) error {
	held := make([]float64, len(losses))
	for fold := range folds {
		var training, test []int32
		var targets []float64
		for i, v := range losses {
			if i%folds == fold {
				test = append(test, int32(i))
				continue
			}
			training, targets = append(training, int32(i)), append(targets, v)
		}
		model, err := bins.Fit(training, targets, tree.Options{Loss: tree.Squared, Ended: func() bool { return ctx.Err() != nil }})
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		m.models = append(m.models, model)
		estimates, err := model.PredictRows(bins, test)
		if err != nil {
			return err
		}
		for i, row := range test {
			held[row] = max(0, estimates[i])
		}
	}
	mean, deviation := meanAndDeviation(losses)
	heldMean, _ := meanAndDeviation(held)
	off := 0.0
	for i, v := range losses {
		off += (v - held[i]) * (v - held[i]) / float64(len(losses))
	}
	if deviation > 0 {
		m.HoldOut.Explained = 1 - off/(deviation*deviation)
	}
	if mean > 0 {
		m.HoldOut.Bias = (heldMean - mean) / mean
	}
	return nil
}

// limit sets the thresholds from the metrics of the reference's chunks.
func (m *lossModel) limit(losses []float64, chunks []Chunk) {
	m.thresholds = map[performance.Metric][2]float64{}
	if len(chunks) < 2 {
		return
	}
	means, roots := make([]float64, len(chunks)), make([]float64, len(chunks))
	for i, c := range chunks {
		means[i], _ = meanAndDeviation(losses[c.From:c.To])
		roots[i] = math.Sqrt(means[i])
	}
	for name, values := range map[performance.Metric][]float64{m.mean: means, m.root: roots} {
		mean, deviation := meanAndDeviation(values)
		m.thresholds[name] = [2]float64{max(0, mean-band*deviation), mean + band*deviation}
	}
}

// estimate is the mean loss that the models expect. A loss is never negative, though trees may say so.
func (m *lossModel) estimate(columns [][]float64, rows int) (float64, error) {
	if m.unusable != "" || rows == 0 {
		return 0, nil
	}
	sum := 0.0
	for _, model := range m.models {
		estimates, err := model.Predict(columns)
		if err != nil {
			return 0, err
		}
		for _, v := range estimates {
			sum += max(0, v)
		}
	}
	return sum / float64(rows) / float64(len(m.models)), nil
}

// report makes the metrics of a mean loss. The sampling errors are NannyML's: the reference's deviation by √n, and for the root
// s/(2·√(n·mean)) by the delta method.
func (m *lossModel) report(value float64, chunk performance.Regression, known bool) []Estimate {
	truth := map[performance.Metric]float64{}
	if known {
		for _, measure := range chunk.Measure() {
			if measure.Undefined == "" {
				truth[measure.Metric] = measure.Value
			}
		}
	}
	root := math.Sqrt(float64(chunk.Rows()))
	var estimates []Estimate
	for _, e := range []struct {
		wanted          bool
		name            performance.Metric
		value, sampling float64
	}{
		{m.wantedMean, m.mean, value, m.deviation / root},
		{m.wantedOfRoot, m.root, math.Sqrt(value), m.deviation / (2 * root * math.Sqrt(m.average))},
	} {
		if e.wanted {
			estimates = append(estimates, m.one(e.name, e.value, e.sampling, chunk.Rows(), truth))
		}
	}
	return estimates
}

func (m *lossModel) one(name performance.Metric, value, sampling float64, rows int, truth map[performance.Metric]float64) Estimate {
	e := Estimate{Metric: name}
	if v, ok := truth[name]; ok {
		e.Realized = &v
	}
	switch {
	case m.unusable != "":
		return e.undefined(m.unusable)
	case rows == 0:
		return e.undefined("the chunk has no rows")
	}
	e.Value = &value
	if limits, ok := m.thresholds[name]; ok {
		e.Lower, e.Upper = &limits[0], &limits[1]
	}
	if sampling-sampling == 0 {
		e.SamplingError, e.Low, e.High = &sampling, new(max(0, value-band*sampling)), new(value+band*sampling)
	}
	return e.judge()
}
