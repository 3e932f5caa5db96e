package api_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// An auditor reads what replays, impact and shadows have found, and neither starts nor ends one. A viewer sees none of it: it tells of decisions.
func TestAuditorsReadSimulations(t *testing.T) {
	t.Parallel()
	r := keeping(t).replica(rego.Config{})
	c := r.admin(tenantA)
	c.keepInputs()
	live := c.active("p", "default allow := false\nallow if input.x >= 0", "a.point")
	candidate := c.version(live.GetId(), "default allow := false\nallow if input.x > 3")
	shadow := c.startShadow(candidate.GetId(), 1)
	for i := range 3 {
		c.decide(askPoint("a.point", x(float64(i))))
	}
	c.waitCompared(shadow.GetId(), 3)
	analysed := c.impact(&governancev1.AnalyzeImpactRequest{
		PolicyId: live.GetId(), Candidate: &governancev1.AnalyzeImpactRequest_PolicyVersionId{PolicyVersionId: candidate.GetId()}, Days: 1,
	})
	replay := analysed[len(analysed)-1].GetReplay().GetId()

	reads := map[string]func(client) (int, error){
		"replay": func(c client) (int, error) {
			res, err := c.GetReplay(t.Context(), &governancev1.GetReplayRequest{ReplayId: replay})
			return int(res.GetReplay().GetSummary().GetAllowToDeny()), err
		},
		"replays": func(c client) (int, error) {
			res, err := c.ListReplays(t.Context(), &governancev1.ListReplaysRequest{})
			return 3 * len(res.GetReplays()), err
		},
		"differences of a replay": func(c client) (int, error) {
			res, err := c.ListReplayDifferences(t.Context(), &governancev1.ListReplayDifferencesRequest{ReplayId: replay})
			return len(res.GetDifferences()), err
		},
		"shadow": func(c client) (int, error) {
			res, err := c.GetShadow(t.Context(), &governancev1.GetShadowRequest{ShadowId: shadow.GetId()})
			return int(res.GetShadow().GetSummary().GetAllowToDeny()), err
		},
		"shadows": func(c client) (int, error) {
			res, err := c.ListShadows(t.Context(), &governancev1.ListShadowsRequest{})
			return 3 * len(res.GetShadows()), err
		},
		"differences of a shadow": func(c client) (int, error) {
			res, err := c.ListShadowDifferences(t.Context(), &governancev1.ListShadowDifferencesRequest{ShadowId: shadow.GetId()})
			return len(res.GetDifferences()), err
		},
	}
	auditor, viewer := r.as(tenantA, auth.RoleAuditor), r.as(tenantA, auth.RoleViewer)
	for what, read := range reads {
		if n, err := read(auditor); err != nil || n != 3 {
			t.Errorf("an auditor reads %s: %d, %v", what, n, err)
		}
		if _, err := read(viewer); reasonOf(err) != "PERMISSION_MISSING" {
			t.Errorf("a viewer reads %s: %v", what, err)
		}
	}
	_, err := auditor.CreateReplay(t.Context(), replayOf(live.GetId(), candidate.GetId()))
	wantMissing(t, "creates a replay", err)
	_, err = auditor.CancelReplay(t.Context(), &governancev1.CancelReplayRequest{ReplayId: replay})
	wantMissing(t, "cancels a replay", err)
	_, err = auditor.StartShadow(t.Context(), &governancev1.StartShadowRequest{PolicyVersionId: candidate.GetId(), SamplingRate: 1, Duration: durationpb.New(time.Hour)})
	wantMissing(t, "starts a shadow", err)
	_, err = auditor.StopShadow(t.Context(), &governancev1.StopShadowRequest{ShadowId: shadow.GetId()})
	wantMissing(t, "stops a shadow", err)
	_, err = auditor.SimulatePolicy(t.Context(), &governancev1.SimulatePolicyRequest{
		PolicyId: live.GetId(), Candidate: &governancev1.SimulatePolicyRequest_PolicyVersionId{PolicyVersionId: candidate.GetId()},
		Inputs: []*governancev1.SimulationInput{{Input: object(x(1))}},
	})
	wantMissing(t, "simulates", err)
}

func wantMissing(t *testing.T, what string, err error) {
	t.Helper()
	if reasonOf(err) != "PERMISSION_MISSING" {
		t.Errorf("an auditor %s: %v", what, err)
	}
}
