package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/drift/internal/evidence"
	"github.com/aumos-enterprise/platform/migrations"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// Migrate brings the drift database up to date: its tables, then the job queue's. adminURL connects an administrator to the database, which has been
// bootstrapped. It returns the names of the migrations that it applied; running it again applies none.
func Migrate(ctx context.Context, adminURL string, log *slog.Logger) (applied []string, err error) {
	conn, err := pgx.Connect(ctx, adminURL)
	if err != nil {
		return nil, fmt.Errorf("connect to migrate: %w", postgres.Translate(err))
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	applied, err = postgres.Migrate(ctx, conn, migrations.Drift(), postgres.RoleDriftOwner)
	if err != nil {
		return applied, fmt.Errorf("migrate database %q: %w", conn.Config().Database, err)
	}
	return applied, evidence.MigrateQueue(ctx, conn, log)
}
