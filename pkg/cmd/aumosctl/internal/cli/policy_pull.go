package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/policydir"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

const policyPullHelp = `Writes a policy as policy push, lint and test read it: policy.yaml, the modules and the data document of a version, and the test cases.

The version is the newest, which is the one that push compares with: pushing what was pulled changes nothing. --version N and --active take another.

Into the directory of a policy it writes only what is different; the rest stays as it is, with comments, and so does the schema of the input, which the
platform does not keep. Files that would change are overwritten by --force only.`

const policyPullExample = `  aumosctl policy pull loans --out policies/loans
  aumosctl policy pull loans --active --out /tmp/loans`

type pullOptions struct {
	target
	out           string
	active, force bool
}

func (a *app) policyPullCommand() *cobra.Command {
	var o pullOptions
	cmd := &cobra.Command{
		Use: "pull POLICY --out DIR", Short: "Write a version of a policy and the test cases as a directory", Long: policyPullHelp, Example: policyPullExample,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.policyPull(cmd.Context(), o) },
	}
	o.flags(cmd)
	o.versionFlag(cmd, "the newest")
	f := cmd.Flags()
	f.StringVar(&o.out, "out", "", "the directory to write to, made if there is none")
	f.BoolVar(&o.active, "active", false, "the version that decisions use")
	f.BoolVar(&o.force, "force", false, "overwrite files that are different")
	_ = cmd.MarkFlagRequired("out") // fails for unknown flags only
	cmd.MarkFlagsMutuallyExclusive("active", "version")
	return cmd
}

func (a *app) policyPull(ctx context.Context, o pullOptions) error {
	conn, err := a.dialGovernance(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	client := governancev1.NewPolicyServiceClient(conn)
	var state governancev1.PolicyVersionState
	if o.active {
		state = governancev1.PolicyVersionState_POLICY_VERSION_STATE_ACTIVE
	}
	c, err := o.findVersion(ctx, a, client, state, false)
	if err != nil {
		return err
	}
	res, err := call(ctx, a, client.GetPolicyVersion, &governancev1.GetPolicyVersionRequest{PolicyVersionId: c.version.GetId()})
	if err != nil {
		return err
	}
	c.version = res.GetPolicyVersion()
	dir := &policydir.Directory{Path: o.out, Modules: c.version.GetModules(), Data: c.version.GetData(), Manifest: policydir.Manifest{
		Name: c.policy.GetName(), Description: c.policy.GetDescription(), Labels: c.policy.GetLabels(), DecisionPoints: c.policy.GetDecisionPoints(),
		RegulationReferences: c.policy.GetRegulationReferences(), MinCoveragePercent: c.policy.GetMinCoveragePercent(),
	}}
	if dir.Cases, err = a.testSpecs(ctx, conn, c.policy.GetId(), ""); err != nil {
		return err
	}
	written, err := dir.Write(o.force)
	if errors.Is(err, policydir.ErrDifferent) {
		return fmt.Errorf("%w: write to another directory, or overwrite it with --force", err)
	}
	if err != nil {
		return err
	}
	return a.printPull(c, o.out, written)
}

func (a *app) printPull(c choice, dir string, w *policydir.Written) error {
	if len(w.Left) > 0 {
		a.note("note: not of this version, and not of the policy any more: %s", strings.Join(w.Left, " "))
	}
	if a.format != formatTable {
		policy, err := output.Tree(c.policy)
		if err != nil {
			return err
		}
		return a.printJSON(map[string]any{"policy": policy, "version": c.version.GetNumber(), "files": append([]string{}, w.Files...)})
	}
	pairs := append([]string{"policy", c.policy.GetName() + " (" + c.policy.GetId() + ")"},
		"version", fmt.Sprintf("%d (%s)", c.version.GetNumber(), c.version.GetId()), "state", stateOf(c.policy, c.version))
	for _, file := range w.Files {
		pairs = append(pairs, "wrote", file)
	}
	if len(w.Files) == 0 {
		a.note("nothing changed: %s has all this", dir)
	}
	return output.Pairs(a.stdout, "", pairs...)
}
