package api_test

import (
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// TestDamagedLogStopsChanges: once the wall has found that it cannot append to a tenant's log, that tenant's policies change no more until the log
// is repaired.
func TestDamagedLogStopsChanges(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	first := p.replica(rego.Config{})
	first.admin(tenantA).policy("before")
	first.admin(tenantA).policy("before too")
	r := p.replica(rego.Config{}) // which has not yet read where the log ends
	admin := p.audit.Admin()
	cut := func(sql string) {
		t.Helper()
		if _, err := admin.Exec(t.Context(), `
			BEGIN;
			ALTER EVENT TRIGGER aumos_audit_deny_ddl DISABLE;
			ALTER EVENT TRIGGER aumos_audit_deny_rewrite DISABLE;
			ALTER TABLE gov_audit_trail_entries DISABLE TRIGGER ALL;
			ALTER TABLE gov_audit_trail_entries_p0 DISABLE TRIGGER ALL;
			ALTER TABLE gov_audit_trail_entries_p1 DISABLE TRIGGER ALL;
			ALTER TABLE gov_audit_trail_entries_p2 DISABLE TRIGGER ALL;
			ALTER TABLE gov_audit_trail_entries_p3 DISABLE TRIGGER ALL;
			`+sql+`;
			COMMIT`); err != nil {
			t.Fatal(err)
		}
	}
	cut(`CREATE TABLE kept AS SELECT hashes FROM gov_audit_trail_entries WHERE leaf_index = 1; UPDATE gov_audit_trail_entries SET hashes = substring(hashes FOR 32) WHERE leaf_index = 1`)
	c := r.admin(tenantA)
	for _, name := range []string{"found out", "refused"} {
		_, err := c.CreatePolicy(t.Context(), &governancev1.CreatePolicyRequest{Name: name})
		wantError(t, err, codes.DataLoss, governancev1.ErrorReason_ERROR_REASON_LOG_INCONSISTENT)
	}
	policies := func() int {
		t.Helper()
		res, err := c.ListPolicies(t.Context(), &governancev1.ListPoliciesRequest{})
		if err != nil {
			t.Fatal(err)
		}
		return len(res.GetPolicies())
	}
	if got := policies(); got != 3 {
		t.Errorf("%d policies, want the two of before and the one that found the damage", got)
	}
	r.admin(tenantB).policy("a bystander")
	cut(`UPDATE gov_audit_trail_entries SET hashes = (SELECT hashes FROM kept) WHERE leaf_index = 1`)
	c.policy("repaired")
	if got := policies(); got != 4 {
		t.Errorf("%d policies, want 4", got)
	}
}
