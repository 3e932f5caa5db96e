package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/table"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

func (o *compareOptions) parse() (err error) {
	if len(o.missing) == 0 {
		o.missing = table.DefaultMissing()
	}
	if len(o.features) > 0 && (len(o.types) > 0 || len(o.ignore) > 0) {
		return errors.New("--feature says which columns there are and of which type: leave --type and --ignore out")
	}
	o.choice = table.Choice{Kinds: make(map[string]table.Kind, len(o.types)), Ignore: o.ignore}
	for _, text := range o.types {
		column, name, err := splitColumn("--type", text)
		if err != nil {
			return err
		}
		if o.choice.Kinds[column], err = table.ParseKind(name); err != nil {
			return fmt.Errorf("--type %s: %w", text, err)
		}
	}
	o.kinds = make(map[string]table.Kind, len(o.features))
	for _, text := range o.features {
		f, kind, err := parseFeature(text)
		if err != nil {
			return err
		}
		o.named, o.kinds[f.GetName()] = append(o.named, f), kind
	}
	if o.tests != "" {
		if o.all, err = parseTests(o.tests); err != nil {
			return fmt.Errorf("--tests %s: %w", o.tests, err)
		}
	}
	if o.rowTests != "" {
		if o.header.RowTests, err = parseTests(o.rowTests); err != nil {
			return fmt.Errorf("--row-tests %s: %w", o.rowTests, err)
		}
	}
	o.header.Rule = o.rule()
	if o.given("permutations") {
		o.header.Permutations = &o.permutations
	}
	return nil
}

// rule is the decision rule as far as it was given.
func (o *compareOptions) rule() *driftv1.DecisionRule {
	rule := &driftv1.DecisionRule{}
	if o.given("fdr") {
		rule.FalseDiscoveryRate = &o.fdr
	}
	if o.given("min-rows") {
		rule.MinRows = &o.minRows
	}
	if o.given("min-drifted-features") {
		rule.MinDriftedFeatures = &o.minDrifted
	}
	return rule
}

// parseFeature reads COLUMN:TYPE[:TEST,...]. The last part that names a type is it, since a column's name may hold colons.
func parseFeature(text string) (*driftv1.ComparedFeature, table.Kind, error) {
	parts := strings.Split(text, ":")
	for i := len(parts) - 1; i > 0; i-- {
		kind, err := table.ParseKind(parts[i])
		if err != nil {
			continue
		}
		f := &driftv1.ComparedFeature{Name: strings.Join(parts[:i], ":"), Type: featureType(kind)}
		if i+1 < len(parts) {
			if f.Tests, err = parseTests(strings.Join(parts[i+1:], ":")); err != nil {
				return nil, 0, fmt.Errorf("--feature %s: %w", text, err)
			}
		}
		return f, kind, nil
	}
	return nil, 0, fmt.Errorf("--feature %s: say COLUMN:TYPE or COLUMN:TYPE:TEST,TEST with a type of numeric, categorical, boolean, text, timestamp, vector", text)
}

// completeHeader names the features where flags say more of them than the data do.
func (a *app) completeHeader(ctx context.Context, clients *driftClients, o *compareOptions, old, fresh []table.Feature) error {
	o.header.Features = o.named
	if len(o.all)+len(o.importances)+len(o.constraints)+len(o.zones)+len(o.embeds) > 0 || slices.ContainsFunc(old, func(f table.Feature) bool { return f.Kind == table.Text }) && len(o.named) == 0 {
		if err := a.nameFeatures(ctx, clients, o, old, fresh); err != nil {
			return err
		}
	}
	for _, text := range o.importances {
		column, number, err := splitColumn("--importance", text)
		if err != nil {
			return err
		}
		importance, err := strconv.ParseFloat(number, 64)
		if err != nil || !(importance >= 0) {
			return fmt.Errorf("--importance %s: say a number of at least 0", text)
		}
		f, err := o.feature("--importance", column)
		if err != nil {
			return err
		}
		f.Importance = &importance
	}
	for _, text := range o.zones {
		column, zone, err := splitColumn("--time-zone", text)
		if err != nil {
			return err
		}
		f, err := o.feature("--time-zone", column)
		if err != nil {
			return err
		}
		if f.GetType() != driftv1.FeatureType_FEATURE_TYPE_TIMESTAMP {
			return fmt.Errorf("--time-zone %s: only timestamps have one, and %s is %s: --feature or --type says otherwise", text, column, typeName(f.GetType()))
		}
		f.TimeZone = zone
	}
	for _, column := range o.embeds {
		f, err := o.feature("--embed", column)
		if err != nil {
			return err
		}
		if f.GetType() != driftv1.FeatureType_FEATURE_TYPE_TEXT {
			return fmt.Errorf("--embed %s: only texts are embedded, and the column is %s: --feature or --type says otherwise", column, typeName(f.GetType()))
		}
		f.Embed = true
	}
	for _, text := range o.constraints {
		if err := o.constrain(text); err != nil {
			return err
		}
	}
	return nil
}

// feature is the header's feature of a column.
func (o *compareOptions) feature(flag, column string) (*driftv1.ComparedFeature, error) {
	i := slices.IndexFunc(o.header.GetFeatures(), func(f *driftv1.ComparedFeature) bool { return f.GetName() == column })
	if i < 0 {
		return nil, fmt.Errorf("%s %s: no such column is compared", flag, column)
	}
	return o.header.GetFeatures()[i], nil
}

// nameFeatures names every column that both files have, with those of --tests that apply to it.
func (a *app) nameFeatures(ctx context.Context, clients *driftClients, o *compareOptions, old, fresh []table.Feature) error {
	applies, err := a.applicable(ctx, clients, o.all)
	if err != nil {
		return err
	}
	if err := o.appliesTo(applies, old); err != nil {
		return err
	}
	if len(o.named) > 0 {
		for _, f := range o.header.GetFeatures() {
			if len(f.GetTests()) == 0 {
				f.Tests = sameFeature(table.Feature{}, o.testsOf(applies, f.GetName(), f.GetType())).GetTests()
			}
		}
		return nil
	}
	for _, column := range old {
		o.header.Features = append(o.header.Features, sameFeature(column, o.testsOf(applies, column.Name, featureType(column.Kind))))
	}
	for _, column := range fresh {
		if !slices.ContainsFunc(old, func(f table.Feature) bool { return f.Name == column.Name }) {
			a.note("note: the baseline does not have the column %s, which is left out", column.Name)
		}
	}
	return nil
}

// testsOf are the tests that apply to a column: to one whose texts are embedded those of vectors too.
func (o *compareOptions) testsOf(applies map[driftv1.FeatureType][]*driftv1.TestSetting, column string, kind driftv1.FeatureType) []*driftv1.TestSetting {
	tests := slices.Clone(applies[kind])
	if slices.Contains(o.embeds, column) {
		for _, test := range applies[driftv1.FeatureType_FEATURE_TYPE_VECTOR] {
			if !slices.Contains(tests, test) {
				tests = append(tests, test)
			}
		}
	}
	return tests
}

// appliesTo refuses --tests of which none applies to any column, since others would be made instead.
func (o *compareOptions) appliesTo(applies map[driftv1.FeatureType][]*driftv1.TestSetting, columns []table.Feature) error {
	for _, column := range columns {
		if len(o.all) == 0 || len(o.testsOf(applies, column.Name, featureType(column.Kind))) > 0 {
			return nil
		}
	}
	return fmt.Errorf("--tests %s: none applies to any column that is compared: aumosctl drift tests says to which types each does", o.tests)
}

// applicable says for each type of features which of the tests apply to it.
func (a *app) applicable(ctx context.Context, clients *driftClients, tests []*driftv1.TestSetting) (map[driftv1.FeatureType][]*driftv1.TestSetting, error) {
	applies := make(map[driftv1.FeatureType][]*driftv1.TestSetting)
	if len(tests) == 0 {
		return applies, nil
	}
	res, err := call(ctx, a, clients.detections.ListTests, &driftv1.ListTestsRequest{Scope: driftv1.TestScope_TEST_SCOPE_FEATURE})
	if err != nil {
		return nil, err
	}
	for _, test := range tests {
		found := false
		for _, d := range res.GetTests() {
			if d.GetTest() != test.GetTest() {
				continue
			}
			for _, c := range d.GetConventions() {
				if test.GetConvention() != "" && test.GetConvention() != c.GetName() {
					continue
				}
				found = true
				for _, t := range c.GetFeatureTypes() {
					ofRows := d.GetScope() == driftv1.TestScope_TEST_SCOPE_ROWS && t != driftv1.FeatureType_FEATURE_TYPE_VECTOR
					if !ofRows && !slices.Contains(applies[t], test) {
						applies[t] = append(applies[t], test)
					}
				}
			}
		}
		if !found {
			return nil, fmt.Errorf("--tests: the server has no test %s of features with the convention %q: aumosctl drift tests lists them",
				shortName(test.GetTest()), test.GetConvention())
		}
	}
	return applies, nil
}
