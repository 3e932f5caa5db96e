package api

import (
	"context"
	"log/slog"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/decision"
	"github.com/aumos-enterprise/platform/governance/internal/decisionlog"
	"github.com/aumos-enterprise/platform/governance/internal/reading"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/vault"
	"github.com/aumos-enterprise/platform/pkg/errs"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// DecisionService serves aumos.governance.v1.DecisionService.
type DecisionService struct {
	governancev1.UnimplementedDecisionServiceServer

	Decider   *decision.Decider
	Pool      *pgxpool.Pool // the governance database, as its application role
	Vault     *vault.Vault
	Mutations *Mutations
	Decisions *decisionlog.Log
	// Reading records who is shown decisions: they are entries of the audit log.
	Reading *reading.Recorder
	Log     *slog.Logger
}

// Evaluate decides whether an action is allowed.
func (s *DecisionService) Evaluate(ctx context.Context, req *governancev1.EvaluateRequest) (*governancev1.EvaluateResponse, error) {
	id, _ := tenant.FromContext(ctx)
	if err := audit.RefusePlatform(id); err != nil { // its log would take the decision
		return nil, err
	}
	q, err := questionOf(ctx, req)
	if err != nil {
		return nil, err
	}
	d, err := s.Decider.Evaluate(ctx, q)
	if err != nil {
		return nil, err
	}
	return answerMessage(d), nil
}

func questionOf(ctx context.Context, req *governancev1.EvaluateRequest) (q decision.Question, err error) {
	q = decision.Question{DecisionPoint: req.GetDecisionPoint(), CorrelationID: req.GetCorrelationId()}
	if r := req.GetResource(); r != nil {
		q.Resource = decision.Resource{Type: r.GetType(), ID: r.GetId()}
	}
	if req.GetPolicyId() != "" {
		if q.Policy, err = parseID("policy_id", req.GetPolicyId()); err != nil {
			return q, err
		}
		if q.Policy == uuid.Nil {
			return q, errs.ResourceNotFound("policy", req.GetPolicyId())
		}
	}
	if req.GetRequestId() != "" {
		if q.Request, err = parseID("request_id", req.GetRequestId()); err != nil {
			return q, err
		}
		if q.Request == uuid.Nil {
			return q, errs.InvalidField("request_id", "must not be the nil UUID")
		}
	}
	if q.Explain, err = detailOf(ctx, req.GetExplain()); err != nil {
		return q, err
	}
	if q.Input, err = rego.InputOf(req.GetInput()); err != nil {
		return q, err
	}
	q.Actor, err = actorOf(ctx)
	return q, err
}

func decisionMessage(d decision.Decision) *governancev1.Decision {
	m := &governancev1.Decision{
		Id: d.ID.String(), Outcome: governancev1.DecisionOutcome(d.Outcome), DecisionPoint: d.DecisionPoint,
		InputSha256: d.InputSHA256[:], EvaluationDuration: durationpb.New(d.Duration), EngineVersion: d.EngineVersion, DecideTime: timestamppb.New(d.Time),
		Position: positionMessage(d.Position), Subject: d.Subject, CorrelationId: d.CorrelationID, InputKept: d.InputKept, MaskedPaths: int32(d.MaskedPaths),
		Resource: decidedMessage(d.Resource.Type, d.Resource.ID), Results: make([]*governancev1.PolicyResult, len(d.Results)),
	}
	for i, r := range d.Results {
		m.Results[i] = resultMessage(r)
	}
	return m
}

// resultMessage relies on the numbers of the outcomes and reasons being the contract's, which a test makes sure of.
func resultMessage(r decision.Result) *governancev1.PolicyResult {
	return &governancev1.PolicyResult{
		PolicyId: r.PolicyID.String(), PolicyName: r.PolicyName, PolicyVersionId: r.VersionID.String(), ContentSha256: r.ContentSHA256[:],
		Outcome: governancev1.DecisionOutcome(r.Outcome), ErrorReason: governancev1.DecisionErrorReason(r.Reason),
		Violations: violationMessages(r.Violations), Obligations: obligationMessages(r.Obligations),
	}
}

// decidedMessage is what a decision was about; nil for one that named nothing.
func decidedMessage(kind, id string) *governancev1.DecidedResource {
	if kind == "" {
		return nil
	}
	return &governancev1.DecidedResource{Type: kind, Id: id}
}

func violationMessages(violations []rego.Violation) (messages []*governancev1.Violation) {
	for _, v := range violations {
		messages = append(messages, &governancev1.Violation{Code: v.Code, Message: v.Message, Severity: v.Severity, Control: v.Control})
	}
	return messages
}

func obligationMessages(obligations []rego.Obligation) (messages []*governancev1.Obligation) {
	for _, o := range obligations {
		messages = append(messages, obligationMessage(o))
	}
	return messages
}

func obligationMessage(o rego.Obligation) *governancev1.Obligation {
	m := &governancev1.Obligation{Id: o.ID}
	if o.Parameters != nil {
		m.Parameters, _ = structpb.NewStruct(o.Parameters) // cannot fail: obligations are values that JSON has
	}
	return m
}
