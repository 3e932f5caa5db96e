package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/migrations"
	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// Migration is for the migrate command alone.
type Migration struct {
	AdminURL            config.Secret `env:"ADMIN_URL" help:"URL of the governance database for an administrator; only the migrate command reads it."`
	AuditAdminURL       config.Secret `env:"AUDIT_ADMIN_URL" help:"URL of the audit database for an administrator, a superuser where there is one; empty: aumos_audit on the server of ADMIN_URL."`
	MaintenanceDatabase string        `env:"MAINTENANCE_DATABASE" envDefault:"postgres" help:"Database that the bootstrap connects to on those servers, before theirs exist."`
	Passwords           Passwords     `envPrefix:"PASSWORDS__"`
}

// Passwords are what the bootstrap sets; an empty one leaves the role's as it is.
type Passwords struct {
	GovernanceApp config.Secret `env:"GOVERNANCE_APP" help:"Password that the bootstrap gives to aumos_governance_app."`
	AuditWriter   config.Secret `env:"AUDIT_WRITER" help:"Password that the bootstrap gives to aumos_audit_writer."`
	AuditReader   config.Secret `env:"AUDIT_READER" help:"Password that the bootstrap gives to aumos_audit_reader."`
	DriftApp      config.Secret `env:"DRIFT_APP" help:"Password that the bootstrap gives to aumos_drift_app: it makes the roles of the whole platform."`
}

// Bootstrap makes the platform's roles and databases on the server of the governance database, and on that of the audit database if that is another
// one. Running it again repairs what differs and keeps all data.
func Bootstrap(ctx context.Context, m Migration) error {
	governance, auditing, err := m.urls()
	if err != nil {
		return err
	}
	servers := make([]string, 0, 2)
	for _, d := range []struct{ url, name string }{{governance, postgres.DatabaseGovernance}, {auditing, postgres.DatabaseAudit}} {
		u, err := parseURL(d.url)
		if err != nil {
			return err
		}
		if got := strings.TrimPrefix(u.Path, "/"); got != d.name {
			return fmt.Errorf("the bootstrap makes the database %s, but the administrator's URL names %q", d.name, got)
		}
		u.Path = "/" + m.MaintenanceDatabase
		if server := u.String(); len(servers) == 0 || servers[0] != server {
			servers = append(servers, server)
		}
	}
	for _, server := range servers {
		err := postgres.Bootstrap(ctx, server, migrations.Bootstrap(), postgres.RolePasswords{
			GovernanceApp: m.Passwords.GovernanceApp, AuditWriter: m.Passwords.AuditWriter, AuditReader: m.Passwords.AuditReader,
			DriftApp: m.Passwords.DriftApp,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Migrate brings the governance and the audit database up to date. Both have been bootstrapped. It returns the names of the migrations that it
// applied, such as "audit/0001_trail.sql"; running it again applies none.
func Migrate(ctx context.Context, m Migration) (applied []string, err error) {
	governance, auditing, err := m.urls()
	if err != nil {
		return nil, err
	}
	for _, d := range []struct {
		name, url, owner string
		fsys             fs.FS
		migrate          func(ctx context.Context, conn *pgx.Conn, fsys fs.FS, owner string) ([]string, error)
	}{
		{"governance", governance, postgres.RoleGovernanceOwner, migrations.Governance(), postgres.Migrate},
		{"audit", auditing, postgres.RoleAuditOwner, migrations.Audit(), migrateWall},
	} {
		names, err := migrateDatabase(ctx, d.url, func(conn *pgx.Conn) ([]string, error) { return d.migrate(ctx, conn, d.fsys, d.owner) })
		for _, name := range names {
			applied = append(applied, d.name+"/"+name)
		}
		if err != nil {
			return applied, fmt.Errorf("%s database: %w", d.name, err)
		}
	}
	return applied, nil
}

func migrateDatabase(ctx context.Context, adminURL string, migrate func(conn *pgx.Conn) ([]string, error)) (applied []string, err error) {
	conn, err := pgx.Connect(ctx, adminURL)
	if err != nil {
		return nil, fmt.Errorf("connect to migrate: %w", postgres.Translate(err))
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	return migrate(conn)
}

// urls returns the administrator's URLs of both databases.
func (m Migration) urls() (governance, auditing string, err error) {
	governance, auditing = m.AdminURL.Reveal(), m.AuditAdminURL.Reveal()
	if governance == "" {
		return "", "", errors.New("no administrator's URL: set " + Prefix + "MIGRATION__ADMIN_URL or --admin-url")
	}
	if auditing == "" {
		u, err := parseURL(governance)
		if err != nil {
			return "", "", err
		}
		u.Path = "/" + postgres.DatabaseAudit
		auditing = u.String()
	}
	return governance, auditing, nil
}

// parseURL reads an administrator's URL. Its errors do not show it: it holds a password.
func parseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return nil, errors.New("the administrator's URL is not of the form postgres://role:password@host:port/database")
	}
	return u, nil
}
