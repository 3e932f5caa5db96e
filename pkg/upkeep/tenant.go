package upkeep

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// BeyondTenantTx runs fn in a read-only transaction that sees rows of every tenant in the tables whose policies grant that to the setting. Only ids and
// times are to be read there: what is done for a tenant is done under that tenant.
func BeyondTenantTx(ctx context.Context, pool *pgxpool.Pool, setting string, fn func(ctx context.Context, tx pgx.Tx) error) error {
	return postgres.Tx(ctx, pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT set_config($1, 'on', true)`, setting); err != nil {
			return fmt.Errorf("look beyond the tenant: %w", err)
		}
		return fn(ctx, tx)
	})
}

// EachTenant calls fn for every tenant that has a row in the table, under that tenant, until ctx ends. The table has one row for each tenant and the
// policy table_upkeep. A tenant that fails does not hold up the others; it ends when there is no database to reach for any of them.
func EachTenant(ctx context.Context, pool *pgxpool.Pool, table string, fn func(ctx context.Context) error) error {
	tenants, err := tenantsIn(ctx, pool, table)
	if err != nil {
		return fmt.Errorf("look for tenants in %s: %w", table, err)
	}
	var first error
	failed := 0
	for i, id := range tenants {
		err := fn(tenant.NewContext(ctx, id))
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err == nil {
			continue
		}
		if postgres.IsUnreachable(err) { // to try would take ten thousand tenants as many times the time of a connection
			return fmt.Errorf("%d of %d tenants had no turn: tenant %s: %w", len(tenants)-i, len(tenants), id, err)
		}
		if failed++; failed == 1 {
			first = fmt.Errorf("tenant %s: %w", id, err)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d tenants failed, the first: %w", failed, len(tenants), first)
	}
	return nil
}

func tenantsIn(ctx context.Context, pool *pgxpool.Pool, table string) (tenants []tenant.ID, err error) {
	err = BeyondTenantTx(ctx, pool, "aumos.upkeep", func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT tenant_id FROM `+pgx.Identifier{table}.Sanitize()+` ORDER BY tenant_id`)
		if err != nil {
			return err
		}
		tenants, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (tenant.ID, error) {
			id, err := pgx.RowTo[uuid.UUID](row)
			return tenant.ID(id), err
		})
		return err
	})
	return tenants, err
}
