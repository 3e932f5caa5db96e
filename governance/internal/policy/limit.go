package policy

import (
	"cmp"
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// Limits bound what a tenant may store. Policies and versions are never deleted, so that archived and retired ones count.
type Limits struct {
	Policies int // 0: 1,000
	Versions int // of all policies together; 0: 10,000
}

const (
	defaultPolicies = 1_000
	defaultVersions = 10_000
)

// CheckPolicy fails with LIMIT_REACHED unless the tenant has room for one more policy. Those who add to what the tenant has wait for each other until the
// transaction ends: two who count at the same time would both find room for the last.
func (l Limits) CheckPolicy(ctx context.Context, tx pgx.Tx) error {
	return checkRoom(ctx, tx, "policy", `SELECT count(*) FROM gov_policies`, cmp.Or(l.Policies, defaultPolicies))
}

// CheckVersion is CheckPolicy for one more version of any policy.
func (l Limits) CheckVersion(ctx context.Context, tx pgx.Tx) error {
	return checkRoom(ctx, tx, "policy version", `SELECT coalesce(sum(version_count), 0) FROM gov_policies`, cmp.Or(l.Versions, defaultVersions))
}

func checkRoom(ctx context.Context, tx pgx.Tx, resource, count string, limit int) error {
	_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended(current_setting('aumos.tenant_id') || '/policies', 0))`)
	if err != nil {
		return fmt.Errorf("lock policies: %w", err)
	}
	var have int
	if err := tx.QueryRow(ctx, count).Scan(&have); err != nil {
		return fmt.Errorf("count policies: %w", err)
	}
	if have < limit {
		return nil
	}
	return errs.New(errs.ResourceExhausted, errs.ReasonLimitReached,
		"the tenant has %d of the resource %q, and at most %d are allowed; none is ever deleted, archived and retired ones count: the platform's operator can raise the limit",
		have, resource, limit).With("resource", resource).With("limit", strconv.Itoa(limit))
}
