package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// superuserSuffix ends the names of migrations that run as the connecting role itself.
const superuserSuffix = "_superuser.sql"

// Migrate applies the migrations of fsys that the database lacks, each in a transaction of its own that also records its name and SHA-256
// in schema_migrations, and returns the names of those it applied, also when a later one fails. A migration runs as the owner role (SET ROLE),
// one that ends in _superuser.sql as the connecting role. Concurrent calls wait for each other. The event triggers that deny DDL in the
// audit database are lifted inside the transaction, so that no other session ever sees them lifted, and stand again when it commits.
func Migrate(ctx context.Context, conn *pgx.Conn, fsys fs.FS, owner string) (applied []string, err error) {
	unlock, err := lock(ctx, conn, migrateLock)
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", Translate(err))
	}
	defer unlock()
	pending, err := pendingMigrations(ctx, conn, fsys)
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", Translate(err))
	}
	for _, m := range pending {
		if err := apply(ctx, conn, m, owner); err != nil {
			return applied, fmt.Errorf("migrate: apply %s: %w", m.name, Translate(err))
		}
		applied = append(applied, m.name)
	}
	return applied, nil
}

func apply(ctx context.Context, conn *pgx.Conn, m migration, owner string) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		// A migration that waits for a lock holds up every statement behind it: rather give up and be run again.
		if _, err := tx.Exec(ctx, `SET LOCAL search_path TO public; SET LOCAL lock_timeout TO '10s'`); err != nil {
			return fmt.Errorf("set up session: %w", err)
		}
		if err := liftDenyTriggers(ctx, tx); err != nil {
			return err
		}
		if err := become(ctx, tx, owner); err != nil {
			return err
		}
		if err := createMigrationsTable(ctx, tx); err != nil {
			return err
		}
		if err := run(ctx, tx, m); err != nil {
			return err
		}
		if err := become(ctx, tx, owner); err != nil { // also ends a SET ROLE of the migration's own
			return err
		}
		_, err := tx.Exec(ctx, `
			INSERT INTO public.schema_migrations (name, sha256)
			VALUES (@name, @sha256)`, pgx.NamedArgs{"name": m.name, "sha256": m.sha256[:]})
		if err != nil {
			return fmt.Errorf("record: %w", err)
		}
		if err := becomeAdmin(ctx, tx); err != nil {
			return err
		}
		return restoreDenyTriggers(ctx, tx)
	})
}

func run(ctx context.Context, tx pgx.Tx, m migration) error {
	if strings.HasSuffix(m.name, superuserSuffix) {
		if err := becomeAdmin(ctx, tx); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, m.sql); err != nil {
		return withLine(err, m.sql)
	}
	if tx.Conn().PgConn().TxStatus() != 'T' {
		return errors.New("it ends the transaction it runs in: remove COMMIT and ROLLBACK")
	}
	return nil
}

func become(ctx context.Context, tx pgx.Tx, role string) error {
	if _, err := tx.Exec(ctx, `SET LOCAL ROLE `+pgx.Identifier{role}.Sanitize()); err != nil {
		return fmt.Errorf("become %s: %w", role, err)
	}
	return nil
}

func becomeAdmin(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, `SET LOCAL ROLE NONE`); err != nil {
		return fmt.Errorf("become connecting role again: %w", err)
	}
	return nil
}

// createMigrationsTable makes the record of migrations. Everyone who may enter the database may read it: readiness does.
func createMigrationsTable(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `
		CREATE TABLE IF NOT EXISTS public.schema_migrations (
			name       text        NOT NULL,
			sha256     bytea       NOT NULL,
			applied_at timestamptz NOT NULL DEFAULT now(),
			CONSTRAINT schema_migrations_pkey PRIMARY KEY (name),
			CONSTRAINT schema_migrations_sha256_check CHECK (octet_length(sha256) = 32)
		);
		GRANT SELECT ON public.schema_migrations TO PUBLIC`)
	if err != nil {
		return fmt.Errorf("create schema_migrations: %w", err)
	}
	return nil
}

// withLine adds the line of the file to a server's error.
func withLine(err error, sql string) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Position < 1 {
		return err
	}
	runes := []rune(sql)
	before := string(runes[:min(int(pg.Position)-1, len(runes))])
	return fmt.Errorf("line %d: %w", 1+strings.Count(before, "\n"), err)
}
