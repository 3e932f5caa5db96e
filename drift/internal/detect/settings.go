package detect

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Defaults of Settings.
const (
	DefaultFDR                = 0.05
	DefaultMinRows            = 30
	DefaultMinDriftedFeatures = 1
	DefaultPermutations       = 999
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

	// Permutations is the number of re-labelled samples behind a p-value that has no
	// other source; the smallest such p-value is 1/(Permutations+1). 99 to 9,999, default 999.
	Permutations int `json:"permutations"`

	// Seed starts every random draw. The same seed and data give the same run.
	Seed uint64 `json:"seed"`
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
	case s.Permutations < 99 || s.Permutations > 9999:
		return errors.New("permutations must be between 99 and 9999")
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
	if s.Permutations == 0 {
		s.Permutations = DefaultPermutations
	}
	return s
}

// TestSetting asks for one test.
type TestSetting struct {
	Test Test `json:"test"`

	// Convention names the way to compute it; empty stands for the default of the feature's type.
	Convention string `json:"convention,omitempty"`

	// MinEffect is the smallest effect that matters, in the unit of the test's
	// effect. 0 stands for the default of the test's convention.
	MinEffect float64 `json:"min_effect"`
}

// DefaultMinEffect returns the smallest effect of a test that matters unless
// said otherwise, or 0 for an unknown test.
func DefaultMinEffect(test Test) float64 {
	spec, _ := Lookup(test)
	return spec.MinEffect
}

// Applies tells whether a test can be made on features of a type. A test of rows can be made on VECTOR features only.
func (t Test) Applies(feature FeatureType) bool {
	spec, ok := Lookup(t)
	return ok && spec.Applies(feature) && spec.measure != nil && (spec.Scope == ScopeFeature || feature == Vector)
}

// WithDefaults fills in the convention and the smallest effect that matters.
func (t TestSetting) WithDefaults(feature FeatureType) TestSetting {
	spec, _ := Lookup(t.Test)
	convention, ok := spec.Convention(t.Convention, feature)
	if !ok {
		return t
	}
	t.Convention = convention.Name
	if t.MinEffect == 0 {
		t.MinEffect = convention.MinEffect
	}
	return t
}

// SettingError says what is wrong with a TestSetting.
type SettingError struct {
	Member string // "test", "convention" or "min_effect"
	text   string
}

// Error implements error.
func (e *SettingError) Error() string { return e.text }

func wrong(member, format string, args ...any) error {
	return &SettingError{Member: member, text: fmt.Sprintf(format, args...)}
}

// unknownConvention names the conventions that there are.
func (s Spec) unknownConvention(name string, feature FeatureType, of string) error {
	var known []string
	for _, c := range s.Conventions {
		if len(c.Types) == 0 || slices.Contains(c.Types, feature) {
			known = append(known, c.Name)
		}
	}
	return wrong("convention", "test %s has no convention %q for %s: it has %s", s.Test, name, of, strings.Join(known, ", "))
}

// checkMinEffect refuses a smallest effect that is no number, or that no effect could ever reach: such a test would never say that something drifted.
func (t TestSetting) checkMinEffect(convention Convention) error {
	if !(t.MinEffect >= 0) || finite(t.MinEffect) == nil {
		return wrong("min_effect", "min_effect of test %s must be a number of at least 0", t.Test)
	}
	if convention.MaxEffect > 0 && t.MinEffect > convention.MaxEffect {
		return wrong("min_effect", "min_effect of test %s must be at most %.3g: %s of %s is never more", t.Test, convention.MaxEffect, convention.EffectName, convention.Name)
	}
	return nil
}

// Validate returns a SettingError when the test or its convention does not apply to the feature type
// or its smallest effect is negative, not finite or above every effect.
func (t TestSetting) Validate(feature FeatureType) error {
	if !t.Test.Applies(feature) {
		return wrong("test", "test %s does not apply to %s features", t.Test, feature)
	}
	spec, _ := Lookup(t.Test)
	convention, ok := spec.Convention(t.Convention, feature)
	if !ok {
		return spec.unknownConvention(t.Convention, feature, string(feature)+" features")
	}
	return t.checkMinEffect(convention)
}
