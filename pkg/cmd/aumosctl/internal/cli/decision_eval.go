package cli

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/structpb"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

const evalHelp = `Asks one policy, or every active policy of a decision point, whether an action is allowed. The input is a JSON object, which policies
see as input. The decision is on the Audit Wall before it is printed.

With --explain rules the answer names the definitions of rules that held, with their places. With --explain trace it also shows every step of the
evaluation; that needs the permission decision.trace, since steps show parts of the input and of the policies' data.

Exit codes: 0 ALLOW, 1 DENY, 2 ERROR (a policy gave no valid answer: never an allow), 3 failure.`

const evalExample = `  aumosctl decision eval --decision-point drift.retrain --input request.json
  aumosctl decision eval --policy residency --input request.json --resource dataset/claims --explain rules
  aumosctl drift detect --baseline winter.csv --current summer.csv -o json |
      aumosctl decision eval --decision-point drift.retrain --input -`

// maxInput is the contract's limit on the input as JSON. The text may be longer, by its white space.
const (
	maxInput     = 256 << 10
	maxInputText = 4 * maxInput
)

var errInputTooLong = fmt.Errorf("the input is longer than %d KiB; for a detection of many features use drift detect --summary", maxInput>>10)

type evalOptions struct {
	policy, point, input, correlation, resource, request, explain string
}

func (a *app) decisionEvalCommand() *cobra.Command {
	var o evalOptions
	cmd := &cobra.Command{
		Use: "eval (--policy NAME|ID | --decision-point POINT) --input FILE|-", Short: "Ask for an audited decision", Args: cobra.NoArgs,
		Long: evalHelp, Example: evalExample,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.decisionEval(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.policy, "policy", "", "the policy's name or id")
	f.StringVar(&o.point, "decision-point", "", "the decision point, for example drift.retrain")
	f.StringVar(&o.input, "input", "", "the file with the input, or - for standard input")
	f.StringVar(&o.correlation, "correlation-id", "", "groups this decision with other entries of one operation")
	f.StringVar(&o.resource, "resource", "", "what the action is done to, as TYPE/ID, for the log and its statistics")
	f.StringVar(&o.request, "request-id", "", "makes a repetition safe (UUID): the same id gets the first decision")
	f.StringVar(&o.explain, "explain", "", "why: rules (that held), or trace (every step)")
	cmd.MarkFlagsMutuallyExclusive("policy", "decision-point")
	cmd.MarkFlagsOneRequired("policy", "decision-point")
	_ = cmd.MarkFlagRequired("input") // fails for unknown flags only
	return cmd
}

func (a *app) decisionEval(ctx context.Context, o evalOptions) error {
	req := &governancev1.EvaluateRequest{CorrelationId: o.correlation, RequestId: o.request}
	var err error
	if req.Explain, err = explainLevel(o.explain); err != nil {
		return err
	}
	if req.Resource, err = decidedResource(o.resource); err != nil {
		return err
	}
	if req.Input, err = a.readInput(o.input); err != nil {
		return err
	}
	conn, err := a.dialGovernance(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if o.point != "" {
		req.Target = &governancev1.EvaluateRequest_DecisionPoint{DecisionPoint: o.point}
	} else {
		policyID, err := a.policyID(ctx, conn, o.policy)
		if err != nil {
			return err
		}
		req.Target = &governancev1.EvaluateRequest_PolicyId{PolicyId: policyID}
	}
	res, err := call(ctx, a, governancev1.NewDecisionServiceClient(conn).Evaluate, req)
	if err != nil {
		return err
	}
	if err := a.printAnswer(res); err != nil {
		return err
	}
	if code := decisionExit(res.GetDecision().GetOutcome()); code != exitOK {
		return answer(code)
	}
	return nil
}

func explainLevel(name string) (governancev1.ExplainLevel, error) {
	levels := []string{"", "rules", "trace"} // by the numbers of the contract
	i := slices.Index(levels, name)
	if i < 0 {
		return 0, fmt.Errorf("--explain %q is neither rules nor trace", name)
	}
	return governancev1.ExplainLevel(i), nil // 0 to 2
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
	input, err := jsonObject(name, data)
	if err != nil {
		return nil, err
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
