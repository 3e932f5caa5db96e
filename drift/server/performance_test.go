package server_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/aumos-enterprise/platform/drift/internal/drifttest"
	"github.com/aumos-enterprise/platform/pkg/auth"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

const (
	okStatus      = driftv1.DriftStatus_DRIFT_STATUS_OK
	driftStatus   = driftv1.DriftStatus_DRIFT_STATUS_DRIFT
	binaryTask    = driftv1.ModelTask_MODEL_TASK_BINARY_CLASSIFICATION
	multiTask     = driftv1.ModelTask_MODEL_TASK_MULTICLASS_CLASSIFICATION
	regressTask   = driftv1.ModelTask_MODEL_TASK_REGRESSION
	enoughForDeep = 600
)

// loans are a calibrated classifier's scores, within spread of ½, with its decisions and what became of them; in the region "north" the truth is the opposite where wrong.
func loans(n int, spread float64, wrong bool) []*driftv1.Column {
	u, v := drifttest.Sequence(n, 0, 1), drifttest.Sequence(2*n, 0, 1)[n:]
	scores, approved, repaid, regions := make([]float64, n), make([]bool, n), make([]string, n), make([]string, n)
	for i := range n {
		scores[i] = 0.5 + spread*(u[i]-0.5)
		approved[i] = scores[i] >= 0.5
		_, draw := math.Modf(v[i] * 7919)
		good := draw < scores[i]
		regions[i] = []string{"north", "south"}[i%2]
		if wrong && regions[i] == "north" {
			good = !good
		}
		repaid[i] = map[bool]string{true: "true", false: "false"}[good]
	}
	return []*driftv1.Column{
		drifttest.Numbers("score", scores...), drifttest.Booleans("approved", approved...), drifttest.Texts("repaid", repaid...), drifttest.Texts("region", regions...),
	}
}

func loanOutput() *driftv1.ModelOutput {
	return &driftv1.ModelOutput{Task: binaryTask, Actual: "repaid", Predicted: "approved", Scores: []*driftv1.ClassScore{{Class: "true", Column: "score"}}}
}

// metricsOf indexes the changes of a part.
func metricsOf(changes []*driftv1.MetricChange) map[driftv1.PerformanceMetric]*driftv1.MetricChange {
	m := make(map[driftv1.PerformanceMetric]*driftv1.MetricChange)
	for _, c := range changes {
		m[c.GetMetric()] = c
	}
	return m
}

func TestEvaluatePerformance(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	header := &driftv1.PerformanceHeader{Output: loanOutput(), Segment: "region"}
	same, err := c.Evaluate(t, header, drifttest.Baseline(loans(3000, 1, false)...), drifttest.Current(loans(2*enoughForDeep, 1, false)...))
	if err != nil {
		t.Fatal(err)
	}
	if same.GetStatus() != okStatus || same.GetBaselineRowCount() != 3000 || same.GetCurrentRowCount() != 2*enoughForDeep || len(same.GetMetrics()) != 17 ||
		len(same.GetSegments()) != 2 || same.GetPValueCount() != 3*16 || cmp.Diff(same.GetClasses(), []string{"false", "true"}) != "" ||
		same.GetSummary() != "The performance did not get worse by as much as matters." {
		t.Errorf("got %v", same)
	}
	got, err := c.Evaluate(t, header, drifttest.Current(loans(2*enoughForDeep, 1, true)...), drifttest.Baseline(loans(3000, 1, false)...))
	if err != nil {
		t.Fatal(err)
	}
	accuracy := metricsOf(got.GetMetrics())[driftv1.PerformanceMetric_PERFORMANCE_METRIC_ACCURACY]
	if accuracy.GetStatus() != driftStatus || !accuracy.GetWorse() || accuracy.GetTest() != driftv1.PerformanceTest_PERFORMANCE_TEST_TWO_PROPORTIONS ||
		math.Abs(accuracy.GetBaseline().GetValue()-0.75) > 0.03 || math.Abs(accuracy.GetCurrent().GetValue()-0.5) > 0.05 || accuracy.GetReason() == "" ||
		accuracy.GetBaseline().GetIntervalMethod() != driftv1.IntervalMethod_INTERVAL_METHOD_WILSON || accuracy.GetQValue() < accuracy.GetPValue() ||
		math.Abs(accuracy.GetDifference()) != accuracy.GetEffect() || accuracy.GetMinEffect() != 0.02 {
		t.Errorf("got %v", accuracy)
	}
	for _, segment := range got.GetSegments() {
		if want := segment.GetSegment() == "north"; (segment.GetStatus() == driftStatus) != want {
			t.Errorf("segment %s is %s", segment.GetSegment(), segment.GetStatus())
		}
	}
	for _, want := range []string{"The performance got worse: ACCURACY from 0.7", `in 1 of 2 segments: "north"`} {
		if !strings.Contains(got.GetSummary(), want) {
			t.Errorf("the summary %q lacks %q", got.GetSummary(), want)
		}
	}
	again, err := c.Evaluate(t, header, drifttest.Baseline(loans(3000, 1, false)...), drifttest.Current(loans(2*enoughForDeep, 1, true)...))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, again, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	if entries := s.Governance.Entries(c.Tenant); len(entries) != 0 {
		t.Errorf("got entries %v", entries)
	}
}

// TestEvaluateFewRows has undefined metrics, rows that lack something and numbers for classes.
func TestEvaluateFewRows(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	truth, guess := make([]float64, 40), make([]float64, 40)
	for i := range truth {
		truth[i], guess[i] = float64(i%2), float64(i/2%2)
	}
	never := make([]float64, 40)
	never[0] = math.NaN()
	header := &driftv1.PerformanceHeader{Output: &driftv1.ModelOutput{Task: binaryTask, Actual: "y", Predicted: "p"}, Permutations: new(int32(99))}
	before := drifttest.Baseline(drifttest.Numbers("y", truth...), drifttest.Numbers("p", guess...))
	got, err := c.Evaluate(t, header, before, drifttest.Current(drifttest.Numbers("y", truth...), drifttest.Numbers("p", never...)))
	if err != nil {
		t.Fatal(err)
	}
	precision := metricsOf(got.GetMetrics())[driftv1.PerformanceMetric_PERFORMANCE_METRIC_PRECISION]
	if precision.GetStatus() != driftv1.DriftStatus_DRIFT_STATUS_INSUFFICIENT_DATA || precision.GetCurrent().GetUndefinedReason() != "no row was predicted positive" ||
		precision.Difference != nil || precision.GetBaseline().GetValue() != 0.5 {
		t.Errorf("got %v", precision)
	}
	if got.GetCurrentSkippedCount() != 1 || got.GetCurrentRowCount() != 39 || len(got.GetMetrics()) != 12 || !strings.Contains(got.GetSummary(), "1 rows that lack") {
		t.Errorf("got %v", got)
	}
	header.MinRows = new(int32(50))
	got, err = c.Evaluate(t, header, before, drifttest.Current(drifttest.Numbers("y", truth...), drifttest.Numbers("p", guess...)))
	if err != nil {
		t.Fatal(err)
	}
	if got.GetStatus() != driftv1.DriftStatus_DRIFT_STATUS_INSUFFICIENT_DATA || got.GetPValueCount() != 0 {
		t.Errorf("got %v", got)
	}
}

// houses are a regression whose errors are five times as large for a category.
func houses(n, old int) []*driftv1.Column {
	u, v := drifttest.Sequence(n, 0, 1), drifttest.Sequence(n, 0, 1)
	prices, predicted, kinds := make([]float64, n), make([]float64, n), make([]string, n)
	for i := range n {
		_, noise := math.Modf(v[i] * 7919)
		kinds[i], predicted[i] = "new", 100+100*u[i]
		spread := 2.0
		if i%10 < old {
			kinds[i], spread = "old", 10
		}
		prices[i] = predicted[i] + spread*(noise-0.5)
	}
	return []*driftv1.Column{drifttest.Numbers("price", prices...), drifttest.Numbers("predicted", predicted...), drifttest.Texts("kind", kinds...)}
}

func TestRegressionPerformance(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	output := &driftv1.ModelOutput{Task: regressTask, Actual: "price", Predicted: "predicted"}
	evaluated, err := c.Evaluate(t, &driftv1.PerformanceHeader{Output: output}, drifttest.Baseline(houses(3000, 2)...), drifttest.Current(houses(1000, 8)...))
	if err != nil {
		t.Fatal(err)
	}
	rmse := metricsOf(evaluated.GetMetrics())[driftv1.PerformanceMetric_PERFORMANCE_METRIC_RMSE]
	if evaluated.GetStatus() != driftStatus || rmse.GetStatus() != driftStatus || rmse.GetTest() != driftv1.PerformanceTest_PERFORMANCE_TEST_WELCH_T || rmse.GetEffect() < 0.5 {
		t.Errorf("got %v", rmse)
	}
	header := &driftv1.EstimationHeader{Output: output, Features: []string{"kind"}, ChunkRows: new(int32(250))}
	estimated, err := c.Estimate(t, header, drifttest.Baseline(houses(3000, 2)...), drifttest.Current(houses(1000, 8)[1:]...))
	if err != nil {
		t.Fatal(err)
	}
	if estimated.GetStatus() != driftStatus || len(estimated.GetChunks()) != 4 || len(estimated.GetErrorModels()) != 6 || estimated.GetErrorModels()[0].GetExplained() < 0.2 {
		t.Errorf("got %v", estimated)
	}
	for _, chunk := range estimated.GetChunks() {
		for _, m := range chunk.GetMetrics() {
			if m.GetMetric() != rmse.GetMetric() {
				continue
			}
			if m.Realized != nil || m.GetStatus() != driftStatus || math.Abs(m.GetValue()/rmse.GetCurrent().GetValue()-1) > 0.15 {
				t.Errorf("got %v, realized %v", m, rmse.GetCurrent())
			}
		}
	}
}

func TestEstimatePerformance(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	header := &driftv1.EstimationHeader{Output: loanOutput(), ChunkRows: new(int32(enoughForDeep))}
	for _, test := range []struct {
		name    string
		columns []*driftv1.Column
		status  driftv1.DriftStatus
		known   bool
		unseen  string // what the summary says of the realized performance
	}{
		{"as before, without the truth", loans(2*enoughForDeep, 1, false)[:2], okStatus, false, ""},
		{"less certain scores", loans(2*enoughForDeep, 0.3, false), driftStatus, true, ""},
		{"a changed concept is not seen", loans(2*enoughForDeep, 1, true), okStatus, true, "But where the truth is known, it is worse than the thresholds allow in 2 of 2 chunks"},
	} {
		got, err := c.Estimate(t, header, drifttest.Current(test.columns...), drifttest.Baseline(loans(10*enoughForDeep, 1, false)...))
		if err != nil {
			t.Fatal(err)
		}
		if got.GetStatus() != test.status || len(got.GetChunks()) != 2 || got.GetChunkRows() != enoughForDeep || len(got.GetCalibrations()) != 1 ||
			got.GetCalibrations()[0].GetClass() != "true" || !strings.Contains(got.GetSummary(), "not a changed relation") {
			t.Errorf("%s: got %v", test.name, got)
		}
		if !strings.Contains(got.GetSummary(), test.unseen) || strings.Contains(got.GetSummary(), "But") != (test.unseen != "") {
			t.Errorf("%s: got %s", test.name, got.GetSummary())
		}
		for i, chunk := range got.GetChunks() {
			if chunk.GetFirstRow() != int64(i*enoughForDeep) || chunk.GetRowCount() != enoughForDeep || len(chunk.GetMetrics()) != 7 {
				t.Errorf("%s: got %v", test.name, chunk)
			}
			for _, m := range chunk.GetMetrics() {
				if (m.Realized != nil) != test.known || m.Value == nil || m.GetLow() > m.GetValue() || m.GetHigh() < m.GetValue() {
					t.Errorf("%s: got %v", test.name, m)
				}
			}
		}
	}
}

// TestEstimateOfFewChunks is no OK: what two or three chunks of the baseline allow says little.
func TestEstimateOfFewChunks(t *testing.T) {
	t.Parallel()
	c := drifttest.Start(t).Client(t, drifttest.NewTenant())
	header := &driftv1.EstimationHeader{Output: loanOutput(), ChunkRows: new(int32(enoughForDeep))}
	for chunks, want := range map[int]driftv1.DriftStatus{5: driftv1.DriftStatus_DRIFT_STATUS_WARNING, 6: okStatus} {
		got, err := c.Estimate(t, header, drifttest.Baseline(loans(chunks*enoughForDeep, 1, false)...), drifttest.Current(loans(enoughForDeep, 1, false)...))
		if err != nil {
			t.Fatal(err)
		}
		if said := strings.Contains(got.GetSummary(), "The baseline makes 5 chunks"); got.GetStatus() != want || said != (chunks == 5) {
			t.Errorf("%d chunks: %s, %s", chunks, got.GetStatus(), got.GetSummary())
		}
	}
}

func TestPerformanceRefusals(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	both := []*driftv1.ComparisonBatch{drifttest.Baseline(loans(100, 1, false)...), drifttest.Current(loans(100, 1, false)...)}
	output := func(change func(*driftv1.ModelOutput)) *driftv1.ModelOutput {
		o := loanOutput()
		change(o)
		return o
	}
	for _, test := range []struct {
		name          string
		output        *driftv1.ModelOutput
		segment       string
		reason, field string
	}{
		{"no output", nil, "", "INVALID_FIELD", "header.output"},
		{"ranking", output(func(o *driftv1.ModelOutput) { o.Task = driftv1.ModelTask_MODEL_TASK_RANKING }), "", "INVALID_FIELD", "header.output.task"},
		{"column twice", output(func(o *driftv1.ModelOutput) { o.Predicted = "repaid" }), "", "INVALID_FIELD", "header.output.predicted"},
		{"nothing said", output(func(o *driftv1.ModelOutput) { o.Predicted, o.Scores = "", nil }), "", "INVALID_FIELD", "header.output.predicted"},
		{"scores of a regression", output(func(o *driftv1.ModelOutput) { o.Task = regressTask }), "", "INVALID_FIELD", "header.output.scores"},
		{"one score of many", output(func(o *driftv1.ModelOutput) { o.Task = multiTask }), "", "INVALID_FIELD", "header.output.scores"},
		{"other positive class", output(func(o *driftv1.ModelOutput) { o.PositiveClass = "false" }), "", "INVALID_FIELD", "header.output.positive_class"},
		{"absent column", output(func(o *driftv1.ModelOutput) { o.Actual = "truth" }), "", "COLUMN_MISSING", "header.output.actual"},
		{"score of names", output(func(o *driftv1.ModelOutput) { o.Scores[0].Column = "region" }), "", "COLUMN_TYPE", "header.output.scores[0].column"},
		{"third class", output(func(o *driftv1.ModelOutput) { o.Scores[0].Class = "perhaps" }), "", "INVALID_FIELD", "header.output.task"},
		{"continuous truth", output(func(o *driftv1.ModelOutput) { o.Actual, o.Scores = "score", nil }), "", "INVALID_FIELD", "header.output.task"},
		{"regression on names", &driftv1.ModelOutput{Task: regressTask, Actual: "repaid", Predicted: "score"}, "", "COLUMN_TYPE", "header.output.actual"},
		{"truth as segment", loanOutput(), "repaid", "INVALID_FIELD", "header.segment"},
		{"absent segment", loanOutput(), "shire", "COLUMN_MISSING", "header.segment"},
	} {
		_, err := c.Evaluate(t, &driftv1.PerformanceHeader{Output: test.output, Segment: test.segment}, both...)
		t.Run(test.name, func(t *testing.T) {
			r := drifttest.Want(t, err, invalid, test.reason, test.field)
			if test.reason == "COLUMN_TYPE" && (r.Metadata["expected"] != "NUMERIC" || r.Metadata["actual"] != "CATEGORICAL") {
				t.Errorf("got metadata %v", r.Metadata)
			}
		})
	}
	for _, test := range []struct {
		name          string
		header        *driftv1.EstimationHeader
		reason, field string
	}{
		{"no scores", &driftv1.EstimationHeader{Output: output(func(o *driftv1.ModelOutput) { o.Scores = nil })}, "INVALID_FIELD", "header.output.scores"},
		{"features of a classifier", &driftv1.EstimationHeader{Output: loanOutput(), Features: []string{"region"}}, "INVALID_FIELD", "header.features"},
		{"small chunks", &driftv1.EstimationHeader{Output: loanOutput(), ChunkRows: new(int32(29))}, "INVALID_FIELD", "header.chunk_rows"},
		{"truth as feature", &driftv1.EstimationHeader{Output: &driftv1.ModelOutput{Task: regressTask, Actual: "a", Predicted: "p"}, Features: []string{"a"}}, "INVALID_FIELD", "header.features[0]"},
		{"absent feature", &driftv1.EstimationHeader{Output: &driftv1.ModelOutput{Task: regressTask, Actual: "score", Predicted: "x"}}, "COLUMN_MISSING", "header.output.predicted"},
	} {
		_, err := c.Estimate(t, test.header, both...)
		t.Run(test.name, func(t *testing.T) { drifttest.Want(t, err, invalid, test.reason, test.field) })
	}
	sides := func(f *driftv1.Column) []*driftv1.Column {
		return []*driftv1.Column{drifttest.Numbers("a", drifttest.Sequence(100, 0, 1)...), drifttest.Numbers("p", drifttest.Sequence(100, 0, 1)...), f}
	}
	regression := &driftv1.EstimationHeader{Output: &driftv1.ModelOutput{Task: regressTask, Actual: "a", Predicted: "p"}, Features: []string{"f"}}
	_, err := c.Estimate(t, regression, drifttest.Baseline(sides(drifttest.Texts("f", make([]string, 100)...))...), drifttest.Current(sides(drifttest.Numbers("f", make([]float64, 100)...))...))
	if r := drifttest.Want(t, err, invalid, "COLUMN_TYPE", "header.features[0]"); r.Metadata["expected"] != "CATEGORICAL" || r.Metadata["actual"] != "NUMERIC" {
		t.Errorf("a feature of another type: metadata %v", r.Metadata)
	}
	scores := drifttest.Baseline(drifttest.Numbers("score", 1.5, 0.5), drifttest.Booleans("approved", true, false), drifttest.Texts("repaid", "true", "false"))
	_, err = c.Evaluate(t, &driftv1.PerformanceHeader{Output: loanOutput()}, scores, both[1])
	drifttest.Want(t, err, invalid, "INVALID_FIELD", "header.output")
	_, err = c.Evaluate(t, &driftv1.PerformanceHeader{Output: loanOutput()}, both[0])
	drifttest.Want(t, err, invalid, "DATA_EMPTY", "batch.rows")

	auditor := s.Client(t, c.Tenant, auth.RoleAuditor)
	_, err = auditor.Evaluate(t, &driftv1.PerformanceHeader{Output: loanOutput()}, both...)
	drifttest.Want(t, err, codes.PermissionDenied, "PERMISSION_MISSING", "")
}
