package api_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	typev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/type/v1"
)

// decided asks questions of all kinds in tenant A, and one in tenant B, and returns tenant A's decisions, oldest first.
func decided(t *testing.T, r *replica) (limits *governancev1.Policy, decisions []*governancev1.Decision) {
	t.Helper()
	c, other := r.admin(tenantA), r.admin(tenantB)
	limits = c.active("limits", `default allow := false
allow if input.n < 10
violations contains {"code": "TOO_MANY", "message": "n", "control": "C-1"} if input.n >= 10
obligations contains {"id": "log", "days": 3} if input.n < 10`, "model.promote", "drift.retrain")
	c.active("strict", "allow if not input.fail", "model.promote")
	foreign := other.active("limits", "allow := true", "model.promote")
	other.decide(askPolicy(foreign.GetId(), nil))
	officer := r.as(tenantA, auth.RoleComplianceOfficer)
	model := &governancev1.DecidedResource{Type: "model", Id: "credit-7"}
	for _, ask := range []struct {
		client client
		req    *governancev1.EvaluateRequest
		about  *governancev1.DecidedResource
		group  string
	}{
		{c, askPolicy(limits.GetId(), map[string]any{"n": 3}), nil, ""},
		{c, askPolicy(limits.GetId(), map[string]any{"n": 30}), model, "run-1"},
		{officer, askPoint("model.promote", map[string]any{"n": 3}), model, ""},
		{officer, askPoint("model.promote", map[string]any{"n": 30, "fail": true}), model, "run-1"},
		{c, askPoint("model.promote", map[string]any{"n": 3, "fail": true}), &governancev1.DecidedResource{Type: "agent", Id: "a"}, ""},
		{c, askPoint("drift.retrain", map[string]any{"n": 30}), nil, ""},
	} {
		ask.req.Resource, ask.req.CorrelationId = ask.about, ask.group
		decisions = append(decisions, ask.client.decide(ask.req))
	}
	return limits, decisions
}

func TestGetDecision(t *testing.T) {
	t.Parallel()
	r := setup(t)
	_, decisions := decided(t, r)
	c := r.as(tenantA, auth.RoleAuditor)
	for _, want := range decisions {
		got, err := c.GetDecision(t.Context(), &governancev1.GetDecisionRequest{DecisionId: want.GetId()})
		if diff := cmp.Diff(want, got.GetDecision(), protocmp.Transform()); err != nil || diff != "" {
			t.Errorf("%v, decision (-answered +recorded):\n%s", err, diff)
		}
	}
	req := &governancev1.GetDecisionRequest{DecisionId: decisions[0].GetId()}
	_, err := r.as(tenantB, auth.RoleAuditor).GetDecision(t.Context(), req)
	wantError(t, err, codes.NotFound, governancev1.ErrorReason_ERROR_REASON_NOT_FOUND)
	_, err = r.as(tenantA, auth.RoleService).GetDecision(t.Context(), req)
	wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_PERMISSION_MISSING)
	for _, e := range r.entries(tenantA) {
		if e.EventType == "policy.created" {
			_, err = c.GetDecision(t.Context(), &governancev1.GetDecisionRequest{DecisionId: e.EntryID.String()})
			wantError(t, err, codes.NotFound, governancev1.ErrorReason_ERROR_REASON_NOT_FOUND)
		}
	}
}

func TestListDecisions(t *testing.T) {
	t.Parallel()
	r := setup(t)
	limits, decisions := decided(t, r)
	c := r.as(tenantA, auth.RoleAuditor)
	slices.Reverse(decisions)
	strict := decisions[1].GetResults()[1]
	cut := decisions[2].GetDecideTime()
	for name, tt := range map[string]struct {
		req  *governancev1.ListDecisionsRequest
		want []int
	}{
		"all":            {&governancev1.ListDecisionsRequest{}, []int{0, 1, 2, 3, 4, 5}},
		"policy":         {&governancev1.ListDecisionsRequest{PolicyId: strict.GetPolicyId()}, []int{1, 2, 3}},
		"version":        {&governancev1.ListDecisionsRequest{PolicyVersionId: limits.GetActiveVersionId()}, []int{0, 1, 2, 3, 4, 5}},
		"no version":     {&governancev1.ListDecisionsRequest{PolicyVersionId: uuid.NewString()}, nil},
		"decision point": {&governancev1.ListDecisionsRequest{DecisionPoint: "model.promote"}, []int{1, 2, 3}},
		"allowed":        {&governancev1.ListDecisionsRequest{Outcome: allow}, []int{3, 5}},
		"denied":         {&governancev1.ListDecisionsRequest{Outcome: deny}, []int{0, 2, 4}},
		"errors":         {&governancev1.ListDecisionsRequest{Outcome: noSense}, []int{1}},
		"resource type":  {&governancev1.ListDecisionsRequest{ResourceType: "model"}, []int{2, 3, 4}},
		"resource":       {&governancev1.ListDecisionsRequest{ResourceType: "agent", ResourceId: "a"}, []int{1}},
		"subject":        {&governancev1.ListDecisionsRequest{Subject: "subject-of-" + string(auth.RoleComplianceOfficer)}, []int{2, 3}},
		"correlation":    {&governancev1.ListDecisionsRequest{CorrelationId: "run-1"}, []int{2, 4}},
		"violation":      {&governancev1.ListDecisionsRequest{ViolationCode: "TOO_MANY", DecisionPoint: "model.promote"}, []int{2}},
		"since":          {&governancev1.ListDecisionsRequest{TimeRange: &typev1.TimeRange{StartTime: cut}}, []int{0, 1, 2}},
		"before":         {&governancev1.ListDecisionsRequest{TimeRange: &typev1.TimeRange{EndTime: cut}}, []int{3, 4, 5}},
	} {
		var got []*governancev1.Decision
		for tt.req.PageSize = 2; ; {
			res, err := c.ListDecisions(t.Context(), tt.req)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got = append(got, res.GetDecisions()...)
			if tt.req.PageToken = res.GetNextPageToken(); res.GetNextPageToken() == "" {
				break
			}
		}
		var want []*governancev1.Decision
		for _, i := range tt.want {
			want = append(want, decisions[i])
		}
		if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for field, req := range map[string]*governancev1.ListDecisionsRequest{
		"policy_id":         {PolicyId: uuid.Nil.String()},
		"policy_version_id": {PolicyVersionId: uuid.Nil.String()},
		"subject":           {Subject: "a\x00"},
	} {
		_, err := c.ListDecisions(t.Context(), req)
		wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
		if _, named := fieldsOf(err)[field]; !named {
			t.Errorf("%v names the fields %v, want %s", req, fieldsOf(err), field)
		}
	}
}

// TestReadingDecisionsIsRecorded, as every reading of the audit log is.
func TestReadingDecisionsIsRecorded(t *testing.T) {
	t.Parallel()
	r := setup(t)
	_, decisions := decided(t, r)
	c := r.as(tenantA, auth.RoleAuditor)
	if _, err := c.GetDecision(t.Context(), &governancev1.GetDecisionRequest{DecisionId: decisions[0].GetId()}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ListDecisions(t.Context(), &governancev1.ListDecisionsRequest{Subject: "nobody"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.GetDecisionStatistics(t.Context(), &governancev1.GetDecisionStatisticsRequest{TimeRange: today()}); err != nil {
		t.Fatal(err)
	}
	r.stopReading()
	entries := r.entries(tenantA)
	last := entries[len(entries)-1]
	want := map[string]any{"GetDecision": 1.0, "ListDecisions": 1.0, "GetDecisionStatistics": 1.0}
	if last.EventType != "audit.read" || last.Outcome != auditlog.Success || !cmp.Equal(last.Details["rpcs"], any(want)) ||
		!cmp.Equal(last.Details["filters"], any([]any{"decision_id", "subject", "time_range"})) {
		t.Errorf("the last entry is %+v", last)
	}
}

// today is the two days around now.
func today() *typev1.TimeRange {
	hour := time.Now().UTC().Truncate(time.Hour)
	return &typev1.TimeRange{StartTime: timestamppb.New(hour.Add(-24 * time.Hour)), EndTime: timestamppb.New(hour.Add(24 * time.Hour))}
}

func TestGetDecisionStatistics(t *testing.T) {
	t.Parallel()
	r := setup(t)
	limits, decisions := decided(t, r)
	c := r.as(tenantA, auth.RoleAuditor)
	ask := func(req *governancev1.GetDecisionStatisticsRequest) *governancev1.GetDecisionStatisticsResponse {
		t.Helper()
		req.TimeRange = today()
		res, err := c.GetDecisionStatistics(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if res.GetCounts().GetTotal() > 0 && res.GetCounts().GetDurationP50().AsDuration() > res.GetCounts().GetDurationP99().AsDuration() {
			t.Errorf("durations %v", res.GetCounts())
		}
		return res
	}
	violated := func(n int64) []*governancev1.ViolatedRule {
		return []*governancev1.ViolatedRule{{PolicyId: limits.GetId(), Code: "TOO_MANY", Control: "C-1", Decisions: n}}
	}
	denied := func(n int64) []*governancev1.DeniedResource {
		return []*governancev1.DeniedResource{{Resource: &governancev1.DecidedResource{Type: "model", Id: "credit-7"}, Denied: n}}
	}
	for name, tt := range map[string]struct {
		req, want proto.Message
	}{
		"all": {&governancev1.GetDecisionStatisticsRequest{}, &governancev1.GetDecisionStatisticsResponse{
			Counts:             &governancev1.DecisionCounts{Total: 6, Allowed: 2, Denied: 3, Errors: 1, AllowRate: new(2.0 / 6)},
			TopDeniedResources: denied(2), TopViolations: violated(3),
		}},
		"a decision point": {&governancev1.GetDecisionStatisticsRequest{DecisionPoint: "model.promote"}, &governancev1.GetDecisionStatisticsResponse{
			Counts:             &governancev1.DecisionCounts{Total: 3, Allowed: 1, Denied: 1, Errors: 1, AllowRate: new(1.0 / 3)},
			TopDeniedResources: denied(1), TopViolations: violated(1),
		}},
		"a policy": {&governancev1.GetDecisionStatisticsRequest{PolicyId: limits.GetId()}, &governancev1.GetDecisionStatisticsResponse{
			Counts:             &governancev1.DecisionCounts{Total: 6, Allowed: 3, Denied: 3, AllowRate: new(0.5)},
			TopDeniedResources: denied(2), TopViolations: violated(3),
		}},
		"a policy at a point": {&governancev1.GetDecisionStatisticsRequest{PolicyId: limits.GetId(), DecisionPoint: "drift.retrain", Top: 1}, &governancev1.GetDecisionStatisticsResponse{
			Counts: &governancev1.DecisionCounts{Total: 1, Denied: 1, AllowRate: new(0.0)}, TopViolations: violated(1),
		}},
		"nothing": {&governancev1.GetDecisionStatisticsRequest{PolicyId: uuid.NewString()}, &governancev1.GetDecisionStatisticsResponse{
			Counts: &governancev1.DecisionCounts{},
		}},
	} {
		got := ask(tt.req.(*governancev1.GetDecisionStatisticsRequest))
		if diff := cmp.Diff(tt.want, proto.Message(got), protocmp.Transform(), protocmp.IgnoreFields(got, "position"),
			protocmp.IgnoreFields(&governancev1.DecisionCounts{}, "duration_p50", "duration_p95", "duration_p99")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if got.GetPosition() <= decisions[5].GetPosition().GetLeafIndex() {
			t.Errorf("%s: counted up to %d", name, got.GetPosition())
		}
	}
	total := int64(0)
	for _, h := range ask(&governancev1.GetDecisionStatisticsRequest{Hourly: true}).GetHours() {
		if h.GetHour().AsTime().Minute() != 0 || h.GetCounts().GetDurationP50() == nil {
			t.Errorf("hour %v", h)
		}
		total += h.GetCounts().GetTotal()
	}
	if total != 6 {
		t.Errorf("%d decisions in all hours, want 6", total)
	}
	_, err := c.GetDecisionStatistics(t.Context(), &governancev1.GetDecisionStatisticsRequest{TimeRange: &typev1.TimeRange{StartTime: today().GetStartTime()}})
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
}
