package detect

import (
	"errors"
	"fmt"
)

// Defaults of Settings.
const (
	DefaultFDR                = 0.05
	DefaultMinRows            = 30
	DefaultMinDriftedFeatures = 1
)

// Settings control the verdicts of a run. The zero value of each field stands
// for its default.
type Settings struct {
	// FDR is the false discovery rate: the expected share of false alarms among
	// the tests of a run that are called significant. Above 0 and below 1,
	// default 0.05.
	FDR float64 `json:"fdr"`

	// MinRows is the number of usable values that each side must have before a
	// test is tried. For MISSING_RATE all rows count. At least 1, default 30.
	MinRows int64 `json:"min_rows"`

	// MinDriftedFeatures is the number of features that must drift before the
	// run as a whole does. At least 1, default 1.
	MinDriftedFeatures int `json:"min_drifted_features"`
}

// Validate returns an error when a field is outside its range.
func (s Settings) Validate() error {
	s = s.withDefaults()
	switch {
	case !(s.FDR > 0 && s.FDR < 1): // also NaN
		return errors.New("fdr must be above 0 and below 1")
	case s.MinRows < 1:
		return errors.New("min_rows must be at least 1")
	case s.MinDriftedFeatures < 1:
		return errors.New("min_drifted_features must be at least 1")
	}
	return nil
}

func (s Settings) withDefaults() Settings {
	if s.FDR == 0 {
		s.FDR = DefaultFDR
	}
	if s.MinRows == 0 {
		s.MinRows = DefaultMinRows
	}
	if s.MinDriftedFeatures == 0 {
		s.MinDriftedFeatures = DefaultMinDriftedFeatures
	}
	return s
}

// TestSetting asks for one test.
type TestSetting struct {
	Test Test `json:"test"`

	// MinEffect is the smallest effect that matters, in the unit of the test's
	// effect. 0 stands for DefaultMinEffect of the test.
	MinEffect float64 `json:"min_effect"`
}

// DefaultMinEffect returns the smallest effect of a test that matters unless
// said otherwise, or 0 for an unknown test.
//
//	KS            0.1   distance between the distribution functions
//	PSI           0.1   index
//	CHI_SQUARE    0.1   Cramér's V
//	MISSING_RATE  0.05  absolute difference of the rates
func DefaultMinEffect(test Test) float64 {
	switch test {
	case TestKS, TestPSI, TestChiSquare:
		return 0.1
	case TestMissingRate:
		return 0.05
	default:
		return 0
	}
}

// Applies tells whether a test can be run on features of a type.
func (t Test) Applies(feature FeatureType) bool {
	switch t {
	case TestKS:
		return feature == Numeric
	case TestPSI, TestMissingRate:
		return true
	case TestChiSquare:
		return feature == Categorical || feature == Boolean
	default:
		return false
	}
}

// Validate returns an error when the test does not apply to the feature type
// or its smallest effect is negative or not finite.
func (t TestSetting) Validate(feature FeatureType) error {
	if !t.Test.Applies(feature) {
		return fmt.Errorf("test %s does not apply to %s features", t.Test, feature)
	}
	if !(t.MinEffect >= 0) || finite(t.MinEffect) == nil {
		return fmt.Errorf("min_effect of test %s must be a number of at least 0", t.Test)
	}
	return nil
}
