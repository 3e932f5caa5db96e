package cli

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func (a *app) policyCommand() *cobra.Command {
	return group("policy", "Write, test, review and activate policies",
		a.policyInitCommand(), a.policyLintCommand(), a.policyPushCommand(), a.policyPullCommand(), a.policyDiffCommand(), a.policySubmitCommand(), a.policyApproveCommand(),
		a.policyRejectCommand(), a.policyActivateCommand(), a.policyRetireCommand(), a.policyRollbackCommand(), a.policyListCommand(), a.policyShowCommand(), a.policyVersionsCommand(),
		a.policyUpdateCommand(), a.policyArchiveCommand(), a.policyUnarchiveCommand(),
		a.policyTemplatesCommand(), a.policyInstantiateCommand(),
		a.policyTestCommand(), a.policyCasesCommand(),
		a.policySimulateCommand(), a.policyReplayCommand(), a.policyImpactCommand(), a.policyShadowCommand(), a.policyQuarantineCommand(),
		a.policyBundleCommand())
}

func (a *app) policyListCommand() *cobra.Command {
	var limit int
	req := &governancev1.ListPoliciesRequest{}
	cmd := &cobra.Command{
		Use: "list", Short: "List policies, newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, done, err := a.policies(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			columns := []string{"name", "id", "active version", "decision points", "updated"}
			if req.GetShowArchived() {
				columns = append(columns, "archived")
			}
			items := listPolicies(cmd.Context(), a, client, limit, req)
			return printList(a, items, output.NewGrid(columns...), func(p *governancev1.Policy) []string {
				row := []string{p.GetName(), p.GetId(), p.GetActiveVersionId(), strings.Join(p.GetDecisionPoints(), " "), when(p.GetUpdateTime())}
				if req.GetShowArchived() {
					row = append(row, when(p.GetArchiveTime()))
				}
				return row
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 50, "at most this many; 0: all")
	cmd.Flags().StringVar(&req.DecisionPoint, "decision-point", "", "only policies bound to this decision point")
	cmd.Flags().StringToStringVar(&req.Labels, "label", nil, "only policies with this label, as key=value; may be repeated")
	cmd.Flags().StringVar(&req.RegulationReference, "regulation", "", "only policies that implement this requirement, for example EU-AI-ACT:ART-14")
	cmd.Flags().BoolVar(&req.ShowArchived, "archived", false, "archived policies too")
	return cmd
}

func listPolicies(
	ctx context.Context, a *app, client governancev1.PolicyServiceClient, limit int, req *governancev1.ListPoliciesRequest,
) iter.Seq2[*governancev1.Policy, error] {
	return pages(limit, func(size int32, token string) ([]*governancev1.Policy, string, error) {
		req.PageSize, req.PageToken = size, token
		res, err := call(ctx, a, client.ListPolicies, req)
		return res.GetPolicies(), res.GetNextPageToken(), err
	})
}

// policyByName finds a policy, be it archived; nil when there is none of this name.
func (a *app) policyByName(ctx context.Context, client governancev1.PolicyServiceClient, name string) (*governancev1.Policy, error) {
	for policy, err := range listPolicies(ctx, a, client, 1, &governancev1.ListPoliciesRequest{Name: name, ShowArchived: true}) {
		return policy, err
	}
	return nil, nil // none is an answer
}

// findPolicy finds a policy by its id or its name.
func (a *app) findPolicy(ctx context.Context, client governancev1.PolicyServiceClient, key string) (*governancev1.Policy, error) {
	if _, err := uuid.Parse(key); err == nil {
		res, err := call(ctx, a, client.GetPolicy, &governancev1.GetPolicyRequest{PolicyId: key})
		return res.GetPolicy(), err
	}
	policy, err := a.policyByName(ctx, client, key)
	if err == nil && policy == nil {
		return nil, fmt.Errorf("there is no policy %q: aumosctl policy list shows those there are", key)
	}
	return policy, err
}

// policyNames returns what names policies by their ids in a table, each asked for once; where there is no answer, the id is the name.
func (a *app) policyNames(ctx context.Context, client governancev1.PolicyServiceClient) func(id string) string {
	names := make(map[string]string)
	return func(id string) string {
		if _, known := names[id]; !known {
			names[id] = id
			if res, err := call(ctx, a, client.GetPolicy, &governancev1.GetPolicyRequest{PolicyId: id}); err == nil {
				names[id] = res.GetPolicy().GetName()
			}
		}
		return names[id]
	}
}

// versionName says which version of its policy the id is of; it is the id where that cannot be learnt.
func (a *app) versionName(ctx context.Context, client governancev1.PolicyServiceClient, id string) string {
	res, err := call(ctx, a, client.GetPolicyVersion, &governancev1.GetPolicyVersionRequest{PolicyVersionId: id})
	if err != nil {
		return id
	}
	return fmt.Sprintf("version %d (%s)", res.GetPolicyVersion().GetNumber(), id)
}

func (a *app) policyVersions(
	ctx context.Context, client governancev1.PolicyServiceClient, policyID string, state governancev1.PolicyVersionState, limit int,
) iter.Seq2[*governancev1.PolicyVersion, error] {
	return pages(limit, func(size int32, token string) ([]*governancev1.PolicyVersion, string, error) {
		req := &governancev1.ListPolicyVersionsRequest{PolicyId: policyID, PageSize: size, PageToken: token, State: state}
		res, err := call(ctx, a, client.ListPolicyVersions, req)
		return res.GetPolicyVersions(), res.GetNextPageToken(), err
	})
}
