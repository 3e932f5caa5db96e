package api

import (
	"context"
	"math"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/decision"
	"github.com/aumos-enterprise/platform/governance/internal/decisionlog"
	"github.com/aumos-enterprise/platform/governance/internal/reading"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/page"
)

// defaultTop is how many resources and violations statistics name unless the request says.
const defaultTop = 10

// GetDecision returns a recorded decision.
func (s *DecisionService) GetDecision(ctx context.Context, req *governancev1.GetDecisionRequest) (*governancev1.GetDecisionResponse, error) {
	id, err := parseID("decision_id", req.GetDecisionId())
	if err != nil {
		return nil, err
	}
	d, err := s.Decisions.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	read := reading.Read{RPC: "GetDecision", Filters: []string{"decision_id"}, Indexes: []int64{d.Position.LeafIndex}}
	if err := s.Reading.Note(ctx, read); err != nil {
		return nil, err
	}
	return &governancev1.GetDecisionResponse{Decision: decisionMessage(&d)}, nil
}

// ListDecisions lists recorded decisions, newest first.
func (s *DecisionService) ListDecisions(ctx context.Context, req *governancev1.ListDecisionsRequest) (*governancev1.ListDecisionsResponse, error) {
	before, ok, err := page.Decode[int64](ctx, req, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	if !ok {
		before = math.MaxInt64
	}
	filter, names, err := decisionFilterOf(req)
	if err != nil {
		return nil, err
	}
	found, err := s.Decisions.List(ctx, filter, before, page.Size(req.GetPageSize()))
	if err != nil {
		return nil, err
	}
	messages := make([]*governancev1.Decision, len(found.Decisions))
	indexes := make([]int64, len(found.Decisions))
	for i, d := range found.Decisions {
		messages[i], indexes[i] = decisionMessage(&d), d.Position.LeafIndex
	}
	res := &governancev1.ListDecisionsResponse{}
	res.Decisions, res.NextPageToken = page.Cut(ctx, req, messages, found.More, func(last int) int64 {
		if last < len(indexes)-1 {
			return indexes[last]
		}
		return found.Next
	})
	return res, s.Reading.Note(ctx, reading.Read{RPC: "ListDecisions", Filters: names, Indexes: indexes[:len(res.GetDecisions())]})
}

// decisionFilterOf converts a filter. It also returns the names of the fields that are set.
func decisionFilterOf(req *governancev1.ListDecisionsRequest) (f decisionlog.Filter, names []string, err error) {
	f = decisionlog.Filter{
		DecisionPoint: req.GetDecisionPoint(), Subject: req.GetSubject(), CorrelationID: req.GetCorrelationId(), ViolationCode: req.GetViolationCode(),
		Outcome:  rego.Outcome(req.GetOutcome()), // the contract lets no other through
		Resource: decision.Resource{Type: req.GetResourceType(), ID: req.GetResourceId()},
	}
	set := func(name string, is bool) {
		if is {
			names = append(names, name)
		}
	}
	for _, text := range []struct{ field, value string }{
		{"decision_point", f.DecisionPoint},
		{"subject", f.Subject},
		{"correlation_id", f.CorrelationID},
	} { // the others are compared here, and may have every character
		if err := withoutNUL(text.field, text.value); err != nil {
			return decisionlog.Filter{}, nil, err
		}
		set(text.field, text.value != "")
	}
	if f.Policy, err = filterID("policy_id", req.GetPolicyId()); err != nil {
		return decisionlog.Filter{}, nil, err
	}
	if f.Version, err = filterID("policy_version_id", req.GetPolicyVersionId()); err != nil {
		return decisionlog.Filter{}, nil, err
	}
	if f.From, err = timeOf("time_range.start_time", req.GetTimeRange().GetStartTime()); err != nil {
		return decisionlog.Filter{}, nil, err
	}
	if f.Until, err = timeOf("time_range.end_time", req.GetTimeRange().GetEndTime()); err != nil {
		return decisionlog.Filter{}, nil, err
	}
	set("policy_id", f.Policy != uuid.Nil)
	set("policy_version_id", f.Version != uuid.Nil)
	set("outcome", f.Outcome != 0)
	set("resource_type", f.Resource.Type != "")
	set("resource_id", f.Resource.ID != "")
	set("violation_code", f.ViolationCode != "")
	set("time_range", !f.From.IsZero() || !f.Until.IsZero())
	return f, names, nil
}
