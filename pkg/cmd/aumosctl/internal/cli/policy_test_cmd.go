package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/policydir"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

const testHelp = `Runs the tests of a policy: its cases, and the test_ rules within its modules. All together have a minute.

With DIR (default: the current directory) what the directory holds is tested: its modules, data document and cases, against the coverage that its
policy.yaml asks for. Nothing is stored, so this is what to run before a push.

With --policy a stored version is tested, the newest unless --version says another, with the cases that are kept beside it. The run is recorded; one
that is complete and passes opens the way to activation.

Exit codes: 0 all passed and the coverage is reached, 1 not, or the Rego does not compile, 3 failure.`

const testExample = `  aumosctl policy test
  aumosctl policy test policies/loans --coverage --min-coverage 90 --junit tests.xml
  aumosctl policy test --policy loans --version 3`

// testTimeout is how long a run may take, with the time to compile and to record it.
const testTimeout = 90 * time.Second

type testOptions struct {
	policy      string
	version     int32
	tags        []string
	coverage    bool
	minCoverage int32 // -1: what the policy asks for
	junit       string
}

func (a *app) policyTestCommand() *cobra.Command {
	var o testOptions
	cmd := &cobra.Command{
		Use: "test [DIR | --policy NAME]", Short: "Run the tests of a policy", Long: testHelp, Example: testExample, Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("timeout") {
				a.timeout = testTimeout
			}
			switch {
			case o.version < 0:
				return errVersion
			case o.version > 0 && o.policy == "":
				return errors.New("--version goes with --policy: a directory has no versions")
			case o.policy != "" && len(args) > 0:
				return errors.New("name a directory or --policy, not both")
			case o.minCoverage > 100 || o.minCoverage < 0 && cmd.Flags().Changed("min-coverage"):
				return errors.New("--min-coverage is a percentage from 0 to 100")
			case o.policy != "":
				return a.policyTestStored(cmd.Context(), o)
			}
			return a.policyTestDirectory(cmd.Context(), append(args, ".")[0], o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.policy, "policy", "", "test a stored version of this policy (name or id)")
	f.Int32Var(&o.version, "version", 0, "the version's number (default: the newest)")
	f.StringSliceVar(&o.tags, "tag", nil, "run only the cases with this tag, and no test_ rules; may be repeated")
	f.BoolVar(&o.coverage, "coverage", false, "also print which lines were not reached")
	f.Int32Var(&o.minCoverage, "min-coverage", -1, "the share of the lines, in percent, that must be reached (default: what the policy asks for; with --tag none)")
	f.StringVar(&o.junit, "junit", "", "also write the results to this file, as JUnit XML")
	return cmd
}

func (a *app) policyTestDirectory(ctx context.Context, path string, o testOptions) error {
	dir, err := policydir.Read(path)
	if err != nil {
		return err
	}
	switch {
	case o.minCoverage >= 0:
	case len(o.tags) > 0: // a part of the tests is not to reach what all of them do
		o.minCoverage = 0
	default:
		o.minCoverage = dir.Manifest.MinCoveragePercent
	}
	client, done, err := a.policyTests(ctx)
	if err != nil {
		return err
	}
	defer done()
	res, err := call(ctx, a, client.TestModules, &governancev1.TestModulesRequest{
		Modules: dir.Modules, Data: dir.Data, Specs: dir.Cases, MinCoveragePercent: o.minCoverage, Tags: o.tags,
	})
	if err != nil {
		a.noteModules(err, dir.Modules, dir.File)
		a.noteCases(err, dir)
		return err
	}
	t := testReport{name: dir.Manifest.Name, report: res.GetReport(), errors: res.GetErrors(), minCoverage: o.minCoverage, coverage: o.coverage, tags: o.tags, file: dir.File}
	if err := t.writeJUnit(o.junit); err != nil {
		return err
	}
	if a.format == formatTable {
		err = a.printTests(t)
	} else {
		err = a.printMessage("tests", res)
	}
	return t.verdict(err)
}

func (a *app) policyTestStored(ctx context.Context, o testOptions) error {
	policies, done, err := a.policies(ctx)
	if err != nil {
		return err
	}
	defer done()
	policy, err := a.findPolicy(ctx, policies, o.policy)
	if err != nil {
		return err
	}
	version, err := a.findVersion(ctx, policies, policy, o.version)
	if err != nil {
		return err
	}
	client, closeTests, err := a.policyTests(ctx)
	if err != nil {
		return err
	}
	defer closeTests()
	res, err := call(ctx, a, client.RunPolicyTests, &governancev1.RunPolicyTestsRequest{PolicyVersionId: version.GetId(), Tags: o.tags})
	if err != nil {
		return err
	}
	run := res.GetTestRun()
	t := testReport{
		name: versionName(policy, version), report: run.GetReport(), minCoverage: max(o.minCoverage, run.GetMinCoveragePercent()), coverage: o.coverage, tags: o.tags,
		file: func(name string) string { return name }, run: run,
	}
	if err := t.writeJUnit(o.junit); err != nil {
		return err
	}
	if a.format == formatTable {
		err = a.printTests(t)
	} else {
		err = a.printMessage("test_run", run)
	}
	return t.verdict(err)
}
