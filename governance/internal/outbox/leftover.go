package outbox

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/upkeep"
)

const (
	// drainBatch bounds one query, and what is tried again in one pass.
	drainBatch = 500
	// retryFirst is the pause after an intent's first failure. It doubles with each further one up to retryMax, which bounds how long an intent waits once
	// what was wrong is mended.
	retryFirst = 10 * time.Second
	retryMax   = 10 * time.Minute
)

// leftover identifies an intent whose request has had its time.
type leftover struct {
	CreatedAt time.Time
	TenantID  uuid.UUID
	EntryID   uuid.UUID
}

// untried returns a batch of the intents that have not failed, those that come after last.
func (r *Recorder) untried(ctx context.Context, last leftover) ([]leftover, error) {
	return r.leftovers(ctx, `
		SELECT created_at, tenant_id, entry_id
		FROM gov_audit_intents
		WHERE retry_time IS NULL
		  AND created_at < now() - @settling::interval
		  AND (created_at, tenant_id, entry_id) > (@created_at, @tenant_id, @entry_id)
		ORDER BY created_at, tenant_id, entry_id
		LIMIT @row_limit`,
		pgx.NamedArgs{
			"settling": settling, "created_at": last.CreatedAt, "tenant_id": last.TenantID, "entry_id": last.EntryID, "row_limit": drainBatch,
		})
}

// dueAgain returns intents that have failed and rested, those that have been due longest first.
func (r *Recorder) dueAgain(ctx context.Context) ([]leftover, error) {
	return r.leftovers(ctx, `
		SELECT created_at, tenant_id, entry_id
		FROM gov_audit_intents
		WHERE retry_time <= now()
		ORDER BY retry_time, tenant_id, entry_id
		LIMIT @row_limit`, pgx.NamedArgs{"row_limit": drainBatch})
}

func (r *Recorder) leftovers(ctx context.Context, sql string, args pgx.NamedArgs) (found []leftover, err error) {
	err = r.beyondTenant(ctx, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sql, args)
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

// putOff leaves an intent that has failed alone for a while. One that was refused is left out, too, when later intents of its resource are brought.
func (r *Recorder) putOff(ctx context.Context, entryID uuid.UUID, refused bool) error {
	err := postgres.TenantTx(ctx, r.pool, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			UPDATE gov_audit_intents
			SET failures = failures + 1, refused = @refused,
				retry_time = statement_timestamp() + least(@first::interval * 2 ^ least(failures, 30), @max::interval)
			WHERE entry_id = @entry_id
			  AND tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid`,
			pgx.NamedArgs{"entry_id": entryID, "refused": refused, "first": retryFirst, "max": retryMax})
		return err
	})
	if err != nil {
		return fmt.Errorf("put off audit intent %s: %w", entryID, err)
	}
	return nil
}

// beyondTenant reads what the policy gov_audit_intents_drain shows: ids, times and counts alone, each entry is read under its tenant.
func (r *Recorder) beyondTenant(ctx context.Context, fn func(ctx context.Context, tx pgx.Tx) error) error {
	return upkeep.BeyondTenantTx(ctx, r.pool, "aumos.drain", fn)
}
