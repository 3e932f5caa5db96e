package cli_test

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func (d *policyDouble) Evaluate(_ context.Context, req *governancev1.EvaluateRequest) (*governancev1.EvaluateResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inputs = append(d.inputs, req.GetInput())
	outcome := governancev1.DecisionOutcome_DECISION_OUTCOME_ALLOW
	r := &governancev1.PolicyResult{PolicyId: id(100), PolicyName: "retrain", ContentSha256: []byte{1, 2, 3, 4, 5, 6, 7, 8}}
	switch req.GetInput().GetFields()["answer"].GetStringValue() {
	case "obliged":
		parameters, _ := structpb.NewStruct(map[string]any{"id": "notify", "to": []any{"risk"}})
		r.Obligations = []*governancev1.Obligation{{Id: "log"}, {Id: "notify", Parameters: parameters}}
	case "deny":
		outcome = governancev1.DecisionOutcome_DECISION_OUTCOME_DENY
		r.Violations = []*governancev1.Violation{
			{Code: "DRIFT_TOO_SMALL", Message: "fewer than 3 features drifted", Severity: "high", Control: "NIST-AI-RMF:MEASURE-2.4"},
			{Message: "a bare text with \x1b[31mcolour"},
		}
	case "error":
		outcome, r.ErrorReason = governancev1.DecisionOutcome_DECISION_OUTCOME_ERROR, governancev1.DecisionErrorReason_DECISION_ERROR_REASON_UNDEFINED
	case "unbound":
		return nil, refuse(codes.FailedPrecondition, "DECISION_POINT_UNBOUND", "no active policy is bound to the decision point")
	}
	r.Outcome = outcome
	res := &governancev1.EvaluateResponse{}
	if req.GetExplain() != 0 {
		x := &governancev1.PolicyExplanation{PolicyId: id(100), Truncated: true, Rules: []*governancev1.FiredRule{
			{Path: "data.aumos.retrain.allow", ModulePath: "retrain.rego", Row: 3, Column: 1},
		}}
		if req.GetExplain() == governancev1.ExplainLevel_EXPLAIN_LEVEL_TRACE {
			x.Trace = []string{"Enter retrain.rego:3: data.aumos.retrain.allow", "| Eval  retrain.rego:4: input.x    {input.x: \"\x1b[31m\"}"}
		}
		res.Explanations = []*governancev1.PolicyExplanation{x}
	}
	res.Decision = &governancev1.Decision{
		Id: id(300), Outcome: outcome, DecisionPoint: req.GetDecisionPoint(), Results: []*governancev1.PolicyResult{r}, InputSha256: make([]byte, 32),
		Resource: req.GetResource(), CorrelationId: req.GetCorrelationId(), Subject: "analyst",
		EvaluationDuration: durationpb.New(1200 * time.Microsecond), EngineVersion: "opa 1.22.2",
		Position: &governancev1.LogPosition{EntryId: id(300), LeafIndex: 7, LeafHash: make([]byte, 32), Position: 8},
	}
	return res, nil
}

// BatchEvaluate answers each question like Evaluate.
func (d *policyDouble) BatchEvaluate(ctx context.Context, req *governancev1.BatchEvaluateRequest) (*governancev1.BatchEvaluateResponse, error) {
	d.mu.Lock()
	d.batches = append(d.batches, len(req.GetRequests()))
	d.mu.Unlock()
	res := &governancev1.BatchEvaluateResponse{}
	for _, each := range req.GetRequests() {
		answer, err := d.Evaluate(ctx, each)
		result := &governancev1.BatchEvaluateResult{Result: &governancev1.BatchEvaluateResult_Response{Response: answer}}
		if err != nil {
			result.Result = &governancev1.BatchEvaluateResult_Error{Error: &governancev1.EvaluateError{
				Code: int32(codes.FailedPrecondition), Reason: governancev1.ErrorReason_ERROR_REASON_DECISION_POINT_UNBOUND, Message: status.Convert(err).Message(),
				FieldViolations: []*governancev1.EvaluateFieldViolation{{Field: "decision_point", Description: "unbound"}},
			}}
		}
		res.Results = append(res.Results, result)
	}
	return res, nil
}
