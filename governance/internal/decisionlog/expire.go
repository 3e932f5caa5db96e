package decisionlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Expiry removes what statistics know of denied resources and violations once it is old: callers and policies make up names without end, and counts, which
// stay, need none of them.
type Expiry struct {
	Pool  *pgxpool.Pool // the governance database, as its application role
	After time.Duration // how long names are kept; 0: 400 days
	Every time.Duration // the time between two rounds; 0: an hour
	Log   *slog.Logger
}

// expireBatch bounds one transaction.
const expireBatch = 5_000

// Run makes a round at once and then regularly, until ctx ends.
func (e Expiry) Run(ctx context.Context) error {
	ticker := time.NewTicker(cmp.Or(e.Every, time.Hour))
	defer ticker.Stop()
	for {
		if err := e.Round(ctx); err != nil && ctx.Err() == nil {
			e.Log.LogAttrs(ctx, slog.LevelWarn, "old names of statistics could not be removed and will be later", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// Round removes what is due now of every tenant. Replicas may do so at the same time; a tenant that fails does not hold up the others.
func (e Expiry) Round(ctx context.Context) error {
	tenants, err := e.tenants(ctx)
	if err != nil {
		return fmt.Errorf("look for tenants with statistics: %w", err)
	}
	before := time.Now().Add(-cmp.Or(e.After, 400*24*time.Hour))
	var failed []error
	for _, id := range tenants {
		for _, table := range []string{"gov_decision_denials", "gov_decision_violations"} {
			failed = append(failed, e.remove(tenant.NewContext(ctx, tenant.ID(id)), table, before))
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return errors.Join(failed...)
}

func (e Expiry) tenants(ctx context.Context) (ids []uuid.UUID, err error) {
	err = postgres.Tx(ctx, e.Pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(ctx context.Context, tx pgx.Tx) error {
		// What the policy gov_decision_cursors_upkeep asks for: ids alone are read here.
		if _, err := tx.Exec(ctx, `SELECT set_config('aumos.upkeep', 'on', true)`); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT tenant_id FROM gov_decision_cursors ORDER BY tenant_id`)
		if err != nil {
			return err
		}
		ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return err
	})
	return ids, err
}

// remove deletes the table's rows of hours that were over before the time, batch by batch. What others are counting is left to the next round.
func (e Expiry) remove(ctx context.Context, table string, before time.Time) error {
	for {
		var n int64
		err := postgres.TenantTx(ctx, e.Pool, func(ctx context.Context, tx pgx.Tx) error {
			tag, err := tx.Exec(ctx, `
				DELETE FROM `+table+`
				WHERE ctid = ANY (ARRAY(
					SELECT ctid
					FROM `+table+`
					WHERE hour <= @before::timestamptz - interval '1 hour'
					ORDER BY hour
					LIMIT @batch
					FOR UPDATE SKIP LOCKED
				))`, pgx.NamedArgs{"before": before, "batch": expireBatch})
			n = tag.RowsAffected()
			return err
		})
		if err != nil {
			return fmt.Errorf("delete from %s: %w", table, err)
		}
		if n < expireBatch {
			return nil
		}
	}
}
