package detect

import (
	"encoding/json"
	"maps"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEvaluateRun(t *testing.T) {
	t.Parallel()
	ok := FeatureInput{Name: "ok", Type: Numeric, Baseline: numbers(1, 500, 0, 0), Current: numbers(2, 500, 0, 0)}
	drifted := FeatureInput{Name: "drifted", Type: Numeric, Baseline: numbers(1, 500, 0, 0), Current: numbers(2, 500, 2, 0)}
	warned := FeatureInput{Name: "warned", Type: Numeric, Baseline: numbers(1, 90_000, 0, 0), Current: numbers(2, 90_000, 0.2, 0)}
	failed := FeatureInput{Name: "failed", Type: "?"}
	short := FeatureInput{Name: "short", Type: Numeric, Baseline: numbers(1, 500, 0, 0), Current: numbers(2, 5, 0, 0)}

	for name, c := range map[string]struct {
		features []FeatureInput
		needed   int
		want     Status
	}{
		"none":                           {nil, 1, StatusInsufficientData},
		"ok":                             {[]FeatureInput{ok}, 1, StatusOK},
		"warning over ok":                {[]FeatureInput{ok, warned}, 1, StatusWarning},
		"too few rows over warning":      {[]FeatureInput{ok, warned, short}, 1, StatusInsufficientData},
		"error over too few rows":        {[]FeatureInput{ok, warned, short, failed}, 1, StatusError},
		"drift over error":               {[]FeatureInput{ok, warned, short, failed, drifted}, 1, StatusDrift},
		"too few drifted are a warning":  {[]FeatureInput{ok, drifted}, 2, StatusWarning},
		"too few drifted beside failure": {[]FeatureInput{drifted, failed}, 2, StatusError},
		"enough drifted":                 {[]FeatureInput{drifted, ok, drifted}, 2, StatusDrift},
	} {
		run := evaluate(t, c.features, Settings{MinDriftedFeatures: c.needed})
		if run.Status != c.want || (run.Reason == "") != (run.Status == StatusOK) {
			t.Errorf("%s: %s (%s), want %s", name, run.Status, run.Reason, c.want)
		}
		for i, f := range run.Features {
			if f.Name != c.features[i].Name {
				t.Errorf("%s: feature %d is %q", name, i, f.Name)
			}
			checkResults(t, f)
		}
	}
}

// One feature's failure must not change what the others say.
func TestEvaluateIsolates(t *testing.T) {
	t.Parallel()
	good := FeatureInput{Name: "good", Type: Numeric, Baseline: numbers(1, 500, 0, 0), Current: numbers(2, 500, 0.3, 0)}
	bad := FeatureInput{Name: "bad", Type: Numeric, Baseline: numbers(1, 500, 0, 0), Current: Sample{Sorted: []float64{1, 0}, Rows: 2}}
	alone, beside := evaluate(t, []FeatureInput{good}, Settings{}), evaluate(t, []FeatureInput{bad, good}, Settings{})
	if diff := cmp.Diff(alone.Features[0], beside.Features[1]); diff != "" {
		t.Errorf("(-alone +beside a failure):\n%s", diff)
	}
	if beside.Features[0].Status != StatusError || beside.FailedFeatures != 1 {
		t.Errorf("bad feature: %+v", beside.Features[0])
	}

	err := isolate(func() { _ = bad.Tests[3] })
	if err == nil || !strings.Contains(err.Error(), "index out of range") {
		t.Errorf("isolate returned %v", err)
	}
}

func TestEvaluateIsDeterministic(t *testing.T) {
	t.Parallel()
	counts := map[string]int64{}
	for i := range 200 {
		counts[strings.Repeat("x", i)] = int64(i % 7)
	}
	moved := maps.Clone(counts)
	maps.DeleteFunc(moved, func(k string, _ int64) bool { return len(k)%3 == 0 })
	features := []FeatureInput{
		{Name: "c", Type: Categorical, Tests: []TestSetting{{Test: TestPSI}, {Test: TestChiSquare}}, Baseline: categories(counts), Current: categories(moved)},
		{Name: "n", Type: Numeric, Baseline: numbers(1, 5000, 0, 3), Current: numbers(2, 700, 0.1, 9)},
	}
	first, err := json.Marshal(evaluate(t, features, Settings{}))
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		again, err := json.Marshal(evaluate(t, features, Settings{}))
		if err != nil {
			t.Fatal(err)
		}
		if string(first) != string(again) {
			t.Fatalf("runs differ:\n%s\n%s", first, again)
		}
	}
}

func TestEvaluateRefusesSettings(t *testing.T) {
	t.Parallel()
	feature := FeatureInput{Name: "x", Type: Numeric, Baseline: numbers(1, 50, 0, 0), Current: numbers(2, 50, 0, 0)}
	for name, s := range map[string]Settings{
		"fdr NaN":           {FDR: math.NaN()},
		"fdr 1":             {FDR: 1},
		"fdr negative":      {FDR: -0.1},
		"min rows":          {MinRows: -1},
		"drifted features":  {MinDriftedFeatures: -1},
		"fdr infinite also": {FDR: math.Inf(1)},
	} {
		run := evaluate(t, []FeatureInput{feature}, s)
		if run.Status != StatusError || run.Reason == "" || run.Features[0].Status != StatusError {
			t.Errorf("%s: %+v", name, run)
		}
		if _, err := json.Marshal(run); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestEvaluateFalseDiscovery makes runs of many unchanged features, with no
// effect too small to matter: a run must not drift more often than the rate.
func TestEvaluateFalseDiscovery(t *testing.T) {
	t.Parallel()
	const runs, width = 300, 12
	drifted := 0
	for r := range uint64(runs) {
		var features []FeatureInput
		for i := range uint64(width) {
			features = append(features, FeatureInput{
				Type:     Numeric,
				Tests:    []TestSetting{{Test: TestKS, MinEffect: 1e-9}, {Test: TestMissingRate, MinEffect: 1e-9}},
				Baseline: numbers(1+2*(r*width+i), 200, 0, 10),
				Current:  numbers(2+2*(r*width+i), 100, 0, 5),
			})
		}
		if evaluate(t, features, Settings{}).Status == StatusDrift {
			drifted++
		}
	}
	rate, limit := float64(drifted)/runs, 0.05+3*math.Sqrt(0.05*0.95/runs)
	t.Logf("runs with a false alarm: %.4f", rate)
	if rate > limit {
		t.Errorf("runs with a false alarm: %.4f, want at most %.4f", rate, limit)
	}
}
