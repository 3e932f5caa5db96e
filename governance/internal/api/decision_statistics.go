package api

import (
	"cmp"
	"context"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/governance/internal/decisionlog"
	"github.com/aumos-enterprise/platform/governance/internal/reading"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// GetDecisionStatistics counts recorded decisions.
func (s *DecisionService) GetDecisionStatistics(
	ctx context.Context, req *governancev1.GetDecisionStatisticsRequest,
) (*governancev1.GetDecisionStatisticsResponse, error) {
	q := decisionlog.Query{DecisionPoint: req.GetDecisionPoint(), Top: int(cmp.Or(req.GetTop(), defaultTop)), Hourly: req.GetHourly()}
	if err := withoutNUL("decision_point", q.DecisionPoint); err != nil {
		return nil, err
	}
	var err error
	if q.Policy, err = filterID("policy_id", req.GetPolicyId()); err != nil {
		return nil, err
	}
	if q.From, err = timeOf("time_range.start_time", req.GetTimeRange().GetStartTime()); err != nil {
		return nil, err
	}
	if q.Until, err = timeOf("time_range.end_time", req.GetTimeRange().GetEndTime()); err != nil {
		return nil, err
	}
	found, err := s.Decisions.Statistics(ctx, q)
	if err != nil {
		return nil, err
	}
	// No entry is shown, but resources and violations that entries name are.
	names := []string{"time_range"}
	if q.Policy != uuid.Nil {
		names = append(names, "policy_id")
	}
	if q.DecisionPoint != "" {
		names = append(names, "decision_point")
	}
	if err := s.Reading.Note(ctx, reading.Read{RPC: "GetDecisionStatistics", Filters: names}); err != nil {
		return nil, err
	}
	return statisticsMessage(found), nil
}

func statisticsMessage(s decisionlog.Statistics) *governancev1.GetDecisionStatisticsResponse {
	m := &governancev1.GetDecisionStatisticsResponse{Counts: countsMessage(s.Counts), Position: s.Position}
	for _, h := range s.Hours {
		m.Hours = append(m.Hours, &governancev1.HourlyDecisionCounts{Hour: timestamppb.New(h.Time), Counts: countsMessage(h.Counts)})
	}
	for _, r := range s.Denied {
		m.TopDeniedResources = append(m.TopDeniedResources, &governancev1.DeniedResource{
			Resource: &governancev1.DecidedResource{Type: r.Type, Id: r.ID}, Denied: r.Denied,
		})
	}
	for _, r := range s.Violated {
		m.TopViolations = append(m.TopViolations, &governancev1.ViolatedRule{
			PolicyId: r.Policy.String(), Code: r.Code, Control: r.Control, Decisions: r.Decisions,
		})
	}
	return m
}

func countsMessage(c decisionlog.Counts) *governancev1.DecisionCounts {
	m := &governancev1.DecisionCounts{Total: c.Total(), Allowed: c.Allowed, Denied: c.Denied, Errors: c.Errors}
	if c.Total() > 0 {
		rate := float64(c.Allowed) / float64(c.Total())
		m.AllowRate = &rate
		m.DurationP50, m.DurationP95, m.DurationP99 = durationpb.New(c.P50), durationpb.New(c.P95), durationpb.New(c.P99)
	}
	return m
}
