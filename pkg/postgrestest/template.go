package postgrestest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// kind is a kind of database.
type kind struct {
	name    string // of its directory of migrations, and of its bootstrap file
	owner   string
	bare    bool // without migrations
	prepare []Prepare
}

func (k kind) key() string {
	words := []string{k.name, strconv.FormatBool(k.bare)}
	for _, p := range k.prepare {
		words = append(words, p.Name)
	}
	return strings.Join(words, "\n")
}

// template is a database that is cloned. Nobody can connect to it.
type template struct {
	once sync.Once
	name string
	err  error
}

// clone makes a test's own database.
func clone(tb testing.TB, k kind) *Database {
	tb.Helper()
	s, err := shared()
	if err != nil {
		tb.Fatal(err)
	}
	template, err := s.template(tb.Context(), k)
	if err != nil {
		tb.Fatalf("make template of %s database: %v", k.name, err)
	}
	name := "aumos_test_" + k.name + "_" + strings.ToLower(rand.Text())
	if err := s.create(tb.Context(), name, k.owner, template); err != nil {
		tb.Fatalf("clone %s database: %v", k.name, err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), cleanupWithin)
		defer cancel()
		if err := s.drop(ctx, name); err != nil {
			tb.Errorf("drop test database: %v", err)
		}
	})
	if err := s.copyPrivileges(tb.Context(), template, name); err != nil {
		tb.Fatalf("clone %s database: %v", k.name, err)
	}
	return &Database{tb: tb, server: s, owner: k.owner, Name: name, AdminURL: s.url(name, "")}
}

// template returns the name of the kind's template database, which the first test that needs it makes.
func (s *server) template(ctx context.Context, k kind) (string, error) {
	s.mu.Lock()
	entry := s.templates[k.key()]
	if entry == nil {
		entry = &template{}
		s.templates[k.key()] = entry
	}
	s.mu.Unlock()
	entry.once.Do(func() {
		// Others wait for it: it must not end with the first test.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), startWithin)
		defer cancel()
		entry.err = s.locked(ctx, func() (err error) {
			entry.name, err = s.makeTemplate(ctx, k)
			return err
		})
	})
	return entry.name, entry.err
}

// makeTemplate makes the template unless a finished one of the same content is there.
func (s *server) makeTemplate(ctx context.Context, k kind) (string, error) {
	fsys, err := source(k.name)
	if err != nil {
		return "", err
	}
	sum, err := digest(fsys, k.key())
	if err != nil {
		return "", err
	}
	name := "aumos_template_" + k.name + "_" + sum
	var finished bool
	err = s.admin.QueryRow(ctx, `
		SELECT datistemplate
		FROM pg_database
		WHERE datname = @name`, pgx.NamedArgs{"name": name}).Scan(&finished)
	switch {
	case finished:
		return name, nil
	case err == nil:
		if err := s.drop(ctx, name); err != nil { // unfinished
			return "", err
		}
	case !errors.Is(err, pgx.ErrNoRows):
		return "", fmt.Errorf("look up template: %w", err)
	}
	if err := s.create(ctx, name, k.owner, "template0"); err != nil {
		return "", err
	}
	if err := s.fill(ctx, name, k); err != nil {
		return "", err
	}
	if _, err := s.admin.Exec(ctx, `ALTER DATABASE `+pgx.Identifier{name}.Sanitize()+` IS_TEMPLATE true ALLOW_CONNECTIONS false`); err != nil {
		return "", fmt.Errorf("finish template: %w", err)
	}
	return name, nil
}

func (s *server) fill(ctx context.Context, name string, k kind) (err error) {
	if err := s.setPrivileges(ctx, name, k.name); err != nil {
		return err
	}
	if k.bare {
		return nil
	}
	fsys, err := source(k.name)
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, s.url(name, ""))
	if err != nil {
		return fmt.Errorf("connect to template: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }() // a template in use cannot be cloned
	if _, err := postgres.Migrate(ctx, conn, fsys, k.owner); err != nil {
		return err
	}
	for _, p := range k.prepare {
		if err := p.Run(ctx, conn); err != nil {
			return fmt.Errorf("prepare %s: %w", p.Name, err)
		}
	}
	return nil
}

func (s *server) setPrivileges(ctx context.Context, name, kind string) error {
	fsys, err := source("bootstrap")
	if err != nil {
		return err
	}
	return postgres.BootstrapDatabase(ctx, s.admin.Config().ConnConfig, name, fsys, kind+".sql")
}

func (s *server) create(ctx context.Context, name, owner, from string) error {
	sql := `CREATE DATABASE ` + pgx.Identifier{name}.Sanitize() + ` OWNER ` + pgx.Identifier{owner}.Sanitize() +
		` TEMPLATE ` + pgx.Identifier{from}.Sanitize() + ` STRATEGY ` + s.strategy
	if from == "template0" {
		sql += ` ENCODING 'UTF8' LOCALE 'C'`
	}
	if _, err := s.admin.Exec(ctx, sql); err != nil {
		return fmt.Errorf("create database: %w", err)
	}
	return nil
}

// copyPrivileges sets who may enter a clone as who may enter its template. CREATE DATABASE copies everything but that.
func (s *server) copyPrivileges(ctx context.Context, from, to string) error {
	var grants string
	err := s.admin.QueryRow(ctx, `
		SELECT coalesce(string_agg(format('GRANT %s ON DATABASE %I TO %s', privilege_type, @to::text, grantee::regrole), '; '), '')
		FROM pg_database, aclexplode(datacl)
		WHERE datname = @from AND grantee NOT IN (0, datdba)`, pgx.NamedArgs{"from": from, "to": to}).Scan(&grants)
	if err != nil {
		return fmt.Errorf("read privileges: %w", err)
	}
	if _, err := s.admin.Exec(ctx, `REVOKE ALL ON DATABASE `+pgx.Identifier{to}.Sanitize()+` FROM PUBLIC; `+grants); err != nil {
		return fmt.Errorf("set privileges: %w", err)
	}
	return nil
}

// drop removes a database, also from under connections that a test has left open.
func (s *server) drop(ctx context.Context, name string) error {
	if err := s.awaitDisconnect(ctx, name); err != nil {
		return fmt.Errorf("drop database: %w", err)
	}
	if _, err := s.admin.Exec(ctx, `DROP DATABASE IF EXISTS `+pgx.Identifier{name}.Sanitize()+` WITH (FORCE)`); err != nil {
		return fmt.Errorf("drop database: %w", err)
	}
	return nil
}

// awaitDisconnect gives connections that were closed just now a moment to end: DROP DATABASE waits in steps of 100 ms for those it finds.
func (s *server) awaitDisconnect(ctx context.Context, name string) error {
	const attempts = 30
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for range attempts {
		var connected bool
		err := s.admin.QueryRow(ctx, `
			SELECT EXISTS (
				SELECT
				FROM pg_stat_activity
				WHERE datname = @name
			)`, pgx.NamedArgs{"name": name}).Scan(&connected)
		if err != nil || !connected {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
	return nil
}
