package cli

import (
	"fmt"
	"strings"

	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// shortNames are the tests that people know by other names than the contract's.
//
//nolint:gochecknoglobals // a constant table
var shortNames = map[driftv1.DriftTest]string{
	driftv1.DriftTest_DRIFT_TEST_KOLMOGOROV_SMIRNOV:         "ks",
	driftv1.DriftTest_DRIFT_TEST_POPULATION_STABILITY_INDEX: "psi",
	driftv1.DriftTest_DRIFT_TEST_CHI_SQUARE:                 "chi2",
	driftv1.DriftTest_DRIFT_TEST_MISSING_RATE:               "missing",
	driftv1.DriftTest_DRIFT_TEST_CRAMER_VON_MISES:           "cvm",
	driftv1.DriftTest_DRIFT_TEST_ANDERSON_DARLING:           "ad",
	driftv1.DriftTest_DRIFT_TEST_JENSEN_SHANNON:             "js",
	driftv1.DriftTest_DRIFT_TEST_KULLBACK_LEIBLER:           "kl",
	driftv1.DriftTest_DRIFT_TEST_TOTAL_VARIATION:            "tv",
	driftv1.DriftTest_DRIFT_TEST_MAXIMUM_MEAN_DISCREPANCY:   "mmd",
}

// shortName names a test as flags do: the short name, or the contract's in small letters.
func shortName(test driftv1.DriftTest) string {
	if name, ok := shortNames[test]; ok {
		return name
	}
	return strings.ToLower(enum(test.String(), "DRIFT_TEST_"))
}

// parseTest reads TEST or TEST:CONVENTION.
func parseTest(text string) (*driftv1.TestSetting, error) {
	name, convention, _ := strings.Cut(text, ":")
	for number := range driftv1.DriftTest_name {
		test := driftv1.DriftTest(number)
		if test != 0 && (strings.EqualFold(name, shortName(test)) || strings.EqualFold(name, enum(test.String(), "DRIFT_TEST_"))) {
			return &driftv1.TestSetting{Test: test, Convention: convention}, nil
		}
	}
	return nil, fmt.Errorf("%q is no test: aumosctl drift tests lists them", name)
}

// parseTests reads a list of tests with commas between them.
func parseTests(text string) (tests []*driftv1.TestSetting, err error) {
	for each := range strings.SplitSeq(text, ",") {
		test, err := parseTest(strings.TrimSpace(each))
		if err != nil {
			return nil, err
		}
		tests = append(tests, test)
	}
	return tests, nil
}
