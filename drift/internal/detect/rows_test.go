package detect

import (
	"context"
	"math"
	"strings"
	"testing"
)

func TestRowsAreChecked(t *testing.T) {
	t.Parallel()
	numbers := func(values ...float64) Table {
		return Table{Rows: len(values), Columns: []TableColumn{{Name: "a", Type: Numeric, Numbers: values}}}
	}
	codes := func(codes ...int32) Table {
		return Table{Rows: len(codes), Columns: []TableColumn{{Name: "a", Type: Categorical, Codes: codes, Names: []string{"x"}}}}
	}
	for name, c := range map[string]struct {
		test              Test
		baseline, current Table
		want              string
	}{
		"no test of rows":      {TestKS, numbers(1), numbers(2), "does not apply to whole rows"},
		"unknown test":         {"X", numbers(1), numbers(2), "does not apply to whole rows"},
		"columns differ":       {TestMMD, numbers(1), codes(0), "CATEGORICAL"},
		"number of columns":    {TestMMD, numbers(1), Table{Rows: 1}, "1 columns, current 0"},
		"length":               {TestMMD, numbers(1), Table{Rows: 2, Columns: numbers(1).Columns}, "1 numbers in 2 rows"},
		"infinite":             {TestMMD, numbers(1), numbers(math.Inf(1)), "not finite"},
		"code out of range":    {TestMMD, codes(0), codes(1), "none of 1 categories"},
		"code below missing":   {TestMMD, codes(-2), codes(0), "none of 1 categories"},
		"vectors take no part": {TestMMD, Table{Columns: []TableColumn{{Type: Vector}}}, Table{Columns: []TableColumn{{Type: Vector}}}, "do not take part"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run, err := Evaluate(context.Background(), Input{Rows: &RowInput{Tests: []TestSetting{{Test: c.test}}, Baseline: c.baseline, Current: c.current}}, Settings{})
			if err != nil {
				t.Fatal(err)
			}
			if len(run.Rows) != 1 || run.Rows[0].Status != StatusError || !strings.Contains(run.Rows[0].Reason, c.want) {
				t.Fatalf("rows %+v, want an error with %q", run.Rows, c.want)
			}
			if run.Status != StatusError || !strings.Contains(run.Reason, c.want) {
				t.Errorf("run is %s: %s", run.Status, run.Reason)
			}
		})
	}
}

// TestDriftedRowsDriftTheRun keeps the verdict on rows from being lost among features that are fine.
func TestDriftedRowsDriftTheRun(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ feature, rows, want Status }{
		{StatusOK, StatusDrift, StatusDrift},
		{StatusOK, StatusOK, StatusOK},
		{StatusOK, StatusNotApplicable, StatusOK},
		{StatusOK, StatusInsufficientData, StatusInsufficientData},
		{StatusWarning, StatusOK, StatusWarning},
		{StatusNotApplicable, StatusNotApplicable, StatusNotApplicable},
	} {
		run := Run{Settings: Settings{MinDriftedFeatures: 2}, Features: []FeatureResult{{Status: c.feature}}, Rows: []Result{{Status: c.rows, Severity: 0.7}}}
		run.judge()
		if run.Status != c.want || run.Severity != 0.7 || (run.Reason == "") != (run.Status == StatusOK) {
			t.Errorf("feature %s, rows %s: run %s (%q), severity %v, want %s", c.feature, c.rows, run.Status, run.Reason, run.Severity, c.want)
		}
	}
}
