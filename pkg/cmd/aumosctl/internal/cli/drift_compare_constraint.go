package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// constrain reads COLUMN:KEY=VALUE. The first part that names a key is it, since a pattern may hold anything.
func (o *compareOptions) constrain(text string) error {
	const form = "COLUMN:min=NUMBER, :max=NUMBER, :allowed=VALUE, :pattern=RE2, :format=json or :unique"
	column, rest, found := "", "", false
	for _, key := range []string{"min=", "max=", "allowed=", "pattern=", "format="} {
		if i := strings.Index(text, ":"+key); i > 0 && (!found || i < len(column)) {
			column, rest, found = text[:i], text[i+1:], true
		}
	}
	if before, unique := strings.CutSuffix(text, ":unique"); unique && !found {
		column, rest, found = before, "unique", true
	}
	if !found {
		return fmt.Errorf("--constraint %s: say %s", text, form)
	}
	f, err := o.feature("--constraint", column)
	if err != nil {
		return err
	}
	if f.GetConstraint() == nil {
		f.Constraint = &driftv1.FeatureConstraint{}
	}
	if err := setConstraint(f.GetConstraint(), rest); err != nil {
		return fmt.Errorf("--constraint %s: %w", text, err)
	}
	return constrains(f, rest)
}

// setConstraint sets KEY=VALUE.
func setConstraint(c *driftv1.FeatureConstraint, text string) error {
	key, value, _ := strings.Cut(text, "=")
	switch key {
	case "allowed":
		c.Allowed = append(c.Allowed, value)
	case "pattern":
		c.Pattern = value
	case "format":
		c.Format = value
	case "unique":
		c.Unique = true
	default:
		x, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return fmt.Errorf("%q is no number", value)
		}
		if key == "min" {
			c.Min = &x
		} else {
			c.Max = &x
		}
	}
	return nil
}

// constrains refuses what says nothing of the feature's values: that nothing breaks it would be no finding.
func constrains(f *driftv1.ComparedFeature, text string) error {
	key, _, _ := strings.Cut(text, "=")
	const numeric, categorical, prose = driftv1.FeatureType_FEATURE_TYPE_NUMERIC, driftv1.FeatureType_FEATURE_TYPE_CATEGORICAL, driftv1.FeatureType_FEATURE_TYPE_TEXT
	types := map[string][]driftv1.FeatureType{
		"min": {numeric}, "max": {numeric}, "allowed": {categorical, prose}, "pattern": {categorical, prose}, "format": {prose},
		"unique": {numeric, categorical, prose, driftv1.FeatureType_FEATURE_TYPE_TIMESTAMP},
	}[key]
	if !slices.Contains(types, f.GetType()) {
		return fmt.Errorf("--constraint %s:%s: %s is for %s columns, and %s is %s: --feature or --type says otherwise", f.GetName(), text, key,
			strings.Join(typeNames(types), ", "), f.GetName(), typeName(f.GetType()))
	}
	return nil
}
