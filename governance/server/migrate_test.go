package server_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/server"
	"github.com/aumos-enterprise/platform/migrations"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
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

// TestMigrateIsRecorded: what lifts the wall's guard against DDL stands on the platform's log, before and after it.
func TestMigrateIsRecorded(t *testing.T) {
	t.Parallel()
	local := postgrestest.Server(t)
	m := server.Migration{AdminURL: inDatabase(t, local.AdminURL(), postgres.DatabaseGovernance), MaintenanceDatabase: "postgres"}
	if err := server.Bootstrap(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	migrate := func() error {
		_, err := server.Migrate(t.Context(), m)
		return err
	}
	if err := migrate(); err != nil {
		t.Fatal(err)
	}
	admin, err := pgx.Connect(t.Context(), inDatabase(t, local.AdminURL(), postgres.DatabaseAudit).Reveal())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Close(context.Background()) })
	exec := func(sql string) {
		t.Helper()
		if _, err := admin.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec(`DELETE FROM schema_migrations WHERE name = '0004_kinds.sql'`)
	if err := migrate(); err == nil || !strings.Contains(err.Error(), "apply 0004_kinds.sql") { // what it makes is there
		t.Errorf("got %v", err)
	}
	exec(`
		ALTER EVENT TRIGGER aumos_audit_deny_ddl DISABLE;
		DROP INDEX gov_audit_trail_entries_kind_idx;
		CREATE INDEX gov_audit_trail_entries_event_type_idx ON gov_audit_trail_entries (event_type);
		CREATE INDEX gov_audit_trail_entries_action_idx ON gov_audit_trail_entries (action);
		CREATE INDEX gov_audit_trail_entries_source_idx ON gov_audit_trail_entries (source_service);
		CREATE INDEX gov_audit_trail_entries_resource_type_idx ON gov_audit_trail_entries (resource_type);
		CREATE INDEX gov_audit_trail_entries_recorded_at_idx ON gov_audit_trail_entries (recorded_at);
		ALTER EVENT TRIGGER aumos_audit_deny_ddl ENABLE ALWAYS`)
	if err := migrate(); err != nil {
		t.Error(err)
	}
	if err := migrate(); err != nil { // finds nothing to do
		t.Error(err)
	}

	entries := platformEntries(t, admin)
	want := []struct {
		eventType  string
		outcome    auditlog.Outcome
		migrations int
	}{
		{"audit.migration_finished", auditlog.Success, 4}, // nothing to write to before it
		{"audit.migration_started", auditlog.Success, 1},
		{"audit.migration_failed", auditlog.Failure, 0},
		{"audit.migration_started", auditlog.Success, 1},
		{"audit.migration_finished", auditlog.Success, 1},
	}
	if len(entries) != len(want) {
		t.Fatalf("got %+v", entries)
	}
	for i, e := range entries {
		list, _ := e.Details["migrations"].([]any)
		text, failed := e.Details["error"].(string)
		if e.EventType != want[i].eventType || e.Outcome != want[i].outcome || len(list) != want[i].migrations || e.Details["administrator"] != "postgres" ||
			failed != (e.Outcome == auditlog.Failure) || failed && !strings.Contains(text, "gov_audit_trail_entries_kind_idx") {
			t.Errorf("entry %d is %+v, want %+v", i, e, want[i])
		}
	}
	if entries[1].CorrelationID != entries[2].CorrelationID || entries[2].CorrelationID == entries[3].CorrelationID {
		t.Error("the entries of one run have one correlation id")
	}
	sql, err := fs.ReadFile(migrations.Audit(), "0004_kinds.sql")
	if err != nil {
		t.Fatal(err)
	}
	named, _ := entries[1].Details["migrations"].([]any)[0].(map[string]any)
	if named["name"] != "0004_kinds.sql" || named["sha256"] != fmt.Sprintf("%x", sha256.Sum256(sql)) {
		t.Errorf("the entry names %v", named)
	}

	// Nothing is migrated that cannot be recorded.
	exec(`
		DELETE FROM schema_migrations WHERE name = '0004_kinds.sql';
		ALTER EVENT TRIGGER aumos_audit_deny_ddl DISABLE;
		REVOKE INSERT ON gov_audit_trail_entries FROM aumos_audit_writer`)
	if err := migrate(); err == nil || !strings.Contains(err.Error(), "nothing is migrated that is not on the audit wall") {
		t.Errorf("got %v", err)
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
