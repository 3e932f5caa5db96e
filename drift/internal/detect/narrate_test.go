package detect

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSummarize(t *testing.T) {
	t.Parallel()
	shifted := FeatureInput{Name: "delay", Type: Numeric, Baseline: numbers(1, 500, 0, 0), Current: numbers(2, 500, 3, 0)}
	same := FeatureInput{Name: "same", Type: Numeric, Baseline: numbers(1, 500, 0, 0), Current: numbers(1, 500, 0, 0)}
	other := FeatureInput{
		Name: "carrier", Type: Categorical,
		Baseline: categories(map[string]int64{"UA": 400, strings.Repeat("é", 100): 100}), Current: categories(map[string]int64{"UA": 100, "AA": 400}),
	}
	short := FeatureInput{Name: "short", Type: Numeric, Baseline: numbers(1, 5, 0, 0), Current: numbers(2, 5, 3, 0)}
	broken := FeatureInput{Name: "broken", Type: "IMAGE"}
	for name, c := range map[string]struct {
		features []FeatureInput
		settings Settings
		says     []string
	}{
		"none":   {nil, Settings{}, []string{"Nothing was compared"}},
		"ok":     {[]FeatureInput{same}, Settings{}, []string{"No drift that matters in 1 feature, at a false discovery rate of 5 % over 2 p-values."}},
		"drift":  {[]FeatureInput{same, shifted, other}, Settings{}, []string{"DRIFT: 2 of 3 features", "Drifted: ", "delay, median ", "carrier, \"AA\" 0.0 % → 80.0 %"}},
		"few":    {[]FeatureInput{same, shifted, other}, Settings{MinDriftedFeatures: 3}, []string{"WARNING: 2 of 3 features", "fewer than the 3 that it takes"}},
		"short":  {[]FeatureInput{short}, Settings{}, []string{"No verdict (INSUFFICIENT_DATA): no test could be made on 1 feature.", "Too few rows: short"}},
		"failed": {[]FeatureInput{same, broken}, Settings{}, []string{"ERROR: 0 of 2 features", `Failed: broken (unknown feature type "IMAGE").`}},
		"many":   {[]FeatureInput{shifted, shifted, shifted, shifted, shifted}, Settings{}, []string{"; and 2 more."}},
	} {
		got := Summarize(evaluate(t, c.features, c.settings))
		for _, want := range c.says {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %q lacks %q", name, got, want)
			}
		}
		if !utf8.ValidString(got) || strings.Contains(got, "  ") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestSummarizeRows tells joint from marginal drift.
func TestSummarizeRows(t *testing.T) {
	t.Parallel()
	row := Result{Test: TestDomainClassifier, Status: StatusDrift, Reason: "r", Contributions: []Contribution{{Feature: "b", Share: 0.75}, {Feature: "a", Share: 0.25}}}
	run := Run{Status: StatusDrift, PValuesTested: 3, Rows: []Result{row}, Features: []FeatureResult{{Name: "a", Status: StatusOK}, {Name: "b", Status: StatusOK}}}
	if got := Summarize(run); !strings.Contains(got, "in how they go together") {
		t.Error(got)
	}
	if got := run.Contributions(); got[0].Feature != "b" || got[0].Marginal != 0 || *got[0].Joint != 0.75 || *got[1].Joint != 0.25 {
		t.Errorf("got %+v", got)
	}
	run.DriftedFeatures = 1
	if got := Summarize(run); !strings.Contains(got, "Whole rows drifted too (Domain classifier).") {
		t.Error(got)
	}
	run.Rows[0].Status = StatusOK
	if got := Summarize(run); !strings.Contains(got, "Tests of whole rows found no drift.") {
		t.Error(got)
	}
	run.Rows = append(run.Rows, Result{Test: TestPCAReconstruction, Status: StatusNotApplicable, Reason: "every component is kept"})
	if got := Summarize(run); !strings.HasSuffix(got, "Tests of whole rows found no drift. Of whole rows nothing is said by PCA reconstruction (every component is kept).") {
		t.Error(got)
	}
	if run.Rows = run.Rows[1:]; strings.Contains(Summarize(run), "found no drift") {
		t.Error(Summarize(run))
	}
}

// TestSummarizeUntested wants to read of tests that were asked for and do not apply, and tests by their titles.
func TestSummarizeUntested(t *testing.T) {
	t.Parallel()
	note := FeatureInput{Name: "note", Type: Text, Tests: []TestSetting{{Test: TestTextLength}, {Test: TestFormatValidity}}}
	note.Baseline = Sample{Rows: 40, Texts: make([]string, 40)}
	note.Current = note.Baseline
	run := evaluate(t, []FeatureInput{note}, Settings{})
	got := Summarize(run)
	if run.Status != StatusOK || !strings.Contains(got, "Not tested, since it does not apply: note, Texts that break their format (") || strings.Contains(got, "FORMAT_VALIDITY") {
		t.Errorf("%s: %s", run.Status, got)
	}
	if got := Summarize(evaluate(t, []FeatureInput{note, note, note, note, note}, Settings{})); !strings.Contains(got, "; and 2 more.") {
		t.Error(got)
	}
	shifted := FeatureInput{
		Name: "x", Type: Numeric, Tests: []TestSetting{{Test: TestKS}, {Test: TestAndersonDarling}}, Baseline: numbers(1, 500, 0, 0), Current: numbers(2, 500, 3, 0),
	}
	run = evaluate(t, []FeatureInput{shifted}, Settings{})
	if got := Summarize(run); !strings.Contains(got, "(Kolmogorov–Smirnov: ") || !strings.Contains(got, "; Anderson–Darling: ") || !strings.Contains(run.Features[0].Reason, "Anderson–Darling: ") {
		t.Error(got)
	}
}

func TestContributions(t *testing.T) {
	t.Parallel()
	run := Run{Features: []FeatureResult{
		{Name: "a", Severity: 0.2}, {Name: "b", Severity: 0.6, Importance: new(0.0)}, {Name: "c", Severity: 0.3, Importance: new(2.0)},
	}}
	got := run.Contributions()
	if got[0].Feature != "c" || math.Abs(got[0].Marginal-0.75) > 1e-15 || got[1].Feature != "a" || math.Abs(got[1].Marginal-0.25) > 1e-15 || got[2].Marginal != 0 ||
		got[0].Joint != nil {
		t.Errorf("got %+v", got)
	}
	for i := range run.Features {
		run.Features[i].Importance = new(math.MaxFloat64)
	}
	sum := 0.0
	for _, c := range run.Contributions() {
		sum += c.Marginal
	}
	if math.Abs(sum-1) > 1e-12 {
		t.Errorf("the shares add up to %v", sum)
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1), -1} {
		f := FeatureInput{Type: Numeric, Importance: &bad}
		if got := Compare(f, Settings{}); got.Status != StatusError || got.Importance != nil {
			t.Errorf("%v: got %+v", bad, got)
		}
	}
}
