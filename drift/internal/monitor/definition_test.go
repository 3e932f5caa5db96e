package monitor

import (
	"errors"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// TestComplete compares with the defaults that the contract states.
func TestComplete(t *testing.T) {
	t.Parallel()
	got, err := Definition{Name: "m", Features: []Feature{
		{Name: "number", Type: detect.Numeric},
		{Name: "category", Type: detect.Categorical},
		{Name: "flag", Type: detect.Boolean, Tests: []detect.TestSetting{{Test: detect.TestMissingRate, MinEffect: 0.2}}},
		{Name: "both", Type: detect.Numeric, Tests: []detect.TestSetting{{Test: detect.TestPSI, MinEffect: 0.25}, {Test: detect.TestKS}}},
	}}.complete()
	if err != nil {
		t.Fatal(err)
	}
	want := Definition{
		Name: "m", Rule: Rule{FalseDiscoveryRate: 0.05, MinRows: 30, MinDriftedFeatures: 1},
		Features: []Feature{
			{Name: "number", Type: detect.Numeric, Tests: []detect.TestSetting{{Test: detect.TestKS, Convention: "ks/two-sample", MinEffect: 0.1}, {Test: detect.TestMissingRate, Convention: "missing-rate/two-proportion", MinEffect: 0.05}}},
			{Name: "category", Type: detect.Categorical, Tests: []detect.TestSetting{{Test: detect.TestChiSquare, Convention: "chi-square/homogeneity", MinEffect: 0.1}, {Test: detect.TestMissingRate, Convention: "missing-rate/two-proportion", MinEffect: 0.05}}},
			{Name: "flag", Type: detect.Boolean, Tests: []detect.TestSetting{{Test: detect.TestChiSquare, Convention: "chi-square/homogeneity", MinEffect: 0.1}, {Test: detect.TestMissingRate, Convention: "missing-rate/two-proportion", MinEffect: 0.2}}},
			{Name: "both", Type: detect.Numeric, Tests: []detect.TestSetting{
				{Test: detect.TestPSI, Convention: "psi/decile-ref", MinEffect: 0.25}, {Test: detect.TestKS, Convention: "ks/two-sample", MinEffect: 0.1}, {Test: detect.TestMissingRate, Convention: "missing-rate/two-proportion", MinEffect: 0.05},
			}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestCompleteBounds wants a monitor refused whose results could not be sent.
func TestCompleteBounds(t *testing.T) {
	t.Parallel()
	d := Definition{Name: "m"}
	for i := range 667 {
		d.Features = append(d.Features, Feature{Name: strconv.Itoa(i), Type: detect.Numeric, Tests: []detect.TestSetting{{Test: detect.TestPSI}, {Test: detect.TestKS}}})
	}
	_, err := d.complete()
	var refused *errs.Error
	if !errors.As(err, &refused) || refused.Violations[0].Field != "features[666].tests" {
		t.Errorf("got %v", err)
	}
	d.Features = d.Features[:666]
	if _, err := d.complete(); err != nil {
		t.Error(err)
	}
}
