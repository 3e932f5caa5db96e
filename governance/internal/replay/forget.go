package replay

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Forget removes what candidates of the tenant's replays have answered, which may quote inputs: the differences, and the counts by rule. The other counts stay.
// A replay that is under way is taken from its worker, so that nothing of what that one has read before the commit is written after it.
func Forget(ctx context.Context, tx pgx.Tx) error {
	if err := lock(ctx, tx); err != nil {
		return err
	}
	for _, sql := range []string{
		`UPDATE gov_replays
		SET kept_differences = 0, kept_bytes = 0,
			lease_holder = CASE WHEN end_time IS NULL THEN NULL ELSE lease_holder END,
			lease_until = CASE WHEN end_time IS NULL THEN statement_timestamp() ELSE lease_until END`,
		`DELETE FROM gov_replay_differences`,
		`DELETE FROM gov_replay_rules`,
	} {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return fmt.Errorf("forget what replays found: %w", err)
		}
	}
	return nil
}
