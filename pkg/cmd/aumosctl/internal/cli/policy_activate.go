package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

type activateOptions struct {
	policy, name string
	version      int32
}

func (a *app) policyActivateCommand() *cobra.Command {
	var o activateOptions
	cmd := &cobra.Command{
		Use: "activate (--name NAME | --policy ID)", Short: "Make a version the one that decisions use", Args: cobra.NoArgs,
		Long: "Makes a version of a policy the one that decisions use: the newest, unless --version says another. The one that was active retires.",
		Example: `  aumosctl policy activate --name retrain
  aumosctl policy activate --name retrain --version 3`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.policyActivate(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.name, "name", "", "the policy's name")
	f.StringVar(&o.policy, "policy", "", "the policy's id (UUID)")
	f.Int32Var(&o.version, "version", 0, "the version's number (default: the newest)")
	cmd.MarkFlagsMutuallyExclusive("name", "policy")
	cmd.MarkFlagsOneRequired("name", "policy")
	return cmd
}

func (a *app) policyActivate(ctx context.Context, o activateOptions) error {
	if o.version < 0 {
		return errors.New("--version counts from 1")
	}
	client, done, err := a.policies(ctx)
	if err != nil {
		return err
	}
	defer done()
	key := o.policy
	if key == "" {
		key = o.name
	}
	policy, err := a.findPolicy(ctx, client, key)
	if err != nil {
		return err
	}
	version, err := a.findVersion(ctx, client, policy, o.version)
	if err != nil {
		return err
	}
	if policy, version, err = a.activate(ctx, client, version); err != nil {
		return err
	}
	if a.format != formatTable {
		return a.printPushed(policy, version, nil)
	}
	return output.Pairs(a.stdout, "", "policy", policy.GetName()+" ("+policy.GetId()+")",
		"version", fmt.Sprintf("%d (%s)", version.GetNumber(), version.GetId()), "state", stateOf(policy, version))
}

// findVersion finds a version by its number; 0 is the newest.
func (a *app) findVersion(
	ctx context.Context, client governancev1.PolicyServiceClient, policy *governancev1.Policy, number int32,
) (*governancev1.PolicyVersion, error) {
	limit := 0
	if number == 0 {
		limit = 1
	}
	for version, err := range a.policyVersions(ctx, client, policy.GetId(), limit) {
		if err != nil {
			return nil, err
		}
		if number == 0 || version.GetNumber() == number {
			return version, nil
		}
	}
	if number == 0 {
		return nil, fmt.Errorf("policy %q has no version: push one", policy.GetName())
	}
	return nil, fmt.Errorf("policy %q has no version %d", policy.GetName(), number)
}

// activate makes the version active, whatever was active before: the caller has named it.
func (a *app) activate(
	ctx context.Context, client governancev1.PolicyServiceClient, version *governancev1.PolicyVersion,
) (*governancev1.Policy, *governancev1.PolicyVersion, error) {
	res, err := call(ctx, a, client.ActivatePolicyVersion, &governancev1.ActivatePolicyVersionRequest{
		PolicyVersionId: version.GetId(),
	})
	return res.GetPolicy(), res.GetPolicyVersion(), err
}
