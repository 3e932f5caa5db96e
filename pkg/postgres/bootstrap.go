package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/config"
)

// The roles of the platform.
const (
	RoleGovernanceOwner = "aumos_governance_owner"
	RoleGovernanceApp   = "aumos_governance_app"
	RoleAuditOwner      = "aumos_audit_owner"
	RoleAuditGuard      = "aumos_audit_guard"
	RoleAuditWriter     = "aumos_audit_writer"
	RoleAuditReader     = "aumos_audit_reader"
	RoleDriftOwner      = "aumos_drift_owner"
	RoleDriftApp        = "aumos_drift_app"
)

// The databases of the platform.
const (
	DatabaseGovernance = "aumos_governance"
	DatabaseAudit      = "aumos_audit"
	DatabaseDrift      = "aumos_drift"
)

// RolePasswords are the passwords of the login roles. An empty one leaves the role's password as it is.
type RolePasswords struct {
	GovernanceApp config.Secret
	AuditWriter   config.Secret
	AuditReader   config.Secret
	DriftApp      config.Secret
}

func (p RolePasswords) byRole() map[string]config.Secret {
	return map[string]config.Secret{
		RoleGovernanceApp: p.GovernanceApp,
		RoleAuditWriter:   p.AuditWriter,
		RoleAuditReader:   p.AuditReader,
		RoleDriftApp:      p.DriftApp,
	}
}

// Bootstrap makes the roles and the three databases on a server and sets who may enter them, by the SQL in fsys (migrations.Bootstrap).
// The administrator of adminURL is a superuser, or may create roles and databases. Running it again repairs what differs and keeps all data.
func Bootstrap(ctx context.Context, adminURL string, fsys fs.FS, passwords RolePasswords) error {
	admin, err := pgx.Connect(ctx, adminURL)
	if err != nil {
		return fmt.Errorf("bootstrap: %w", Translate(err))
	}
	defer closeConn(ctx, admin)
	unlock, err := lock(ctx, admin, bootstrapLock)
	if err != nil {
		return fmt.Errorf("bootstrap: %w", Translate(err))
	}
	defer unlock()
	if err := BootstrapRoles(ctx, admin, fsys, passwords); err != nil {
		return Translate(err)
	}
	for _, d := range []struct{ name, owner, file string }{
		{DatabaseGovernance, RoleGovernanceOwner, "governance.sql"},
		{DatabaseAudit, RoleAuditOwner, "audit.sql"},
		{DatabaseDrift, RoleDriftOwner, "drift.sql"},
	} {
		if err := createDatabase(ctx, admin, d.name, d.owner); err != nil {
			return fmt.Errorf("bootstrap database %s: %w", d.name, Translate(err))
		}
		if err := BootstrapDatabase(ctx, admin.Config(), d.name, fsys, d.file); err != nil {
			return fmt.Errorf("bootstrap database %s: %w", d.name, Translate(err))
		}
	}
	return nil
}

// BootstrapRoles runs the first part of Bootstrap: roles.sql. Concurrent calls must be kept apart by the caller.
func BootstrapRoles(ctx context.Context, admin *pgx.Conn, fsys fs.FS, passwords RolePasswords) error {
	sql, err := fs.ReadFile(fsys, "roles.sql")
	if err != nil {
		return fmt.Errorf("bootstrap roles: %w", err)
	}
	err = pgx.BeginFunc(ctx, admin, func(tx pgx.Tx) error {
		for role, password := range passwords.byRole() {
			if password == "" {
				continue
			}
			verifier, err := scramVerifier(password.Reveal())
			if err != nil {
				return fmt.Errorf("password of %s: %w", role, err)
			}
			if _, err := tx.Exec(ctx, `SELECT set_config('aumos_bootstrap.' || $1, $2, true)`, role, verifier); err != nil {
				return fmt.Errorf("pass password of %s: %w", role, err)
			}
		}
		_, err := tx.Exec(ctx, string(sql))
		return err
	})
	if err != nil {
		return fmt.Errorf("bootstrap roles: %w", err)
	}
	return nil
}

// BootstrapDatabase runs the last part of Bootstrap for one database: a file of privileges (governance.sql, audit.sql or drift.sql), inside the
// database of that name on the server of server.
func BootstrapDatabase(ctx context.Context, server *pgx.ConnConfig, name string, fsys fs.FS, file string) error {
	sql, err := fs.ReadFile(fsys, file)
	if err != nil {
		return fmt.Errorf("set privileges: %w", err)
	}
	inside := server.Copy()
	inside.Database = name
	conn, err := pgx.ConnectConfig(ctx, inside)
	if err != nil {
		return fmt.Errorf("set privileges: %w", err)
	}
	defer closeConn(ctx, conn)
	if err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { _, err := tx.Exec(ctx, string(sql)); return err }); err != nil {
		return fmt.Errorf("set privileges: %w", err)
	}
	return nil
}

// createDatabase makes the database unless it exists. Collation C orders text by code points, the same on every system and after every
// upgrade of its C library, on which page tokens and indexes rely.
func createDatabase(ctx context.Context, admin *pgx.Conn, name, owner string) error {
	var found string
	err := admin.QueryRow(ctx, `
		SELECT pg_get_userbyid(datdba)
		FROM pg_database
		WHERE datname = @name`, pgx.NamedArgs{"name": name}).Scan(&found)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		_, err = admin.Exec(ctx, `CREATE DATABASE `+pgx.Identifier{name}.Sanitize()+` OWNER `+pgx.Identifier{owner}.Sanitize()+
			` TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'`)
		if err != nil {
			return fmt.Errorf("create: %w", err)
		}
		return nil
	case err != nil:
		return fmt.Errorf("look up: %w", err)
	case found != owner:
		return fmt.Errorf("it is owned by %s: ALTER DATABASE %s OWNER TO %s", found, name, owner)
	}
	return nil
}
