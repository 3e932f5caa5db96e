package server_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/aumos-enterprise/platform/drift/internal/drifttest"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// TestListTests wants of every test all that is needed to choose it.
func TestListTests(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	all, err := c.ListTests(t.Context(), &driftv1.ListTestsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	tests, conventions := make(map[driftv1.DriftTest]bool), make(map[string]bool)
	for _, d := range all.GetTests() {
		if d.GetTest() == 0 || tests[d.GetTest()] || d.GetTitle() == "" || d.GetScope() == 0 || d.GetKind() == 0 || len(d.GetFeatureTypes()) == 0 || d.GetNullHypothesis() == "" ||
			d.GetPValue() == "" || d.GetEffectRange() == "" || d.GetSource() == "" || len(d.GetAssumptions()) == 0 || len(d.GetConventions()) == 0 || len(d.GetParameters()) == 0 {
			t.Errorf("got %v", d)
		}
		tests[d.GetTest()] = true
		for _, convention := range d.GetConventions() {
			if convention.GetName() == "" || conventions[convention.GetName()] || convention.GetDescription() == "" || len(convention.GetFeatureTypes()) == 0 ||
				convention.GetEffectName() == "" || !(convention.GetDefaultMinEffect() > 0) {
				t.Errorf("%s: got %v", d.GetTest(), convention)
			}
			conventions[convention.GetName()] = true
		}
	}
	if !tests[driftv1.DriftTest_DRIFT_TEST_KOLMOGOROV_SMIRNOV] || !conventions["psi/decile-ref"] {
		t.Errorf("got %v", tests)
	}
	boolean := driftv1.FeatureType_FEATURE_TYPE_BOOLEAN
	some, err := c.ListTests(t.Context(), &driftv1.ListTestsRequest{FeatureType: boolean, Scope: driftv1.TestScope_TEST_SCOPE_FEATURE})
	if err != nil {
		t.Fatal(err)
	}
	want := slices.DeleteFunc(slices.Clone(all.GetTests()), func(d *driftv1.TestDescription) bool {
		return d.GetScope() != driftv1.TestScope_TEST_SCOPE_FEATURE || !slices.Contains(d.GetFeatureTypes(), boolean)
	})
	if diff := cmp.Diff(want, some.GetTests(), protocmp.Transform()); diff != "" || len(want) == 0 {
		t.Errorf("%d tests: %s", len(want), diff)
	}
}

// TestListTestsOfVectors wants the tests of rows that can be made on vectors among those of features, and not among those of numbers.
func TestListTestsOfVectors(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	for kind, want := range map[driftv1.FeatureType]bool{
		driftv1.FeatureType_FEATURE_TYPE_UNSPECIFIED: true, driftv1.FeatureType_FEATURE_TYPE_VECTOR: true, driftv1.FeatureType_FEATURE_TYPE_NUMERIC: false,
	} {
		got, err := c.ListTests(t.Context(), &driftv1.ListTestsRequest{FeatureType: kind, Scope: driftv1.TestScope_TEST_SCOPE_FEATURE})
		if err != nil {
			t.Fatal(err)
		}
		listed := make(map[driftv1.DriftTest]bool)
		for _, d := range got.GetTests() {
			listed[d.GetTest()] = true
		}
		if listed[mmd] != want || listed[classifier] != want || listed[driftv1.DriftTest_DRIFT_TEST_DUPLICATE_ROWS] {
			t.Errorf("%s: got %v", kind, listed)
		}
		rows, err := c.ListTests(t.Context(), &driftv1.ListTestsRequest{FeatureType: kind, Scope: driftv1.TestScope_TEST_SCOPE_ROWS})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range rows.GetTests() {
			if d.GetScope() != driftv1.TestScope_TEST_SCOPE_ROWS {
				t.Errorf("%s: got %v", kind, d)
			}
		}
	}
}

// TestRecommendTests runs what is recommended.
func TestRecommendTests(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	traits := &driftv1.FeatureTraits{Type: driftv1.FeatureType_FEATURE_TYPE_NUMERIC, BaselineCount: 100, CurrentCount: 100, DistinctCount: 200}
	got, err := c.RecommendTests(t.Context(), &driftv1.RecommendTestsRequest{Traits: traits})
	if err != nil || len(got.GetRecommendations()) == 0 {
		t.Fatalf("got %v, %v", got, err)
	}
	feature := &driftv1.ComparedFeature{Name: "x", Type: traits.GetType()}
	for _, r := range got.GetRecommendations() {
		if r.GetReason() == "" || r.GetSetting().GetConvention() == "" || r.GetSetting().GetMinEffect() == 0 {
			t.Errorf("got %v", r)
		}
		feature.Tests = append(feature.Tests, r.GetSetting())
	}
	before, after := drifttest.Baseline(drifttest.Numbers("x", drifttest.Sequence(100, 0, 1)...)), drifttest.Current(drifttest.Numbers("x", drifttest.Sequence(100, 0, 1.1)...))
	asked, err := c.CompareSides(t, &driftv1.ComparisonHeader{Features: []*driftv1.ComparedFeature{feature}}, before, after)
	if err != nil {
		t.Fatal(err)
	}
	unasked, err := c.CompareSides(t, &driftv1.ComparisonHeader{}, before, after)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(asked, unasked, protocmp.Transform()); diff != "" {
		t.Errorf("without a word about tests others are made:\n%s", diff)
	}
	_, err = c.RecommendTests(t.Context(), &driftv1.RecommendTestsRequest{})
	drifttest.Want(t, err, codes.InvalidArgument, "INVALID_FIELD", "traits")
	_, err = c.RecommendTests(t.Context(), &driftv1.RecommendTestsRequest{Traits: &driftv1.FeatureTraits{Type: 1, BaselineCount: -1}})
	drifttest.Want(t, err, codes.InvalidArgument, "INVALID_FIELD", "traits.baseline_count")
}
