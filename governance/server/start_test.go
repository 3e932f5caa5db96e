package server_test

import (
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/governance/server"
	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

// weaken runs SQL on the audit database as a superuser who lifts the guard against DDL for it, as an attacker with that power would.
func (s *stack) weaken(t *testing.T, sql string) {
	t.Helper()
	admin := s.audit.Admin()
	_, err := admin.Exec(t.Context(), `
		ALTER EVENT TRIGGER aumos_audit_deny_ddl DISABLE;
		`+sql+`;
		ALTER EVENT TRIGGER aumos_audit_deny_ddl ENABLE ALWAYS`)
	if err != nil {
		t.Fatal(err)
	}
}

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, s *stack)
		want  []string // what the error says
	}{
		{
			"settings that do not validate",
			func(_ *testing.T, s *stack) { s.cfg.Auth.Issuer = "" },
			[]string{server.Prefix + "AUTH__ISSUER is not set"},
		},
		{
			"a new governance database",
			func(t *testing.T, s *stack) {
				t.Helper()
				s.cfg.Database.URL = config.Secret(postgrestest.Empty(t).URL(postgres.RoleGovernanceApp))
			},
			[]string{"the governance database lacks 0001_idempotency.sql, ", "run `governance migrate`"},
		},
		{
			"an audit database that is behind",
			func(t *testing.T, s *stack) {
				t.Helper()
				if _, err := s.audit.Admin().Exec(t.Context(), `DELETE FROM schema_migrations WHERE name LIKE '0004%'`); err != nil {
					t.Fatal(err)
				}
			},
			[]string{"the audit database lacks 0004_kinds.sql: run `governance migrate`"},
		},
		{
			"a checkpoint log that is no file",
			func(t *testing.T, s *stack) {
				t.Helper()
				s.cfg.Audit.CheckpointLog = t.TempDir()
			},
			[]string{"open checkpoint log"},
		},
		{
			"a superuser as the wall's writer",
			func(_ *testing.T, s *stack) { s.cfg.Audit.Writer.URL = config.Secret(s.audit.AdminURL) },
			[]string{"bypasses row-level security"},
		},
		{
			"a trigger that is disabled",
			func(t *testing.T, s *stack) {
				t.Helper()
				s.weaken(t, `ALTER TABLE gov_audit_trail_entries_p1 DISABLE TRIGGER aumos_audit_deny_statement`)
			},
			[]string{"aumos_audit_deny_statement", "gov_audit_trail_entries_p1"},
		},
		{
			"a guard against DDL that is disabled",
			func(t *testing.T, s *stack) {
				t.Helper()
				if _, err := s.audit.Admin().Exec(t.Context(), `ALTER EVENT TRIGGER aumos_audit_deny_ddl DISABLE`); err != nil {
					t.Fatal(err)
				}
			},
			[]string{"aumos_audit_deny_ddl"},
		},
		{
			"a writer who may delete",
			func(t *testing.T, s *stack) {
				t.Helper()
				s.weaken(t, `GRANT DELETE ON gov_audit_trail_entries TO aumos_audit_writer`)
			},
			[]string{"aumos_audit_writer"},
		},
		{
			"in production, a wall on the primary's server",
			func(_ *testing.T, s *stack) {
				s.cfg.Production = true
				s.cfg.AllowInsecure = config.Insecure{"plaintext_grpc", "plaintext_issuer", "plaintext_database", "plaintext_audit_database", "generated_audit_key", "audit_unsafe_storage"}
				s.cfg.Audit.OriginPrefix = "audit.example.com/log"
			},
			[]string{"own_server", "allow audit_same_server"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t)
			c.spoil(t, s)
			err := s.refusal(t)
			for _, want := range c.want {
				if err != nil && !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want it to say %q", err, want)
				}
			}
		})
	}
}
