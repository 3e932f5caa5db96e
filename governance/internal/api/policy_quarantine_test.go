package api_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// slowRules do not come to an end in time when the input says so.
const slowRules = `allow if not input.slow
allow if count([1 | some i in numbers.range(1, 30000); some j in numbers.range(1, 30000); i == j + 1000000]) > 0`

const quarantined = governancev1.DecisionErrorReason_DECISION_ERROR_REASON_QUARANTINED

// overrunDeadline is that of engines whose tests wait for it.
const overrunDeadline = 200 * time.Millisecond

// tryDecide evaluates where deadlines are so short that there may be no turn within one: others had the processors.
func (c client) tryDecide(req *governancev1.EvaluateRequest) (d *governancev1.Decision, decided bool) {
	c.t.Helper()
	res, err := c.Evaluate(c.t.Context(), req)
	if err != nil && reasonOf(err) != "OVERLOADED" {
		c.t.Fatalf("Evaluate: %v", err)
	}
	return res.GetDecision(), err == nil
}

// overrun asks the policy until it is quarantined. A machine that stalls may make an overrun not count.
func (c client) overrun(policyID string) {
	c.t.Helper()
	for range 50 {
		if d, decided := c.tryDecide(askPolicy(policyID, map[string]any{"slow": true})); decided && d.GetResults()[0].GetErrorReason() == quarantined {
			return
		}
	}
	c.t.Fatal("the policy is not quarantined after 50 overruns")
}

// waitFor polls what another goroutine or replica brings about.
func waitFor(t testing.TB, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: did not come true", what)
		}
	}
}

func (c client) isQuarantined(policyID string) bool {
	c.t.Helper()
	for {
		if d, decided := c.tryDecide(askPolicy(policyID, nil)); decided {
			return d.GetResults()[0].GetErrorReason() == quarantined
		}
	}
}

func (c client) quarantinedVersions() []*governancev1.PolicyVersion {
	c.t.Helper()
	res, err := c.ListQuarantinedVersions(c.t.Context(), &governancev1.ListQuarantinedVersionsRequest{})
	if err != nil {
		c.t.Fatal(err)
	}
	return res.GetPolicyVersions()
}

// recorded returns the tenant's entries of a type.
func (r *replica) recorded(id tenant.ID, eventType string) (found []auditlog.Entry) {
	r.t.Helper()
	for _, e := range r.entries(id) {
		if e.EventType == eventType {
			found = append(found, e)
		}
	}
	return found
}

func TestQuarantineHoldsEverywhereUntilItIsLifted(t *testing.T) {
	t.Parallel()
	platform := newPlatform(t)
	limits := rego.Config{Deadline: 50 * time.Millisecond, TenantSlots: 32, Slots: 64}
	first, second := platform.replica(limits), platform.replica(limits)
	a, b := first.admin(tenantA), second.admin(tenantA)
	p := a.active("slow", slowRules)
	versionID := p.GetActiveVersionId()
	if b.isQuarantined(p.GetId()) {
		t.Fatal("quarantined before any overrun")
	}
	a.overrun(p.GetId())
	waitFor(t, "the other replica holds the version back", func() bool { return b.isQuarantined(p.GetId()) })
	if restarted := platform.replica(limits).admin(tenantA); !restarted.isQuarantined(p.GetId()) {
		t.Error("a replica that starts later evaluates the version")
	}
	listed := b.quarantinedVersions()
	if len(listed) != 1 || listed[0].GetId() != versionID || listed[0].GetQuarantine().GetOverruns() < 3 || len(listed[0].GetModules()) != 0 {
		t.Errorf("listed %v", listed)
	}
	if others := second.admin(tenantB).quarantinedVersions(); len(others) != 0 {
		t.Errorf("another tenant sees %v", others)
	}

	waitFor(t, "the entry", func() bool { return len(first.recorded(tenantA, "policy.version_quarantined")) > 0 })
	entries := first.recorded(tenantA, "policy.version_quarantined")
	e := entries[0]
	if len(entries) != 1 || e.Actor != (auditlog.Actor{Kind: auditlog.ActorSystem, ID: "governance"}) || e.Resource.ID != versionID ||
		e.Details["overruns"].(float64) < 3 || e.Resource.State["quarantine"].(map[string]any)["overruns"] != e.Details["overruns"] {
		t.Errorf("%d entries, the first %+v", len(entries), e)
	}

	req := &governancev1.LiftPolicyQuarantineRequest{PolicyVersionId: versionID, Reason: "the caller sends less now", RequestId: uuid.NewString()}
	_, err := first.as(tenantA, auth.RolePolicyAuthor).LiftPolicyQuarantine(t.Context(), req)
	wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_PERMISSION_MISSING)
	_, err = second.admin(tenantB).LiftPolicyQuarantine(t.Context(), req)
	wantError(t, err, codes.NotFound, governancev1.ErrorReason_ERROR_REASON_NOT_FOUND)
	operator := first.as(tenantA, auth.RoleOperator)
	for range 2 { // the second is a retry
		res, err := operator.LiftPolicyQuarantine(t.Context(), req)
		if err != nil || res.GetPolicyVersion().GetId() != versionID || res.GetPolicyVersion().GetQuarantine() != nil {
			t.Errorf("lifted %v, %v", res, err)
		}
	}
	if a.isQuarantined(p.GetId()) {
		t.Error("the replica that lifted still holds the version back")
	}
	waitFor(t, "the other replica evaluates again", func() bool { return !b.isQuarantined(p.GetId()) })
	lifts := first.recorded(tenantA, "policy.version_quarantine_lifted")
	if len(lifts) != 1 || lifts[0].Details["reason"] != req.GetReason() || lifts[0].Actor.ID != "subject-of-operator" ||
		lifts[0].Action != "policy.quarantine_lift" || lifts[0].Resource.State["quarantine"] != nil {
		t.Errorf("lifts %+v", lifts)
	}
	req.RequestId = ""
	if _, err := operator.LiftPolicyQuarantine(t.Context(), req); err != nil || len(first.recorded(tenantA, "policy.version_quarantine_lifted")) != 1 {
		t.Errorf("lifting what is not quarantined: %v, or another entry", err)
	}
	if len(b.quarantinedVersions()) != 0 {
		t.Error("a version is listed after the lift")
	}
	b.overrun(p.GetId()) // it starts without a record, and not without limits
	waitFor(t, "the first replica holds the version back", func() bool { return a.isQuarantined(p.GetId()) })
}

// A version stays in quarantine when another one takes its place for a while.
func TestQuarantineStaysWithTheVersion(t *testing.T) {
	t.Parallel()
	r := newPlatform(t).replica(rego.Config{Deadline: 50 * time.Millisecond, TenantSlots: 32, Slots: 64})
	c := r.admin(tenantA)
	p := c.active("slow", slowRules)
	slow := p.GetActiveVersionId()
	c.overrun(p.GetId())
	waitFor(t, "the quarantine is stored", func() bool { return len(c.quarantinedVersions()) == 1 })
	c.activate(c.version(p.GetId(), "allow := true").GetId())
	if c.isQuarantined(p.GetId()) {
		t.Error("another version is held back")
	}
	c.activate(slow)
	if !c.isQuarantined(p.GetId()) {
		t.Error("the quarantined version answers because it was activated again")
	}
}

func TestListQuarantinedVersionsPages(t *testing.T) {
	t.Parallel()
	r := newPlatform(t).replica(rego.Config{Deadline: 50 * time.Millisecond, TenantSlots: 32, Slots: 64})
	c := r.admin(tenantA)
	var want []string
	for _, name := range []string{"one", "two", "three"} {
		p := c.active(name, slowRules)
		c.overrun(p.GetId())
		want = append([]string{p.GetActiveVersionId()}, want...)
		waitFor(t, name+" is stored", func() bool { return len(c.quarantinedVersions()) == len(want) })
	}
	req := &governancev1.ListQuarantinedVersionsRequest{PageSize: 2}
	var got []string
	for {
		res, err := c.ListQuarantinedVersions(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range res.GetPolicyVersions() {
			got = append(got, v.GetId())
		}
		if req.PageToken = res.GetNextPageToken(); req.GetPageToken() == "" {
			break
		}
	}
	if len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("listed %v, want %v", got, want)
	}
}
