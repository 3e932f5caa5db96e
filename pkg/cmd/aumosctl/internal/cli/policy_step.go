package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// target names a policy, or a version of it.
type target struct {
	policy, name string
	version      int32
}

var (
	errVersion   = errors.New("--version counts from 1")
	errNoVersion = errors.New("has no version: push one")
)

var errPolicyOnce = errors.New("name one policy: POLICY, --name or --policy")

// flags lets the command take a policy: as its argument, or by a flag.
func (t *target) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&t.name, "name", "", "the policy's name, instead of POLICY")
	cmd.Flags().StringVar(&t.policy, "policy", "", "the policy's name or id, as POLICY")
	cmd.Args = func(_ *cobra.Command, args []string) error {
		named := slices.DeleteFunc(slices.Concat(args, []string{t.name, t.policy}), func(s string) bool { return s == "" })
		if len(named) != 1 {
			return errPolicyOnce
		}
		t.policy = named[0]
		return nil
	}
}

// versionFlag adds the flag that names a version; otherwise says which it is without it.
func (t *target) versionFlag(cmd *cobra.Command, otherwise string) {
	cmd.Flags().Int32Var(&t.version, "version", 0, "the version's number (default: "+otherwise+")")
}

func (t *target) find(ctx context.Context, a *app, client governancev1.PolicyServiceClient) (*governancev1.Policy, error) {
	return a.findPolicy(ctx, client, t.policy)
}

// choice is a policy and one of its versions.
type choice struct {
	policy  *governancev1.Policy
	version *governancev1.PolicyVersion
}

// findVersion finds the policy and its version: without a number the newest in the state, or the newest of all if none is and any is allowed.
func (t *target) findVersion(
	ctx context.Context, a *app, client governancev1.PolicyServiceClient, state governancev1.PolicyVersionState, orNewest bool,
) (choice, error) {
	if t.version < 0 {
		return choice{}, errVersion
	}
	policy, err := t.find(ctx, a, client)
	if err != nil {
		return choice{}, err
	}
	if t.version == 0 && state != 0 {
		for version, err := range a.policyVersions(ctx, client, policy.GetId(), state, 1) {
			return choice{policy, version}, err
		}
		if !orNewest {
			return choice{}, fmt.Errorf("policy %q has no version that is %s", policy.GetName(), stateName(state))
		}
	}
	version, err := a.findVersion(ctx, client, policy, t.version)
	return choice{policy, version}, err
}

// findVersion finds a version by its number; 0 is the newest.
func (a *app) findVersion(
	ctx context.Context, client governancev1.PolicyServiceClient, policy *governancev1.Policy, number int32,
) (*governancev1.PolicyVersion, error) {
	limit := 0
	if number == 0 {
		limit = 1
	}
	for version, err := range a.policyVersions(ctx, client, policy.GetId(), 0, limit) {
		if err != nil {
			return nil, err
		}
		if number == 0 || version.GetNumber() == number {
			return version, nil
		}
	}
	if number == 0 {
		return nil, fmt.Errorf("policy %q %w", policy.GetName(), errNoVersion)
	}
	return nil, fmt.Errorf("policy %q has no version %d", policy.GetName(), number)
}

// printStep prints a version after a step.
func (a *app) printStep(ctx context.Context, c choice) error {
	if a.format != formatTable {
		return a.printPushed(c.policy, c.version, nil)
	}
	defer a.noteNext(ctx, c.policy, c.version)
	return output.Pairs(a.stdout, "", "policy", c.policy.GetName()+" ("+c.policy.GetId()+")",
		"version", fmt.Sprintf("%d (%s)", c.version.GetNumber(), c.version.GetId()), "state", stateOf(c.policy, c.version))
}

// versionStep is a command that takes one step with a version; the step returns what there is after it.
func (a *app) versionStep(
	cmd *cobra.Command, t *target, state governancev1.PolicyVersionState, orNewest bool,
	step func(context.Context, governancev1.PolicyServiceClient, choice) (choice, error),
) *cobra.Command {
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		client, done, err := a.policies(cmd.Context())
		if err != nil {
			return err
		}
		defer done()
		c, err := t.findVersion(cmd.Context(), a, client, state, orNewest)
		if err != nil {
			return err
		}
		if c, err = step(cmd.Context(), client, c); err != nil {
			return err
		}
		return a.printStep(cmd.Context(), c)
	}
	t.flags(cmd)
	return cmd
}
