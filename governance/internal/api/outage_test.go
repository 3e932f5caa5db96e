package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// A crash between a mutation's commit and its entry loses nothing: the entry follows, once.
func TestCrashBeforeTheEntry(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.stopWall() // without having noticed anything, so that the mutation begins
	req := &governancev1.CreatePolicyRequest{Name: "p", RequestId: uuid.NewString()}
	_, err := r.admin(tenantA).CreatePolicy(t.Context(), req)
	wantError(t, err, codes.Unavailable, governancev1.ErrorReason_ERROR_REASON_UNAVAILABLE)
	if message := status.Convert(err).Message(); !strings.Contains(message, "same request_id") {
		t.Errorf("message %q", message)
	}
	next := r.platform.replica(rego.Config{})
	if n := len(next.entries(tenantA)); n != 0 {
		t.Fatalf("%d entries before the recorder", n)
	}
	newAdmin(t, r)(`UPDATE gov_audit_intents SET created_at = created_at - interval '1 minute'`) // past what is left to the request
	for range 2 {
		if err := next.recorder.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	again, err := next.admin(tenantA).CreatePolicy(t.Context(), req)
	if err != nil {
		t.Fatalf("the same request again: %v", err)
	}
	if entries := next.entries(tenantA); len(entries) != 1 || entries[0].Resource.ID != again.GetPolicy().GetId() {
		t.Errorf("entries %+v", entries)
	}
}

// Without the wall's database nothing is decided or changed, except for what was under way; that is answered when the wall is back.
func TestWallOutage(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.admin(tenantA)
	p := c.active("p", "allow := true")
	before := len(r.entries(tenantA))
	admin := newAdmin(t, r)
	name := r.platform.audit.Name
	admin(`ALTER DATABASE "` + name + `" ALLOW_CONNECTIONS false`)
	admin(`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '` + name + `'`)

	caught := &governancev1.CreatePolicyRequest{Name: "caught", RequestId: uuid.NewString()}
	_, err := c.CreatePolicy(t.Context(), caught)
	wantError(t, err, codes.Unavailable, governancev1.ErrorReason_ERROR_REASON_UNAVAILABLE)
	refused := &governancev1.CreatePolicyRequest{Name: "refused", RequestId: uuid.NewString()}
	_, err = c.CreatePolicy(t.Context(), refused)
	wantError(t, err, codes.Unavailable, governancev1.ErrorReason_ERROR_REASON_UNAVAILABLE)
	_, err = c.Evaluate(t.Context(), askPolicy(p.GetId(), nil))
	wantError(t, err, codes.Unavailable, governancev1.ErrorReason_ERROR_REASON_UNAVAILABLE)
	list, err := c.ListPolicies(t.Context(), &governancev1.ListPoliciesRequest{Name: "refused"})
	if err != nil || len(list.GetPolicies()) != 0 {
		t.Errorf("refused, but done: %v, %v", list, err)
	}

	admin(`ALTER DATABASE "` + name + `" ALLOW_CONNECTIONS true`)
	waitFor(t, "the wall comes back", func() bool { return r.wall.Ready() == nil })
	r.platform.audit.Reader.Reset() // whose idle connections have ended with the others
	answered, err := c.CreatePolicy(t.Context(), caught)
	if err != nil {
		t.Fatalf("the request that was caught, again: %v", err)
	}
	entries := r.entries(tenantA)
	if len(entries) != before+1 || entries[before].Resource.ID != answered.GetPolicy().GetId() {
		t.Errorf("entries %+v", entries[before:])
	}
	c.decide(askPolicy(p.GetId(), nil))
}

// In steady state a decision asks nothing of the primary database; without it, policies that are not remembered cannot answer.
func TestDecisionsWithoutThePrimaryDatabase(t *testing.T) {
	t.Parallel()
	platform := newPlatform(t)
	platform.deciding = platform.governance.Pool(postgres.RoleGovernanceApp) // what goes on in the background has the other one
	platform.lease = time.Hour                                               // on a slow machine a short one may end
	c := platform.replica(rego.Config{}).admin(tenantA)
	p := c.active("p", "allow := true")
	used := func() int64 { return platform.deciding.Stat().AcquireCount() }
	waitFor(t, "20 decisions use no connection to the primary database", func() bool { // it may only begin to listen, or hear late of the activation
		before := used()
		for range 20 {
			c.decide(askPolicy(p.GetId(), nil))
		}
		return used() == before
	})
}

func TestDecisionsFailClosedWithoutTheWall(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.admin(tenantA)
	p := c.active("p", "allow := true", "a.point")
	v := c.version(p.GetId(), "allow := false")
	c.tested(v.GetId())
	entries := len(r.entries(tenantA))
	r.stopWall()
	for _, req := range []*governancev1.EvaluateRequest{askPolicy(p.GetId(), nil), askPoint("a.point", nil)} {
		_, err := c.Evaluate(t.Context(), req)
		wantError(t, err, codes.Unavailable, governancev1.ErrorReason_ERROR_REASON_UNAVAILABLE)
	}
	_, err := c.ActivatePolicyVersion(t.Context(), &governancev1.ActivatePolicyVersionRequest{PolicyVersionId: v.GetId()})
	wantError(t, err, codes.Unavailable, governancev1.ErrorReason_ERROR_REASON_UNAVAILABLE)
	if now := len(r.entries(tenantA)); now != entries {
		t.Errorf("%d entries became %d", entries, now)
	}
}
