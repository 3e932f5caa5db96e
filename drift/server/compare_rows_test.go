package server_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/drifttest"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// TestCompareRows sends two columns whose relation breaks while each of them stays as it was, and vectors that move: only the tests of rows and of
// vectors can tell.
func TestCompareRows(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	rng := rand.New(rand.NewPCG(1, 1))
	side := func(relation float64, shift float32) []*driftv1.Column {
		const n = 400
		income, debt, flags, vectors := make([]float64, n), make([]float64, n), make([]bool, n), make([]float32, 8*n)
		for i := range income {
			income[i] = rng.NormFloat64()
			debt[i] = relation*income[i] + math.Sqrt(1-relation*relation)*rng.NormFloat64()
			flags[i] = rng.IntN(2) == 0
		}
		for i := range vectors {
			vectors[i] = float32(rng.NormFloat64()) + shift
		}
		return []*driftv1.Column{drifttest.Numbers("income", income...), drifttest.Numbers("debt", debt...), drifttest.Booleans("owner", flags...), drifttest.Vectors("embedding", 8, vectors...)}
	}
	rowTests := []driftv1.DriftTest{
		driftv1.DriftTest_DRIFT_TEST_MAXIMUM_MEAN_DISCREPANCY, driftv1.DriftTest_DRIFT_TEST_ENERGY, driftv1.DriftTest_DRIFT_TEST_PCA_RECONSTRUCTION,
		driftv1.DriftTest_DRIFT_TEST_DOMAIN_CLASSIFIER, driftv1.DriftTest_DRIFT_TEST_COVARIANCE,
	}
	header := &driftv1.ComparisonHeader{Seed: 3, Features: []*driftv1.ComparedFeature{
		{Name: "income", Type: driftv1.FeatureType_FEATURE_TYPE_NUMERIC},
		{Name: "debt", Type: driftv1.FeatureType_FEATURE_TYPE_NUMERIC},
		{Name: "owner", Type: driftv1.FeatureType_FEATURE_TYPE_BOOLEAN},
		{Name: "embedding", Type: driftv1.FeatureType_FEATURE_TYPE_VECTOR, Tests: []*driftv1.TestSetting{
			{Test: driftv1.DriftTest_DRIFT_TEST_CENTROID_SHIFT}, {Test: driftv1.DriftTest_DRIFT_TEST_MAXIMUM_MEAN_DISCREPANCY},
		}},
	}}
	for _, test := range rowTests {
		header.RowTests = append(header.RowTests, &driftv1.TestSetting{Test: test})
	}
	got, err := c.CompareSides(t, header, drifttest.Baseline(side(0.9, 0)...), drifttest.Current(side(0, 0.5)...))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.GetRowTests()) != len(rowTests) {
		t.Fatalf("got %v", got.GetRowTests())
	}
	for i, r := range got.GetRowTests() {
		if r.GetTest() != rowTests[i] || r.GetStatus() != driftv1.DriftStatus_DRIFT_STATUS_DRIFT || r.PValue == nil || r.QValue == nil || r.GetConvention() == "" {
			t.Errorf("got %v", r)
		}
	}
	for _, f := range got.GetFeatures() {
		want := driftv1.DriftStatus_DRIFT_STATUS_OK
		if f.GetFeature() == "embedding" {
			want = driftv1.DriftStatus_DRIFT_STATUS_DRIFT
		}
		if f.GetStatus() != want {
			t.Errorf("%s: %v %s", f.GetFeature(), f.GetStatus(), f.GetReason())
		}
	}
	joint := 0.0
	for _, contribution := range got.GetContributions() {
		if name := contribution.GetFeature(); name == "income" || name == "debt" {
			joint += contribution.GetJointShare()
		}
	}
	if joint < 0.8 {
		t.Errorf("income and debt have %v of what tells the sides apart: %v", joint, got.GetContributions())
	}
}
