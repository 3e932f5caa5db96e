package assessment

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/detect/estimate"
	"github.com/aumos-enterprise/platform/drift/internal/detect/performance"
	"github.com/aumos-enterprise/platform/drift/internal/model"
	"github.com/aumos-enterprise/platform/drift/internal/sample"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// Estimate is one metric of one chunk with its verdict.
type Estimate struct {
	estimate.Estimate

	Verdict detect.Status
	Why     string
}

// Chunk is the estimates of consecutive usable rows.
type Chunk struct {
	First, Rows int64
	Status      detect.Status
	Estimates   []Estimate
}

// Calibration is that of a class's scores.
type Calibration struct {
	estimate.Calibration

	Class string
}

// ErrorModel is how well a metric's model does on held-out rows.
type ErrorModel struct {
	estimate.HoldOut

	Metric performance.Metric
}

// Estimated is how good the predictions probably are.
type Estimated struct {
	Status                          detect.Status
	Chunks                          []Chunk
	BaselineRows, CurrentRows       int64
	BaselineSkipped, CurrentSkipped int64
	ChunkRows                       int
	Calibrations                    []Calibration
	ErrorModels                     []ErrorModel
	Summary                         string

	baselineChunks int // of which the thresholds are made
}

// enoughChunks is how many chunks of the baseline thresholds should be made of, as NannyML: a standard deviation of fewer says little.
const enoughChunks = 6

// leastChunk is the smallest default chunk.
const leastChunk = 30

// Estimate learns from the baseline and estimates chunk by chunk. It fails when the data do not suit the request, and with the error of ctx when that ends.
func (e Estimation) Estimate(ctx context.Context, baseline, current sample.Set) (Estimated, error) {
	b, c := newSide("baseline", baseline), newSide("current", current)
	before, after, classes, err := e.readForEstimate(b, c)
	if err != nil {
		return Estimated{}, err
	}
	made := Estimated{
		Status: detect.StatusOK, BaselineRows: int64(before.sample.Rows()), CurrentRows: int64(after.sample.Rows()),
		BaselineSkipped: before.skipped, CurrentSkipped: after.skipped, ChunkRows: e.ChunkRows,
	}
	if made.ChunkRows == 0 {
		made.ChunkRows = max(leastChunk, before.sample.Rows()/10)
	}
	if after.sample.Rows()/made.ChunkRows > maxChunks {
		return Estimated{}, errs.InvalidField("header.chunk_rows", "make more than %d chunks of the current data", maxChunks)
	}
	of, err := e.fit(ctx, &made, b, c, before, after, classes)
	if err != nil {
		return Estimated{}, refuse(err)
	}
	for _, chunk := range estimate.Chunks(after.sample.Rows(), made.ChunkRows) {
		if err := ctx.Err(); err != nil {
			return Estimated{}, err
		}
		estimates, err := of(chunk)
		if err != nil {
			return Estimated{}, refuse(err)
		}
		made.Chunks = append(made.Chunks, made.judge(chunk, estimates))
		made.Status = worse(made.Status, made.Chunks[len(made.Chunks)-1].Status)
	}
	switch made.baselineChunks = len(estimate.Chunks(before.sample.Rows(), made.ChunkRows)); {
	case len(made.Chunks) == 0:
		made.Status = detect.StatusInsufficientData
	case made.baselineChunks < enoughChunks:
		made.Status = worse(made.Status, detect.StatusWarning) // what so few chunks allow is no proof that all is well
	}
	made.Summary = made.narrate()
	return made, ctx.Err()
}

func (e Estimation) readForEstimate(b, c side) (before, after rows, classes []string, err error) {
	if before, after, classes, err = e.read(b, c, true); err != nil {
		return rows{}, rows{}, nil, err
	}
	if before.sample.Rows() == 0 {
		return rows{}, rows{}, nil, errs.InvalidField("batch.rows", "the baseline has no row with all of truth, prediction and scores").With("side", "baseline")
	}
	return before, after, classes, nil
}

// refuse tells that data cannot be used.
func refuse(err error) error {
	if errors.Is(err, estimate.ErrReference) || errors.Is(err, estimate.ErrSample) {
		return errs.InvalidField("header.output", "%v", err)
	}
	return err
}

// fit learns, and returns what estimates a chunk.
func (e Estimation) fit(ctx context.Context, made *Estimated, b, c side, before, after rows, classes []string) (func(estimate.Chunk) ([]estimate.Estimate, error), error) {
	if e.Task == model.Regression {
		return e.fitRegression(ctx, made, b, c, before, after)
	}
	reference, _ := before.sample.(performance.Classification)
	current, _ := after.sample.(performance.Classification)
	classifier, err := estimate.FitClassifier(reference, made.ChunkRows)
	if err != nil {
		return nil, err
	}
	for k, calibration := range classifier.Calibrations() {
		class := classes[k]
		if len(reference.Scores) == 1 {
			class = classes[1]
		}
		made.Calibrations = append(made.Calibrations, Calibration{calibration, class})
	}
	return func(chunk estimate.Chunk) ([]estimate.Estimate, error) {
		part := performance.Classification{Classes: current.Classes}
		if after.known {
			part.Actual = current.Actual[chunk.From:chunk.To]
		}
		if current.Predicted != nil {
			part.Predicted = current.Predicted[chunk.From:chunk.To]
		}
		for _, column := range current.Scores {
			part.Scores = append(part.Scores, column[chunk.From:chunk.To])
		}
		return classifier.Estimate(part)
	}, nil
}

func (e Estimation) fitRegression(ctx context.Context, made *Estimated, b, c side, before, after rows) (func(estimate.Chunk) ([]estimate.Estimate, error), error) {
	first, second, err := e.features(b, c, before, after)
	if err != nil {
		return nil, err
	}
	reference, _ := before.sample.(performance.Regression)
	current, _ := after.sample.(performance.Regression)
	regressor, err := estimate.FitRegressor(ctx, first, reference, estimate.RegressionMetrics(), made.ChunkRows)
	if err != nil {
		return nil, err
	}
	for _, metric := range estimate.RegressionMetrics() {
		if h, ok := regressor.HoldOut(metric); ok {
			made.ErrorModels = append(made.ErrorModels, ErrorModel{h, metric})
		}
	}
	return func(chunk estimate.Chunk) ([]estimate.Estimate, error) {
		columns := make([]estimate.Column, len(second))
		for i, column := range second {
			if column.Codes != nil {
				columns[i].Codes = column.Codes[chunk.From:chunk.To]
			} else {
				columns[i].Numbers = column.Numbers[chunk.From:chunk.To]
			}
		}
		var actual []float64
		if after.known {
			actual = current.Actual[chunk.From:chunk.To]
		}
		return regressor.Estimate(columns, current.Predicted[chunk.From:chunk.To], actual)
	}, nil
}

// features are the columns that errors are learned from, of both sides, with the baseline's numbers of categories.
func (e Estimation) features(b, c side, before, after rows) (first, second []estimate.Column, err error) {
	for i, name := range e.Features {
		field := fmt.Sprintf("header.features[%d]", i)
		reference, t, err := b.column(name, field)
		if err != nil {
			return nil, nil, err
		}
		current, u, err := c.column(name, field)
		switch {
		case err != nil:
			return nil, nil, err
		case t != u:
			return nil, nil, c.wrongType(name, field, u, t).Field(field, "names a column of %s values in the baseline", t)
		case t == detect.Numeric:
			first = append(first, estimate.Column{Numbers: at(reference.Numbers, before.usable)})
			second = append(second, estimate.Column{Numbers: at(current.Numbers, after.usable)})
		case t == detect.Categorical || t == detect.Boolean:
			index := make(map[string]int32, len(reference.Names))
			for code, category := range reference.Names {
				index[category] = int32(code)
			}
			first = append(first, estimate.Column{Codes: at(reference.Codes, before.usable)})
			second = append(second, estimate.Column{Codes: at(labels{current.Codes, current.Names}.recode(index), after.usable)})
		default:
			return nil, nil, b.wrongType(name, field, t, detect.Numeric, detect.Categorical, detect.Boolean)
		}
	}
	return first, second, nil
}

// judge makes the verdicts of a chunk: beyond a threshold to the worse is drift; to the better is a warning, since it too means that something is not as it was.
func (e Estimated) judge(c estimate.Chunk, estimates []estimate.Estimate) Chunk {
	chunk := Chunk{First: int64(c.From), Rows: int64(c.To - c.From), Status: detect.StatusOK}
	for _, of := range estimates {
		made := Estimate{Estimate: of, Verdict: detect.StatusOK}
		low := of.Value != nil && of.Lower != nil && *of.Value < *of.Lower
		switch {
		case of.Status == estimate.StatusUndefined && !e.applies(of.Metric):
			made.Verdict, made.Why = detect.StatusNotApplicable, of.Reason
		case of.Status == estimate.StatusUndefined:
			made.Verdict, made.Why = detect.StatusInsufficientData, of.Reason
		case of.Status == estimate.StatusAlert && low == (of.Metric.Better() > 0):
			made.Verdict, made.Why = detect.StatusDrift, "beyond a threshold, to the worse"
		case of.Status == estimate.StatusAlert:
			made.Verdict, made.Why = detect.StatusWarning, "beyond a threshold, to the better"
		}
		chunk.Status = worse(chunk.Status, made.Verdict)
		chunk.Estimates = append(chunk.Estimates, made)
	}
	return chunk
}

// applies tells whether the baseline has the metric.
func (e Estimated) applies(m performance.Metric) bool {
	return len(e.ErrorModels) == 0 || slices.ContainsFunc(e.ErrorModels, func(of ErrorModel) bool { return of.Metric == m })
}
