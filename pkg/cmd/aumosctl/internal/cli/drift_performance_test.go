package cli_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// predictions is a file of n rows, with a column that nobody asked for.
func predictions(n int) string {
	var b strings.Builder
	b.WriteString("score,label,approved,region,note\n")
	for i := range n {
		fmt.Fprintf(&b, "0.%02d,%d,%d,%s,x%d\n", i%100, i%2, i/2%2, []string{"north", "south"}[i%2], i)
	}
	return b.String()
}

func TestDriftPerformance(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	before, after := writeFile(t, "before.csv", predictions(200)), writeFile(t, "after.csv", predictions(100))
	p.performance.verdict = driftv1.DriftStatus_DRIFT_STATUS_DRIFT
	got := p.run(t, "drift", "performance", before, after, "--label", "label", "--prediction", "approved", "--score", "1=score", "--segment", "region",
		"--fdr", "0.01", "--min-change", "0.05", "--min-rows", "50", "--permutations", "199", "--seed", "7").expect(t, 1)
	golden(t, "drift_performance.txt", got.stdout)
	want := &driftv1.PerformanceHeader{
		Output: &driftv1.ModelOutput{
			Task: driftv1.ModelTask_MODEL_TASK_BINARY_CLASSIFICATION, Actual: "label", Predicted: "approved", Scores: []*driftv1.ClassScore{{Class: "1", Column: "score"}},
		},
		Segment: "region", FalseDiscoveryRate: new(0.01), MinChange: new(0.05), MinRows: new(int32(50)), Permutations: new(int32(199)), Seed: 7,
	}
	if diff := cmp.Diff(want, p.performance.evaluated, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	if p.performance.rows != [2]int{200, 100} || strings.Join(p.performance.columns[1], " ") != "score label approved region" {
		t.Errorf("got %v %v", p.performance.rows, p.performance.columns)
	}
	p.run(t, "drift", "performance", before, after, "--task", "regression", "--label", "label", "--prediction", "score", "-o", "json").expect(t, 1).says(t, `"status": "DRIFT_STATUS_DRIFT"`)
	if h := p.performance.evaluated; h.GetOutput().GetTask() != driftv1.ModelTask_MODEL_TASK_REGRESSION || h.MinRows != nil || h.FalseDiscoveryRate != nil {
		t.Errorf("got %v", h)
	}
	for verdict, code := range map[driftv1.DriftStatus]int{driftv1.DriftStatus_DRIFT_STATUS_OK: 0, driftv1.DriftStatus_DRIFT_STATUS_WARNING: 2, driftv1.DriftStatus_DRIFT_STATUS_INSUFFICIENT_DATA: 2} {
		p.performance.verdict = verdict
		p.run(t, "drift", "performance", before, after, "--task", "binary", "--label", "label", "--prediction", "approved").expect(t, code)
	}
}

func TestDriftPerformanceEstimate(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	before, after := writeFile(t, "before.csv", predictions(200)), writeFile(t, "after.csv", "score,approved\n0.5,1\n0.25,0\n")
	p.performance.verdict = driftv1.DriftStatus_DRIFT_STATUS_OK
	got := p.run(t, "drift", "performance", before, after, "--estimate", "--label", "label", "--prediction", "approved", "--score", "1=score", "--chunk-rows", "100").expect(t, 0)
	golden(t, "drift_performance_estimate.txt", got.stdout)
	want := &driftv1.EstimationHeader{ChunkRows: new(int32(100)), Output: &driftv1.ModelOutput{
		Task: driftv1.ModelTask_MODEL_TASK_BINARY_CLASSIFICATION, Actual: "label", Predicted: "approved", Scores: []*driftv1.ClassScore{{Class: "1", Column: "score"}},
	}}
	if diff := cmp.Diff(want, p.performance.estimated, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	p.run(t, "drift", "performance", before, before, "--estimate", "--task", "regression", "--label", "label", "--prediction", "score", "--feature", "region", "--feature", "approved").expect(t, 0)
	if h := p.performance.estimated; strings.Join(h.GetFeatures(), " ") != "region approved" || h.ChunkRows != nil {
		t.Errorf("got %v", h)
	}
}

func TestDriftPerformanceRefusals(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	file := writeFile(t, "a.csv", predictions(10))
	for _, test := range []struct {
		args []string
		says string
	}{
		{[]string{"--prediction", "approved"}, "--label is required"},
		{[]string{"--label", "label", "--prediction", "approved"}, "--task is needed"},
		{[]string{"--label", "label", "--task", "ranking"}, `--task "ranking" is none of`},
		{[]string{"--label", "label", "--score", "score"}, "--score"},
		{[]string{"--label", "label", "--score", "1=score", "--feature", "region"}, "are for --estimate"},
		{[]string{"--label", "label", "--score", "1=score", "--estimate", "--seed", "1"}, "leave them out with --estimate"},
		{[]string{"--label", "truth", "--score", "1=probability"}, "has none of the columns truth, probability"},
	} {
		p.run(t, append([]string{"drift", "performance", file, file}, test.args...)...).expect(t, 3).says(t, test.says)
	}
}
