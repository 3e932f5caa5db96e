package postgres_test

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

func TestOpenRefusesPrivilegedRoles(t *testing.T) {
	t.Parallel()
	server := postgrestest.Server(t)
	admin := connect(t, server.AdminURL())
	_, err := admin.Exec(t.Context(), `
		CREATE ROLE bypasser NOLOGIN BYPASSRLS;
		CREATE ROLE bypasser_too LOGIN;
		GRANT bypasser TO bypasser_too`)
	if err != nil {
		t.Fatal(err)
	}
	setPassword(t, admin, "bypasser_too", server.Password("bypasser_too"))
	for _, c := range []struct {
		name, role string
		allow      bool
		refused    bool
	}{
		{name: "superuser", role: "postgres", refused: true},
		{name: "member of a role with BYPASSRLS", role: "bypasser_too", refused: true},
		{name: "superuser, allowed by name", role: "postgres", allow: true},
		{name: "application role", role: postgres.RoleGovernanceApp},
	} {
		pool, err := postgres.Open(t.Context(), postgres.Config{
			URL:                 config.Secret(server.URL("postgres", c.role)),
			AllowPrivilegedRole: c.allow,
		}, "test")
		if err == nil {
			pool.Close()
		}
		if refused := err != nil && strings.Contains(err.Error(), "bypasses row-level security"); refused != c.refused || err != nil && !c.refused {
			t.Errorf("%s: error %v, want refused %t", c.name, err, c.refused)
		}
	}
}

func TestOpenSetsTimeouts(t *testing.T) {
	t.Parallel()
	db := postgrestest.Empty(t)
	for _, c := range []struct {
		name            string
		cfg             postgres.Config
		statement, idle string
	}{
		{"defaults", postgres.Config{}, "30s", "30s"},
		{"configured", postgres.Config{StatementTimeout: 1500 * time.Millisecond, IdleInTransactionTimeout: time.Minute}, "1500ms", "1min"},
	} {
		c.cfg.URL = config.Secret(db.URL(postgres.RoleGovernanceApp))
		pool, err := postgres.Open(t.Context(), c.cfg, "governance test")
		if err != nil {
			t.Fatal(err)
		}
		var name, statement, idle string
		err = pool.QueryRow(t.Context(), `
			SELECT current_setting('application_name'), current_setting('statement_timeout'),
				current_setting('idle_in_transaction_session_timeout')`).Scan(&name, &statement, &idle)
		pool.Close()
		if err != nil {
			t.Fatal(err)
		}
		if name != "governance test" || statement != c.statement || idle != c.idle {
			t.Errorf("%s: %q, %s, %s; want statement_timeout %s, idle %s", c.name, name, statement, idle, c.statement, c.idle)
		}
	}
}

// A role or a database whose commits do not wait for the disk would lose what a service has answered.
func TestOpenWaitsForTheDisk(t *testing.T) {
	t.Parallel()
	server := postgrestest.Server(t)
	admin := connect(t, server.AdminURL())
	if _, err := admin.Exec(t.Context(), `
		ALTER ROLE aumos_audit_writer SET synchronous_commit TO off;
		ALTER DATABASE postgres SET synchronous_commit TO off`); err != nil {
		t.Fatal(err)
	}
	url := server.URL("postgres", postgres.RoleAuditWriter)
	for parameter, want := range map[string]string{
		"": "on", "synchronous_commit=off": "on", "synchronous_commit=remote_apply": "remote_apply",
	} {
		if got := setting(t, withParameter(url, parameter), "synchronous_commit"); got != want {
			t.Errorf("%q: synchronous_commit is %q, want %q", parameter, got, want)
		}
	}
}

// What a session has written goes to the disk at once, not half a minute later with everything else.
func TestOpenWritesEarly(t *testing.T) {
	t.Parallel()
	url := postgrestest.Server(t).URL("postgres", postgres.RoleAuditWriter)
	for parameter, want := range map[string]string{"": "512kB", "backend_flush_after=0": "0"} {
		if got := setting(t, withParameter(url, parameter), "backend_flush_after"); got != want {
			t.Errorf("%q: backend_flush_after is %q, want %q", parameter, got, want)
		}
	}
}

// setting is what a setting is in a session that Open made.
func setting(t *testing.T, url config.Secret, name string) (value string) {
	t.Helper()
	pool, err := postgres.Open(t.Context(), postgres.Config{URL: url}, "test")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := pool.QueryRow(t.Context(), `SELECT current_setting($1)`, name).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

func withParameter(url, parameter string) config.Secret {
	if strings.Contains(url, "?") {
		return config.Secret(url + "&" + parameter)
	}
	return config.Secret(url + "?" + parameter)
}

func TestOpenReportsServerThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = postgres.Open(t.Context(), postgres.Config{URL: config.Secret("postgres://app:hunter2@" + address + "/db")}, "test")
	if !errors.Is(err, errs.New(errs.Unavailable, errs.ReasonUnavailable, "")) {
		t.Errorf("error %v, want UNAVAILABLE", err)
	}
	if _, err := postgres.Open(t.Context(), postgres.Config{URL: "postgres://app:hunter2@host:notaport/db"}, "test"); err == nil {
		t.Error("a malformed URL was accepted")
	} else if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error shows the password: %v", err)
	}
}

func TestOpenReportsRefusedPasswordAsItIs(t *testing.T) {
	t.Parallel()
	server := postgrestest.Server(t)
	url := strings.Replace(server.URL("postgres", postgres.RoleDriftApp), server.Password(postgres.RoleDriftApp), "wrong", 1)
	_, err := postgres.Open(t.Context(), postgres.Config{URL: config.Secret(url)}, "test")
	if sqlstate(err) != "28P01" || errs.ReasonOf(err) != "" { // invalid_password
		t.Errorf("error %v, want SQLSTATE 28P01 and no reason: retrying does not help", err)
	}
}
