package cli

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func (a *app) policyVersionsCommand() *cobra.Command {
	var t target
	var state string
	var limit int
	cmd := &cobra.Command{
		Use: "versions POLICY", Short: "List the versions of a policy, newest first",
		Example: "  aumosctl policy versions loans\n  aumosctl policy versions loans --state in_review",
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.policyVersionList(cmd.Context(), t, state, limit) },
	}
	t.flags(cmd)
	cmd.Flags().StringVar(&state, "state", "", "only versions in this state: "+versionStates)
	cmd.Flags().IntVar(&limit, "limit", 50, "at most this many; 0: all")
	return cmd
}

// versionStates names the states in the order of a version's life.
const versionStates = "draft, in_review, approved, active, retired"

func (a *app) policyVersionList(ctx context.Context, t target, state string, limit int) error {
	if state != "" && !slices.Contains(strings.Split(versionStates, ", "), state) {
		return fmt.Errorf("--state %q is none of %s", state, versionStates)
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
	wanted := governancev1.PolicyVersionState(governancev1.PolicyVersionState_value["POLICY_VERSION_STATE_"+strings.ToUpper(state)])
	items := a.policyVersions(ctx, client, policy.GetId(), wanted, limit)
	grid := output.NewGrid("version", "state", "author", "created", "activated", "retired", "content", "id", "says")
	return printList(a, items, grid, func(v *governancev1.PolicyVersion) []string {
		return []string{
			strconv.Itoa(int(v.GetNumber())), stateOf(policy, v), v.GetAuthor(), when(v.GetCreateTime()), when(v.GetActivateTime()), when(v.GetRetireTime()),
			hex.EncodeToString(v.GetContentSha256()[:min(6, len(v.GetContentSha256()))]), v.GetId(), v.GetDescription(),
		}
	})
}
