package replay

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// What is kept of a tenant's replays that are done: the newest ones, as long as their differences have no more than so many bytes together.
const (
	maxDone      = 100
	maxDoneBytes = 512 << 20
)

// prune removes the oldest replays of the tenant that are done, with all that was found. Who creates a replay holds the lock of checkRoom.
func prune(ctx context.Context, tx pgx.Tx) error {
	// One that is not trimmed yet may have more rows than a statement should remove; it is next time.
	rows, err := tx.Query(ctx, `
		SELECT id
		FROM (
			SELECT id, row_number() OVER newest AS place, sum(kept_bytes) OVER newest AS bytes
			FROM gov_replays
			WHERE end_time IS NOT NULL AND lease_until IS NULL
			WINDOW newest AS (ORDER BY id DESC ROWS UNBOUNDED PRECEDING)
		) AS placed
		WHERE place > @max_done OR bytes > @max_bytes`, pgx.NamedArgs{"max_done": maxDone, "max_bytes": maxDoneBytes})
	if err != nil {
		return fmt.Errorf("select old replays: %w", err)
	}
	old, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("select old replays: %w", err)
	}
	if len(old) == 0 {
		return nil
	}
	for _, sql := range []string{
		`DELETE FROM gov_replay_differences WHERE replay_id = ANY(@old)`,
		`DELETE FROM gov_replay_resources WHERE replay_id = ANY(@old)`,
		`DELETE FROM gov_replay_rules WHERE replay_id = ANY(@old)`,
		`DELETE FROM gov_replays WHERE id = ANY(@old)`,
	} {
		if _, err := tx.Exec(ctx, sql, pgx.NamedArgs{"old": old}); err != nil {
			return fmt.Errorf("delete old replays: %w", err)
		}
	}
	return nil
}
