package server_test

import (
	"io/fs"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aumos-enterprise/platform/governance/server"
	"github.com/aumos-enterprise/platform/migrations"
	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

// names returns the names of all migrations as Migrate reports them.
func names(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, d := range []struct {
		name string
		fsys fs.FS
	}{{"governance/", migrations.Governance()}, {"audit/", migrations.Audit()}} {
		files, err := fs.Glob(d.fsys, "*.sql")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			all = append(all, d.name+file)
		}
	}
	return all
}

// inDatabase returns the URL with another database.
func inDatabase(t *testing.T, raw, database string) config.Secret {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + database
	return config.Secret(u.String())
}

// TestMigrateANewServer bootstraps and migrates twice; the second time finds nothing to do and the roles can still log in.
func TestMigrateANewServer(t *testing.T) {
	t.Parallel()
	local := postgrestest.Server(t)
	m := server.Migration{
		AdminURL:            inDatabase(t, local.AdminURL(), postgres.DatabaseGovernance),
		MaintenanceDatabase: "postgres",
		Passwords:           server.Passwords{GovernanceApp: "one", AuditWriter: "two", AuditReader: "three", DriftApp: "four"},
	}
	for _, want := range [][]string{names(t), nil} {
		if err := server.Bootstrap(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		applied, err := server.Migrate(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, applied); diff != "" {
			t.Error(diff)
		}
		for _, login := range []struct{ role, password, database string }{
			{postgres.RoleGovernanceApp, "one", postgres.DatabaseGovernance},
			{postgres.RoleAuditWriter, "two", postgres.DatabaseAudit},
			{postgres.RoleAuditReader, "three", postgres.DatabaseAudit},
			{postgres.RoleDriftApp, "four", postgres.DatabaseDrift},
		} {
			u, err := url.Parse(inDatabase(t, local.AdminURL(), login.database).Reveal())
			if err != nil {
				t.Fatal(err)
			}
			u.User = url.UserPassword(login.role, login.password)
			pool, err := postgres.Open(t.Context(), postgres.Config{URL: config.Secret(u.String())}, "test")
			if err != nil {
				t.Fatalf("log in: %v", err)
			}
			pool.Close()
		}
	}
}

func TestBootstrapAndMigrateRefuse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		m    server.Migration
		want string
	}{
		{"no URL", server.Migration{}, "AUMOS_GOVERNANCE_MIGRATION__ADMIN_URL"},
		{"no URL of the form", server.Migration{AdminURL: "host=db password=pw"}, "not of the form postgres://"},
		{"a database that the bootstrap does not make", server.Migration{AdminURL: "postgres://admin:pw@db/postgres"}, `makes the database aumos_governance, but the administrator's URL names "postgres"`},
		{
			"the same of the wall",
			server.Migration{AdminURL: "postgres://admin:pw@db/aumos_governance", AuditAdminURL: "postgres://admin:pw@wall/aumos_drift"},
			`makes the database aumos_audit, but the administrator's URL names "aumos_drift"`,
		},
	} {
		err := server.Bootstrap(t.Context(), c.m)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "pw") {
			t.Errorf("bootstrap with %s: got %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := server.Migrate(t.Context(), server.Migration{}); err == nil || !strings.Contains(err.Error(), "ADMIN_URL") {
		t.Errorf("migrate without a URL: got %v", err)
	}
}
