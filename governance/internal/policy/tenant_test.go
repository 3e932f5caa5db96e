package policy_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/policytest"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// tables are all that the migration makes.
var tables = []string{"gov_policies", "gov_policy_decision_points", "gov_policy_versions", "gov_policy_modules", "gov_policy_reviews"}

// A tenant can do nothing with another one's ids: they are as unknown as ids that nobody has.
func TestTenantsAreApart(t *testing.T) {
	t.Parallel()
	f := setup(t)
	p := f.create(t, f.a, "retrain", "drift.retrain")
	v := f.addVersion(t, f.a, p.ID, "one")
	want := f.activate(t, f.a, v.ID)
	for what, call := range calls(p.ID, v.ID) {
		wantError(t, what, f.tx(t, f.b, call), errs.NotFound, errs.ReasonNotFound)
	}
	found := do(t, f, f.b, func(ctx context.Context, tx pgx.Tx) ([]policy.Policy, error) {
		found, _, err := policy.List(ctx, tx, policy.Filter{}, uuid.Nil, 10)
		return found, err
	})
	if len(found) != 0 || len(f.activeAt(t, f.b, "drift.retrain")) != 0 {
		t.Errorf("another tenant sees %v", found)
	}
	if diff := cmp.Diff(want.Policy, f.get(t, f.a, p.ID)); diff != "" {
		t.Errorf("another tenant has changed the policy: %s", diff)
	}
	if diff := cmp.Diff([]uuid.UUID{v.ID}, ids(f.listVersions(t, f.a, p.ID))); diff != "" {
		t.Errorf("another tenant has changed the versions: %s", diff)
	}
}

func ids(versions []policy.Version) []uuid.UUID {
	var found []uuid.UUID
	for _, v := range versions {
		found = append(found, v.ID)
	}
	return found
}

// The database keeps tenants apart by itself, whatever a query asks for.
func TestRowLevelSecurity(t *testing.T) {
	t.Parallel()
	f := setup(t)
	p := f.create(t, f.a, "retrain", "drift.retrain")
	v := f.addVersion(t, f.a, p.ID, "one")
	policytest.Approve(t, f.App, f.a, v.ID)
	count := func(table string, n *int) func(context.Context, pgx.Tx) error {
		return func(ctx context.Context, tx pgx.Tx) error {
			return tx.QueryRow(ctx, `SELECT count(*) FROM `+table).Scan(n)
		}
	}
	owner := f.Owner()
	for _, table := range tables {
		var own, foreign, without, owners int
		if err := f.tx(t, f.a, count(table, &own)); err != nil || own == 0 {
			t.Errorf("%s: the tenant sees %d rows: %v", table, own, err)
		}
		if err := f.tx(t, f.b, count(table, &foreign)); err != nil || foreign != 0 {
			t.Errorf("%s: another tenant sees %d rows: %v", table, foreign, err)
		}
		if err := postgres.Tx(t.Context(), f.App, pgx.TxOptions{}, count(table, &without)); err != nil || without != 0 {
			t.Errorf("%s: %d rows are seen without a tenant: %v", table, without, err)
		}
		if err := owner.QueryRow(t.Context(), `SELECT count(*) FROM `+table).Scan(&owners); err != nil || owners != 0 {
			t.Errorf("%s: the owner sees %d rows: %v", table, owners, err)
		}
	}
	a, digest := uuid.UUID(f.a), make([]byte, 32)
	for _, c := range []struct {
		sql  string
		args []any
	}{
		{`INSERT INTO gov_policies (tenant_id, id, name, description) VALUES ($1, $2, 'x', '')`, []any{a, newID(t)}},
		{`INSERT INTO gov_policy_decision_points (tenant_id, policy_id, ordinal, decision_point) VALUES ($1, $2, 2, 'a.b')`, []any{a, p.ID}},
		{`INSERT INTO gov_policy_versions (tenant_id, id, policy_id, number, content_sha256, package, author)
			VALUES ($1, $2, $3, 2, $4, 'a', 'a')`, []any{a, newID(t), p.ID, digest}},
		{`INSERT INTO gov_policy_modules (tenant_id, version_id, ordinal, path, source) VALUES ($1, $2, 3, 'x.rego', 'x')`, []any{a, v.ID}},
		{`INSERT INTO gov_policy_reviews (tenant_id, version_id, ordinal, action, subject, comment) VALUES ($1, $2, 3, 'REJECTED', 'x', '')`, []any{a, v.ID}},
	} {
		insert := func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, c.sql, c.args...)
			return err
		}
		if err := pgError(f.tx(t, f.b, insert)); err.Code != "42501" || !strings.Contains(err.Message, "row-level security") {
			t.Errorf("%s: %s %s, want row-level security", c.sql, err.Code, err.Message)
		}
		if err := f.tx(t, f.a, insert); err != nil {
			t.Errorf("%s in its own tenant: %v", c.sql, err)
		}
	}
}

// The keys hold the tenant, so that a row cannot hang on another tenant's, even though checks of foreign keys see all rows.
func TestForeignKeysHoldTenant(t *testing.T) {
	t.Parallel()
	f := setup(t)
	p := f.create(t, f.a, "retrain")
	v := f.addVersion(t, f.a, p.ID, "one")
	for constraint, c := range map[string]struct {
		sql  string
		args []any
	}{
		"gov_policy_decision_points_policy_fkey": {
			`INSERT INTO gov_policy_decision_points (policy_id, ordinal, decision_point) VALUES ($1, 1, 'a.b')`, []any{p.ID},
		},
		"gov_policy_versions_policy_fkey": {
			`INSERT INTO gov_policy_versions (id, policy_id, number, content_sha256, package, author) VALUES ($1, $2, 9, $3, 'a', 'a')`,
			[]any{newID(t), p.ID, make([]byte, 32)},
		},
		"gov_policy_modules_version_fkey": {
			`INSERT INTO gov_policy_modules (version_id, ordinal, path, source) VALUES ($1, 9, 'x.rego', 'x')`, []any{v.ID},
		},
		"gov_policy_reviews_version_fkey": {
			`INSERT INTO gov_policy_reviews (version_id, ordinal, action, subject, comment) VALUES ($1, 9, 'REJECTED', 'x', '')`, []any{v.ID},
		},
	} {
		insert := func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, c.sql, c.args...)
			return err
		}
		if err := pgError(f.tx(t, f.b, insert)); err.ConstraintName != constraint {
			t.Errorf("%s: %s %s", constraint, err.Code, err.Message)
		}
		if err := f.tx(t, f.a, insert); err != nil {
			t.Errorf("%s in its own tenant: %v", constraint, err)
		}
	}
}
