package cli

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func (a *app) decisionCommand() *cobra.Command {
	return group("decision", "Ask for audited decisions, and read those that were made",
		a.decisionEvalCommand(), a.decisionBatchCommand(), a.decisionListCommand(), a.decisionGetCommand(), a.decisionStatsCommand(),
		a.decisionSettingsCommand(), a.decisionEraseInputsCommand())
}

// decisionExit is the exit code that says what was decided.
func decisionExit(o governancev1.DecisionOutcome) int {
	switch o {
	case governancev1.DecisionOutcome_DECISION_OUTCOME_ALLOW:
		return exitOK
	case governancev1.DecisionOutcome_DECISION_OUTCOME_DENY:
		return exitNo
	default:
		return exitUnclear
	}
}

// policyID returns the id of a policy that is named by its id or its name.
func (a *app) policyID(ctx context.Context, conn grpc.ClientConnInterface, key string) (string, error) {
	if _, err := uuid.Parse(key); err == nil {
		return key, nil
	}
	policy, err := a.findPolicy(ctx, governancev1.NewPolicyServiceClient(conn), key)
	return policy.GetId(), err
}

// decidedResource reads what the action is done to, as TYPE/ID.
func decidedResource(text string) (*governancev1.DecidedResource, error) {
	if text == "" {
		return nil, nil // none is an answer
	}
	kind, id, ok := strings.Cut(text, "/")
	if !ok || kind == "" || id == "" {
		return nil, fmt.Errorf("--resource %q is not TYPE/ID, for example model/credit-7", text)
	}
	return &governancev1.DecidedResource{Type: kind, Id: id}, nil
}

func outcomeName(o governancev1.DecisionOutcome) string {
	return enum(o.String(), "DECISION_OUTCOME_")
}

// positionText says where an entry stands on the wall.
func positionText(p *governancev1.LogPosition) string {
	if p == nil {
		return ""
	}
	return fmt.Sprintf("index %d, entry %s, leaf hash %s", p.GetLeafIndex(), p.GetEntryId(), hex.EncodeToString(p.GetLeafHash()))
}
