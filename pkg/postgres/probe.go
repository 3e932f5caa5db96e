package postgres

import (
	"context"
	"fmt"
	"io/fs"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Probe returns a readiness check: the database answers and has every migration of fsys. command is what an operator runs to apply them,
// for example "governance migrate".
func Probe(pool *pgxpool.Pool, fsys fs.FS, command string) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		pending, err := Pending(ctx, pool, fsys)
		if err != nil {
			return fmt.Errorf("check schema: %w", Translate(err))
		}
		if len(pending) > 0 {
			return fmt.Errorf("the schema is behind by %s: run %q", strings.Join(pending, ", "), command)
		}
		return nil
	}
}
