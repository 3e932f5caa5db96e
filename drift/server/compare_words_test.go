package server_test

import (
	"math"
	"strings"
	"testing"

	"google.golang.org/grpc/status"

	"github.com/aumos-enterprise/platform/drift/internal/drifttest"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// TestCompareSaysWhat wants refusals that say what to send instead, and of which side they are.
func TestCompareSaysWhat(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	feature := func(kind driftv1.FeatureType, change func(*driftv1.ComparedFeature)) *driftv1.ComparisonHeader {
		f := &driftv1.ComparedFeature{Name: "x", Type: kind}
		change(f)
		return &driftv1.ComparisonHeader{Features: []*driftv1.ComparedFeature{f}}
	}
	convention := func(name string) func(*driftv1.ComparedFeature) {
		return func(f *driftv1.ComparedFeature) {
			f.Tests = []*driftv1.TestSetting{{Test: driftv1.DriftTest_DRIFT_TEST_POPULATION_STABILITY_INDEX, Convention: name}}
		}
	}
	zone := func(name string) func(*driftv1.ComparedFeature) {
		return func(f *driftv1.ComparedFeature) { f.TimeZone = name }
	}
	numeric, instant := driftv1.FeatureType_FEATURE_TYPE_NUMERIC, driftv1.FeatureType_FEATURE_TYPE_TIMESTAMP
	fine := drifttest.Numbers("x", 1, 2)
	good := []*driftv1.ComparisonBatch{drifttest.Baseline(fine), drifttest.Current(fine)}
	for _, test := range []struct {
		name    string
		header  *driftv1.ComparisonHeader
		batches []*driftv1.ComparisonBatch
		reason  string
		field   string
		says    string
	}{
		{"convention", feature(numeric, convention("psi/own")), good, "INVALID_FIELD", "header.features[0].tests[0].convention", "it has psi/decile-ref, "},
		{"convention of categories", feature(numeric, convention("psi/category")), good, "INVALID_FIELD", "header.features[0].tests[0].convention", "it has psi/decile-ref, "},
		{"convention of rows", &driftv1.ComparisonHeader{RowTests: []*driftv1.TestSetting{{Test: mmd, Convention: "mmd/vectors"}}}, good, "INVALID_FIELD", "header.row_tests[0].convention", "it has mmd/normal-scores, "},
		{"zone", feature(instant, zone("Mars/Olympus")), good, "INVALID_FIELD", "header.features[0].time_zone", `"Mars/Olympus" is no time zone: send an IANA name such as Europe/Berlin`},
		{"zone that is a path", feature(instant, zone("../etc/passwd")), good, "INVALID_FIELD", "header.features[0].time_zone", "send an IANA name"},
		{"zone of a number", feature(numeric, zone("UTC")), good, "INVALID_FIELD", "header.features[0].time_zone", "does not apply to NUMERIC features"},
		{"no baseline", &driftv1.ComparisonHeader{}, good[1:], "DATA_EMPTY", "batch.rows", "baseline: no rows were sent"},
		{"no current data", &driftv1.ComparisonHeader{}, good[:1], "DATA_EMPTY", "batch.rows", "current: no rows were sent"},
		{"infinite", &driftv1.ComparisonHeader{}, append(good[:1:1], drifttest.Current(drifttest.Numbers("x", math.Inf(1)))), "VALUE_NOT_FINITE", "batch.rows.columns[0].numbers.values[0]", `current: column "x", row 0`},
		{"infinite before", &driftv1.ComparisonHeader{}, append(good[1:2:2], drifttest.Baseline(drifttest.Numbers("x", math.Inf(1)))), "VALUE_NOT_FINITE", "batch.rows.columns[0].numbers.values[0]", `baseline: column "x", row 0`},
	} {
		_, err := c.CompareSides(t, test.header, test.batches...)
		t.Run(test.name, func(t *testing.T) {
			r := drifttest.Want(t, err, invalid, test.reason, test.field)
			text := status.Convert(err).Message()
			if test.reason == "INVALID_FIELD" {
				text = strings.Join(r.Says, "")
			} else if side, _, _ := strings.Cut(test.says, ":"); r.Metadata["side"] != side || !strings.HasPrefix(r.Says[0], side+": ") {
				t.Errorf("got %v, %q", r.Metadata, r.Says)
			}
			if !strings.Contains(text, test.says) {
				t.Errorf("got %q, want %q", text, test.says)
			}
		})
	}
}

// TestCompareConstraints wants every part of a constraint used or refused: one that is ignored would promise what nobody looks at.
func TestCompareConstraints(t *testing.T) {
	t.Parallel()
	s := drifttest.Start(t)
	c := s.Client(t, drifttest.NewTenant())
	for member, part := range map[string]*driftv1.FeatureConstraint{
		"min": {Min: new(0.0)}, "max": {Max: new(9e18)}, "allowed": {Allowed: []string{"a"}}, "pattern": {Pattern: ".*"}, "unique": {Unique: true}, "format": {Format: "json"},
	} {
		for number := range 2 * int32(len(driftv1.FeatureType_name)-1) {
			kind := driftv1.FeatureType(number/2 + 1)
			header := &driftv1.ComparisonHeader{Features: []*driftv1.ComparedFeature{{Name: "x", Type: kind, Constraint: part}}, Permutations: new(int32(99))}
			if number%2 == 1 { // with a test of its own
				header.Features[0].Tests = []*driftv1.TestSetting{{Test: driftv1.DriftTest_DRIFT_TEST_MISSING_RATE}}
			}
			got, err := c.CompareSides(t, header, drifttest.Baseline(sampleOf(kind, "x", 40, false)), drifttest.Current(sampleOf(kind, "x", 40, false)))
			if err != nil {
				r := drifttest.Want(t, err, invalid, "INVALID_FIELD", "header.features[0].constraint."+member)
				if want := "does not apply to " + strings.TrimPrefix(kind.String(), "FEATURE_TYPE_") + " features"; r.Says[0] != want {
					t.Errorf("%s, %s: got %q, want %q", member, kind, r.Says[0], want)
				}
				continue
			}
			looked := false
			for _, r := range got.GetFeatures()[0].GetTests() {
				switch r.GetTest() {
				case driftv1.DriftTest_DRIFT_TEST_CONSTRAINT_VIOLATION, driftv1.DriftTest_DRIFT_TEST_DUPLICATE_VALUES, driftv1.DriftTest_DRIFT_TEST_FORMAT_VALIDITY:
					looked = r.GetStatus() != driftv1.DriftStatus_DRIFT_STATUS_NOT_APPLICABLE
				default:
				}
			}
			if !looked {
				t.Errorf("%s, %s, tests %v: nothing looked at it: %v", member, kind, header.GetFeatures()[0].GetTests(), got.GetFeatures())
			}
		}
	}
}
