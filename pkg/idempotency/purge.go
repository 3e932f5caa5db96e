package idempotency

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Lifetime is how long a response is kept: a retry that comes later is a new request.
const Lifetime = 24 * time.Hour

// purgeBatch bounds what one call of Purge removes. It is more than the one row that a call of Once adds, so that expired rows drain.
const purgeBatch = 16

// Purge removes a few expired rows of the transaction's tenant, skipping those that others work on. Once calls it, so that a tenant
// that writes cleans up after itself and no process has to see every tenant's rows.
func Purge(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `
		DELETE FROM idempotency_keys
		WHERE (tenant_id, request_id) IN (
			SELECT tenant_id, request_id
			FROM idempotency_keys
			WHERE tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid
			AND created_at < now() - @lifetime::interval
			ORDER BY created_at, request_id
			LIMIT @batch
			FOR UPDATE SKIP LOCKED
		)`, pgx.NamedArgs{"lifetime": Lifetime, "batch": purgeBatch})
	if err != nil {
		return fmt.Errorf("purge expired request ids: %w", err)
	}
	return nil
}
