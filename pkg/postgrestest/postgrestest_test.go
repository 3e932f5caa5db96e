package postgrestest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

// value returns the single value of a query.
func value[T any](t *testing.T, conn *pgx.Conn, sql string, args ...any) T {
	t.Helper()
	var v T
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func TestDatabasesAreSeparate(t *testing.T) {
	t.Parallel()
	a, b := postgrestest.Governance(t), postgrestest.Governance(t)
	if a.Name == b.Name {
		t.Fatalf("both databases are %s", a.Name)
	}
	if _, err := a.Owner().Exec(t.Context(), `CREATE TABLE only_here (id integer)`); err != nil {
		t.Fatal(err)
	}
	if value[bool](t, b.Admin(), `SELECT to_regclass('only_here') IS NOT NULL`) {
		t.Error("a table of one database is in the other")
	}
	if value[bool](t, postgrestest.Governance(t).Admin(), `SELECT to_regclass('only_here') IS NOT NULL`) {
		t.Error("a table of one database is in a later one")
	}
}

func TestDatabaseEndsWithItsTest(t *testing.T) {
	t.Parallel()
	keeper := postgrestest.Empty(t)
	var name string
	t.Run("test", func(t *testing.T) { // not parallel: it must end before what follows
		db := postgrestest.Drift(t)
		name = db.Name
		conn, err := pgx.Connect(t.Context(), db.AppURL) // left open
		if err != nil {
			t.Fatal(err)
		}
		if value[string](t, conn, `SELECT current_database()::text`) != name {
			t.Error("the URL leads to another database")
		}
	})
	if value[bool](t, keeper.Admin(), `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, name) {
		t.Errorf("%s outlived its test", name)
	}
}

func TestConnectionsHaveTheRolesOfTheServices(t *testing.T) {
	t.Parallel()
	governance, audit, drift := postgrestest.Governance(t), postgrestest.Audit(t), postgrestest.Drift(t)
	for _, c := range []struct {
		name string
		db   *postgrestest.Database
		url  string
		role string
	}{
		{"governance", governance.Database, governance.AppURL, "aumos_governance_app"},
		{"audit writer", audit.Database, audit.WriterURL, "aumos_audit_writer"},
		{"audit reader", audit.Database, audit.ReaderURL, "aumos_audit_reader"},
		{"drift", drift.Database, drift.AppURL, "aumos_drift_app"},
	} {
		conn, err := pgx.Connect(t.Context(), c.url)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got := value[string](t, conn, `SELECT current_user::text`); got != c.role {
			t.Errorf("%s connects as %s, want %s", c.name, got, c.role)
		}
		_, err = conn.Exec(t.Context(), `CREATE TABLE mine (id integer)`)
		if _, ok := errors.AsType[*pgconn.PgError](err); !ok {
			t.Errorf("%s may create tables", c.name)
		}
		if err := conn.Close(t.Context()); err != nil {
			t.Error(err)
		}
		// Nobody else of the platform gets in.
		for _, other := range []string{"aumos_governance_app", "aumos_audit_writer", "aumos_audit_reader", "aumos_drift_app"} {
			conn, err := pgx.Connect(t.Context(), c.db.URL(other))
			if entitled := c.db == audit.Database && (other == "aumos_audit_writer" || other == "aumos_audit_reader") || other == c.role; entitled != (err == nil) {
				t.Errorf("%s enters the database of %s: %v", other, c.name, err)
			}
			if err == nil {
				_ = conn.Close(t.Context())
			}
		}
	}
	if got := value[string](t, governance.Owner(), `SELECT current_user::text`); got != "aumos_governance_owner" {
		t.Errorf("Owner is %s", got)
	}
	if !value[bool](t, governance.Admin(), `SELECT rolsuper FROM pg_roles WHERE rolname = current_user`) {
		t.Error("Admin is no superuser")
	}
}

func TestDriftWithPreparations(t *testing.T) {
	t.Parallel()
	runs := 0
	jobs := postgrestest.Prepare{Name: "jobs 1", Run: func(ctx context.Context, conn *pgx.Conn) error {
		runs++
		_, err := conn.Exec(ctx, `CREATE TABLE job (id integer); GRANT SELECT ON job TO aumos_drift_app`)
		return err
	}}
	for range 2 {
		var n int
		if err := postgrestest.Drift(t, jobs).App.QueryRow(t.Context(), `SELECT count(*) FROM job`).Scan(&n); err != nil {
			t.Error(err)
		}
	}
	if runs > 1 { // none when the server of TEST_DATABASE_URL has the template
		t.Errorf("the preparation ran %d times for one template", runs)
	}
	if value[bool](t, postgrestest.Drift(t).Admin(), `SELECT to_regclass('job') IS NOT NULL`) {
		t.Error("a database without the preparation has its table")
	}
}

func TestServerIsTheTestsOwn(t *testing.T) {
	t.Parallel()
	server := postgrestest.Server(t)
	conn, err := pgx.Connect(t.Context(), server.AdminURL())
	if err != nil {
		t.Fatal(err)
	}
	if n := value[int](t, conn, `SELECT count(*) FROM pg_database WHERE NOT datistemplate`); n != 1 {
		t.Errorf("the server has %d databases, want the maintenance database alone", n)
	}
	if n := value[int](t, conn, `SELECT count(*) FROM pg_roles WHERE rolname LIKE 'aumos%'`); n != 8 {
		t.Errorf("the server has %d roles of the platform, want 8", n)
	}
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
	if err := conn.Ping(t.Context()); err == nil {
		t.Error("the stopped server answers")
	}
}
