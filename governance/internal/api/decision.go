package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"log/slog"
	"time"

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
	q.Actor, err = audit.Caller(ctx)
	return q, err
}

// answered is an answer in one piece of memory: there are thousands a second. With eight bytes more it would be of the heap's next size, which has 128 more:
// so its list of results and its resource, which few have, are their own.
type answered struct {
	response governancev1.EvaluateResponse
	decided
}

// decided are the messages that every decision has.
type decided struct {
	decision governancev1.Decision
	duration durationpb.Duration
	time     timestamppb.Timestamp
	position governancev1.LogPosition
	result   governancev1.PolicyResult // the only one

	input, leaf, content [sha256.Size]byte
}

func decisionMessage(d *decision.Decision) *governancev1.Decision { return new(decided).write(d) }

func (all *decided) write(d *decision.Decision) *governancev1.Decision {
	all.input, all.leaf = d.InputSHA256, d.Position.LeafHash
	all.duration.Seconds, all.duration.Nanos = int64(d.Duration/time.Second), int32(d.Duration%time.Second)
	all.time.Seconds, all.time.Nanos = d.Time.Unix(), int32(d.Time.Nanosecond())
	m := &all.decision
	m.Id, m.Outcome, m.DecisionPoint, m.InputSha256 = d.ID.String(), governancev1.DecisionOutcome(d.Outcome), d.DecisionPoint, all.input[:]
	m.EvaluationDuration, m.EngineVersion, m.DecideTime, m.Position = &all.duration, d.EngineVersion, &all.time, &all.position
	m.Subject, m.CorrelationId, m.InputKept, m.MaskedPaths = d.Subject, d.CorrelationID, d.InputKept, int32(d.MaskedPaths)
	p := &all.position
	p.EntryId, p.LeafIndex, p.LeafHash, p.Position = m.GetId(), d.Position.LeafIndex, all.leaf[:], d.Position.LeafIndex+1
	if d.Position.EntryID != d.ID {
		p.EntryId = d.Position.EntryID.String()
	}
	m.Resource = decidedMessage(d.Resource.Type, d.Resource.ID)
	if len(d.Results) == 1 {
		all.content = d.Results[0].ContentSHA256
		writeResult(&all.result, &d.Results[0], all.content[:])
		m.Results = []*governancev1.PolicyResult{&all.result}
		return m
	}
	m.Results = make([]*governancev1.PolicyResult, len(d.Results))
	for i := range d.Results {
		r := &governancev1.PolicyResult{}
		writeResult(r, &d.Results[i], bytes.Clone(d.Results[i].ContentSHA256[:]))
		m.Results[i] = r
	}
	return m
}

// writeResult relies on the numbers of the outcomes and reasons being the contract's, which a test makes sure of.
func writeResult(m *governancev1.PolicyResult, r *decision.Result, content []byte) {
	m.PolicyId, m.PolicyName, m.PolicyVersionId, m.ContentSha256 = r.PolicyID.String(), r.PolicyName, r.VersionID.String(), content
	m.Outcome, m.ErrorReason = governancev1.DecisionOutcome(r.Outcome), governancev1.DecisionErrorReason(r.Reason)
	m.Violations, m.Obligations = violationMessages(r.Violations), obligationMessages(r.Obligations)
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
