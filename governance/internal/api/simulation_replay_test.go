package api_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	typev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/type/v1"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// keepInputs makes the tenant keep inputs from now on, without a place of them if one is named.
func (c client) keepInputs(masks ...string) {
	c.t.Helper()
	c.update(&governancev1.DecisionSettings{KeepInputs: true, InputRetention: durationpb.New(time.Hour), Masks: maskPaths(masks...)})
}

func replayOf(policyID, versionID string) *governancev1.CreateReplayRequest {
	return &governancev1.CreateReplayRequest{
		PolicyId: policyID, Candidate: &governancev1.CreateReplayRequest_PolicyVersionId{PolicyVersionId: versionID}, TimeRange: &typev1.TimeRange{},
	}
}

func (c client) createReplay(req *governancev1.CreateReplayRequest) *governancev1.Replay {
	c.t.Helper()
	res, err := c.CreateReplay(c.t.Context(), req)
	if err != nil {
		c.t.Fatalf("CreateReplay: %v, %v", err, fieldsOf(err))
	}
	return res.GetReplay()
}

// await returns the replay once it is done.
func (c client) await(id string) *governancev1.Replay {
	c.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		res, err := c.GetReplay(c.t.Context(), &governancev1.GetReplayRequest{ReplayId: id})
		if err != nil {
			c.t.Fatalf("GetReplay: %v", err)
		}
		if res.GetReplay().GetEndTime() != nil {
			return res.GetReplay()
		}
		select {
		case <-tick.C:
		case <-c.t.Context().Done():
			c.t.Fatal("the replay is not done")
		}
	}
}

// impact returns what the stream shows.
func (c client) impact(req *governancev1.AnalyzeImpactRequest) (messages []*governancev1.AnalyzeImpactResponse) {
	c.t.Helper()
	stream, err := c.AnalyzeImpact(c.t.Context(), req)
	if err != nil {
		c.t.Fatal(err)
	}
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return messages
		}
		if err != nil {
			c.t.Fatalf("AnalyzeImpact: %v", err)
		}
		messages = append(messages, m)
	}
}

// eventsOf returns the types of the tenant's entries about a resource.
func (r *replica) eventsOf(id tenant.ID, resource string) (types []string) {
	r.t.Helper()
	for _, e := range r.entries(id) {
		if e.Resource.ID == resource && e.Resource.State != nil {
			types = append(types, e.EventType)
		}
	}
	return types
}

func TestReplay(t *testing.T) {
	t.Parallel()
	r := keeping(t).replica(rego.Config{})
	c := r.admin(tenantA)
	p := c.active("a", lowRule)
	v := c.version(p.GetId(), lowestRule)
	c.decide(askPolicy(p.GetId(), map[string]any{"n": 7.5})) // its input is not kept
	c.keepInputs()
	ask := askPolicy(p.GetId(), map[string]any{"n": 7})
	ask.Resource = &governancev1.DecidedResource{Type: "model", Id: "m-1"}
	first := c.decide(ask)
	second := c.decide(ask)
	c.decide(askPolicy(p.GetId(), map[string]any{"n": 3}))
	created := c.createReplay(replayOf(p.GetId(), v.GetId()))
	if created.GetState() != governancev1.ReplayState_REPLAY_STATE_PENDING || created.GetTotal() == 0 || created.GetSubject() != "subject-of-admin" {
		t.Errorf("created %v", created)
	}
	got := c.await(created.GetId())
	summary := &governancev1.DifferenceSummary{Compared: 3, Same: 1, AllowToDeny: 2}
	want := &governancev1.Replay{
		Id: created.GetId(), PolicyId: p.GetId(), PolicyVersionId: v.GetId(), ContentSha256: v.GetContentSha256(), TimeRange: created.GetTimeRange(),
		State: governancev1.ReplayState_REPLAY_STATE_SUCCEEDED, Scanned: created.GetTotal(), Total: created.GetTotal(), InputsMissing: 1,
		Summary: summary, DecisionsSummary: summary,
		Resources: []*governancev1.ResourceDifference{{
			Resource: ask.GetResource(), Summary: &governancev1.DifferenceSummary{Compared: 2, AllowToDeny: 2},
		}},
		Rules:   []*governancev1.RuleDifference{{Code: "HIGH", Added: 2}},
		Subject: "subject-of-admin", CreateTime: created.GetCreateTime(), StartTime: got.GetStartTime(), EndTime: got.GetEndTime(),
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}

	var ids []string
	for token := ""; ; {
		page, err := c.ListReplayDifferences(t.Context(),
			&governancev1.ListReplayDifferencesRequest{ReplayId: created.GetId(), PageSize: 1, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range page.GetDifferences() {
			ids = append(ids, d.GetDecisionId())
			if d.GetPolicyVersionId() != p.GetActiveVersionId() || d.GetResource().GetId() != "m-1" ||
				d.GetDifference().GetViolationsAdded()[0].GetCode() != "HIGH" {
				t.Errorf("difference %v", d)
			}
		}
		if token = page.GetNextPageToken(); token == "" {
			break
		}
	}
	if !slices.Equal(ids, []string{first.GetId(), second.GetId()}) {
		t.Errorf("differences of %v", ids)
	}
	// The worker settles the entry after the replay is done.
	c.createReplay(replayOf(p.GetId(), v.GetId()))
	list, err := c.ListReplays(t.Context(), &governancev1.ListReplaysRequest{PolicyId: p.GetId(), PageSize: 1})
	if err != nil || len(list.GetReplays()) != 1 || list.GetReplays()[0].GetId() == created.GetId() || list.GetNextPageToken() == "" {
		t.Errorf("got %v, %v", list, err)
	}
	list, err = c.ListReplays(t.Context(), &governancev1.ListReplaysRequest{PolicyId: p.GetId(), PageSize: 1, PageToken: list.GetNextPageToken()})
	if err != nil || list.GetReplays()[0].GetId() != created.GetId() || list.GetReplays()[0].GetResources() != nil || list.GetNextPageToken() != "" {
		t.Errorf("got %v, %v", list, err)
	}
	for len(r.eventsOf(tenantA, created.GetId())) < 2 {
		if err := r.recorder.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.eventsOf(tenantA, created.GetId()); !slices.Equal(got, []string{"policy.replay_created", "policy.replay_finished"}) {
		t.Errorf("entries %v", got)
	}
}

func TestReplayRefuses(t *testing.T) {
	t.Parallel()
	r := keeping(t).replica(rego.Config{})
	c := r.admin(tenantA)
	p := c.active("a", lowRule)
	other := c.active("b", lowRule)
	req := replayOf(p.GetId(), p.GetActiveVersionId())
	_, err := c.CreateReplay(t.Context(), req)
	wantError(t, err, codes.FailedPrecondition, governancev1.ErrorReason_ERROR_REASON_INPUTS_NOT_KEPT)
	c.keepInputs()
	_, err = c.CreateReplay(t.Context(), replayOf(p.GetId(), other.GetActiveVersionId()))
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
	future := replayOf(p.GetId(), p.GetActiveVersionId())
	future.TimeRange.StartTime = timestamppb.New(time.Now().Add(time.Hour))
	_, err = c.CreateReplay(t.Context(), future)
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
	modules := replayOf(p.GetId(), "")
	modules.Candidate = &governancev1.CreateReplayRequest_Modules{Modules: &governancev1.CandidateModules{Modules: module("allow := missing")}}
	_, err = c.CreateReplay(t.Context(), modules)
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_REGO_INVALID)
	if _, named := fieldsOf(err)["modules.modules[0].source"]; !named {
		t.Errorf("fields %v", fieldsOf(err))
	}
	_, err = r.as(tenantA, auth.RoleAuditor).CreateReplay(t.Context(), req)
	wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_PERMISSION_MISSING)

	// The same request makes one replay; another tenant sees none of it.
	req.RequestId = uuid.NewString()
	first, again := c.createReplay(req), c.createReplay(req)
	if first.GetId() != again.GetId() {
		t.Error("a retry made another replay")
	}
	foreign := r.admin(tenantB)
	_, err = foreign.GetReplay(t.Context(), &governancev1.GetReplayRequest{ReplayId: first.GetId()})
	wantError(t, err, codes.NotFound, governancev1.ErrorReason_ERROR_REASON_NOT_FOUND)
	_, err = foreign.CancelReplay(t.Context(), &governancev1.CancelReplayRequest{ReplayId: first.GetId()})
	wantError(t, err, codes.NotFound, governancev1.ErrorReason_ERROR_REASON_NOT_FOUND)
	_, err = foreign.ListReplayDifferences(t.Context(), &governancev1.ListReplayDifferencesRequest{ReplayId: first.GetId()})
	wantError(t, err, codes.NotFound, governancev1.ErrorReason_ERROR_REASON_NOT_FOUND)
	if list, err := foreign.ListReplays(t.Context(), &governancev1.ListReplaysRequest{}); err != nil || len(list.GetReplays()) != 0 {
		t.Errorf("got %v, %v", list, err)
	}
	// What is done stays as it is.
	done := c.await(first.GetId())
	res, err := c.CancelReplay(t.Context(), &governancev1.CancelReplayRequest{ReplayId: first.GetId()})
	if diff := cmp.Diff(done, res.GetReplay(), protocmp.Transform()); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}

func TestAnalyzeImpact(t *testing.T) {
	t.Parallel()
	r := keeping(t).replica(rego.Config{})
	c := r.admin(tenantA)
	c.keepInputs()
	p := c.active("a", lowRule)
	d := c.decide(askPolicy(p.GetId(), map[string]any{"n": 7}))
	messages := c.impact(&governancev1.AnalyzeImpactRequest{PolicyId: p.GetId(), Days: 7, Candidate: &governancev1.AnalyzeImpactRequest_Modules{
		Modules: &governancev1.CandidateModules{Modules: module(lowestRule)},
	}})
	last := messages[len(messages)-1]
	if last.GetReplay().GetState() != governancev1.ReplayState_REPLAY_STATE_SUCCEEDED || last.GetReplay().GetSummary().GetAllowToDeny() != 1 ||
		len(last.GetDifferences()) != 1 || last.GetDifferences()[0].GetDecisionId() != d.GetId() || len(last.GetReplay().GetRules()) != 1 {
		t.Errorf("got %v", last)
	}
}

// Whoever leaves takes the replay along: nobody would read what it finds.
func TestImpactOfACallerWhoLeaves(t *testing.T) {
	t.Parallel()
	r := keeping(t).replica(rego.Config{})
	c := r.admin(tenantA)
	c.keepInputs()
	p := c.active("a", lowRule)
	c.decide(askPolicy(p.GetId(), map[string]any{"n": 7})) // where the candidate comes to no end
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	stream, err := c.AnalyzeImpact(ctx, &governancev1.AnalyzeImpactRequest{PolicyId: p.GetId(), Days: 1, Candidate: &governancev1.AnalyzeImpactRequest_Modules{
		Modules: &governancev1.CandidateModules{Modules: module(endless)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	leave()
	got := c.await(m.GetReplay().GetId())
	if got.GetState() != governancev1.ReplayState_REPLAY_STATE_CANCELLED {
		t.Errorf("got %v", got)
	}
	for {
		entries := r.entries(tenantA)
		i := slices.IndexFunc(entries, func(e auditlog.Entry) bool {
			return e.EventType == "policy.replay_finished" && e.Resource.State["state"] == "CANCELLED"
		})
		if i >= 0 {
			break
		}
	}
}

// Whoever's token expires has not left: the replay goes on, to be asked for by its id.
func TestImpactOutlastsItsToken(t *testing.T) {
	t.Parallel()
	p := keeping(t)
	p.leeway = -time.Hour
	r := p.replica(rego.Config{})
	c := r.admin(tenantA)
	c.keepInputs()
	live := c.active("a", lowRule)
	c.decide(askPolicy(live.GetId(), map[string]any{"n": 7})) // where the candidate comes to no end
	var last *governancev1.AnalyzeImpactResponse
	for life := 2 * time.Second; last == nil && !t.Failed(); life *= 2 { // which may be over before there is anything to show
		short := governancev1.NewPolicySimulationServiceClient(r.Dial(t, r.Issuer.Sign(t, map[string]any{
			"sub": "subject-of-admin", "tenant_id": tenantA.String(), "roles": []auth.Role{auth.RoleAdmin}, "exp": time.Now().Add(time.Hour + life).Unix(),
		}), ""))
		stream, err := short.AnalyzeImpact(t.Context(), &governancev1.AnalyzeImpactRequest{
			PolicyId: live.GetId(), Days: 1, Candidate: &governancev1.AnalyzeImpactRequest_Modules{Modules: &governancev1.CandidateModules{Modules: module(endless)}},
		})
		for err == nil {
			var m *governancev1.AnalyzeImpactResponse
			if m, err = stream.Recv(); err == nil {
				last = m
			}
		}
		wantError(t, err, codes.Unauthenticated, governancev1.ErrorReason_ERROR_REASON_TOKEN_EXPIRED)
	}
	res, err := c.GetReplay(t.Context(), &governancev1.GetReplayRequest{ReplayId: last.GetReplay().GetId()})
	if err != nil || res.GetReplay().GetEndTime() != nil {
		t.Errorf("the replay: %v, %v", res, err)
	}
	if _, err := c.CancelReplay(t.Context(), &governancev1.CancelReplayRequest{ReplayId: last.GetReplay().GetId()}); err != nil {
		t.Error(err)
	}
}

// What is masked is not kept: the candidate sees null there, and the replay says at how many decisions.
func TestReplayOfMaskedInputs(t *testing.T) {
	t.Parallel()
	r := keeping(t).replica(rego.Config{})
	c := r.admin(tenantA)
	c.keepInputs("/name")
	p := c.active("a", "default allow := false\nallow if input.name == \"ann\"")
	c.decide(askPolicy(p.GetId(), map[string]any{"name": "ann"}))
	c.decide(askPolicy(p.GetId(), map[string]any{"other": "ann"}))
	got := c.await(c.createReplay(replayOf(p.GetId(), p.GetActiveVersionId())).GetId())
	if s := got.GetSummary(); got.GetInputsMasked() != 1 || s.GetCompared() != 2 || s.GetAllowToDeny() != 1 {
		t.Errorf("got %v", got)
	}
}
