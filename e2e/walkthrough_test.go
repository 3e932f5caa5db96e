package e2e_test

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// TestWalkThrough follows the README: winter against summer, a decision, a receipt, an export, and what happens when a byte of it changes.
func TestWalkThrough(t *testing.T) {
	t.Parallel()
	p := deploy(t)
	u := p.newTenant(t)
	u.activateRetrain(t)

	summer, output := u.detect(t, 1, "summer.csv")
	checkAgainstSciPy(t, summer, "summer")
	control, _ := u.detect(t, 0, "winter_control.csv")
	checkAgainstSciPy(t, control, "winter_control")
	if summer.GetEvidence().GetState() != driftv1.EvidenceState_EVIDENCE_STATE_RECORDED || summer.GetEvidence().GetReceipt() == "" {
		t.Errorf("got evidence %v", summer.GetEvidence())
	}

	u.decide(t, 0, output, "ALLOW")
	u.decide(t, 1, strings.ReplaceAll(output, "DRIFT_STATUS_DRIFT", "DRIFT_STATUS_OK"), "DENY")

	u.ctl(t, "audit", "keys", "--out", u.file("wall.vkey")).want(t, 0)
	receipt := u.write(t, "summer.tlog-proof", []byte(summer.GetEvidence().GetReceipt()))
	u.ctl(t, "audit", "export", "--out", u.file("wall.jsonl")).want(t, 0)

	// From here on nothing runs: verification needs the files alone.
	p.drift.stop(t)
	p.governance.stop(t)
	verify := func(file string) result {
		return u.ctl(t, "audit", "verify", file, "--key", u.file("wall.vkey"))
	}
	verify(u.file("wall.jsonl")).want(t, 0)
	verify(receipt).want(t, 0)
	u.ctl(t, "audit", "verify", u.file("wall.jsonl")).want(t, 2) // no key, no answer
	verify(u.file("missing.jsonl")).want(t, 3)

	export, err := os.ReadFile(u.file("wall.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	altered := strings.Replace(string(export), "drift.detection", "drift.detectiom", 1)
	if altered == string(export) {
		t.Fatal("the export holds no detection")
	}
	r := verify(u.write(t, "altered.jsonl", []byte(altered))).want(t, 1)
	if !strings.Contains(r.stdout+r.stderr, "index") {
		t.Errorf("the report does not name the index:\n%s%s", r.stdout, r.stderr)
	}
}

// detect compares winter with a sample and returns the detection and what aumosctl printed.
func (u *user) detect(t *testing.T, code int, sample string) (*driftv1.Detection, string) {
	t.Helper()
	r := u.ctl(t, "drift", "detect", "--baseline", example(t, "flights", "winter.csv"), "--current", example(t, "flights", sample),
		"--model", "flight delays", "--monitor", "flight delays", "-o", "json").want(t, code)
	return decodeDetection(t, r.stdout), r.stdout
}

// decodeDetection reads what `drift detect -o json` prints.
func decodeDetection(t *testing.T, stdout string) *driftv1.Detection {
	t.Helper()
	var printed struct {
		Detection json.RawMessage `json:"detection"`
	}
	if err := json.Unmarshal([]byte(stdout), &printed); err != nil {
		t.Fatalf("decode %s: %v", stdout, err)
	}
	var d driftv1.Detection
	if err := protojson.Unmarshal(printed.Detection, &d); err != nil {
		t.Fatal(err)
	}
	return &d
}

// decide asks the decision point drift.retrain about a detection.
func (u *user) decide(t *testing.T, code int, input, outcome string) {
	t.Helper()
	file := u.write(t, "input.json", []byte(input))
	r := u.ctl(t, "decision", "eval", "--decision-point", "drift.retrain", "--input", file).want(t, code)
	if !strings.Contains(r.stdout, outcome) {
		t.Errorf("the answer does not say %s:\n%s", outcome, r.stdout)
	}
}

// expectation is what SciPy finds: examples/flights/expected.json, made by expected.py beside it.
type expectation struct {
	Comparisons map[string]struct {
		Status          string `json:"status"`
		DriftedFeatures int32  `json:"drifted_features"`
		Features        map[string]struct {
			Status        string `json:"status"`
			BaselineCount int64  `json:"baseline_count"`
			CurrentCount  int64  `json:"current_count"`
			Tests         map[string]struct {
				Statistic float64 `json:"statistic"`
				PValue    float64 `json:"p_value"`
				QValue    float64 `json:"q_value"`
				Effect    float64 `json:"effect"`
				Status    string  `json:"status"`
			} `json:"tests"`
		} `json:"features"`
	} `json:"comparisons"`
}

func checkAgainstSciPy(t *testing.T, d *driftv1.Detection, comparison string) {
	t.Helper()
	content, err := os.ReadFile(example(t, "flights", "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var expected expectation
	if err := json.Unmarshal(content, &expected); err != nil {
		t.Fatal(err)
	}
	want, ok := expected.Comparisons[comparison]
	if !ok || len(want.Features) == 0 {
		t.Fatalf("expected.json has no comparison %s", comparison)
	}
	if got := strings.TrimPrefix(d.GetStatus().String(), "DRIFT_STATUS_"); got != want.Status || d.GetDriftedFeatureCount() != want.DriftedFeatures ||
		len(d.GetFeatures()) != len(want.Features) {
		t.Errorf("%s: got %s with %d of %d features drifted, want %s with %d of %d", comparison, got, d.GetDriftedFeatureCount(), len(d.GetFeatures()),
			want.Status, want.DriftedFeatures, len(want.Features))
	}
	for _, f := range d.GetFeatures() {
		w, ok := want.Features[f.GetFeature()]
		if got := strings.TrimPrefix(f.GetStatus().String(), "DRIFT_STATUS_"); !ok || got != w.Status || len(f.GetTests()) != len(w.Tests) {
			t.Errorf("%s: %s: got %s from %d tests, want %s from %d", comparison, f.GetFeature(), got, len(f.GetTests()), w.Status, len(w.Tests))
		}
		for _, r := range f.GetTests() {
			name := strings.ToLower(strings.TrimPrefix(r.GetTest().String(), "DRIFT_TEST_"))
			test, ok := w.Tests[name]
			if !ok || !near(r.Statistic, test.Statistic, 1e-10) || !near(r.PValue, test.PValue, 1e-7) || !near(r.QValue, test.QValue, 1e-7) ||
				!near(r.Effect, test.Effect, 1e-10) || strings.TrimPrefix(r.GetStatus().String(), "DRIFT_STATUS_") != test.Status {
				t.Errorf("%s: %s: %s: got %v, want %+v", comparison, f.GetFeature(), name, r, test)
			}
		}
	}
}

// near compares relatively; values under 1e-300 are the same, since the two sides underflow at different points.
func near(got *float64, want, tolerance float64) bool {
	return got != nil && (math.Abs(*got-want) <= tolerance*math.Abs(want) || math.Abs(*got-want) < 1e-300)
}
