package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/posture"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// recordTimeout bounds the entry after a migration, which is made although ctx may have ended.
const recordTimeout = 20 * time.Second

// migrateWall is postgres.Migrate for the audit database. Migrations lift the guard against DDL, so they leave an entry on the platform's log before
// and one after, whatever came of them; without the first nothing is migrated. The service signs a head over them at its next start. Before the very
// first migration there is nothing to write to.
func migrateWall(ctx context.Context, conn *pgx.Conn, fsys fs.FS, owner string) (applied []string, err error) {
	pending, err := postgres.Pending(ctx, conn, fsys)
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", postgres.Translate(err))
	}
	if len(pending) == 0 {
		return postgres.Migrate(ctx, conn, fsys, owner) // says whatever else is wrong
	}
	record, err := posture.NewMigrationRecord()
	if err != nil {
		return nil, err
	}
	files, err := describeMigrations(fsys, pending)
	if err != nil {
		return nil, err
	}
	details := map[string]any{"migrations": files, "administrator": conn.Config().User}
	err = asWriter(ctx, conn, func() error { return record.Started(ctx, conn, details) })
	if err != nil && !errors.Is(err, audit.ErrNoTable) {
		return nil, fmt.Errorf("nothing is migrated that is not on the audit wall: %w", err)
	}
	applied, failure := postgres.Migrate(ctx, conn, fsys, owner)
	if files, err = describeMigrations(fsys, applied); err != nil {
		return applied, errors.Join(failure, err)
	}
	details = map[string]any{"migrations": files, "administrator": conn.Config().User}
	outcome := auditlog.Success
	if failure != nil {
		details["error"], outcome = failure.Error(), auditlog.Failure
	}
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	err = asWriter(after, conn, func() error { return record.Ended(after, conn, outcome, details) })
	if errors.Is(err, audit.ErrNoTable) && failure != nil { // the very first one failed
		err = nil
	}
	return applied, errors.Join(failure, err)
}

// asWriter runs fn while an administrator's connection acts as the wall's writer.
func asWriter(ctx context.Context, conn *pgx.Conn, fn func() error) error {
	if _, err := conn.Exec(ctx, `SET ROLE `+pgx.Identifier{postgres.RoleAuditWriter}.Sanitize()); err != nil {
		return fmt.Errorf("become %s (connect as a superuser, or as a member of it): %w", postgres.RoleAuditWriter, postgres.Translate(err))
	}
	err := fn()
	if _, resetErr := conn.Exec(ctx, `RESET ROLE`); resetErr != nil {
		err = errors.Join(err, fmt.Errorf("become administrator again: %w", postgres.Translate(resetErr)))
	}
	return err
}

// describeMigrations names migrations with the digests that the database keeps of them, too.
func describeMigrations(fsys fs.FS, names []string) ([]any, error) {
	list := make([]any, len(names))
	for i, name := range names {
		sql, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("read migration: %w", err)
		}
		sum := sha256.Sum256(sql)
		list[i] = map[string]any{"name": name, "sha256": hex.EncodeToString(sum[:])}
	}
	return list, nil
}
