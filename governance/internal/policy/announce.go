package policy

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Announce tells every decision cache, with the commit, that what decisions use of the tenant has changed.
func Announce(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `SELECT pg_notify(@channel, current_setting('aumos.tenant_id'))`, pgx.NamedArgs{"channel": ChangedChannel})
	if err != nil {
		return fmt.Errorf("notify decision caches: %w", err)
	}
	return nil
}
