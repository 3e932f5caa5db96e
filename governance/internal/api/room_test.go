package api_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/decision"
	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/policytest"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// TestRoomForTheLastPolicyIsGivenOnce activates two policies of a decision point with room for one, at the same time. Were both let in, the point
// would answer nobody any more.
func TestRoomForTheLastPolicyIsGivenOnce(t *testing.T) {
	t.Parallel()
	const rules, point = "allow := true", "a.point"
	r := setup(t)
	c := r.admin(tenantA)
	for i := range decision.MaxPolicies - 1 {
		c.active(fmt.Sprintf("p%d", i), rules, point)
	}
	var versions [2]uuid.UUID
	for i := range versions {
		versions[i] = uuid.MustParse(c.version(c.policy(fmt.Sprintf("late%d", i), point, "b.point").GetId(), rules).GetId())
		policytest.Approve(t, r.pool, tenantA, versions[i])
	}
	ctx := tenant.NewContext(t.Context(), tenantA)
	activate := func(version uuid.UUID, beforeCommit func()) error {
		return postgres.TenantTx(ctx, r.pool, func(ctx context.Context, tx pgx.Tx) error {
			a, err := policy.Activate(ctx, tx, version, "", rego.EngineVersion())
			if err != nil {
				return err
			}
			if err := decision.CheckRoom(ctx, tx, a.Policy.DecisionPoints); err != nil {
				return err
			}
			beforeCommit()
			return nil
		})
	}
	second := make(chan error, 1)
	first := activate(versions[0], func() {
		go func() { second <- activate(versions[1], func() {}) }()
		waiting := `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
		for n := 0; n == 0; {
			if err := r.pool.QueryRow(t.Context(), waiting).Scan(&n); err != nil {
				t.Errorf("look for who waits: %v", err)
				return
			}
			select {
			case err := <-second:
				t.Errorf("the second did not wait for the first: %v", err)
				second <- err
				return
			case <-time.After(time.Millisecond):
			}
		}
	})
	if first != nil {
		t.Errorf("the first: %v", first)
	}
	if err := <-second; errs.ReasonOf(err) != errs.ReasonLimitReached {
		t.Errorf("the second: %v, want LIMIT_REACHED", err)
	}
	c.decide(askPoint(point, nil))
}
