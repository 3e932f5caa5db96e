package server_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/aumos-enterprise/platform/drift/internal/drifttest"
	"github.com/aumos-enterprise/platform/pkg/auth"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// repeat returns n texts that go round the given ones.
func repeat(n int, texts ...string) []string {
	values := make([]string, n)
	for i := range values {
		values[i] = texts[i%len(texts)]
	}
	return values
}

// TestCompareKnown compares the samples whose numbers SciPy gave, in two batches a side and out of order.
func TestCompareKnown(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	header := &driftv1.ComparisonHeader{
		Features: []*driftv1.ComparedFeature{
			{Name: "delay", Type: driftv1.FeatureType_FEATURE_TYPE_NUMERIC, Tests: []*driftv1.TestSetting{{Test: driftv1.DriftTest_DRIFT_TEST_KOLMOGOROV_SMIRNOV}}},
			{Name: "carrier", Type: driftv1.FeatureType_FEATURE_TYPE_CATEGORICAL, Tests: []*driftv1.TestSetting{{Test: driftv1.DriftTest_DRIFT_TEST_CHI_SQUARE}}},
		},
		Rule: &driftv1.DecisionRule{MinRows: new(int32(2))}, Seed: 7,
	}
	got, err := c.CompareSides(t, header,
		drifttest.Current(known(currentNumbers, currentCounts).GetColumns()...), drifttest.Baseline(known(referenceNumbers, referenceCounts).GetColumns()...))
	if err != nil {
		t.Fatal(err)
	}
	checkKnown(t, &driftv1.Detection{Features: got.GetFeatures()})
	if got.GetStatus() != driftv1.DriftStatus_DRIFT_STATUS_OK || got.GetBaselineRowCount() != knownRows || got.GetCurrentRowCount() != knownRows ||
		got.GetPValueCount() != 4 || got.GetPermutations() != 999 || got.GetSeed() != 7 || !strings.HasPrefix(got.GetSummary(), "No drift that matters in 2 features") ||
		got.GetRule().GetFalseDiscoveryRate() != 0.05 || got.GetRule().GetMinRows() != 2 || got.GetRule().GetMinDriftedFeatures() != 1 {
		t.Errorf("got %v", got)
	}

	// Whatever the order and the size of batches: the same answer.
	var batches []*driftv1.ComparisonBatch
	for from := 0; from < knownRows; from += 125 {
		for side, columns := range [][]*driftv1.Column{known(referenceNumbers, referenceCounts).GetColumns(), known(currentNumbers, currentCounts).GetColumns()} {
			batches = append(batches, &driftv1.ComparisonBatch{Side: driftv1.ComparisonSide(side + 1), Rows: drifttest.Batch(
				drifttest.Texts("carrier", columns[1].GetTexts().GetValues()[from:from+125]...), drifttest.Numbers("delay", columns[0].GetNumbers().GetValues()[from:from+125]...))})
		}
	}
	slices.Reverse(batches)
	again, err := c.CompareSides(t, header, batches...)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, again, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}

	// Nothing was kept or recorded.
	list, err := c.ListDetections(t.Context(), &driftv1.ListDetectionsRequest{})
	if err != nil || len(list.GetDetections()) != 0 {
		t.Errorf("got %v, %v", list, err)
	}
	if entries := s.Governance.Entries(c.Tenant); len(entries) != 0 {
		t.Errorf("got entries %v", entries)
	}
}

// TestCompareInfers sends columns of every type without a word about them.
func TestCompareInfers(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.ServiceClient(t, drifttest.NewTenant())
	const n = 200
	flags := make([]bool, n)
	micros, vectors := make([]int64, n), make([]float32, 2*n)
	for i := range flags {
		flags[i], micros[i], vectors[2*i] = i%3 == 0, int64(i)*60_000_000, float32(i)
	}
	same := drifttest.Sequence(n, 0, 1)
	got, err := c.CompareSides(
		t, &driftv1.ComparisonHeader{},
		drifttest.Baseline(
			drifttest.Numbers("same", same...), drifttest.Numbers("moved", same...), drifttest.Numbers("typed", same...), drifttest.Numbers("gone", same...),
			drifttest.Texts("name", repeat(n, "a", "b")...), drifttest.Booleans("flag", flags...), drifttest.Times("at", micros...), drifttest.Vectors("vector", 2, vectors...),
		),
		drifttest.Current(
			drifttest.Numbers("same", same...), drifttest.Numbers("moved", drifttest.Sequence(n, 2, 1)...), drifttest.Texts("typed", repeat(n, "n/a")...), drifttest.Texts("new", repeat(n, "x")...),
			drifttest.Texts("name", repeat(n, "a", "b")...), drifttest.Booleans("flag", flags...), drifttest.Times("at", micros...), drifttest.Vectors("vector", 2, vectors...),
		),
	)
	if err != nil {
		t.Fatal(err)
	}
	if got.GetStatus() != driftv1.DriftStatus_DRIFT_STATUS_DRIFT || got.GetDriftedFeatureCount() != 2 || len(got.GetFeatures()) != 7 ||
		!slices.Equal(got.GetNewColumns(), []string{"new"}) || !slices.Equal(got.GetRemovedColumns(), []string{"gone"}) {
		t.Errorf("got %v", got)
	}
	for _, want := range []string{"DRIFT: 2 of 7 features drifted", "moved", "typed", "Only one side has gone: not compared."} {
		if !strings.Contains(got.GetSummary(), want) {
			t.Errorf("the summary %q lacks %q", got.GetSummary(), want)
		}
	}
	types := make(map[string]driftv1.FeatureType)
	for i, f := range got.GetFeatures() {
		types[f.GetFeature()] = f.GetType()
		if i > 0 && f.GetSeverity() > got.GetFeatures()[i-1].GetSeverity() {
			t.Errorf("%s stands behind a less severe feature", f.GetFeature())
		}
		drifted := f.GetStatus() == driftv1.DriftStatus_DRIFT_STATUS_DRIFT
		if want := f.GetFeature() == "moved" || f.GetFeature() == "typed"; drifted != want || f.GetStatus() == driftv1.DriftStatus_DRIFT_STATUS_ERROR {
			t.Errorf("got %v", f)
		}
		if f.GetFeature() == "typed" && (f.GetTests()[0].GetTest() != driftv1.DriftTest_DRIFT_TEST_TYPE_CHANGE || !strings.Contains(f.GetReason(), "CATEGORICAL")) {
			t.Errorf("got %v", f)
		}
	}
	want := map[string]driftv1.FeatureType{
		"same": 1, "moved": 1, "typed": 1, "name": 2, "flag": 3, "at": 5, "vector": 6,
	}
	if diff := cmp.Diff(want, types); diff != "" {
		t.Error(diff)
	}
	sum := 0.0
	for _, contribution := range got.GetContributions() {
		sum += contribution.GetMarginalShare()
	}
	if len(got.GetContributions()) != 7 || math.Abs(sum-1) > 1e-12 || got.GetContributions()[0].GetFeature() != "moved" {
		t.Errorf("got %v", got.GetContributions())
	}
}

// TestCompareFeatures says what is compared and how: nothing else is, and a wanted column that one side lacks is no OK.
func TestCompareFeatures(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	same := drifttest.Sequence(100, 0, 1)
	psi := &driftv1.TestSetting{Test: driftv1.DriftTest_DRIFT_TEST_POPULATION_STABILITY_INDEX, Convention: "psi/decile-ref", MinEffect: new(0.3)}
	header := &driftv1.ComparisonHeader{Features: []*driftv1.ComparedFeature{
		{Name: "x", Type: driftv1.FeatureType_FEATURE_TYPE_NUMERIC, Tests: []*driftv1.TestSetting{psi}, Importance: new(0.5), Constraint: &driftv1.FeatureConstraint{Min: new(0.0)}},
		{Name: "note", Type: driftv1.FeatureType_FEATURE_TYPE_TEXT},
		{Name: "at", Type: driftv1.FeatureType_FEATURE_TYPE_TIMESTAMP, TimeZone: "Europe/Vienna"},
		{Name: "gone", Type: driftv1.FeatureType_FEATURE_TYPE_NUMERIC},
		{Name: "added", Type: driftv1.FeatureType_FEATURE_TYPE_NUMERIC},
	}}
	micros := make([]int64, 100)
	got, err := c.CompareSides(t, header,
		drifttest.Baseline(drifttest.Numbers("x", same...), drifttest.Texts("note", repeat(100, strings.Repeat("long ", 1000))...), drifttest.Times("at", micros...), drifttest.Numbers("gone", same...), drifttest.Numbers("other", same...)),
		drifttest.Current(drifttest.Numbers("x", same...), drifttest.Texts("note", repeat(100, strings.Repeat("long ", 1000))...), drifttest.Times("at", micros...), drifttest.Numbers("added", same...)))
	if err != nil {
		t.Fatal(err)
	}
	if got.GetStatus() != driftv1.DriftStatus_DRIFT_STATUS_WARNING || !strings.Contains(got.GetSummary(), "gone, added: not compared") || len(got.GetFeatures()) != 3 ||
		!slices.Equal(got.GetNewColumns(), []string{"added"}) || !slices.Equal(got.GetRemovedColumns(), []string{"gone"}) {
		t.Errorf("got %v", got)
	}
	for _, f := range got.GetFeatures() {
		if f.GetFeature() != "x" {
			continue
		}
		if r := f.GetTests()[0]; len(f.GetTests()) != 3 || r.GetTest() != psi.GetTest() || r.GetConvention() != "psi/decile-ref" || r.GetMinEffect() != 0.3 {
			t.Errorf("got %v", f)
		}
	}
}

// TestCompareMayWho asks as people who may and may not.
func TestCompareMayWho(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	id := drifttest.NewTenant()
	viewer := s.Client(t, id, auth.RoleViewer)
	_, err := viewer.CompareSides(t, &driftv1.ComparisonHeader{}, drifttest.Baseline(drifttest.Numbers("x", 1)))
	drifttest.Want(t, err, codes.PermissionDenied, "PERMISSION_MISSING", "")
	if _, err := viewer.ListTests(t.Context(), &driftv1.ListTestsRequest{}); err != nil {
		t.Error(err)
	}
	traits := &driftv1.FeatureTraits{Type: driftv1.FeatureType_FEATURE_TYPE_NUMERIC}
	if _, err := viewer.RecommendTests(t.Context(), &driftv1.RecommendTestsRequest{Traits: traits}); err != nil {
		t.Error(err)
	}
}
