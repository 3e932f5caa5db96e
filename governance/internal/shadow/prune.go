package shadow

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// What is kept of a tenant's shadows that have ended: those that ended last, as long as their differences have no more than so many bytes together.
const (
	maxEnded      = 100
	maxEndedBytes = 512 << 20
)

// pruneEnded removes the shadows of the tenant that ended first, with their differences. Those that somebody else is about to change are left for the next time.
func pruneEnded(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `
		SELECT id
		FROM gov_shadows
		WHERE id IN (
			SELECT id
			FROM (
				SELECT id, row_number() OVER newest AS place, sum(kept_bytes) OVER newest AS bytes
				FROM gov_shadows
				WHERE state <> 'RUNNING' OR expire_time <= statement_timestamp()
				WINDOW newest AS (ORDER BY coalesce(end_time, expire_time) DESC, id DESC ROWS UNBOUNDED PRECEDING)
			) AS placed
			WHERE place > @max_ended OR bytes > @max_bytes
		)
		FOR UPDATE SKIP LOCKED`, pgx.NamedArgs{"max_ended": maxEnded, "max_bytes": maxEndedBytes})
	if err != nil {
		return fmt.Errorf("select old shadows: %w", err)
	}
	old, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("select old shadows: %w", err)
	}
	if len(old) == 0 {
		return nil
	}
	for _, sql := range []string{
		`DELETE FROM gov_shadow_differences WHERE shadow_id = ANY(@old)`,
		`DELETE FROM gov_shadows WHERE id = ANY(@old)`,
	} {
		if _, err := tx.Exec(ctx, sql, pgx.NamedArgs{"old": old}); err != nil {
			return fmt.Errorf("delete old shadows: %w", err)
		}
	}
	return nil
}
