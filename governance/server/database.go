package server

import (
	"context"
	"fmt"
	"io/fs"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/migrations"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// databases are the service's connections: to its own database, and to the Audit Wall's as each of its roles.
type databases struct {
	primary *pgxpool.Pool
	wall    audit.Databases
}

func openDatabases(ctx context.Context, cfg Config) (db databases, err error) {
	defer func() {
		if err != nil {
			db.close()
		}
	}()
	for _, d := range []struct {
		pool *(*pgxpool.Pool)
		cfg  postgres.Config
		name string
	}{
		{&db.primary, cfg.Database, name},
		{&db.wall.Writer, cfg.Audit.Writer, name + " audit writer"},
		{&db.wall.Reader, cfg.Audit.Reader, name + " audit reader"},
	} {
		if *d.pool, err = postgres.Open(ctx, d.cfg, d.name); err != nil {
			return db, err
		}
	}
	return db, nil
}

// close closes what is open.
func (d databases) close() {
	for _, pool := range []*pgxpool.Pool{d.primary, d.wall.Writer, d.wall.Reader} {
		if pool != nil {
			pool.Close()
		}
	}
}

// checkSchema refuses databases that lack a migration: half of the service would work, and the wall's guards could be missing.
func (d databases) checkSchema(ctx context.Context) error {
	for _, schema := range []struct {
		name string
		pool *pgxpool.Pool
		fsys fs.FS
	}{
		{"governance", d.primary, migrations.Governance()},
		{"audit", d.wall.Reader, migrations.Audit()},
	} {
		pending, err := postgres.Pending(ctx, schema.pool, schema.fsys)
		if err != nil {
			return fmt.Errorf("check schema of the %s database: %w", schema.name, postgres.Translate(err))
		}
		if len(pending) > 0 {
			return fmt.Errorf("the %s database lacks %s: run `%s`", schema.name, strings.Join(pending, ", "), migrateCommand)
		}
	}
	return nil
}
