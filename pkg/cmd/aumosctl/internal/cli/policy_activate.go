package cli

import (
	"context"

	"github.com/spf13/cobra"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func (a *app) policyActivateCommand() *cobra.Command {
	var t target
	cmd := a.versionStep(&cobra.Command{
		Use: "activate POLICY", Short: "Make an approved version the one that decisions use",
		Long: "Makes an approved version of a policy the one that decisions use. The one that was active retires. Its tests must have passed, on this content and with\n" +
			"the test cases of now: aumosctl policy test. Activating the active version changes nothing.",
		Example: "  aumosctl policy activate retrain\n  aumosctl policy activate --name retrain --version 3",
	}, &t, governancev1.PolicyVersionState_POLICY_VERSION_STATE_APPROVED, true,
		func(ctx context.Context, client governancev1.PolicyServiceClient, c choice) (choice, error) {
			res, err := call(ctx, a, client.ActivatePolicyVersion, &governancev1.ActivatePolicyVersionRequest{PolicyVersionId: c.version.GetId()})
			return choice{res.GetPolicy(), res.GetPolicyVersion()}, err
		})
	t.versionFlag(cmd, "the newest that is approved")
	return cmd
}

func (a *app) policyRetireCommand() *cobra.Command {
	var t target
	var reason string
	cmd := a.versionStep(&cobra.Command{
		Use: "retire POLICY --reason TEXT", Short: "Take the active version out of use",
		Long:    "Takes the active version out of use, and nothing takes its place: decisions of the policy are refused, and its decision points go on without it.",
		Example: "  aumosctl policy retire loans --reason 'we grant no loans any more'",
	}, &t, governancev1.PolicyVersionState_POLICY_VERSION_STATE_ACTIVE, false,
		func(ctx context.Context, client governancev1.PolicyServiceClient, c choice) (choice, error) {
			res, err := call(ctx, a, client.RetirePolicyVersion, &governancev1.RetirePolicyVersionRequest{PolicyVersionId: c.version.GetId(), Reason: reason})
			return choice{res.GetPolicy(), res.GetPolicyVersion()}, err
		})
	reasonFlag(cmd, &reason)
	return cmd
}

func (a *app) policyRollbackCommand() *cobra.Command {
	var t target
	var reason string
	cmd := &cobra.Command{
		Use: "rollback POLICY --reason TEXT", Short: "Go back to a version that was active before",
		Long: "Makes a retired version the active one again, at once: it was approved and tested when it was first activated. Without --version that is the one that\n" +
			"retired last.",
		Example: "  aumosctl policy rollback loans --reason 'version 4 denies everybody'",
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.policyRollback(cmd.Context(), t, reason) },
	}
	t.flags(cmd)
	t.versionFlag(cmd, "the one that retired last")
	reasonFlag(cmd, &reason)
	return cmd
}

func (a *app) policyRollback(ctx context.Context, t target, reason string) error {
	if t.version < 0 {
		return errVersion
	}
	client, done, err := a.policies(ctx)
	if err != nil {
		return err
	}
	defer done()
	policy, err := t.find(ctx, a, client)
	if err != nil {
		return err
	}
	req := &governancev1.RollbackPolicyRequest{PolicyId: policy.GetId(), Reason: reason}
	if t.version > 0 {
		version, err := a.findVersion(ctx, client, policy, t.version)
		if err != nil {
			return err
		}
		req.PolicyVersionId = version.GetId()
	}
	res, err := call(ctx, a, client.RollbackPolicy, req)
	if err != nil {
		return err
	}
	return a.printStep(ctx, choice{res.GetPolicy(), res.GetPolicyVersion()})
}
