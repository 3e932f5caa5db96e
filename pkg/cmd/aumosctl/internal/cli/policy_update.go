package cli

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

var errNothing = errors.New("nothing to change: give at least one of the flags")

func (a *app) policyUpdateCommand() *cobra.Command {
	var t target
	req := &governancev1.UpdatePolicyRequest{UpdateMask: &fieldmaskpb.FieldMask{}}
	cmd := &cobra.Command{
		Use: "update POLICY", Short: "Change what is said of a policy",
		Long:    "Changes what is said of a policy: what is given replaces what there was. New decision points hold for the active version at once.",
		Example: "  aumosctl policy update loans --decision-point loan.grant,loan.extend --min-coverage 90",
	}
	t.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&req.Name, "new-name", "", "another name")
	f.StringVar(&req.Description, "description", "", "what it is for")
	f.StringSliceVar(&req.DecisionPoints, "decision-point", nil, "a decision point that it answers; may be repeated")
	f.StringToStringVar(&req.Labels, "label", nil, "a label, as key=value; may be repeated")
	f.StringSliceVar(&req.RegulationReferences, "regulation", nil, "a requirement that it implements, for example EU-AI-ACT:ART-14; may be repeated")
	f.Int32Var(&req.MinCoveragePercent, "min-coverage", 0, "the share of the lines, in percent, that its tests must reach before a version is activated")
	fields := []struct{ flag, path string }{
		{"new-name", "name"},
		{"description", "description"},
		{"decision-point", "decision_points"},
		{"label", "labels"},
		{"regulation", "regulation_references"},
		{"min-coverage", "min_coverage_percent"},
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		for _, field := range fields {
			if cmd.Flags().Changed(field.flag) {
				req.UpdateMask.Paths = append(req.UpdateMask.Paths, field.path)
			}
		}
		if len(req.GetUpdateMask().GetPaths()) == 0 {
			return errNothing
		}
		return a.policyStep(cmd.Context(), t, func(ctx context.Context, client governancev1.PolicyServiceClient, policy *governancev1.Policy) (*governancev1.Policy, error) {
			req.PolicyId, req.Etag = policy.GetId(), policy.GetEtag()
			res, err := call(ctx, a, client.UpdatePolicy, req)
			return res.GetPolicy(), err
		})
	}
	return cmd
}

func (a *app) policyArchiveCommand() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use: "archive POLICY", Short: "Take a policy out of use",
		Long: "Takes a policy out of use: it gets no new versions and is left out of lists. Retire its active version first. Nothing of it is lost.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.policyStep(cmd.Context(), t, func(ctx context.Context, client governancev1.PolicyServiceClient, policy *governancev1.Policy) (*governancev1.Policy, error) {
				res, err := call(ctx, a, client.ArchivePolicy, &governancev1.ArchivePolicyRequest{PolicyId: policy.GetId()})
				return res.GetPolicy(), err
			})
		},
	}
	t.flags(cmd)
	return cmd
}

func (a *app) policyUnarchiveCommand() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use: "unarchive POLICY", Short: "Take an archived policy back into use",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.policyStep(cmd.Context(), t, func(ctx context.Context, client governancev1.PolicyServiceClient, policy *governancev1.Policy) (*governancev1.Policy, error) {
				res, err := call(ctx, a, client.UnarchivePolicy, &governancev1.UnarchivePolicyRequest{PolicyId: policy.GetId()})
				return res.GetPolicy(), err
			})
		},
	}
	t.flags(cmd)
	return cmd
}

// policyStep takes one step with a policy and prints it.
func (a *app) policyStep(
	ctx context.Context, t target, step func(context.Context, governancev1.PolicyServiceClient, *governancev1.Policy) (*governancev1.Policy, error),
) error {
	client, done, err := a.policies(ctx)
	if err != nil {
		return err
	}
	defer done()
	policy, err := t.find(ctx, a, client)
	if err != nil {
		return err
	}
	if policy, err = step(ctx, client, policy); err != nil {
		return err
	}
	if a.format != formatTable {
		return a.printMessage("policy", policy)
	}
	return output.Pairs(a.stdout, "", policyPairs(policy)...)
}

// policyPairs are the parts of a policy that have something to say.
func policyPairs(policy *governancev1.Policy) []string {
	coverage := ""
	if policy.GetMinCoveragePercent() > 0 {
		coverage = strconv.Itoa(int(policy.GetMinCoveragePercent())) + " %"
	}
	return []string{
		"policy", policy.GetName() + " (" + policy.GetId() + ")", "description", policy.GetDescription(),
		"decides", strings.Join(policy.GetDecisionPoints(), " "), "labels", labelText(policy.GetLabels()),
		"implements", strings.Join(policy.GetRegulationReferences(), " "), "min coverage", coverage, "updated", when(policy.GetUpdateTime()),
		"archived", when(policy.GetArchiveTime()),
	}
}
