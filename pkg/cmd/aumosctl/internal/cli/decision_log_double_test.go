package cli_test

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// decisionReads is what the decision log was asked for.
type decisionReads struct {
	list  *governancev1.ListDecisionsRequest         // the last one
	stats *governancev1.GetDecisionStatisticsRequest // the last one
	log   *auditDouble                               // has the entries of recordedDecisions, if set
}

// recordedDecisions are two decisions, newest first, whose entries stand on the audit double's log.
func (d *policyDouble) recordedDecisions() []*governancev1.Decision {
	decision := func(index int, outcome governancev1.DecisionOutcome) *governancev1.Decision {
		return &governancev1.Decision{
			Id: entryID(index), Outcome: outcome, InputSha256: make([]byte, 32), EvaluationDuration: durationpb.New(90 * time.Microsecond),
			EngineVersion: "opa 1.22.2", DecideTime: timestamppb.New(time.Date(2026, 11, 22, 10, 0, index, 0, time.UTC)), Subject: "ann",
			Position: &governancev1.LogPosition{EntryId: entryID(index), LeafIndex: int64(index), LeafHash: make([]byte, 32), Position: int64(index) + 1},
			Results:  []*governancev1.PolicyResult{{PolicyId: id(100), PolicyName: "retrain", Outcome: outcome, ContentSha256: []byte{1, 2, 3, 4, 5, 6}}},
		}
	}
	denied, allowed := decision(7, governancev1.DecisionOutcome_DECISION_OUTCOME_DENY), decision(3, governancev1.DecisionOutcome_DECISION_OUTCOME_ALLOW)
	denied.DecisionPoint, denied.CorrelationId, denied.InputKept, denied.MaskedPaths = "drift.retrain", "run-1", true, 2
	denied.Resource = &governancev1.DecidedResource{Type: "model", Id: "credit\x1b[31m"}
	for _, v := range []string{"A", "B", "C", "D", "E"} {
		denied.Results[0].Violations = append(denied.Results[0].Violations, &governancev1.Violation{Code: v, Message: "is wrong"})
	}
	if d.read.log != nil {
		for _, each := range []*governancev1.Decision{denied, allowed} {
			hash := auditlog.LeafHash(d.read.log.entries[each.GetPosition().GetLeafIndex()].GetLeaf())
			each.Position.LeafHash = hash[:]
		}
	}
	return []*governancev1.Decision{denied, allowed}
}

func (d *policyDouble) GetDecision(_ context.Context, req *governancev1.GetDecisionRequest) (*governancev1.GetDecisionResponse, error) {
	for _, each := range d.recordedDecisions() {
		if each.GetId() == req.GetDecisionId() {
			return &governancev1.GetDecisionResponse{Decision: each}, nil
		}
	}
	return nil, refuse(codes.NotFound, "NOT_FOUND", "decision not found")
}

// ListDecisions returns one decision a page, and an empty page in between, to see that pages are followed.
func (d *policyDouble) ListDecisions(_ context.Context, req *governancev1.ListDecisionsRequest) (*governancev1.ListDecisionsResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.read.list = req
	all := d.recordedDecisions()
	switch req.GetPageToken() {
	case "":
		return &governancev1.ListDecisionsResponse{Decisions: all[:1], NextPageToken: "empty"}, nil
	case "empty":
		return &governancev1.ListDecisionsResponse{NextPageToken: "last"}, nil
	default:
		return &governancev1.ListDecisionsResponse{Decisions: all[1:]}, nil
	}
}

func (d *policyDouble) GetDecisionStatistics(
	_ context.Context, req *governancev1.GetDecisionStatisticsRequest,
) (*governancev1.GetDecisionStatisticsResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.read.stats = req
	if req.GetDecisionPoint() == "nobody.asks" {
		return &governancev1.GetDecisionStatisticsResponse{Counts: &governancev1.DecisionCounts{}, Position: 9}, nil
	}
	rate := 0.25
	counts := &governancev1.DecisionCounts{
		Total: 8, Allowed: 2, Denied: 5, Errors: 1, AllowRate: &rate, DurationP50: durationpb.New(91 * time.Microsecond),
		DurationP95: durationpb.New(1230 * time.Microsecond), DurationP99: durationpb.New(200 * time.Millisecond),
	}
	res := &governancev1.GetDecisionStatisticsResponse{
		Counts: counts, Position: 9,
		TopDeniedResources: []*governancev1.DeniedResource{{Resource: &governancev1.DecidedResource{Type: "model", Id: "credit\x1b[31m"}, Denied: 4}},
		TopViolations:      []*governancev1.ViolatedRule{{PolicyId: id(100), Code: "A", Control: "C-1", Decisions: 5}},
	}
	if req.GetHourly() {
		res.Hours = []*governancev1.HourlyDecisionCounts{{Hour: req.GetTimeRange().GetStartTime(), Counts: counts}}
	}
	return res, nil
}
