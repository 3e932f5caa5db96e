package cli_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// flights is the directory of the samples that the project ships.
const flights = "../../../../../examples/flights"

var (
	winter  = filepath.Join(flights, "winter.csv")
	summer  = filepath.Join(flights, "summer.csv")
	columns = []string{"sched_hour", "weekend", "carrier", "origin", "dest", "distance", "dep_delay", "arr_delay", "air_time", "cancelled", "temp", "humid", "wind_speed", "wind_gust", "precip", "pressure"}
)

func TestDriftDetect(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	first := p.run(t, "drift", "detect", "--baseline", winter, "--current", summer).expect(t, 1)
	first.says(t, "registered model winter", "created monitor winter with 16 features", "activated baseline 1 (winter.csv, 3000 rows)", "DRIFT: 2 of 4 features drifted")
	golden(t, "drift_detect.txt", first.stdout)

	monitor := p.drift.monitors[0]
	for i, f := range monitor.GetFeatures() {
		if f.GetName() != columns[i] {
			t.Errorf("feature %d is %s", i, f.GetName())
		}
	}
	if len(p.drift.batches) != 1 || len(p.drift.batches[0].GetColumns()[0].GetNumbers().GetValues()) != 3000 {
		t.Errorf("%d batches", len(p.drift.batches))
	}

	// The same baseline again is not activated again, whether it comes as CSV or as Parquet.
	p.run(t, "drift", "detect", "--baseline", winter, "--current", winter).expect(t, 0)
	again := p.run(t, "drift", "detect", "--baseline", filepath.Join(flights, "winter.parquet"), "--current", filepath.Join(flights, "summer.parquet")).expect(t, 1)
	if strings.Contains(again.stderr, "activated") || monitor.GetActiveBaselineId() != p.drift.baselines[0].GetId() || len(p.drift.monitors) != 1 {
		t.Errorf("the baseline was activated again: %s", again.stderr)
	}
	if len(p.drift.baselines) != 2 || p.drift.uploads != 3 {
		t.Errorf("%d baselines of %d uploads: the second upload of the CSV file must repeat the first one's request id", len(p.drift.baselines), p.drift.uploads)
	}
	// Another baseline takes its place.
	p.run(t, "drift", "detect", "--baseline", summer, "--model", "winter", "--current", summer).expect(t, 0).says(t, "activated baseline 3")
}

func TestDriftDetectJSONIsAPolicyInput(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	got := p.run(t, "drift", "detect", "--baseline", winter, "--current", summer, "-o", "json").expect(t, 1)
	golden(t, "drift_detect.json", got.stdout)
	detection, ok := decode(t, got.stdout)["detection"].(map[string]any)
	if !ok {
		t.Fatal("there is no detection")
	}
	if detection["row_count"] != 3000.0 || detection["drifted_feature_count"] != 2.0 || detection["status"] != "DRIFT_STATUS_DRIFT" {
		t.Errorf("got %v", detection)
	}
	p.runWithInput(t, got.stdout, "decision", "eval", "--decision-point", "drift.retrain", "--input", "-").expect(t, 0)
	input := p.policy.inputs[0].GetFields()["detection"].GetStructValue().GetFields()
	if input["row_count"].GetNumberValue() != 3000 || input["evidence"].GetStructValue().GetFields()["state"].GetStringValue() != "EVIDENCE_STATE_RECORDED" {
		t.Errorf("the policy's input is %v", input)
	}

	// What is printed is still protobuf JSON.
	back := new(driftv1.Detection)
	_, text, _ := strings.Cut(strings.TrimSpace(got.stdout), `"detection":`)
	if err := protojson.Unmarshal([]byte(strings.TrimSuffix(text, "}")), back); err != nil {
		t.Fatal(err)
	}
	want := proto.CloneOf(p.drift.detections[0])
	want.Document = nil
	if diff := cmp.Diff(want, back, protocmp.Transform()); diff != "" {
		t.Errorf("detection (-want +got):\n%s", diff)
	}
	summary := p.run(t, "drift", "detect", "--baseline", winter, "--current", summer, "-o", "jsonl", "--summary").expect(t, 1)
	if strings.Count(summary.stdout, "\n") != 1 || strings.Contains(summary.stdout, `"tests"`) {
		t.Errorf("--summary -o jsonl prints\n%s", summary.stdout)
	}
}

func TestDriftDetectVerdicts(t *testing.T) {
	t.Parallel()
	for status, code := range map[driftv1.DriftStatus]int{
		driftv1.DriftStatus_DRIFT_STATUS_OK: 0, driftv1.DriftStatus_DRIFT_STATUS_DRIFT: 1, driftv1.DriftStatus_DRIFT_STATUS_WARNING: 2,
		driftv1.DriftStatus_DRIFT_STATUS_INSUFFICIENT_DATA: 2, driftv1.DriftStatus_DRIFT_STATUS_ERROR: 2,
	} {
		p := newPlatform(t)
		p.drift.verdict = status
		p.run(t, "drift", "detect", "--baseline", winter, "--current", summer).expect(t, code)
		p.run(t, "drift", "get", id(700)).expect(t, code)
	}
}

func TestDriftDetectOptions(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	args := []string{
		"drift", "detect", "--baseline", winter, "--current", summer, "--model", "delays", "--monitor", "delays-hourly", "--task", "regression", "--owner", "team-delays",
		"--type", "sched_hour=categorical", "--ignore", "pressure", "--ignore", "precip", "--test", "temp=psi", "--test", "temp=ks", "--test", "carrier=psi",
		"--min-effect", "0.2", "--min-effect", "dest=0.3", "--fdr", "0.01", "--min-rows", "100", "--min-drifted-features", "3",
	}
	p.run(t, args...).expect(t, 1)
	if m := p.drift.models[0]; m.GetName() != "delays" || m.GetOwner() != "team-delays" || m.GetTask() != driftv1.ModelTask_MODEL_TASK_REGRESSION {
		t.Errorf("model %v", m)
	}
	monitor := p.drift.monitors[0]
	wantRule := &driftv1.DecisionRule{FalseDiscoveryRate: new(0.01), MinRows: proto.Int32(100), MinDriftedFeatures: proto.Int32(3)}
	if diff := cmp.Diff(wantRule, monitor.GetRule(), protocmp.Transform()); diff != "" {
		t.Errorf("rule (-want +got):\n%s", diff)
	}
	if len(monitor.GetFeatures()) != 14 {
		t.Errorf("%d features", len(monitor.GetFeatures()))
	}
	wants := map[string]string{
		"sched_hour": "CATEGORICAL CHI_SQUARE=0.2 MISSING_RATE=0.05",
		"temp":       "NUMERIC POPULATION_STABILITY_INDEX=0.2 KOLMOGOROV_SMIRNOV=0.2 MISSING_RATE=0.05",
		"carrier":    "CATEGORICAL POPULATION_STABILITY_INDEX=0.2 MISSING_RATE=0.05",
		"dest":       "CATEGORICAL CHI_SQUARE=0.3 MISSING_RATE=0.05",
	}
	for _, f := range monitor.GetFeatures() {
		got := strings.TrimPrefix(f.GetType().String(), "FEATURE_TYPE_")
		var gotSb134 strings.Builder
		for _, test := range f.GetTests() {
			fmt.Fprintf(&gotSb134, " %s=%v", strings.TrimPrefix(test.GetTest().String(), "DRIFT_TEST_"), test.GetMinEffect())
		}
		got += gotSb134.String()
		if want, ok := wants[f.GetName()]; ok && got != want {
			t.Errorf("%s: got %s, want %s", f.GetName(), got, want)
		}
	}

	// The same flags use the monitor again, fewer flags too, others do not.
	p.run(t, args...).expect(t, 1)
	p.run(t, "drift", "detect", "--baseline", winter, "--current", summer, "--model", "delays", "--monitor", "delays-hourly",
		"--type", "sched_hour=categorical", "--ignore", "pressure", "--ignore", "precip").expect(t, 1)
	p.run(t, append(args, "--fdr", "0.02")...).expect(t, 3).says(t, `monitor "delays-hourly" exists and differs: its decision rule is another`)
	p.run(t, append(args, "--test", "dest=psi")...).expect(t, 3).says(t, "dest has other tests or smallest effects")
	p.run(t, append(args, "--ignore", "temp")...).expect(t, 3).says(t, `--test temp: no such column is compared`)
	p.run(t, append(args, "--ignore", "humid")...).expect(t, 3).says(t, "it also watches humid", "choose another name with --monitor")
	p.run(t, append(args, "--type", "sched_hour=numeric")...).expect(t, 3).says(t, "sched_hour is categorical there and numeric here")
	p.run(t, append(args, "--model", "other")...).expect(t, 3).says(t, "it watches another model than other")
}

func TestDriftDetectRefusals(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	long := writeFile(t, "long.csv", "a,b\n1,x\n2,"+strings.Repeat("y", 10<<20)+"\n")
	short := writeFile(t, "short.csv", "a,b\n1,x\n2,y\n")
	typo := writeFile(t, "typo.csv", "a,b\n1,x\ntwo,y\n")
	other := writeFile(t, "other.csv", "a,c\n1,x\n2,y\n")
	empty := writeFile(t, "empty.csv", "")
	infinite := writeFile(t, "infinite.csv", "a,b\n1,x\nInf,y\n")
	for _, test := range []struct {
		args []string
		says []string
	}{
		{[]string{"--baseline", short}, []string{`required flag(s) "current" not set`}},
		{[]string{"--baseline", short, "--current", "absent.csv"}, []string{"absent.csv"}},
		{[]string{"--baseline", empty, "--current", short}, []string{"empty.csv is empty"}},
		{[]string{"--baseline", long, "--current", short, "--model", "bad"}, []string{`line 3, column "b": the value is 10485760 bytes long`}},
		{[]string{"--baseline", infinite, "--current", short, "--model", "bad"}, []string{`line 3, column "a": infinite values`}},
		{[]string{"--baseline", short, "--current", other}, []string{"other.csv lacks columns of the baseline: b"}},
		{[]string{"--baseline", short, "--current", long}, []string{`line 3, column "b": the value is 10485760 bytes long`}},
		{[]string{"--baseline", short, "--current", typo}, []string{`line 3, column "a": "two" is not a number`}},
		{[]string{"--baseline", short, "--current", short, "--type", "a=text"}, []string{`--type a=text: "text" is none of`}},
		{[]string{"--baseline", short, "--current", short, "--type", "numeric"}, []string{"--type numeric: say COLUMN=VALUE"}},
		{[]string{"--baseline", short, "--current", short, "--test", "a=t"}, []string{`"t" is no test`}},
		{[]string{"--baseline", short, "--current", short, "--min-effect", "a=much"}, []string{"say a number over 0"}},
		{[]string{"--baseline", short, "--current", short, "--min-effect", "NaN"}, []string{"say a number over 0"}},
		{[]string{"--baseline", short, "--current", short, "--min-effect", "c=1"}, []string{"no such column is compared"}},
		{[]string{"--baseline", short, "--current", short, "--task", "magic"}, []string{`--task "magic" is none of`}},
		{[]string{"--baseline", short, "--current", short, "--fdr", "0.9", "--model", "fdr"}, []string{"INVALID_FIELD", "field"}},
	} {
		p.run(t, append([]string{"drift", "detect"}, test.args...)...).expect(t, 3).says(t, test.says...)
	}
	if len(p.drift.detections) != 0 {
		t.Errorf("%d detections were run", len(p.drift.detections))
	}
	for _, m := range p.drift.models {
		if m.GetName() == "bad" {
			t.Error("a baseline that cannot be sent left a model behind")
		}
	}
	p.run(t, "drift", "detect", "--baseline", other, "--current", writeFile(t, "more.csv", "c,d,a\nx,1,1\nz,2,2\n"), "--model", "m").
		expect(t, 1).says(t, "note: the baseline does not have these columns of", "left out: d")
}

// The answer to an upload that the server ends early is the server's, not a broken pipe.
func TestDriftDetectServerRefusesUpload(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.drift.refuse = refuse(codes.InvalidArgument, "CARDINALITY_TOO_HIGH", "a column has too many categories")
	var content strings.Builder
	content.WriteString("a\n")
	for i := range 300_000 {
		fmt.Fprintf(&content, "category-%d\n", i)
	}
	large := writeFile(t, "large.csv", content.String())
	p.run(t, "drift", "detect", "--baseline", large, "--current", large).expect(t, 3).
		says(t, "a column has too many categories", "CARDINALITY_TOO_HIGH", "identifiers are no features")
}

func TestDriftDetectSendsBatchesOfBoundedSize(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	var content strings.Builder
	content.WriteString("n,s\n")
	for i := range 140_000 {
		fmt.Fprintf(&content, "%d,%s\n", i, strings.Repeat("x", i%40))
	}
	large := writeFile(t, "large.csv", content.String())
	p.run(t, "drift", "detect", "--baseline", large, "--current", large).expect(t, 0).says(t, "140000 rows")
	if len(p.drift.batches) < 3 {
		t.Errorf("%d batches", len(p.drift.batches))
	}
	for i, batch := range p.drift.batches {
		if size := proto.Size(batch); size > 3<<20 {
			t.Errorf("batch %d has %d bytes", i, size)
		}
		if rows := len(batch.GetColumns()[0].GetNumbers().GetValues()); rows > 65536 {
			t.Errorf("batch %d has %d rows", i, rows)
		}
	}
}

func TestDriftDetectWaitsForTheReceipt(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	receipt, document := filepath.Join(t.TempDir(), "r.tlog-proof"), filepath.Join(t.TempDir(), "d.json")
	p.drift.pending = 3
	p.run(t, "drift", "detect", "--baseline", winter, "--current", summer, "--receipt", receipt, "--document", document).expect(t, 1).says(t, "index 12 on the wall")
	if got := readFile(t, receipt); got != "c2sp.org/tlog-proof@v1\n" {
		t.Errorf("the receipt is %q", got)
	}
	if got := readFile(t, document); got != `{"format":"test"}` {
		t.Errorf("the document is %q", got)
	}

	p.drift.pending = 1 << 30
	p.run(t, "drift", "detect", "--baseline", winter, "--current", summer, "--wait", "1ms").expect(t, 1).says(t, "queued: aumosctl drift get "+id(700))
	p.run(t, "drift", "detect", "--baseline", winter, "--current", summer, "--wait", "1ms", "--receipt", receipt).expect(t, 3).
		says(t, "DRIFT: 2 of 4", "the evidence is not recorded yet")

	p.drift.detections[0].Document = []byte("altered")
	p.run(t, "drift", "get", id(700), "--document", document).expect(t, 3).says(t, "it is not written")
}

func TestDriftDetectTimeoutAndInterrupt(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.drift.silent = make(chan struct{})
	t.Cleanup(func() { close(p.drift.silent) })
	for timeout := 100 * time.Millisecond; ; timeout *= 2 {
		got := p.run(t, "--timeout", timeout.String(), "drift", "detect", "--baseline", winter, "--current", summer).expect(t, 3)
		if strings.Contains(got.stderr, "no answer within "+timeout.String()+" after the last row of ") {
			break
		}
		// On a machine that is busy enough, a call before the upload takes longer than that.
		got.says(t, "DEADLINE")
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := p.runInContext(t, ctx, "drift", "list"); got.code != 3 || got.stderr != "error: interrupted\n" {
		t.Errorf("interrupted: exit code %d, %s", got.code, got.stderr)
	}
}

func TestDriftGetAndList(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.run(t, "drift", "detect", "--baseline", winter, "--current", summer).expect(t, 1)
	golden(t, "drift_list.txt", p.run(t, "drift", "list").expect(t, 0).stdout)
	p.run(t, "drift", "get", id(700)).expect(t, 1).says(t, "temp", "median 35.96 → 78.08")
	p.run(t, "drift", "get", id(701)).expect(t, 3).says(t, "NOT_FOUND")
	p.run(t, "drift", "list", "--monitor", "winter", "--status", "drift").expect(t, 0).says(t, id(700))
	p.run(t, "drift", "list", "--monitor", "absent").expect(t, 3).says(t, `there is no monitor "absent"`)
	p.run(t, "drift", "list", "--status", "bad").expect(t, 3).says(t, "--status")
	if got := p.run(t, "drift", "list", "--status", "ok").expect(t, 0).stdout; strings.Contains(got, id(700)) {
		t.Errorf("--status ok prints\n%s", got)
	}
}
