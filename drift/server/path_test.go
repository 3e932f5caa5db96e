package server_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/aumos-enterprise/platform/drift/internal/drifttest"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	typev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/type/v1"
)

// The samples of 500 rows whose numbers SciPy gave: numbers in the first rows, missing in the rest, and three categories.
var (
	referenceNumbers = []float64{0.1, 0.4, 0.7, 1.2, 1.9, 2.3, 2.8, 3.1, 3.5, 4.2}
	currentNumbers   = []float64{0.9, 1.5, 2.1, 2.6, 3.3, 3.9, 4.4, 5.0, 5.7, 6.1, 6.6, 7.2}
	referenceCounts  = []int{100, 100, 300}
	currentCounts    = []int{90, 120, 290}
)

const knownRows = 500

// known returns the columns with the numbers and as many categories A, B, C as counted.
func known(numbers []float64, counts []int) *driftv1.ColumnBatch {
	values := make([]float64, knownRows)
	for i := range values {
		values[i] = math.NaN()
	}
	copy(values, numbers)
	var names []string
	for i, n := range counts {
		for range n {
			names = append(names, string(rune('A'+i)))
		}
	}
	return drifttest.Batch(drifttest.Numbers("delay", values...), drifttest.Texts("carrier", names...))
}

func near(got *float64, want, tolerance float64) bool {
	return got != nil && math.Abs(*got-want) <= tolerance*math.Max(1e-300, math.Abs(want))
}

// TestPath goes the whole way from a model to the receipt of a detection.
func TestPath(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	m, err := c.CreateMonitor(t.Context(), &driftv1.CreateMonitorRequest{
		ModelId: c.Model(t, "delays").GetId(), Name: "delays of departures",
		Features: []*driftv1.Feature{drifttest.Numeric("delay"), drifttest.Categorical("carrier")},
		Rule:     &driftv1.DecisionRule{MinRows: new(int32(2))},
	})
	if err != nil {
		t.Fatal(err)
	}
	b := c.Active(t, m.GetMonitor(), known(referenceNumbers, referenceCounts))
	d, err := c.Run(t, &driftv1.RunDetectionHeader{MonitorId: m.GetMonitor().GetId(), Description: "summer"}, known(currentNumbers, currentCounts))
	if err != nil {
		t.Fatal(err)
	}
	if d.GetStatus() != driftv1.DriftStatus_DRIFT_STATUS_OK || d.GetRowCount() != knownRows || d.GetFeatureCount() != 2 || d.GetDescription() != "summer" ||
		!bytes.Equal(d.GetBaselineFingerprintSha256(), b.GetFingerprintSha256()) || d.GetBaselineId() != b.GetId() {
		t.Errorf("got %v", d)
	}
	checkKnown(t, d)
	checkDocument(t, c, d, b)
	checkEvidence(t, s, c, d)

	got, err := c.GetDetection(t.Context(), &driftv1.GetDetectionRequest{DetectionId: d.GetId()})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d, got.GetDetection(), protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}

// checkKnown compares with SciPy 1.17.1: ks_2samp(method="exact"), chi2_contingency(correction=False), whose p-value for
// two rows and columns is that of the two-proportion test and whose statistic its square, and false_discovery_control over the four p-values; Cramér's V is √(χ²/n).
func checkKnown(t *testing.T, d *driftv1.Detection) {
	t.Helper()
	type expected struct {
		statistic, p, q, effect float64
		method                  driftv1.PValueMethod
		baseline, current       int64
	}
	exact, asymptotic := driftv1.PValueMethod_P_VALUE_METHOD_EXACT, driftv1.PValueMethod_P_VALUE_METHOD_ASYMPTOTIC
	ks, chi, missing := driftv1.DriftTest_DRIFT_TEST_KOLMOGOROV_SMIRNOV, driftv1.DriftTest_DRIFT_TEST_CHI_SQUARE, driftv1.DriftTest_DRIFT_TEST_MISSING_RATE
	want := map[string]map[driftv1.DriftTest]expected{
		"delay": {
			ks:      {0.5, 0.09270296267200293, 0.3708118506880117, 0.5, exact, 10, 12},
			missing: {-0.4311706870466545, 0.666344266091256, 0.8884590214550079, 0.004, asymptotic, 500, 500},
		},
		"carrier": {
			chi:     {2.5139891330792308, 0.28450781215751675, 0.5690156243150335, 0.050139696180563666, asymptotic, 500, 500},
			missing: {math.NaN(), 1, 1, 0, exact, 500, 500},
		},
	}
	tests := 0
	for _, f := range d.GetFeatures() {
		for _, r := range f.GetTests() {
			w, ok := want[f.GetFeature()][r.GetTest()]
			if !ok {
				t.Errorf("unexpected test %s of %s", r.GetTest(), f.GetFeature())
				continue
			}
			tests++
			if !math.IsNaN(w.statistic) && !near(r.Statistic, w.statistic, 1e-12) || !near(r.PValue, w.p, 1e-10) || !near(r.QValue, w.q, 1e-10) ||
				!near(r.Effect, w.effect, 1e-10) || r.GetPValueMethod() != w.method || r.GetBaselineCount() != w.baseline || r.GetCurrentCount() != w.current {
				t.Errorf("%s of %s: got %v, want %v", r.GetTest(), f.GetFeature(), r, w)
			}
			if r.GetStatus() != driftv1.DriftStatus_DRIFT_STATUS_OK || r.GetConvention() == "" || r.GetMinEffect() == 0 || r.GetEffectName() == "" {
				t.Errorf("%s of %s: got %v", r.GetTest(), f.GetFeature(), r)
			}
		}
		if f.GetFeature() == "delay" {
			if f.GetBaselineMissingRate() != 0.98 || f.GetCurrentMissingRate() != 0.976 {
				t.Errorf("got missing rates %v and %v", f.GetBaselineMissingRate(), f.GetCurrentMissingRate())
			}
			// numpy 2.4.6: mean, std(ddof=1), quantile([.25, .5, .75]).
			summary := &driftv1.NumericSummary{
				Mean: 2.02, StandardDeviation: new(1.395866915018923), Min: 0.1, LowerQuartile: 0.825, Median: 2.1, UpperQuartile: 3.025, Max: 4.2,
			}
			if diff := cmp.Diff(summary, f.GetBaselineSummary(), protocmp.Transform(), equateApprox()); diff != "" {
				t.Error(diff)
			}
		}
	}
	if tests != 4 {
		t.Errorf("got %d tests, want 4", tests)
	}
}

func equateApprox() cmp.Option {
	return cmp.Comparer(func(a, b float64) bool { return near(&a, b, 1e-12) })
}

// checkDocument reads the document as an auditor would.
func checkDocument(t *testing.T, c *drifttest.Client, d *driftv1.Detection, b *driftv1.Baseline) {
	t.Helper()
	sum := sha256.Sum256(d.GetDocument())
	if !bytes.Equal(sum[:], d.GetDocumentSha256()) {
		t.Errorf("the document's SHA-256 is %x, not %x", sum, d.GetDocumentSha256())
	}
	var document struct {
		Format, Engine                                   string
		DetectionID, TenantID, ModelID, MonitorID        string
		BaselineID, BaselineFingerprint, DataFingerprint string
		MonitorName, Description, CreateTime             string
		BaselineRows, Rows                               int64
		Result                                           struct {
			Status   string
			Features []struct {
				Name    string
				Results []struct {
					Test   string
					PValue float64 `json:"p_value"`
				}
			}
		}
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(d.GetDocument(), &raw); err != nil {
		t.Fatal(err)
	}
	for key, value := range raw { // snake_case to the names above
		name := strings.ReplaceAll(strings.TrimSuffix(key, "_sha256"), "_", "")
		one, _ := json.Marshal(map[string]json.RawMessage{name: value})
		if err := json.Unmarshal(one, &document); err != nil {
			t.Fatal(err)
		}
	}
	if document.Format != "aumos.drift.detection/v1" || document.Engine == "" || document.DetectionID != d.GetId() || document.TenantID != c.Tenant.String() ||
		document.ModelID != d.GetModelId() || document.MonitorID != d.GetMonitorId() || document.BaselineID != d.GetBaselineId() ||
		document.BaselineFingerprint != hex.EncodeToString(b.GetFingerprintSha256()) || len(document.DataFingerprint) != 64 ||
		document.MonitorName != "delays of departures" || document.Description != "summer" || document.Rows != knownRows || document.BaselineRows != knownRows ||
		document.Result.Status != "OK" || len(document.Result.Features) != 2 || document.Result.Features[0].Name != "delay" ||
		!near(&document.Result.Features[0].Results[0].PValue, 0.09270296267200293, 1e-10) {
		t.Errorf("got %s", d.GetDocument())
	}
}

// checkEvidence looks at what governance was told.
func checkEvidence(t *testing.T, s *drifttest.Service, c *drifttest.Client, d *driftv1.Detection) {
	t.Helper()
	e := d.GetEvidence()
	if e.GetState() != driftv1.EvidenceState_EVIDENCE_STATE_RECORDED || e.GetReceipt() != drifttest.Receipt(e.GetEntryId()) || len(e.GetLeafHash()) != 32 ||
		e.GetRecordTime() == nil {
		t.Fatalf("got evidence %v", e)
	}
	entries := s.Governance.AwaitEntries(t, c.Tenant, 6)
	byType := make(map[string]*governancev1.RecordEntryRequest)
	for _, entry := range entries {
		byType[entry.GetEventType()] = entry
		if entry.GetActor().GetKind() != typev1.ActorKind_ACTOR_KIND_USER || entry.GetActor().GetId() != "engineer" || entry.GetRequestId() == "" ||
			entry.GetOutcome() != governancev1.AuditOutcome_AUDIT_OUTCOME_SUCCESS || entry.GetEffectiveTime() == nil {
			t.Errorf("got %v", entry)
		}
	}
	if len(entries) != 6 || len(byType) != 6 {
		t.Errorf("got %d entries of %d types", len(entries), len(byType))
	}
	for event, want := range map[string]struct{ action, resource string }{
		"drift.model_registered":   {"drift.register_model", "model"},
		"drift.monitor_created":    {"drift.create_monitor", "monitor"},
		"drift.baseline_uploaded":  {"drift.upload_baseline", "baseline"},
		"drift.baseline_activated": {"drift.activate_baseline", "baseline"},
		"drift.monitor_changed":    {"drift.activate_baseline", "monitor"},
		"drift.detection":          {"drift.detect", "detection"},
	} {
		entry := byType[event]
		if entry.GetAction() != want.action || entry.GetResource().GetType() != want.resource {
			t.Errorf("%s: got %v", event, entry)
		}
		if len(entry.GetResource().GetState().GetFields()) == 0 {
			t.Errorf("%s has no state", event)
		}
	}
	entry := byType["drift.detection"]
	details := entry.GetDetails().AsMap()
	if entry.GetEntryId() != e.GetEntryId() || entry.GetResource().GetId() != d.GetId() || len(entry.GetDigests()) != 1 ||
		entry.GetDigests()[0].GetName() != "result" || !bytes.Equal(entry.GetDigests()[0].GetSha256(), d.GetDocumentSha256()) {
		t.Errorf("got %v", entry)
	}
	if details["status"] != "OK" || details["row_count"] != float64(knownRows) || details["monitor_id"] != d.GetMonitorId() || details["model_id"] != d.GetModelId() ||
		details["baseline_id"] != d.GetBaselineId() || details["baseline_fingerprint_sha256"] != hex.EncodeToString(d.GetBaselineFingerprintSha256()) {
		t.Errorf("got details %v", details)
	}
	state := byType["drift.baseline_activated"].GetResource().GetState().AsMap()
	if state["state"] != "ACTIVE" || state["row_count"] != float64(knownRows) {
		t.Errorf("got state %v", state)
	}
	if state := byType["drift.monitor_changed"].GetResource().GetState().AsMap(); state["active_baseline_id"] != d.GetBaselineId() || state["etag"] == "" {
		t.Errorf("got state of the monitor %v", state)
	}
	if state := byType["drift.detection"].GetResource().GetState().AsMap(); state["status"] != "OK" || state["document_sha256"] != hex.EncodeToString(d.GetDocumentSha256()) {
		t.Errorf("got state of the detection %v", state)
	}
}

// TestVerdicts runs data whose verdict is plain.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	m := c.Monitor(t, "delays", drifttest.Numeric("steady"), drifttest.Numeric("moved"), drifttest.Categorical("kind"), drifttest.Boolean("flag"))
	const n = 400
	kinds, flags, moreFlags := make([]string, n), make([]bool, n), make([]bool, n)
	for i := range n {
		kinds[i], flags[i], moreFlags[i] = string(rune('a'+i%4)), i%10 == 0, i%2 == 0
	}
	c.Active(t, m, drifttest.Batch(drifttest.Numbers("steady", drifttest.Sequence(n, 0, 1)...), drifttest.Numbers("moved", drifttest.Sequence(n, 0, 1)...),
		drifttest.Texts("kind", kinds...), drifttest.Booleans("flag", flags...)))
	otherKinds := append([]string(nil), kinds...)
	for i := range otherKinds {
		if otherKinds[i] == "d" {
			otherKinds[i] = "z"
		}
	}
	d, err := c.Run(t, &driftv1.RunDetectionHeader{MonitorId: m.GetId()}, drifttest.Batch(
		drifttest.Numbers("steady", drifttest.Sequence(n, 0, 1)...), drifttest.Numbers("moved", drifttest.Sequence(n, 0.3, 1)...),
		drifttest.Texts("kind", otherKinds...), drifttest.Booleans("flag", moreFlags...)))
	if err != nil {
		t.Fatal(err)
	}
	drift, ok := driftv1.DriftStatus_DRIFT_STATUS_DRIFT, driftv1.DriftStatus_DRIFT_STATUS_OK
	want := map[string]driftv1.DriftStatus{"steady": ok, "moved": drift, "kind": drift, "flag": drift}
	severity := 1.0
	for _, f := range d.GetFeatures() {
		if f.GetStatus() != want[f.GetFeature()] {
			t.Errorf("%s: got %s", f.GetFeature(), f.GetStatus())
		}
		if f.GetSeverity() > severity {
			t.Errorf("%s is more severe than the feature before it", f.GetFeature())
		}
		severity = f.GetSeverity()
		switch f.GetFeature() {
		case "kind":
			if !cmp.Equal(f.GetUnseenCategories(), []string{"z"}) || !cmp.Equal(f.GetVanishedCategories(), []string{"d"}) {
				t.Errorf("got unseen %q, vanished %q", f.GetUnseenCategories(), f.GetVanishedCategories())
			}
		case "moved":
			if f.GetTests()[0].GetDirection() != driftv1.DriftDirection_DRIFT_DIRECTION_INCREASE || len(f.GetTopChanges()) == 0 ||
				!strings.HasSuffix(f.GetTopChanges()[0].GetName(), ", ∞)") {
				t.Errorf("got %v", f)
			}
		}
	}
	if d.GetStatus() != drift || d.GetDriftedFeatureCount() != 3 || d.GetSeverity() != d.GetFeatures()[0].GetSeverity() {
		t.Errorf("got %s, %d drifted, severity %v", d.GetStatus(), d.GetDriftedFeatureCount(), d.GetSeverity())
	}
	// One row: stored, and no verdict.
	one, err := c.Run(t, &driftv1.RunDetectionHeader{MonitorId: m.GetId()}, drifttest.Batch(
		drifttest.Numbers("steady", 1), drifttest.Numbers("moved", 1), drifttest.Texts("kind", "a"), drifttest.Booleans("flag", true)))
	if err != nil {
		t.Fatal(err)
	}
	if one.GetStatus() != driftv1.DriftStatus_DRIFT_STATUS_INSUFFICIENT_DATA || one.GetFeatures()[0].GetReason() == "" {
		t.Errorf("one row: got %v", one)
	}
	// A column without any value, constants and numbers at the edge are data like any other.
	nothing := drifttest.Numbers("steady", make([]float64, n)...)
	nothing.Validity = make([]byte, (n+7)/8)
	odd, err := c.Run(t, &driftv1.RunDetectionHeader{MonitorId: m.GetId()}, drifttest.Batch(nothing,
		drifttest.Numbers("moved", func() []float64 {
			values := make([]float64, n)
			for i := range values {
				values[i] = math.MaxFloat64
			}
			return values
		}()...), drifttest.Texts("kind", kinds...), drifttest.Booleans("flag", flags...)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range odd.GetFeatures() {
		if f.GetFeature() == "steady" && (f.GetTests()[0].GetStatus() != driftv1.DriftStatus_DRIFT_STATUS_INSUFFICIENT_DATA || f.GetCurrentMissingRate() != 1) {
			t.Errorf("a column without values: got %v", f)
		}
	}
	list, err := c.ListDetections(t.Context(), &driftv1.ListDetectionsRequest{Status: driftv1.DriftStatus_DRIFT_STATUS_INSUFFICIENT_DATA})
	if err != nil {
		t.Fatal(err)
	}
	if len(list.GetDetections()) != 1 || list.GetDetections()[0].GetId() != one.GetId() || len(list.GetDetections()[0].GetDocument()) != 0 ||
		len(list.GetDetections()[0].GetFeatures()) != 0 || list.GetDetections()[0].GetEvidence().GetReceipt() == "" {
		t.Errorf("got %v", list)
	}
}

// TestServicePrincipal runs a detection as a pipeline does: a service that names the tenant it acts for.
func TestServicePrincipal(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	engineer := s.Client(t, drifttest.NewTenant())
	m := engineer.Monitor(t, "m", drifttest.Numeric("x"))
	batch := drifttest.Batch(drifttest.Numbers("x", drifttest.Sequence(50, 0, 1)...))
	pipeline := s.ServiceClient(t, engineer.Tenant)
	pipeline.Active(t, m, batch)
	d, err := pipeline.Run(t, &driftv1.RunDetectionHeader{MonitorId: m.GetId()}, batch)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range s.Governance.AwaitEntries(t, engineer.Tenant, 6) {
		if e.GetResource().GetId() == d.GetId() && (e.GetActor().GetKind() != typev1.ActorKind_ACTOR_KIND_SERVICE || e.GetActor().GetId() != "pipeline") {
			t.Errorf("got actor %v", e.GetActor())
		}
	}
	_, err = pipeline.RegisterModel(t.Context(), &driftv1.RegisterModelRequest{Name: "n", Task: driftv1.ModelTask_MODEL_TASK_RANKING, Owner: "o"})
	drifttest.Want(t, err, codes.PermissionDenied, "PERMISSION_MISSING", "")
}
