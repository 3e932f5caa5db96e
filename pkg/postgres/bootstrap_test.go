package postgres_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

const migrationsDir = "../../migrations/"

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func setPassword(t *testing.T, admin *pgx.Conn, role, password string) {
	t.Helper()
	if _, err := admin.Exec(t.Context(), `ALTER ROLE `+pgx.Identifier{role}.Sanitize()+` PASSWORD '`+password+`'`); err != nil {
		t.Fatal(err)
	}
}

// all are the platform's databases with what belongs to each.
var all = []struct{ database, dir, owner, role string }{
	{postgres.DatabaseGovernance, "governance", postgres.RoleGovernanceOwner, postgres.RoleGovernanceApp},
	{postgres.DatabaseAudit, "audit", postgres.RoleAuditOwner, postgres.RoleAuditWriter},
	{postgres.DatabaseAudit, "audit", postgres.RoleAuditOwner, postgres.RoleAuditReader},
	{postgres.DatabaseDrift, "drift", postgres.RoleDriftOwner, postgres.RoleDriftApp},
}

// A server is bootstrapped, migrated and bootstrapped again, as an operator does who is not sure.
func TestBootstrapTwice(t *testing.T) {
	t.Parallel()
	server := postgrestest.Server(t)
	fsys := os.DirFS(migrationsDir + "bootstrap")
	bootstrap := func() {
		t.Helper()
		if err := postgres.Bootstrap(t.Context(), server.AdminURL(), fsys, server.RolePasswords()); err != nil {
			t.Fatal(err)
		}
	}
	bootstrap()
	for _, d := range all {
		conn := connect(t, server.URL(d.database, "postgres"))
		if _, err := postgres.Migrate(t.Context(), conn, os.DirFS(migrationsDir+d.dir), d.owner); err != nil {
			t.Fatal(err)
		}
	}
	bootstrap()

	roles := []string{
		postgres.RoleGovernanceOwner, postgres.RoleGovernanceApp, postgres.RoleAuditOwner, postgres.RoleAuditGuard,
		postgres.RoleAuditWriter, postgres.RoleAuditReader, postgres.RoleDriftOwner, postgres.RoleDriftApp,
	}
	for _, inside := range all {
		for _, role := range roles {
			var connects, uses, creates, temporary bool
			err := connect(t, server.URL(inside.database, "postgres")).QueryRow(t.Context(), `
				SELECT has_database_privilege($1, current_database(), 'CONNECT'),
					has_schema_privilege($1, 'public', 'USAGE'),
					has_schema_privilege($1, 'public', 'CREATE'),
					has_database_privilege($1, current_database(), 'TEMPORARY')`, role).Scan(&connects, &uses, &creates, &temporary)
			if err != nil {
				t.Fatal(err)
			}
			owner := role == inside.owner
			entitled := owner
			for _, d := range all {
				entitled = entitled || d.database == inside.database && d.role == role
			}
			if connects != entitled || uses != entitled || creates != owner || temporary != owner {
				t.Errorf("%s in %s: connect %t, usage %t, create %t, temporary %t", role, inside.database, connects, uses, creates, temporary)
			}
		}
		connect(t, server.URL(inside.database, inside.role)) // with its password
	}
}

func TestBootstrapRepairsRoles(t *testing.T) {
	t.Parallel()
	server := postgrestest.Server(t)
	admin := connect(t, server.AdminURL())
	_, err := admin.Exec(t.Context(), `
		ALTER ROLE aumos_governance_app SUPERUSER BYPASSRLS CREATEDB;
		ALTER ROLE aumos_audit_guard LOGIN`)
	if err != nil {
		t.Fatal(err)
	}
	passwords := server.RolePasswords()
	passwords.DriftApp = `quote ' and \ slash`
	if err := postgres.Bootstrap(t.Context(), server.AdminURL(), os.DirFS(migrationsDir+"bootstrap"), passwords); err != nil {
		t.Fatal(err)
	}
	var wrong int
	err = admin.QueryRow(t.Context(), `
		SELECT count(*)
		FROM pg_roles
		WHERE rolname LIKE 'aumos%'
		AND (rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole OR rolreplication
			OR rolcanlogin <> (rolname ~ '_(app|writer|reader)$'))`).Scan(&wrong)
	if err != nil {
		t.Fatal(err)
	}
	if wrong != 0 {
		t.Errorf("%d roles have attributes that they must not have", wrong)
	}
	cfg, err := pgx.ParseConfig(server.URL(postgres.DatabaseDrift, postgres.RoleDriftApp))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Password = passwords.DriftApp.Reveal()
	conn, err := pgx.ConnectConfig(t.Context(), cfg)
	if err != nil {
		t.Fatalf("log in with the new password: %v", err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestBootstrapRefuses(t *testing.T) {
	t.Parallel()
	server := postgrestest.Server(t)
	fsys := os.DirFS(migrationsDir + "bootstrap")
	if err := postgres.Bootstrap(t.Context(), server.AdminURL(), fsys, postgres.RolePasswords{DriftApp: "zażółć"}); err == nil ||
		!strings.Contains(err.Error(), "ASCII") {
		t.Errorf("a password that SASLprep would change: %v, want an error that says so", err)
	}
	if _, err := connect(t, server.AdminURL()).Exec(t.Context(), `CREATE DATABASE aumos_audit`); err != nil {
		t.Fatal(err)
	}
	err := postgres.Bootstrap(t.Context(), server.AdminURL(), fsys, server.RolePasswords())
	if err == nil || !strings.Contains(err.Error(), "owned by postgres") {
		t.Errorf("a database of another owner: %v, want an error that says so", err)
	}
}

// On managed PostgreSQL the administrator may create roles and databases but is no superuser.
func TestBootstrapAndMigrateWithoutSuperuser(t *testing.T) {
	t.Parallel()
	server := postgrestest.Server(t)
	admin := connect(t, server.AdminURL())
	_, err := admin.Exec(t.Context(), `
		DROP ROLE aumos_governance_owner, aumos_governance_app, aumos_audit_owner, aumos_audit_guard, aumos_audit_writer, aumos_audit_reader,
			aumos_drift_owner, aumos_drift_app;
		CREATE ROLE manager LOGIN CREATEROLE CREATEDB`)
	if err != nil {
		t.Fatal(err)
	}
	setPassword(t, admin, "manager", server.Password("manager"))
	fsys := os.DirFS(migrationsDir + "bootstrap")
	for range 2 {
		if err := postgres.Bootstrap(t.Context(), server.URL("postgres", "manager"), fsys, server.RolePasswords()); err != nil {
			t.Fatal(err)
		}
	}
	conn := connect(t, server.URL(postgres.DatabaseGovernance, "manager"))
	if _, err := postgres.Migrate(t.Context(), conn, os.DirFS(migrationsDir+"governance"), postgres.RoleGovernanceOwner); err != nil {
		t.Fatal(err)
	}
	url := config.Secret(server.URL(postgres.DatabaseGovernance, postgres.RoleGovernanceApp))
	pool, err := postgres.Open(t.Context(), postgres.Config{URL: url}, "test")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := postgres.Probe(pool, os.DirFS(migrationsDir+"governance"), "governance migrate")(t.Context()); err != nil {
		t.Errorf("not ready after all migrations: %v", err)
	}
}
