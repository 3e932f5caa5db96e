package server_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/drift/internal/drifttest"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// everyTest returns the settings of all tests of features of a type, with every convention, in groups as large as a feature may have.
func everyTest(t *testing.T, c *drifttest.Client, kind driftv1.FeatureType) [][]*driftv1.TestSetting {
	t.Helper()
	list, err := c.ListTests(t.Context(), &driftv1.ListTestsRequest{FeatureType: kind, Scope: driftv1.TestScope_TEST_SCOPE_FEATURE})
	if err != nil {
		t.Fatal(err)
	}
	var settings []*driftv1.TestSetting
	for _, d := range list.GetTests() {
		for _, convention := range d.GetConventions() {
			if slices.Contains(convention.GetFeatureTypes(), kind) {
				settings = append(settings, &driftv1.TestSetting{Test: d.GetTest(), Convention: convention.GetName()})
			}
		}
	}
	return slices.Collect(slices.Chunk(settings, 32))
}

// sampleOf returns n rows of a type under a name; shifted ones come from another distribution.
func sampleOf(kind driftv1.FeatureType, name string, n int, shifted bool) *driftv1.Column {
	numbers := drifttest.Sequence(n, 0, 1)
	if shifted {
		numbers = drifttest.Sequence(n, 0.5, 1.5)
	}
	texts, flags, micros, vectors := make([]string, n), make([]bool, n), make([]int64, n), make([]float32, 3*n)
	for i, x := range numbers {
		texts[i], flags[i], micros[i] = fmt.Sprint("word", int(4*x)), x < 0.4, int64(1.7e15+float64(i)*6e7*(1+x))
		vectors[3*i], vectors[3*i+1], vectors[3*i+2] = float32(x), float32(numbers[n-1-i]), float32(i%7)
	}
	switch kind {
	case driftv1.FeatureType_FEATURE_TYPE_CATEGORICAL:
		return drifttest.Texts(name, texts...)
	case driftv1.FeatureType_FEATURE_TYPE_TEXT:
		for i := range texts {
			texts[i] = fmt.Sprintf("the %s of row %d", texts[i], i%10)
		}
		return drifttest.Texts(name, texts...)
	case driftv1.FeatureType_FEATURE_TYPE_BOOLEAN:
		return drifttest.Booleans(name, flags...)
	case driftv1.FeatureType_FEATURE_TYPE_TIMESTAMP:
		return drifttest.Times(name, micros...)
	case driftv1.FeatureType_FEATURE_TYPE_VECTOR:
		return drifttest.Vectors(name, 3, vectors...)
	default:
		return drifttest.Numbers(name, numbers...)
	}
}

// TestEveryTest makes every test with every convention on features of every type that it applies to.
func TestEveryTest(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	header := &driftv1.ComparisonHeader{Permutations: new(int32(99))}
	before, after := drifttest.Baseline(), drifttest.Current()
	for number := range int32(len(driftv1.FeatureType_name) - 1) {
		kind := driftv1.FeatureType(number + 1)
		for i, tests := range everyTest(t, c, kind) {
			name := fmt.Sprint(kind, i)
			header.Features = append(header.Features, &driftv1.ComparedFeature{Name: name, Type: kind, Tests: tests})
			before.Rows.Columns = append(before.Rows.Columns, sampleOf(kind, name, 200, false))
			after.Rows.Columns = append(after.Rows.Columns, sampleOf(kind, name, 150, true))
		}
	}
	got, err := c.CompareSides(t, header, before, after)
	if err != nil {
		t.Fatal(err)
	}
	results := 0
	for _, f := range got.GetFeatures() {
		for _, r := range f.GetTests() {
			checkResult(t, f.GetFeature(), r)
			results++
		}
	}
	t.Logf("%d results", results)
}

// checkResult wants what every result must have, whatever was found.
func checkResult(t *testing.T, feature string, r *driftv1.TestResult) {
	t.Helper()
	switch r.GetStatus() {
	case driftv1.DriftStatus_DRIFT_STATUS_OK, driftv1.DriftStatus_DRIFT_STATUS_WARNING, driftv1.DriftStatus_DRIFT_STATUS_DRIFT:
		if r.Statistic == nil || r.PValue == nil || r.QValue == nil || r.Effect == nil || r.GetPValueMethod() == 0 || r.GetDirection() == 0 || r.GetConvention() == "" ||
			r.GetEffectName() == "" || !(r.GetMinEffect() > 0) || r.GetBaselineCount() == 0 || r.GetCurrentCount() == 0 {
			t.Errorf("%s: got %v", feature, r)
		}
	default:
		if r.GetStatus() != driftv1.DriftStatus_DRIFT_STATUS_NOT_APPLICABLE || r.GetReason() == "" {
			t.Errorf("%s: got %v", feature, r)
		}
	}
}

// TestEveryTestOfMonitors keeps every test with every convention that monitors may have, and runs it.
func TestEveryTestOfMonitors(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	var features []*driftv1.Feature
	before, after := drifttest.Batch(), drifttest.Batch()
	want := make(map[string]int)
	for _, kind := range []driftv1.FeatureType{
		driftv1.FeatureType_FEATURE_TYPE_NUMERIC, driftv1.FeatureType_FEATURE_TYPE_CATEGORICAL, driftv1.FeatureType_FEATURE_TYPE_BOOLEAN,
	} {
		for i, tests := range everyTest(t, c, kind) {
			name := fmt.Sprint(kind, i)
			features = append(features, &driftv1.Feature{Name: name, Type: kind, Tests: tests})
			before.Columns = append(before.Columns, sampleOf(kind, name, 200, false))
			after.Columns = append(after.Columns, sampleOf(kind, name, 150, true))
			want[name] = len(tests)
		}
	}
	m := c.Monitor(t, uuid.NewString(), features...)
	for i, f := range m.GetFeatures() {
		for j, asked := range features[i].GetTests() {
			if kept := f.GetTests()[j]; kept.GetTest() != asked.GetTest() || kept.GetConvention() != asked.GetConvention() || !(kept.GetMinEffect() > 0) {
				t.Errorf("asked for %v, got %v", asked, kept)
			}
		}
	}
	c.Active(t, m, before)
	d, err := c.Run(t, &driftv1.RunDetectionHeader{MonitorId: m.GetId()}, after)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range d.GetFeatures() {
		for _, r := range f.GetTests() {
			checkResult(t, f.GetFeature(), r)
		}
		if n := len(f.GetTests()); n < want[f.GetFeature()] || n > want[f.GetFeature()]+1 {
			t.Errorf("%s: %d results of %d tests", f.GetFeature(), n, want[f.GetFeature()])
		}
	}
	if d.GetEvidence().GetState() != driftv1.EvidenceState_EVIDENCE_STATE_RECORDED {
		t.Errorf("got %v", d.GetEvidence())
	}
}
