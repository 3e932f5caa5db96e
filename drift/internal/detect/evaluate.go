package detect

import (
	"fmt"
)

// Compare is Evaluate for a single feature.
func Compare(feature FeatureInput, settings Settings) FeatureResult {
	return Evaluate([]FeatureInput{feature}, settings).Features[0]
}

// Evaluate runs the tests of all features, corrects their p-values together by
// AdjustBH, and gives each test, each feature and the run a verdict.
//
// It does not fail: a feature that cannot be evaluated, even one that makes the
// code panic, gets the status ERROR with a reason and leaves the others alone,
// and so do all features when the settings are invalid. The same input gives
// the same run.
func Evaluate(features []FeatureInput, settings Settings) Run {
	run := Run{Settings: settings.withDefaults(), Features: make([]FeatureResult, 0, len(features))}
	if err := settings.Validate(); err != nil {
		return run.refuse(features, fmt.Errorf("check settings: %w", err))
	}
	for _, f := range features {
		var result FeatureResult
		err := isolate(func() { result = evaluateFeature(f, run.Settings) })
		if err != nil {
			result = failedFeature(f, err)
		}
		run.Features = append(run.Features, result)
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
	return run
}

// pending returns the results that wait for a verdict.
func (run *Run) pending() []*Result {
	var pending []*Result
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

func (run Run) refuse(features []FeatureInput, err error) Run {
	run.Settings = Settings{} // invalid ones may hold what JSON cannot
	for _, f := range features {
		run.Features = append(run.Features, failedFeature(f, err))
	}
	run.Status, run.Reason = StatusError, err.Error()
	run.FailedFeatures = len(features)
	return run
}

func evaluateFeature(f FeatureInput, s Settings) FeatureResult {
	if err := checkFeature(f); err != nil {
		return failedFeature(f, err)
	}
	result := FeatureResult{
		Name:        f.Name,
		Type:        f.Type,
		Baseline:    summarize(f.Baseline),
		Current:     summarize(f.Current),
		Explanation: explain(f),
	}
	c := &comparison{FeatureInput: f, settings: s}
	seen := map[TestSetting]bool{}
	for _, t := range plannedTests(f) {
		r := c.measure(t)
		key := TestSetting{Test: t.Test, Convention: t.Convention}
		if seen[key] {
			r = Result{Test: t.Test, Direction: DirectionNone}.without(Failed(fmt.Errorf("test %s is listed twice with one convention", t.Test)))
		}
		seen[key] = true
		result.Results = append(result.Results, r)
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
