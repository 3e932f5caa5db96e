package detect

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// judge gives a test its verdict. A test without a p-value has its status
// already.
//
// A test says DRIFT when its q-value is at most the false discovery rate and
// its effect at least the smallest one that matters, WARNING when the effect
// is at least half of that, and OK otherwise.
func (r *Result) judge(q, fdr float64) {
	if r.Status != "" {
		return
	}
	r.QValue = &q
	effect := *r.Effect
	if q > fdr {
		r.Status = StatusOK
		return
	}
	r.Severity = severity(effect, r.MinEffect)
	switch {
	case effect >= r.MinEffect:
		r.Status = StatusDrift
		r.Reason = fmt.Sprintf("%s %.3g is at least %.3g, q = %.2g", r.EffectName, effect, r.MinEffect, q)
	case effect >= r.MinEffect/2:
		r.Status = StatusWarning
		r.Reason = fmt.Sprintf("%s %.3g is at least half of %.3g, q = %.2g", r.EffectName, effect, r.MinEffect, q)
	default:
		r.Status = StatusOK
	}
}

// severity maps a significant effect to [0,1): 0 for none, 0.5 for the
// smallest effect that matters, and half the way to 1 for each further one.
func severity(effect, minEffect float64) float64 {
	return min(1-math.Exp2(-effect/minEffect), math.Nextafter(1, 0))
}

// judge gives a feature the worst status of its tests. One that is not
// applicable says nothing, unless it stands alone; the missing rate is no
// company, since it looks at other rows.
func (f *FeatureResult) judge() {
	if len(f.Results) == 0 {
		f.Status = StatusError
		return
	}
	f.Status = StatusNotApplicable
	for _, r := range f.Results {
		if r.Test == TestMissingRate && r.Status == StatusOK {
			continue
		}
		f.Status = worse(f.Status, r.Status)
		f.Severity = max(f.Severity, r.Severity)
	}
	if f.Status == StatusNotApplicable && onlyMissingRate(f.Results) {
		f.Status = StatusOK
	}
	if f.Status == StatusOK || f.Reason != "" {
		return
	}
	var reasons []string
	for _, r := range f.Results {
		if r.Status == f.Status {
			reasons = append(reasons, fmt.Sprintf("%s: %s", r.Test.title(), r.Reason))
		}
	}
	f.Reason = strings.Join(reasons, "; ")
}

func onlyMissingRate(results []Result) bool {
	return !slices.ContainsFunc(results, func(r Result) bool { return r.Test != TestMissingRate })
}

// judge gives the run the worst status of its features and of its tests of
// rows, except that fewer drifted features than the settings ask for count as a
// warning. A drifted test of rows is a drifted run: it looks at all features.
func (run *Run) judge() {
	run.Status = StatusNotApplicable
	for _, f := range run.Features {
		run.Severity = max(run.Severity, f.Severity)
		switch f.Status {
		case StatusDrift:
			run.DriftedFeatures++
		case StatusError:
			run.FailedFeatures++
		case StatusInsufficientData:
			run.UndecidedFeatures++
		case StatusWarning:
			run.WarnedFeatures++
		case StatusNotApplicable:
			run.InapplicableFeatures++
		case StatusOK:
		}
		if f.Status == StatusDrift {
			run.Status = worse(run.Status, StatusOK)
			continue
		}
		run.Status = worse(run.Status, f.Status)
	}
	switch {
	case len(run.Features)+len(run.Rows) == 0:
		run.Status, run.Reason = StatusInsufficientData, "there are no features"
		return
	case run.DriftedFeatures >= run.Settings.MinDriftedFeatures:
		run.Status = StatusDrift
	case run.DriftedFeatures > 0:
		run.Status = worse(run.Status, StatusWarning)
	}
	run.judgeRows()
	if run.Status != StatusOK {
		run.Reason = strings.Join(run.notes(), "; ")
	}
}

// judgeRows takes the tests of rows into the run's verdict.
func (run *Run) judgeRows() {
	for _, r := range run.Rows {
		run.Severity = max(run.Severity, r.Severity)
		run.Status = worse(run.Status, r.Status)
	}
}

// notes says what is not OK.
func (run *Run) notes() (notes []string) {
	if len(run.Features) > 0 {
		notes = append(notes, fmt.Sprintf("of %d features %d drifted (%d needed), %d failed, %d had too few rows, %d gave a warning",
			len(run.Features), run.DriftedFeatures, run.Settings.MinDriftedFeatures,
			run.FailedFeatures, run.UndecidedFeatures, run.WarnedFeatures))
	}
	for _, r := range run.Rows {
		if r.Status != StatusOK {
			notes = append(notes, fmt.Sprintf("rows, %s: %s", r.Test.title(), r.Reason))
		}
	}
	return notes
}

// worse returns the status that takes precedence.
func worse(a, b Status) Status {
	if precedence(a) >= precedence(b) {
		return a
	}
	return b
}

// precedence orders the statuses. One that is unknown is no better than an error.
func precedence(s Status) int {
	switch s {
	case StatusNotApplicable:
		return 0
	case StatusOK:
		return 1
	case StatusWarning:
		return 2
	case StatusInsufficientData:
		return 3
	case StatusDrift:
		return 5
	default:
		return 4
	}
}
