package shadow

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Forget removes what candidates of the tenant's shadows have answered, which may quote inputs: the differences. The counts stay, and what runs goes on.
func Forget(ctx context.Context, tx pgx.Tx) error {
	for _, sql := range []string{
		`UPDATE gov_shadows SET kept_differences = 0, kept_bytes = 0`,
		`DELETE FROM gov_shadow_differences`,
	} {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return fmt.Errorf("forget what shadows found: %w", err)
		}
	}
	return nil
}
