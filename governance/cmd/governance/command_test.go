package main

import (
	"bytes"
	"net/url"
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

// run runs the command and returns what it writes. The tests set environment variables, so they do not run in parallel.
func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := command()
	cmd.SetArgs(append([]string{}, args...)) // for nil, cobra would take the test's
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func TestConfigListsEverySetting(t *testing.T) {
	out, err := run(t, "config")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"AUMOS_GOVERNANCE_SERVER__LISTEN", "127.0.0.1:9090", "AUMOS_GOVERNANCE_AUDIT__SIGNING_KEYS", "AUMOS_GOVERNANCE_AUDIT__SIGNING_KEYS_FILE",
		"AUMOS_GOVERNANCE_AUDIT__WRITER__URL", "AUMOS_GOVERNANCE_AUDIT__READER__URL", "AUMOS_GOVERNANCE_MIGRATION__PASSWORDS__AUDIT_WRITER",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the list lacks %s", want)
		}
	}
}

func TestCommandsRefuse(t *testing.T) {
	for _, c := range []struct {
		args []string
		env  map[string]string
		want string
	}{
		{nil, nil, "AUMOS_GOVERNANCE_DATABASE__URL is not set"},
		{[]string{"serve"}, map[string]string{"AUMOS_GOVERNANCE_DATABSE__URL": "x"}, "AUMOS_GOVERNANCE_DATABSE__URL is no setting: AUMOS_GOVERNANCE_DATABASE__URL"},
		{[]string{"serve", "now"}, nil, "unknown command"},
		{[]string{"migrate"}, nil, "AUMOS_GOVERNANCE_MIGRATION__ADMIN_URL"},
		{[]string{"wall", "posture"}, nil, "is not set"},
		{[]string{"wall", "posture", "-o", "yaml"}, nil, "neither text nor json"},
		{[]string{"healthcheck"}, map[string]string{"AUMOS_GOVERNANCE_SERVER__ADMIN_LISTEN": "127.0.0.1:1"}, "ask for readiness"},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			for key, value := range c.env {
				t.Setenv(key, value)
			}
			if _, err := run(t, c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestMigrateAndCheckTheWall makes a new server fit with the commands alone.
func TestMigrateAndCheckTheWall(t *testing.T) {
	local := postgrestest.Server(t)
	as := func(user *url.Userinfo, database string) string {
		u, err := url.Parse(local.AdminURL())
		if err != nil {
			t.Fatal(err)
		}
		if user != nil {
			u.User = user
		}
		u.Path = "/" + database
		return u.String()
	}
	t.Setenv("AUMOS_GOVERNANCE_MIGRATION__ADMIN_URL", as(nil, postgres.DatabaseGovernance))
	t.Setenv("AUMOS_GOVERNANCE_MIGRATION__PASSWORDS__GOVERNANCE_APP", "one")
	t.Setenv("AUMOS_GOVERNANCE_MIGRATION__PASSWORDS__AUDIT_WRITER", "two")
	t.Setenv("AUMOS_GOVERNANCE_MIGRATION__PASSWORDS__AUDIT_READER", "three")
	t.Setenv("AUMOS_GOVERNANCE_DATABASE__URL", as(url.UserPassword(postgres.RoleGovernanceApp, "one"), postgres.DatabaseGovernance))
	t.Setenv("AUMOS_GOVERNANCE_AUDIT__WRITER__URL", as(url.UserPassword(postgres.RoleAuditWriter, "two"), postgres.DatabaseAudit))
	t.Setenv("AUMOS_GOVERNANCE_AUDIT__READER__URL", as(url.UserPassword(postgres.RoleAuditReader, "three"), postgres.DatabaseAudit))

	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"migrate", "--bootstrap"}, []string{"applied governance/0001_idempotency.sql", "applied audit/0003_seal_superuser.sql", "up to date"}},
		{[]string{"migrate"}, []string{"up to date"}},
		{[]string{"wall", "posture"}, []string{"ok       triggers\n", "ok       event_triggers_enabled\n", "warning  own_server\n"}},
		{[]string{"wall", "posture", "--deep", "-o", "json"}, []string{`"name": "triggers",`, `"verdict": "ok",`, `"sha256": "`}},
		{[]string{"wall", "posture", "--deep", "--output", "json"}, []string{`"name": "triggers"`, `"verdict": "ok"`, `"sha256": "`}},
	} {
		out, err := run(t, c.args...)
		if err != nil {
			t.Fatalf("%v: %v", c.args, err)
		}
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("%v: got %q, want %q in it", c.args, out, want)
			}
		}
		if len(c.args) == 1 && strings.Contains(out, "applied") {
			t.Errorf("the second migration applied something: %q", out)
		}
	}
}
