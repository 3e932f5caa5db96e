package cli

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

const evalHelp = `Asks one policy, or every active policy of a decision point, whether an action is allowed. The input is a JSON object, which policies
see as input. The decision is on the Audit Wall before it is printed.

Exit codes: 0 ALLOW, 1 DENY, 2 ERROR (a policy gave no valid answer: never an allow), 3 failure.`

const evalExample = `  aumosctl policy eval --decision-point drift.retrain --input request.json
  aumosctl drift detect --baseline winter.csv --current summer.csv -o json |
      aumosctl policy eval --decision-point drift.retrain --input -`

// maxInput is the contract's limit on the input as JSON. The text may be longer, by its white space.
const (
	maxInput     = 256 << 10
	maxInputText = 4 * maxInput
)

var errInputTooLong = fmt.Errorf("the input is longer than %d KiB; for a detection of many features use drift detect --summary", maxInput>>10)

type evalOptions struct {
	policy, point, input, correlation string
}

func (a *app) policyEvalCommand() *cobra.Command {
	var o evalOptions
	cmd := &cobra.Command{
		Use: "eval (--policy NAME|ID | --decision-point POINT) --input FILE|-", Short: "Ask for an audited decision", Args: cobra.NoArgs,
		Long: evalHelp, Example: evalExample,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.policyEval(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.policy, "policy", "", "the policy's name or id")
	f.StringVar(&o.point, "decision-point", "", "the decision point, for example drift.retrain")
	f.StringVar(&o.input, "input", "", "the file with the input, or - for standard input")
	f.StringVar(&o.correlation, "correlation-id", "", "groups this decision with other entries of one operation")
	cmd.MarkFlagsMutuallyExclusive("policy", "decision-point")
	cmd.MarkFlagsOneRequired("policy", "decision-point")
	_ = cmd.MarkFlagRequired("input") // fails for unknown flags only
	return cmd
}

func (a *app) policyEval(ctx context.Context, o evalOptions) error {
	input, err := a.readInput(o.input)
	if err != nil {
		return err
	}
	conn, err := a.dialGovernance(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	req := &governancev1.EvaluateRequest{Input: input, CorrelationId: o.correlation}
	if o.point != "" {
		req.Target = &governancev1.EvaluateRequest_DecisionPoint{DecisionPoint: o.point}
	} else {
		policyID := o.policy
		if _, err := uuid.Parse(policyID); err != nil {
			policy, err := a.findPolicy(ctx, governancev1.NewPolicyServiceClient(conn), o.policy)
			if err != nil {
				return err
			}
			policyID = policy.GetId()
		}
		req.Target = &governancev1.EvaluateRequest_PolicyId{PolicyId: policyID}
	}
	res, err := call(ctx, a, governancev1.NewDecisionServiceClient(conn).Evaluate, req)
	if err != nil {
		return err
	}
	if err := a.printDecision(res.GetDecision()); err != nil {
		return err
	}
	switch res.GetDecision().GetOutcome() {
	case governancev1.DecisionOutcome_DECISION_OUTCOME_ALLOW:
		return nil
	case governancev1.DecisionOutcome_DECISION_OUTCOME_DENY:
		return answer(exitNo)
	default:
		return answer(exitUnclear)
	}
}

// readInput reads a JSON object from a file or standard input.
func (a *app) readInput(path string) (*structpb.Struct, error) {
	var data []byte
	var err error
	name := path
	if path == "-" {
		name = "standard input"
		data, err = io.ReadAll(io.LimitReader(a.stdin, maxInputText+1))
	} else {
		data, err = readAtMost(path, maxInputText)
	}
	if err != nil {
		return nil, err
	}
	switch {
	case len(data) == 0:
		return nil, fmt.Errorf("%s is empty: the input is a JSON object", name)
	case len(data) > maxInputText:
		return nil, errInputTooLong
	}
	input := new(structpb.Struct)
	if err := input.UnmarshalJSON(data); err != nil {
		return nil, fmt.Errorf("%s is not a JSON object: %w", name, err)
	}
	compact, err := input.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("marshal the input: %w", err)
	}
	if len(compact) > maxInput {
		return nil, errInputTooLong
	}
	return input, nil
}

func (a *app) printDecision(d *governancev1.Decision) error {
	if a.format != formatTable {
		return a.printMessage("decision", d)
	}
	pairs := []string{"decision", outcomeName(d.GetOutcome())}
	if d.GetDecisionPoint() != "" {
		pairs = append(pairs, "decision point", d.GetDecisionPoint())
	}
	pairs = append(pairs,
		"input", "sha256:"+hex.EncodeToString(d.GetInputSha256()),
		"engine", d.GetEngineVersion()+" in "+d.GetEvaluationDuration().AsDuration().String(),
		"on the wall", positionText(d.GetPosition()))
	if err := output.Pairs(a.stdout, "", pairs...); err != nil {
		return err
	}
	results := output.NewGrid("policy", "outcome", "why", "content")
	violations := output.NewGrid("policy", "severity", "code", "control", "violation")
	for _, r := range d.GetResults() {
		why := ""
		if r.GetOutcome() == governancev1.DecisionOutcome_DECISION_OUTCOME_ERROR {
			why = enum(r.GetErrorReason().String(), "DECISION_ERROR_REASON_")
		} else if n := len(r.GetViolations()); n > 0 {
			why = plural(int64(n), "violation")
		}
		results.Row(r.GetPolicyName(), outcomeName(r.GetOutcome()), why, short(r.GetContentSha256()))
		for _, v := range r.GetViolations() {
			violations.Row(r.GetPolicyName(), v.GetSeverity(), v.GetCode(), v.GetControl(), v.GetMessage())
		}
	}
	for _, grid := range []*output.Grid{results, violations} {
		if grid.Len() == 0 {
			continue
		}
		if _, err := fmt.Fprintln(a.stdout); err != nil {
			return err
		}
		if err := grid.Print(a.stdout, ""); err != nil {
			return err
		}
	}
	return nil
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

// short shows the beginning of a digest.
func short(digest []byte) string {
	return hex.EncodeToString(digest[:min(len(digest), 6)])
}

// plural counts things.
func plural(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
