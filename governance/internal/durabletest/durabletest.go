// Package durabletest starts a PostgreSQL server that waits for the disk, for benchmarks: the servers of the tests do not.
package durabletest

import (
	"context"
	"log/slog"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/migrations"
	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/postgreslocal"
)

// Databases are governance's, migrated and empty, each pool as its application role.
type Databases struct {
	Primary, Writer, Reader *pgxpool.Pool
	// PrimaryAdmin and AuditAdmin are a superuser's connections to governance's own and to the audit database.
	PrimaryAdmin, AuditAdmin *pgx.Conn
}

// Start starts a server whose data is on disk and synced (fsync on) until the benchmark ends.
func Start(b *testing.B) Databases {
	b.Helper()
	ctx := b.Context()
	dir, err := os.MkdirTemp("", "aumos-bench-") //nolint:usetesting // the server's own user must enter it, and it removes it
	if err != nil {
		b.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil { // see above
		b.Fatal(err)
	}
	server, err := postgreslocal.Start(ctx, postgreslocal.Options{
		DataDir: dir, SocketOnly: true, Ephemeral: true, Log: slog.New(slog.DiscardHandler),
		Settings: map[string]string{"shared_buffers": "256MB", "max_wal_size": "4GB"},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := server.Stop(); err != nil {
			b.Error(err)
		}
	})
	if err := postgres.Bootstrap(ctx, server.AdminURL(), migrations.Bootstrap(), server.RolePasswords()); err != nil {
		b.Fatal(err)
	}
	connect := func(database string) *pgx.Conn {
		conn, err := pgx.Connect(ctx, server.URL(database, "postgres"))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = conn.Close(context.WithoutCancel(ctx)) })
		return conn
	}
	open := func(database, role string) *pgxpool.Pool {
		pool, err := postgres.Open(ctx, postgres.Config{URL: config.Secret(server.URL(database, role))}, "bench")
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(pool.Close)
		return pool
	}
	d := Databases{PrimaryAdmin: connect(postgres.DatabaseGovernance), AuditAdmin: connect(postgres.DatabaseAudit)}
	if _, err := postgres.Migrate(ctx, d.AuditAdmin, migrations.Audit(), postgres.RoleAuditOwner); err != nil {
		b.Fatal(err)
	}
	if _, err := postgres.Migrate(ctx, d.PrimaryAdmin, migrations.Governance(), postgres.RoleGovernanceOwner); err != nil {
		b.Fatal(err)
	}
	d.Primary = open(postgres.DatabaseGovernance, postgres.RoleGovernanceApp)
	d.Writer, d.Reader = open(postgres.DatabaseAudit, postgres.RoleAuditWriter), open(postgres.DatabaseAudit, postgres.RoleAuditReader)
	return d
}
