package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	// drainEvery is how often leftovers are looked for.
	drainEvery = 5 * time.Second
	// settling is how long an intent is left to the request that made it.
	settling = 5 * time.Second
	// drainBatch bounds one query; draining goes on until a query finds less.
	drainBatch = 500
)

// Run appends the intents that crashes and outages left, at once and then regularly, until ctx ends. Several replicas may run it: the entry's
// id decides which append counts.
func (r *Recorder) Run(ctx context.Context) error {
	ticker := time.NewTicker(drainEvery)
	defer ticker.Stop()
	for {
		if err := r.Drain(ctx); err != nil && ctx.Err() == nil {
			r.log.LogAttrs(ctx, slog.LevelWarn, "audit intents could not be drained; they are kept", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// leftover identifies an intent whose request has had its time.
type leftover struct {
	TenantID uuid.UUID
	EntryID  uuid.UUID
}

// Drain appends every leftover intent, oldest first. It stops when the wall or the database does not answer; an intent that fails by itself is reported
// and does not hold up the others.
func (r *Recorder) Drain(ctx context.Context) error {
	for {
		found, err := r.leftovers(ctx)
		if err != nil {
			return err
		}
		var failed []error
		for _, l := range found {
			_, err := r.Settle(tenant.NewContext(ctx, tenant.ID(l.TenantID)), l.EntryID)
			if down(err) {
				return err
			}
			if err != nil {
				failed = append(failed, err)
			}
		}
		if settled := len(found) - len(failed); settled > 0 {
			r.log.LogAttrs(ctx, slog.LevelInfo, "audit intents drained", slog.Int("count", settled))
		}
		if len(failed) > 0 || len(found) < drainBatch {
			return errors.Join(failed...)
		}
	}
}

// down reports whether err says that nothing else would succeed either for now.
func down(err error) bool {
	if e, ok := errors.AsType[*errs.Error](err); ok {
		return e.Kind == errs.Unavailable || e.Kind == errs.ResourceExhausted
	}
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func (r *Recorder) leftovers(ctx context.Context) ([]leftover, error) {
	var found []leftover
	err := postgres.Tx(ctx, r.pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(ctx context.Context, tx pgx.Tx) error {
		// What the policy gov_audit_intents_drain asks for: ids alone are read here, each entry under its tenant.
		if _, err := tx.Exec(ctx, `SELECT set_config('aumos.drain', 'on', true)`); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `
			SELECT tenant_id, entry_id
			FROM gov_audit_intents
			WHERE created_at < now() - @settling::interval
			ORDER BY created_at, tenant_id, entry_id
			LIMIT @row_limit`, pgx.NamedArgs{"settling": settling, "row_limit": drainBatch})
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowToStructByName[leftover])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for audit intents: %w", err)
	}
	return found, nil
}
