package postgres

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"regexp"

	"github.com/jackc/pgx/v5"
)

// Querier is a pool, a connection or a transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

type migration struct {
	name   string
	sql    string
	sha256 [sha256.Size]byte
}

var migrationName = regexp.MustCompile(`^([0-9]{4})_[a-z0-9_]+\.sql$`)

// readMigrations returns the directory's files in the order of their numbers, which are unique.
func readMigrations(fsys fs.FS) ([]migration, error) {
	names, err := fs.Glob(fsys, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("list migrations: %w", fs.ErrNotExist)
	}
	files := make([]migration, len(names))
	numbers := make(map[string]string, len(names))
	for i, name := range names { // fs.Glob sorts
		match := migrationName.FindStringSubmatch(name)
		if match == nil {
			return nil, fmt.Errorf("migration %s: want a name like 0001_what_it_does.sql", name)
		}
		if other, taken := numbers[match[1]]; taken {
			return nil, fmt.Errorf("migrations %s and %s have the same number", other, name)
		}
		numbers[match[1]] = name
		sql, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("read migration: %w", err)
		}
		files[i] = migration{name: name, sql: string(sql), sha256: sha256.Sum256(sql)}
	}
	return files, nil
}

// ErrOtherVersion reports that a database was migrated by files of the same names with other text.
var ErrOtherVersion = errors.New("the database was migrated by another version of the program: run that one on it, or this one on a new database; " +
	"who changed the file restores it and writes a new one")

// Pending returns the names of the migrations in fsys that the database lacks, in order. Any role that may use the database may ask.
// A file that was changed after it was applied is an error; an applied migration that fsys does not have is not, since the database of a newer
// release serves an older one.
func Pending(ctx context.Context, db Querier, fsys fs.FS) ([]string, error) {
	pending, err := pendingMigrations(ctx, db, fsys)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(pending))
	for i, m := range pending {
		names[i] = m.name
	}
	return names, nil
}

func pendingMigrations(ctx context.Context, db Querier, fsys fs.FS) ([]migration, error) {
	files, err := readMigrations(fsys)
	if err != nil {
		return nil, err
	}
	applied, err := appliedMigrations(ctx, db)
	if err != nil {
		return nil, err
	}
	var pending []migration
	for _, m := range files {
		sum, done := applied[m.name]
		switch {
		case done && !bytes.Equal(sum, m.sha256[:]):
			return nil, fmt.Errorf("migration %s was changed after it was applied: %w", m.name, ErrOtherVersion)
		case done && len(pending) > 0:
			return nil, fmt.Errorf("migration %s comes before %s, which is applied already: give it a higher number", pending[0].name, m.name)
		case !done:
			pending = append(pending, m)
		}
	}
	return pending, nil
}

// appliedMigrations returns the digests of what was applied, by name: nothing before the first migration.
func appliedMigrations(ctx context.Context, db Querier) (map[string][]byte, error) {
	rows, err := db.Query(ctx, `SELECT to_regclass('public.schema_migrations') IS NOT NULL`)
	if err != nil {
		return nil, fmt.Errorf("look for applied migrations: %w", err)
	}
	exists, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[bool])
	if err != nil {
		return nil, fmt.Errorf("look for applied migrations: %w", err)
	}
	applied := make(map[string][]byte)
	if !exists {
		return applied, nil
	}
	rows, err = db.Query(ctx, `
		SELECT name, sha256
		FROM public.schema_migrations
		ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("read applied migrations: %w", err)
	}
	var name string
	var sum []byte
	_, err = pgx.ForEachRow(rows, []any{&name, &sum}, func() error {
		applied[name] = bytes.Clone(sum)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read applied migrations: %w", err)
	}
	return applied, nil
}
