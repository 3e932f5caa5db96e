package evidence

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// migrationLock is the key of the advisory lock under which the queue is migrated, arbitrary and unlike those of others.
const migrationLock int64 = 0x61756d6f73_10 // "aumos", 16

// MigrateQueue installs or updates River's tables in the schema river as the database's owner, and grants the service what it needs of them.
// conn is an administrator's connection to the drift database, which must have been bootstrapped. Running it again changes nothing.
func MigrateQueue(ctx context.Context, conn *pgx.Conn, log *slog.Logger) error {
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, migrationLock); err != nil {
		return fmt.Errorf("lock queue migration: %w", postgres.Translate(err))
	}
	defer func() {
		_, _ = conn.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, migrationLock) // the connection's end releases it too
	}()
	if _, err := conn.Exec(ctx, `CREATE SCHEMA IF NOT EXISTS river AUTHORIZATION aumos_drift_owner`); err != nil {
		return fmt.Errorf("create queue schema: %w", postgres.Translate(err))
	}
	if err := migrateRiver(ctx, conn, log); err != nil {
		return err
	}
	// No sequence of identifiers is secret; what is left out is river_migration but for reading, and all DDL.
	_, err := conn.Exec(ctx, `
		SET ROLE aumos_drift_owner;
		GRANT USAGE ON SCHEMA river TO aumos_drift_app;
		GRANT SELECT, INSERT, UPDATE, DELETE ON river.river_job, river.river_leader, river.river_queue TO aumos_drift_app;
		GRANT USAGE ON SEQUENCE river.river_job_id_seq TO aumos_drift_app;
		GRANT SELECT ON river.river_migration TO aumos_drift_app;
		RESET ROLE`)
	if err != nil {
		return fmt.Errorf("grant queue: %w", postgres.Translate(err))
	}
	return nil
}

// migrateRiver runs River's migrations, each in a transaction of its own, over a second connection that has become the owner.
func migrateRiver(ctx context.Context, conn *pgx.Conn, log *slog.Logger) error {
	cfg, err := pgxpool.ParseConfig(conn.Config().ConnString())
	if err != nil {
		return fmt.Errorf("connect queue migration: %w", err)
	}
	cfg.ConnConfig = conn.Config().Copy()
	cfg.MaxConns = 2
	cfg.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `SET ROLE `+postgres.RoleDriftOwner)
		return err
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return fmt.Errorf("connect queue migration: %w", err)
	}
	defer pool.Close()
	migrator, err := newMigrator(pool, log)
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate queue: %w", postgres.Translate(err))
	}
	return nil
}

// CheckQueue fails when the queue's tables are not those that this release needs. It is part of readiness.
func CheckQueue(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	migrator, err := newMigrator(pool, log)
	if err != nil {
		return err
	}
	result, err := migrator.Validate(ctx, nil)
	if err != nil {
		return fmt.Errorf("check queue: %w", postgres.Translate(err))
	}
	if !result.OK {
		return errors.New(`the queue's schema is behind: run "drift migrate" (` + strings.Join(result.Messages, "; ") + ")")
	}
	return nil
}

func newMigrator(pool *pgxpool.Pool, log *slog.Logger) (*rivermigrate.Migrator[pgx.Tx], error) {
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{
		Schema: schema, Logger: slog.New(atLeast{log.Handler(), slog.LevelWarn}),
	})
	if err != nil {
		return nil, fmt.Errorf("make queue migrator: %w", err)
	}
	return migrator, nil
}
