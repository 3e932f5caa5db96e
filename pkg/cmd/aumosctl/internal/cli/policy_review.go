package cli

import (
	"context"

	"github.com/spf13/cobra"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func (a *app) policySubmitCommand() *cobra.Command {
	var t target
	var comment string
	cmd := a.versionStep(&cobra.Command{
		Use: "submit POLICY", Short: "Send a version to review",
		Long:    "Sends a draft to review: somebody other than its author and you approves it.",
		Example: "  aumosctl policy submit loans --comment 'limits of 2027'",
	}, &t, governancev1.PolicyVersionState_POLICY_VERSION_STATE_DRAFT, false,
		func(ctx context.Context, client governancev1.PolicyServiceClient, c choice) (choice, error) {
			version, err := a.submit(ctx, client, c.version, comment)
			return choice{c.policy, version}, err
		})
	t.versionFlag(cmd, "the newest draft")
	cmd.Flags().StringVar(&comment, "comment", "", "what the reviewer should know")
	return cmd
}

func (a *app) submit(
	ctx context.Context, client governancev1.PolicyServiceClient, version *governancev1.PolicyVersion, comment string,
) (*governancev1.PolicyVersion, error) {
	res, err := call(ctx, a, client.SubmitPolicyVersion, &governancev1.SubmitPolicyVersionRequest{PolicyVersionId: version.GetId(), Comment: comment})
	return res.GetPolicyVersion(), err
}

func (a *app) policyApproveCommand() *cobra.Command {
	var t target
	var comment string
	cmd := a.versionStep(&cobra.Command{
		Use: "approve POLICY", Short: "Accept a version that is in review",
		Long:    "Accepts a version that is in review. Its author and whoever submitted it cannot. Look at it first: aumosctl policy diff, aumosctl policy show.",
		Example: "  aumosctl policy approve loans --version 3",
	}, &t, governancev1.PolicyVersionState_POLICY_VERSION_STATE_IN_REVIEW, false,
		func(ctx context.Context, client governancev1.PolicyServiceClient, c choice) (choice, error) {
			res, err := call(ctx, a, client.ApprovePolicyVersion, &governancev1.ApprovePolicyVersionRequest{PolicyVersionId: c.version.GetId(), Comment: comment})
			return choice{c.policy, res.GetPolicyVersion()}, err
		})
	t.versionFlag(cmd, "the newest in review")
	cmd.Flags().StringVar(&comment, "comment", "", "what there is to say")
	return cmd
}

func (a *app) policyRejectCommand() *cobra.Command {
	var t target
	var reason string
	cmd := a.versionStep(&cobra.Command{
		Use: "reject POLICY --reason TEXT", Short: "Send a version back to its author",
		Long:    "Sends a version that is in review, or approved and not yet activated, back to its author as a draft.",
		Example: "  aumosctl policy reject loans --reason 'the limit is for one day, not one loan'",
	}, &t, governancev1.PolicyVersionState_POLICY_VERSION_STATE_IN_REVIEW, false,
		func(ctx context.Context, client governancev1.PolicyServiceClient, c choice) (choice, error) {
			res, err := call(ctx, a, client.RejectPolicyVersion, &governancev1.RejectPolicyVersionRequest{PolicyVersionId: c.version.GetId(), Reason: reason})
			return choice{c.policy, res.GetPolicyVersion()}, err
		})
	t.versionFlag(cmd, "the newest in review")
	reasonFlag(cmd, &reason)
	return cmd
}

// reasonFlag adds a flag that must be given.
func reasonFlag(cmd *cobra.Command, reason *string) {
	cmd.Flags().StringVar(reason, "reason", "", "why")
	_ = cmd.MarkFlagRequired("reason") // fails for unknown flags only
}
