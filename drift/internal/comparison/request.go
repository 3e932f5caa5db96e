package comparison

import (
	"fmt"
	"slices"
	"time"
	_ "time/tzdata" // the zones, wherever the program runs

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/monitor"
	"github.com/aumos-enterprise/platform/drift/internal/text"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// maxTests bounds the tests of a request together, so that the answer fits into one message.
const maxTests = 4000

// Check fails with the field of the header that cannot be meant.
func (r Request) Check() error {
	names, tests, embedded := make(map[string]bool, len(r.Features)), 0, 0
	for i, f := range r.Features {
		field := fmt.Sprintf("header.features[%d]", i)
		if err := text.Line(field+".name", f.Name); err != nil {
			return err
		}
		if names[f.Name] {
			return errs.InvalidField(field+".name", "the feature %q stands twice", f.Name)
		}
		names[f.Name] = true
		if err := f.check(field); err != nil {
			return err
		}
		if f.Embed {
			embedded++
		}
		if embedded > maxEmbedded {
			return errs.InvalidField(field+".embed", "more than %d features are to be embedded", maxEmbedded)
		}
		if tests += len(f.withConstraint()) + 1; tests > maxTests { // one for missing values
			return errs.InvalidField(field+".tests", "the features have more than %d tests together", maxTests)
		}
	}
	numeric := func(detect.Test) detect.FeatureType { return detect.Numeric }
	if err := checkTests("header.row_tests", r.RowTests, numeric, detect.TestSetting.ValidateRows); err != nil {
		return err
	}
	if err := r.Settings.Validate(); err != nil {
		return errs.InvalidField("header", "%v", err)
	}
	return nil
}

func (f Feature) check(field string) error {
	if err := checkTests(field+".tests", f.Tests, f.typeFor, f.validate); err != nil {
		return err
	}
	if err := f.checkEmbed(field + ".embed"); err != nil {
		return err
	}
	if f.TimeZone != "" {
		if f.Type != detect.Timestamp {
			return errs.InvalidField(field+".time_zone", "does not apply to %s features: only timestamps have hours", f.Type)
		}
		if _, err := loadZone(f.TimeZone); err != nil {
			return errs.InvalidField(field+".time_zone", "%v", err)
		}
	}
	return f.checkConstraint(field + ".constraint.")
}

// checkConstraint refuses what would be ignored, since nothing looks at it in values of the feature's type.
func (f Feature) checkConstraint(field string) error {
	c := f.Constraint
	if c == nil {
		return nil
	}
	numbers, texts := f.Type == detect.Numeric, f.Type != detect.Numeric && detect.TestConstraintViolation.Applies(f.Type)
	for _, part := range []struct {
		name          string
		given, suited bool
	}{
		{"min", c.Min != nil, numbers},
		{"max", c.Max != nil, numbers},
		{"allowed", len(c.Allowed) > 0, texts},
		{"pattern", c.Pattern != nil, texts},
		{"unique", c.Unique, detect.TestDuplicateValues.Applies(f.Type)},
		{"format", c.Format != "", detect.TestFormatValidity.Applies(f.Type)},
	} {
		if part.given && !part.suited {
			return errs.InvalidField(field+part.name, "does not apply to %s features", f.Type)
		}
	}
	if c.Min != nil && c.Max != nil && *c.Min > *c.Max {
		return errs.InvalidField(field+"min", "is more than max")
	}
	return nil
}

// checkTests refuses tests that cannot be made, and the same test twice with one convention.
func checkTests(field string, tests []detect.TestSetting, kind func(detect.Test) detect.FeatureType, validate func(detect.TestSetting) error) error {
	var seen []detect.TestSetting
	for i, t := range tests {
		field := fmt.Sprintf("%s[%d]", field, i)
		if err := validate(t); err != nil {
			return monitor.InvalidTest(field, err)
		}
		key := detect.TestSetting{Test: t.Test, Convention: t.WithDefaults(kind(t.Test)).Convention}
		if slices.Contains(seen, key) {
			return errs.InvalidField(field+".test", "the test %s stands twice with the convention %s", t.Test, key.Convention)
		}
		seen = append(seen, key)
	}
	return nil
}

// loadZone reads a time zone. That of the machine has no name that means the same elsewhere.
func loadZone(name string) (*time.Location, error) {
	if name == "Local" {
		return nil, fmt.Errorf("%q is the zone of a machine: send an IANA name such as Europe/Berlin", name)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%q is no time zone: send an IANA name such as Europe/Berlin", name)
	}
	return zone, nil
}
