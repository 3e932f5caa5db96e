// Package postgrestest gives each test databases of its own on a real PostgreSQL, with the platform's roles and migrations, and connects
// to them as the roles that the services use.
//
// A test binary starts one server on its first use, from a prepared data directory that all test binaries of this user share, builds a
// template per kind of database, and clones that for each test. The server ends with the test binary, however that ends, and its data is
// removed. TEST_DATABASE_URL, a superuser's URL on a server for tests alone, takes the place of that server.
package postgrestest

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/postgreslocal"
)

// Database is one test's own database. It is dropped when the test ends.
type Database struct {
	tb     testing.TB
	server *server
	owner  string
	// Name is the database's name.
	Name string
	// AdminURL connects as a superuser: to prepare what the services must meet, and to attack.
	AdminURL string
}

// URL returns the URL to connect as a login role of the platform (postgres.RoleGovernanceApp, ...).
func (d *Database) URL(role string) string { return d.server.url(d.Name, role) }

// Admin returns a new superuser connection, closed when the test ends.
func (d *Database) Admin() *pgx.Conn {
	d.tb.Helper()
	conn, err := pgx.Connect(d.tb.Context(), d.AdminURL)
	if err != nil {
		d.tb.Fatalf("connect as superuser: %v", err)
	}
	d.tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), cleanupWithin)
		defer cancel()
		_ = conn.Close(ctx) // tests may have closed or broken it
	})
	return conn
}

// Owner returns a new superuser connection that has become the database's owner (SET ROLE), closed when the test ends.
func (d *Database) Owner() *pgx.Conn {
	d.tb.Helper()
	conn := d.Admin()
	if _, err := conn.Exec(d.tb.Context(), `SET ROLE `+pgx.Identifier{d.owner}.Sanitize()); err != nil {
		d.tb.Fatalf("become %s: %v", d.owner, err)
	}
	return conn
}

// Pool returns a new pool as a login role of the platform, closed when the test ends.
func (d *Database) Pool(role string) *pgxpool.Pool {
	d.tb.Helper()
	pool, err := postgres.Open(d.tb.Context(), postgres.Config{URL: config.Secret(d.URL(role)), MaxConns: maxConns, ConnectTimeout: connectWithin}, "test")
	if err != nil {
		d.tb.Fatalf("connect as %s: %v", role, err)
	}
	d.tb.Cleanup(pool.Close)
	return pool
}

const (
	maxConns      = 8
	cleanupWithin = time.Minute
	connectWithin = time.Minute
)

// GovernanceDB is a governance database.
type GovernanceDB struct {
	*Database
	App    *pgxpool.Pool // as aumos_governance_app
	AppURL string
}

// AuditDB is an audit database.
type AuditDB struct {
	*Database
	Writer    *pgxpool.Pool // as aumos_audit_writer
	Reader    *pgxpool.Pool // as aumos_audit_reader
	WriterURL string
	ReaderURL string
}

// DriftDB is a drift database.
type DriftDB struct {
	*Database
	App    *pgxpool.Pool // as aumos_drift_app
	AppURL string
}

// Prepare completes a template database with tables that do not come from migrations, such as a job queue's. It runs once per template,
// after the migrations, on a superuser's connection to it. Name tells templates apart: it names what Run does and its version.
type Prepare struct {
	Name string
	Run  func(ctx context.Context, conn *pgx.Conn) error
}

// Governance returns a database with the governance migrations.
func Governance(tb testing.TB) GovernanceDB {
	tb.Helper()
	d := clone(tb, kind{name: "governance", owner: postgres.RoleGovernanceOwner})
	return GovernanceDB{Database: d, App: d.Pool(postgres.RoleGovernanceApp), AppURL: d.URL(postgres.RoleGovernanceApp)}
}

// Audit returns a database with the audit migrations.
func Audit(tb testing.TB) AuditDB {
	tb.Helper()
	d := clone(tb, kind{name: "audit", owner: postgres.RoleAuditOwner})
	return AuditDB{
		Database: d,
		Writer:   d.Pool(postgres.RoleAuditWriter), WriterURL: d.URL(postgres.RoleAuditWriter),
		Reader: d.Pool(postgres.RoleAuditReader), ReaderURL: d.URL(postgres.RoleAuditReader),
	}
}

// Drift returns a database with the drift migrations and what the preparations add.
func Drift(tb testing.TB, prepare ...Prepare) DriftDB {
	tb.Helper()
	d := clone(tb, kind{name: "drift", owner: postgres.RoleDriftOwner, prepare: prepare})
	return DriftDB{Database: d, App: d.Pool(postgres.RoleDriftApp), AppURL: d.URL(postgres.RoleDriftApp)}
}

// Empty returns a database with the platform's roles and privileges but no migration, owned by the governance owner: for tests of migrations.
func Empty(tb testing.TB) *Database {
	tb.Helper()
	return clone(tb, kind{name: "governance", owner: postgres.RoleGovernanceOwner, bare: true})
}

// Server returns a local server of the test's own, with the platform's roles and no database, for tests that change what a server's databases
// share or stop the server. It ends with the test.
func Server(tb testing.TB) *postgreslocal.Server {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), startWithin)
	defer cancel()
	server, err := startCopy(ctx)
	if err != nil {
		tb.Fatalf("start database server: %v", err)
	}
	tb.Cleanup(func() {
		if err := server.Stop(); err != nil {
			tb.Errorf("stop database server: %v", err)
		}
	})
	return server
}
