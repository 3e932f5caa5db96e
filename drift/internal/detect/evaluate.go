package detect

import (
	"context"
	"fmt"

	"github.com/aumos-enterprise/platform/drift/internal/parallel"
)

// Input is what a run compares.
type Input struct {
	Features []FeatureInput
	Rows     *RowInput // the tests of whole rows; nil for none

	// Settle makes the features once the tests of rows are over, when the memory of the rows may become theirs. nil: they are Features.
	Settle func(ctx context.Context) ([]FeatureInput, error)
}

// Evaluate runs the tests of whole rows and then those of all features,
// corrects their p-values together by AdjustBH, and gives each test, each
// feature and the run a verdict. Features are evaluated side by side, on as
// many goroutines as GOMAXPROCS allows; all have ended when it returns.
//
// Its only errors are those of Settle and of ctx, at whose end it stops between two tests. A
// feature that cannot be evaluated, even one that makes the code panic, gets
// the status ERROR with a reason and leaves the others alone, and so do all
// features when the settings are invalid. The same input gives the same run.
func Evaluate(ctx context.Context, in Input, settings Settings) (Run, error) {
	run := Run{Settings: settings.withDefaults()}
	if err := settings.Validate(); err != nil {
		return run.refuse(in, fmt.Errorf("check settings: %w", err)), nil
	}
	var err error
	if run.Rows, err = evaluateRows(ctx, in.Rows, run.Settings); err != nil {
		return Run{}, fmt.Errorf("evaluate rows: %w", err)
	}
	if in.Settle != nil {
		if in.Features, err = in.Settle(ctx); err != nil {
			return Run{}, fmt.Errorf("settle features: %w", err)
		}
	}
	run.Features = make([]FeatureResult, len(in.Features))
	err = parallel.Each(ctx, len(in.Features), func(i int) {
		err := isolate(func() { run.Features[i] = evaluateFeature(ctx, in.Features[i], run.Settings) })
		if err != nil {
			run.Features[i] = failedFeature(in.Features[i], err)
		}
	})
	if err != nil {
		return Run{}, fmt.Errorf("evaluate features: %w", err)
	}

	pending := run.pending()
	p := make([]float64, len(pending))
	for i, r := range pending {
		p[i] = *r.PValue
	}
	for i, q := range AdjustBH(p) {
		pending[i].judge(q, run.Settings.FDR)
	}
	run.PValuesTested = len(pending)
	for i := range run.Features {
		run.Features[i].judge()
	}
	run.judge()
	return run, nil
}

// pending returns the results that wait for a verdict.
func (run *Run) pending() []*Result {
	var pending []*Result
	for i := range run.Rows {
		if run.Rows[i].Status == "" {
			pending = append(pending, &run.Rows[i])
		}
	}
	for i := range run.Features {
		results := run.Features[i].Results
		for j := range results {
			if results[j].Status == "" {
				pending = append(pending, &results[j])
			}
		}
	}
	return pending
}

func (run Run) refuse(in Input, err error) Run {
	run.Settings = Settings{} // invalid ones may hold what JSON cannot
	run.Features = make([]FeatureResult, len(in.Features))
	for i, f := range in.Features {
		run.Features[i] = failedFeature(f, err)
	}
	run.Status, run.Reason = StatusError, err.Error()
	run.FailedFeatures = len(in.Features)
	return run
}

func evaluateFeature(ctx context.Context, f FeatureInput, s Settings) FeatureResult {
	if err := checkFeature(f); err != nil {
		return failedFeature(f, err)
	}
	if f.typeChanged() {
		return evaluateTypeChange(f, s)
	}
	result := FeatureResult{
		Name:        f.Name,
		Type:        f.Type,
		Baseline:    summarize(f.Baseline),
		Current:     summarize(f.Current),
		Explanation: explain(f),
		Importance:  f.Importance,
		Embedding:   f.Embedded.summary(),
	}
	c := &comparison{FeatureInput: f, settings: s, ended: func() bool { return ctx.Err() != nil }}
	seen := map[TestSetting]bool{}
	for _, t := range plannedTests(f) {
		if ctx.Err() != nil {
			break // nobody will see the result
		}
		r := c.measure(t)
		key := TestSetting{Test: t.Test, Convention: t.Convention}
		if seen[key] {
			r = Result{Test: t.Test, Direction: DirectionNone}.without(Failed(fmt.Errorf("test %s is listed twice with one convention", t.Test)))
		}
		seen[key] = true
		result.Results = append(result.Results, r)
	}
	if c.corpus != nil {
		result.Explanation = c.explainWords()
	}
	return result
}

// failedFeature is the result of a feature that could not be evaluated. It
// shows the counts as they came.
func failedFeature(f FeatureInput, err error) FeatureResult {
	return FeatureResult{
		Name:     f.Name,
		Type:     f.Type,
		Status:   StatusError,
		Reason:   err.Error(),
		Results:  []Result{},
		Baseline: SideSummary{Rows: f.Baseline.Rows, Missing: f.Baseline.Missing},
		Current:  SideSummary{Rows: f.Current.Rows, Missing: f.Current.Missing},
	}
}

// isolate turns a panic of work into an error.
func isolate(work func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("evaluate feature: panic: %v", p)
		}
	}()
	work()
	return nil
}
