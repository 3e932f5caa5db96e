package server_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/aumos-enterprise/platform/drift/internal/drifttest"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// TestCompareBrokenRelation turns a correlation round: no column changes by itself, and every test of whole rows sees it that is asked to.
func TestCompareBrokenRelation(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	const n = 400
	xs := drifttest.Sequence(n, -1, 2)
	against := make([]float64, n)
	carriers, flags := make([]string, n), make([]bool, n)
	for i, x := range xs {
		against[i], carriers[i], flags[i] = -x, []string{"UA", "AA", "DL"}[i%3], i%5 == 0
	}
	rest := []*driftv1.Column{drifttest.Texts("carrier", carriers...), drifttest.Booleans("flag", flags...), drifttest.Texts("note", carriers...)}
	header := &driftv1.ComparisonHeader{
		Features: []*driftv1.ComparedFeature{
			{Name: "x", Type: driftv1.FeatureType_FEATURE_TYPE_NUMERIC},
			{Name: "y", Type: driftv1.FeatureType_FEATURE_TYPE_NUMERIC},
			{Name: "carrier", Type: driftv1.FeatureType_FEATURE_TYPE_CATEGORICAL},
			{Name: "flag", Type: driftv1.FeatureType_FEATURE_TYPE_BOOLEAN},
			{Name: "note", Type: driftv1.FeatureType_FEATURE_TYPE_TEXT}, // no part of whole rows
		},
		RowTests: []*driftv1.TestSetting{
			{Test: driftv1.DriftTest_DRIFT_TEST_MAXIMUM_MEAN_DISCREPANCY},
			{Test: driftv1.DriftTest_DRIFT_TEST_ENERGY},
			{Test: driftv1.DriftTest_DRIFT_TEST_DOMAIN_CLASSIFIER},
			{Test: driftv1.DriftTest_DRIFT_TEST_COVARIANCE},
		},
		Permutations: new(int32(199)), Seed: 42,
	}
	compare := func(ys []float64) *driftv1.Comparison {
		t.Helper()
		got, err := c.CompareSides(t, header,
			drifttest.Baseline(append(rest, drifttest.Numbers("x", xs...), drifttest.Numbers("y", xs...))...),
			drifttest.Current(append(slices.Clone(rest), drifttest.Numbers("x", xs...), drifttest.Numbers("y", ys...))...))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	got := compare(against)
	if got.GetStatus() != driftv1.DriftStatus_DRIFT_STATUS_DRIFT || got.GetDriftedFeatureCount() != 0 || len(got.GetRowTests()) != len(header.GetRowTests()) {
		t.Errorf("got %v", got)
	}
	if !strings.Contains(got.GetSummary(), "though no feature did by itself") {
		t.Errorf("got %q", got.GetSummary())
	}
	for i, r := range got.GetRowTests() {
		if r.GetTest() != header.GetRowTests()[i].GetTest() || r.GetStatus() != driftv1.DriftStatus_DRIFT_STATUS_DRIFT || r.PValue == nil || r.GetConvention() == "" || r.GetBaselineCount() != n {
			t.Errorf("got %v", r)
		}
	}
	joint := make(map[string]float64)
	for _, contribution := range got.GetContributions() {
		if contribution.JointShare == nil || contribution.GetMarginalShare() != 0 {
			t.Errorf("got %v", contribution)
		}
		joint[contribution.GetFeature()] = contribution.GetJointShare()
	}
	if first := got.GetContributions()[0].GetFeature(); first != "x" && first != "y" || joint["x"]+joint["y"] < 0.6 || joint["note"] != 0 {
		t.Errorf("got %v", joint)
	}
	if diff := cmp.Diff(got, compare(against), protocmp.Transform()); diff != "" {
		t.Errorf("the same data and seed give another answer:\n%s", diff)
	}
	if same := compare(xs); same.GetStatus() != driftv1.DriftStatus_DRIFT_STATUS_OK {
		t.Errorf("of the same rows: %s", fmt.Sprint(same.GetSummary(), same.GetRowTests()))
	}
}
