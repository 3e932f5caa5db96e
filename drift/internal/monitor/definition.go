package monitor

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/text"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// The defaults of a rule, as the contract states them.
const (
	defaultFalseDiscoveryRate = 0.05
	defaultMinRows            = 30
	defaultMinDriftedFeatures = 1
)

// maxTests bounds the tests of a monitor, over all features and with those that run without being asked for: a detection with all their results
// must fit into one message.
const maxTests = 2000

// Definition is what a client says of a new monitor. Zero numbers stand for their defaults, and a feature without tests for the test that
// suits its type.
type Definition struct {
	ModelID  uuid.UUID
	Name     string
	Features []Feature
	Rule     Rule
}

// complete checks the definition and fills in every default. Runs thereby never depend on defaults that a later release might change.
func (d Definition) complete() (Definition, error) {
	if d.Rule.FalseDiscoveryRate == 0 {
		d.Rule.FalseDiscoveryRate = defaultFalseDiscoveryRate
	}
	if d.Rule.MinRows == 0 {
		d.Rule.MinRows = defaultMinRows
	}
	if d.Rule.MinDriftedFeatures == 0 {
		d.Rule.MinDriftedFeatures = defaultMinDriftedFeatures
	}
	if d.Rule.MinDriftedFeatures > len(d.Features) {
		return Definition{}, errs.InvalidField("rule.min_drifted_features", "is more than the monitor's %d features", len(d.Features))
	}
	features, count := make([]Feature, len(d.Features)), 0
	names := make(map[string]bool, len(d.Features))
	for i, f := range d.Features {
		field := fmt.Sprintf("features[%d]", i)
		if err := text.Line(field+".name", f.Name); err != nil {
			return Definition{}, err
		}
		if names[f.Name] {
			return Definition{}, errs.InvalidField(field+".name", "the feature %q stands twice", f.Name)
		}
		names[f.Name] = true
		tests, err := completeTests(field, f)
		if err != nil {
			return Definition{}, err
		}
		if count += len(tests); count > maxTests {
			return Definition{}, errs.InvalidField(field+".tests", "the features have more than %d tests together", maxTests)
		}
		features[i] = Feature{Name: f.Name, Type: f.Type, Tests: tests}
	}
	d.Features = features
	return d, nil
}

// InvalidTest refuses the setting of a test, naming its member that is wrong.
func InvalidTest(field string, err error) error {
	if wrong, ok := errors.AsType[*detect.SettingError](err); ok {
		field += "." + wrong.Member
	}
	return errs.InvalidField(field, "%v", err)
}

// completeTests checks a feature's tests and adds what runs without being asked for.
func completeTests(field string, f Feature) ([]detect.TestSetting, error) {
	tests := make([]detect.TestSetting, 0, len(f.Tests)+2)
	for i, t := range f.Tests {
		field := fmt.Sprintf("%s.tests[%d]", field, i)
		if err := t.Validate(f.Type); err != nil {
			return nil, InvalidTest(field, err)
		}
		t = t.WithDefaults(f.Type)
		if slices.ContainsFunc(tests, func(other detect.TestSetting) bool { return other.Test == t.Test && other.Convention == t.Convention }) {
			return nil, errs.InvalidField(field+".test", "the test %s stands twice with the convention %s", t.Test, t.Convention)
		}
		tests = append(tests, t)
	}
	if len(tests) == 0 || len(tests) == 1 && tests[0].Test == detect.TestMissingRate {
		for i, t := range detect.DefaultTests(f.Type) {
			tests = slices.Insert(tests, i, detect.TestSetting{Test: t}.WithDefaults(f.Type))
		}
	}
	if !slices.ContainsFunc(tests, func(t detect.TestSetting) bool { return t.Test == detect.TestMissingRate }) {
		tests = append(tests, detect.TestSetting{Test: detect.TestMissingRate}.WithDefaults(f.Type))
	}
	return tests, nil
}
