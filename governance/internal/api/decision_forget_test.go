package api_test

import (
	"testing"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// Candidates may quote inputs: an erasure takes what they answered with it, and leaves that of other tenants.
func TestErasureTakesWhatCandidatesQuoted(t *testing.T) {
	t.Parallel()
	r := keeping(t).replica(rego.Config{})
	a, b := r.admin(tenantA), r.admin(tenantB)
	tried := make(map[string][2]string) // the replay and the shadow of a tenant
	for _, c := range []client{a, b} {
		c.keepInputs()
		p := c.active("p", "allow := true")
		v := c.version(p.GetId(), "allow := true\nviolations contains json.marshal(input)")
		s := c.startShadow(v.GetId(), 1)
		c.decide(askPolicy(p.GetId(), map[string]any{"name": "Ann Example"}))
		c.waitCompared(s.GetId(), 1)
		replay := c.await(c.createReplay(replayOf(p.GetId(), v.GetId())).GetId())
		tried[c.tenant.String()] = [2]string{replay.GetId(), s.GetId()}
	}
	found := func(c client) (n int) {
		replay, s := tried[c.tenant.String()][0], tried[c.tenant.String()][1]
		page, err := c.ListReplayDifferences(t.Context(), &governancev1.ListReplayDifferencesRequest{ReplayId: replay})
		if err != nil {
			t.Fatal(err)
		}
		if summary := c.shadow(s).GetSummary(); summary.GetCompared() != 1 {
			t.Errorf("counts %v", summary)
		}
		return len(page.GetDifferences()) + len(c.await(replay).GetRules()) + len(c.shadowDifferences(s, 10))
	}
	if n, m := found(a), found(b); n != 3 || m != 3 {
		t.Fatalf("found %d and %d", n, m)
	}
	if _, err := a.EraseDecisionInputs(t.Context(), &governancev1.EraseDecisionInputsRequest{Reason: "r"}); err != nil {
		t.Fatal(err)
	}
	if n, m := found(a), found(b); n != 0 || m != 3 {
		t.Errorf("after the erasure %d are left, and of another tenant %d", n, m)
	}
}
