package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/table"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

func (a *app) driftTestsCommand() *cobra.Command {
	var kind, scope string
	cmd := &cobra.Command{
		Use: "tests [TEST]", Short: "List the tests, or describe one", Args: cobra.MaximumNArgs(1),
		Long: `Lists the tests with the conventions that name exactly how each can be computed; the first for a type is its default. With a test's name
all that is known of it is shown: its null hypothesis, its assumptions, where its p-value comes from, its source.`,
		Example: "  aumosctl drift tests --type numeric\n  aumosctl drift tests psi",
		RunE: func(cmd *cobra.Command, args []string) error {
			req := &driftv1.ListTestsRequest{}
			var err error
			if req.FeatureType, err = parseFeatureType(kind); err != nil {
				return err
			}
			if scope != "" {
				value, ok := driftv1.TestScope_value["TEST_SCOPE_"+strings.ToUpper(scope)]
				if !ok || value == 0 {
					return fmt.Errorf("--scope %q is none of feature, rows", scope)
				}
				req.Scope = driftv1.TestScope(value)
			}
			ctx := cmd.Context()
			clients, err := a.driftClients(ctx)
			if err != nil {
				return err
			}
			defer clients.close()
			res, err := call(ctx, a, clients.detections.ListTests, req)
			if err != nil {
				return err
			}
			if len(args) == 1 {
				return a.describeTest(res.GetTests(), args[0], kind, scope)
			}
			return a.listTests(res.GetTests(), req.GetFeatureType())
		},
	}
	cmd.Flags().StringVar(&kind, "type", "", "only tests of this type of columns: "+strings.Join(featureTypeNames(), ", "))
	cmd.Flags().StringVar(&scope, "scope", "", "only tests of features, or of whole rows: feature, rows")
	return cmd
}

// listTests prints the tests with those of their conventions that apply to the type.
func (a *app) listTests(tests []*driftv1.TestDescription, only driftv1.FeatureType) error {
	grid := output.NewGrid("test", "kind", "types", "convention", "effect", ">minimum")
	items := func(yield func(*driftv1.TestDescription, error) bool) {
		for _, d := range tests {
			if !yield(d, nil) {
				return
			}
		}
	}
	if a.format != formatTable {
		return printList(a, items, grid, nil)
	}
	for _, d := range tests {
		name, kind := shortName(d.GetTest()), strings.ToLower(enum(d.GetKind().String(), "TEST_KIND_"))
		for _, c := range d.GetConventions() {
			if only != 0 && !slices.Contains(c.GetFeatureTypes(), only) {
				continue
			}
			grid.Row(name, kind, strings.Join(typeNames(c.GetFeatureTypes()), " "), c.GetName(), c.GetEffectName(), output.Number(c.GetDefaultMinEffect()))
			name, kind = " ", " "
		}
	}
	return grid.Print(a.stdout, "")
}

func (a *app) describeTest(tests []*driftv1.TestDescription, name, kind, scope string) error {
	wanted, err := parseTest(name)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(tests, func(d *driftv1.TestDescription) bool { return d.GetTest() == wanted.GetTest() })
	if i < 0 {
		if kind != "" || scope != "" {
			return fmt.Errorf("the test %s is none of those that --type and --scope leave: leave them out to see what it is for", shortName(wanted.GetTest()))
		}
		return fmt.Errorf("the server has no test %s", shortName(wanted.GetTest()))
	}
	d := tests[i]
	if a.format != formatTable {
		return a.printMessage("test", d)
	}
	pairs := []string{
		"test", shortName(d.GetTest()) + ", " + d.GetTitle(), "types", strings.Join(typeNames(d.GetFeatureTypes()), ", "), "null hypothesis", d.GetNullHypothesis(),
		"assumptions", strings.Join(d.GetAssumptions(), "; "), "p-value", d.GetPValue(), "effect", d.GetEffectRange(), "source", d.GetSource(),
	}
	for _, c := range d.GetConventions() {
		pairs = append(pairs, c.GetName(), fmt.Sprintf("%s Effect %s, at least %s; %s.", c.GetDescription(), c.GetEffectName(), output.Number(c.GetDefaultMinEffect()),
			strings.Join(typeNames(c.GetFeatureTypes()), ", ")))
	}
	for _, p := range d.GetParameters() {
		pairs = append(pairs, p.GetName(), fmt.Sprintf("%s Default: %s; %s.", p.GetDescription(), p.GetDefaultValue(), p.GetRange()))
	}
	return output.Pairs(a.stdout, "", pairs...)
}

func (a *app) driftRecommendCommand() *cobra.Command {
	var kind string
	traits := &driftv1.FeatureTraits{}
	cmd := &cobra.Command{
		Use: "recommend --type TYPE", Short: "Recommend tests for a column", Args: cobra.NoArgs,
		Long:    "Recommends tests by what is known of a column, with reasons: those that drift compare makes of such data unless tests are named.",
		Example: "  aumosctl drift recommend --type numeric --baseline-rows 100000 --current-rows 5000",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if traits.Type, err = parseFeatureType(kind); err != nil {
				return err
			}
			ctx := cmd.Context()
			clients, err := a.driftClients(ctx)
			if err != nil {
				return err
			}
			defer clients.close()
			res, err := call(ctx, a, clients.detections.RecommendTests, &driftv1.RecommendTestsRequest{Traits: traits})
			if err != nil {
				return err
			}
			if a.format != formatTable {
				return a.printMessage("recommendation", res)
			}
			grid := output.NewGrid("test", "convention", ">minimum", "reason")
			for _, r := range res.GetRecommendations() {
				grid.Row(shortName(r.GetSetting().GetTest()), r.GetSetting().GetConvention(), output.Number(r.GetSetting().GetMinEffect()), r.GetReason())
			}
			return grid.Print(a.stdout, "")
		},
	}
	f := cmd.Flags()
	f.StringVar(&kind, "type", "", "the type of the column: "+strings.Join(featureTypeNames(), ", "))
	f.Int64Var(&traits.BaselineCount, "baseline-rows", 0, "rows of the baseline with a value")
	f.Int64Var(&traits.CurrentCount, "current-rows", 0, "rows of the current data with a value")
	f.Int64Var(&traits.DistinctCount, "distinct", 0, "distinct values; 0: not known")
	_ = cmd.MarkFlagRequired("type") // fails for unknown flags only
	return cmd
}

// parseFeatureType reads a type's name; the empty one is none.
func parseFeatureType(name string) (driftv1.FeatureType, error) {
	if name == "" {
		return 0, nil
	}
	value, ok := driftv1.FeatureType_value["FEATURE_TYPE_"+strings.ToUpper(name)]
	if !ok || value == 0 {
		return 0, fmt.Errorf("--type %q is none of %s", name, strings.Join(featureTypeNames(), ", "))
	}
	return driftv1.FeatureType(value), nil
}

func featureTypeNames() []string {
	names := make([]string, 0, len(driftv1.FeatureType_name)-1)
	for k := table.Numeric; k <= table.Vector; k++ {
		names = append(names, k.String())
	}
	return names
}

func typeNames(types []driftv1.FeatureType) []string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = typeName(t)
	}
	return names
}
