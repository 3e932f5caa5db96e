package cli

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/table"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

// parse reads the flags that name columns, and fills in names that were not given.
func (o *detectOptions) parse() error {
	if len(o.missing) == 0 {
		o.missing = table.DefaultMissing()
	}
	if o.model == "" {
		o.model = nameOf(o.baseline)
	}
	if o.monitor == "" {
		o.monitor = o.model
	}
	o.choice = table.Choice{Kinds: make(map[string]table.Kind, len(o.types)), Ignore: o.ignore}
	for _, text := range o.types {
		column, name, err := splitColumn("--type", text)
		if err != nil {
			return err
		}
		kind, err := table.ParseKind(name)
		if err != nil || kind > table.Boolean {
			return fmt.Errorf("--type %s: %q is none of numeric, categorical, boolean", text, name)
		}
		o.choice.Kinds[column] = kind
	}
	if err := o.parseTests(); err != nil {
		return err
	}
	if err := o.parseEffects(); err != nil {
		return err
	}
	if o.given("fdr") {
		o.rule.FalseDiscoveryRate = &o.fdr
	}
	if o.given("min-rows") {
		o.rule.MinRows = &o.minRows
	}
	if o.given("min-drifted-features") {
		o.rule.MinDriftedFeatures = &o.minDrifted
	}
	return nil
}

func (o *detectOptions) parseTests() error {
	o.columnTests = make(map[string][]*driftv1.TestSetting)
	for _, text := range o.tests {
		column, name, err := splitColumn("--test", text)
		if err != nil {
			return err
		}
		test, err := parseTest(name)
		if err != nil {
			return fmt.Errorf("--test %s: %w", text, err)
		}
		same := func(t *driftv1.TestSetting) bool { return proto.Equal(t, test) }
		if !slices.ContainsFunc(o.columnTests[column], same) {
			o.columnTests[column] = append(o.columnTests[column], test)
		}
	}
	if o.allTests == "" {
		return nil
	}
	var err error
	if o.all, err = parseTests(o.allTests); err != nil {
		return fmt.Errorf("--tests %s: %w", o.allTests, err)
	}
	return nil
}

func (o *detectOptions) parseEffects() error {
	o.columnEffects = make(map[string]float64)
	for _, text := range o.minEffects {
		i := strings.LastIndex(text, "=")
		effect, err := strconv.ParseFloat(text[i+1:], 64)
		if err != nil || !(effect > 0) {
			return fmt.Errorf("--min-effect %s: say a number over 0, or COLUMN=NUMBER", text)
		}
		if i < 0 {
			o.everyEffect = &effect
		} else {
			o.columnEffects[text[:i]] = effect
		}
	}
	return nil
}

// features are the monitor's features for the columns, with tests where the flags ask for other than the default.
func (o *detectOptions) features(columns []table.Feature, applies map[driftv1.FeatureType][]*driftv1.TestSetting) ([]*driftv1.Feature, error) {
	features := make([]*driftv1.Feature, len(columns))
	names := make(map[string]bool, len(columns))
	for i, column := range columns {
		names[column.Name] = true
		features[i] = &driftv1.Feature{Name: column.Name, Type: featureType(column.Kind), Tests: o.testSettings(column, applies[featureType(column.Kind)])}
	}
	for name := range o.columnTests {
		if !names[name] {
			return nil, fmt.Errorf("--test %s: no such column is compared", name)
		}
	}
	for name := range o.columnEffects {
		if !names[name] {
			return nil, fmt.Errorf("--min-effect %s: no such column is compared", name)
		}
	}
	return features, nil
}

func (o *detectOptions) testSettings(column table.Feature, all []*driftv1.TestSetting) []*driftv1.TestSetting {
	effect := o.everyEffect
	if own, ok := o.columnEffects[column.Name]; ok {
		effect = &own
	}
	tests := o.columnTests[column.Name]
	if len(tests) == 0 {
		tests = all
	}
	if len(tests) == 0 {
		if effect == nil {
			return nil
		}
		test := driftv1.DriftTest_DRIFT_TEST_CHI_SQUARE
		if column.Kind == table.Numeric {
			test = driftv1.DriftTest_DRIFT_TEST_KOLMOGOROV_SMIRNOV
		}
		tests = []*driftv1.TestSetting{{Test: test}}
	}
	settings := make([]*driftv1.TestSetting, len(tests))
	for i, test := range tests {
		settings[i] = &driftv1.TestSetting{Test: test.GetTest(), Convention: test.GetConvention(), MinEffect: effect}
	}
	return settings
}

func featureType(kind table.Kind) driftv1.FeatureType {
	switch kind {
	case table.Numeric:
		return driftv1.FeatureType_FEATURE_TYPE_NUMERIC
	case table.Categorical:
		return driftv1.FeatureType_FEATURE_TYPE_CATEGORICAL
	case table.Boolean:
		return driftv1.FeatureType_FEATURE_TYPE_BOOLEAN
	case table.Text:
		return driftv1.FeatureType_FEATURE_TYPE_TEXT
	case table.Timestamp:
		return driftv1.FeatureType_FEATURE_TYPE_TIMESTAMP
	case table.Vector:
		return driftv1.FeatureType_FEATURE_TYPE_VECTOR
	default:
		return driftv1.FeatureType_FEATURE_TYPE_UNSPECIFIED
	}
}

// splitColumn splits COLUMN=VALUE at the last equals sign, since a column's name may hold one.
func splitColumn(flag, text string) (column, value string, err error) {
	i := strings.LastIndex(text, "=")
	if i < 1 {
		return "", "", fmt.Errorf("%s %s: say COLUMN=VALUE", flag, text)
	}
	return text[:i], text[i+1:], nil
}

var (
	notInName   = regexp.MustCompile(`[^A-Za-z0-9 ._-]+`)
	notNameHead = regexp.MustCompile(`^[^A-Za-z0-9]+`)
)

// nameOf makes a name that the contract allows from a file's name.
func nameOf(path string) string {
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	name = notNameHead.ReplaceAllString(notInName.ReplaceAllString(name, "-"), "")
	if name == "" {
		return "data"
	}
	return name[:min(len(name), table.MaxName)]
}

// taskNames are the values of --task.
func taskNames() []string {
	var names []string
	for i := 1; i < len(driftv1.ModelTask_name); i++ {
		names = append(names, strings.ToLower(enum(driftv1.ModelTask(i).String(), "MODEL_TASK_")))
	}
	return names
}
