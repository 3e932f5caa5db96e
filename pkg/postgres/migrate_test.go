package postgres_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

func files(texts map[string]string) fstest.MapFS {
	fsys := make(fstest.MapFS, len(texts))
	for name, text := range texts {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

func exists(t *testing.T, conn *pgx.Conn, table string) bool {
	t.Helper()
	var found bool
	if err := conn.QueryRow(t.Context(), `SELECT to_regclass($1) IS NOT NULL`, table).Scan(&found); err != nil {
		t.Fatal(err)
	}
	return found
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	db := postgrestest.Empty(t)
	conn := db.Admin()
	pool := db.Pool(postgres.RoleGovernanceApp)
	one := map[string]string{"0001_one.sql": "CREATE TABLE one (id integer); INSERT INTO one VALUES (1);\n"}
	two := maps.Clone(one)
	two["0002_two.sql"] = "CREATE TABLE two AS SELECT current_user::text AS who;"
	two["0003_three_superuser.sql"] = "CREATE TABLE three AS SELECT current_user::text AS who;"

	step := func(name string, texts map[string]string, pending, applied []string) {
		t.Helper()
		got, err := postgres.Pending(t.Context(), pool, files(texts))
		if err != nil || !slices.Equal(got, pending) {
			t.Errorf("%s: Pending = %q, %v; want %q", name, got, err, pending)
		}
		got, err = postgres.Migrate(t.Context(), conn, files(texts), postgres.RoleGovernanceOwner)
		if err != nil || !slices.Equal(got, applied) {
			t.Errorf("%s: Migrate = %q, %v; want %q", name, got, err, applied)
		}
	}
	step("first", one, []string{"0001_one.sql"}, []string{"0001_one.sql"})
	step("again", one, nil, nil)
	newer := []string{"0002_two.sql", "0003_three_superuser.sql"}
	step("newer release", two, newer, newer)
	step("older release on the newer database", one, nil, nil)

	owners := make(map[string]string)
	rows, err := conn.Query(t.Context(), `
		SELECT relname::text, pg_get_userbyid(relowner)::text
		FROM pg_class
		WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'`)
	if err != nil {
		t.Fatal(err)
	}
	var table, owner string
	if _, err := pgx.ForEachRow(rows, []any{&table, &owner}, func() error { owners[table] = owner; return nil }); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"schema_migrations": postgres.RoleGovernanceOwner, "one": postgres.RoleGovernanceOwner, "two": postgres.RoleGovernanceOwner,
		"three": "postgres",
	}
	if diff := cmp.Diff(want, owners); diff != "" {
		t.Errorf("owners (-want +got):\n%s", diff)
	}
	// The application role may read what was applied, for readiness, and no more.
	if _, err := pool.Exec(t.Context(), `DELETE FROM schema_migrations`); sqlstate(err) != "42501" {
		t.Errorf("the application role deletes from schema_migrations: %v", err)
	}
	ready := postgres.Probe(pool, files(two), "governance migrate")
	if err := ready(t.Context()); err != nil {
		t.Errorf("not ready with every migration: %v", err)
	}
	two["0004_four.sql"] = "SELECT 1;"
	if err := ready(t.Context()); err != nil { // the probe has the files it was made with
		t.Errorf("not ready: %v", err)
	}
	err = postgres.Probe(pool, files(two), "governance migrate")(t.Context())
	if err == nil || !strings.Contains(err.Error(), "0004_four.sql") || !strings.Contains(err.Error(), "governance migrate") {
		t.Errorf("error %v, want the migration that is missing and the command to run", err)
	}
}

func TestMigrateRefuses(t *testing.T) {
	t.Parallel()
	applied := map[string]string{"0002_done.sql": "CREATE TABLE done (id integer);"}
	for _, c := range []struct {
		name  string
		texts map[string]string
		want  string
	}{
		{"changed file", map[string]string{"0002_done.sql": "CREATE TABLE done (id bigint);"}, "0002_done.sql was changed after it was applied: the database was migrated by another version"},
		{"file before an applied one", map[string]string{"0001_late.sql": "SELECT 1;", "0002_done.sql": applied["0002_done.sql"]}, "higher number"},
		{"number used twice", map[string]string{"0003_a.sql": "SELECT 1;", "0003_b.sql": "SELECT 1;"}, "same number"},
		{"strange name", map[string]string{"3_a.sql": "SELECT 1;"}, "want a name like"},
		{"no files", nil, "file does not exist"},
		{"own commit", map[string]string{"0003_commit.sql": "CREATE TABLE kept (id integer); COMMIT;"}, "ends the transaction"},
		{"error", map[string]string{"0003_bad.sql": "CREATE TABLE half (id integer);\n-- ż\nSELECT nothing\nFROM nowhere;"}, "line 4: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			conn := postgrestest.Empty(t).Admin()
			if _, err := postgres.Migrate(t.Context(), conn, files(applied), postgres.RoleGovernanceOwner); err != nil {
				t.Fatal(err)
			}
			got, err := postgres.Migrate(t.Context(), conn, files(c.texts), postgres.RoleGovernanceOwner)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
			if len(got) != 0 {
				t.Errorf("applied %q", got)
			}
			if exists(t, conn, "half") {
				t.Error("half a migration was left behind")
			}
			var role string
			if err := conn.QueryRow(t.Context(), `SELECT current_user::text`).Scan(&role); err != nil || role != "postgres" {
				t.Errorf("the connection is left as %s, %v; want postgres", role, err)
			}
		})
	}
}

// What comes before a failure stays, and the next run goes on from there.
func TestMigrateGoesOnAfterFailure(t *testing.T) {
	t.Parallel()
	conn := postgrestest.Empty(t).Admin()
	texts := map[string]string{"0001_one.sql": "CREATE TABLE one (id integer);", "0002_two.sql": "CREATE TABLE one (id integer);"}
	got, err := postgres.Migrate(t.Context(), conn, files(texts), postgres.RoleGovernanceOwner)
	if sqlstate(err) != "42P07" || !slices.Equal(got, []string{"0001_one.sql"}) { // duplicate_table
		t.Errorf("Migrate = %q, %v; want 0001_one.sql and SQLSTATE 42P07", got, err)
	}
	texts["0002_two.sql"] = "CREATE TABLE two (id integer);" // it was never applied: it may change
	got, err = postgres.Migrate(t.Context(), conn, files(texts), postgres.RoleGovernanceOwner)
	if err != nil || !slices.Equal(got, []string{"0002_two.sql"}) {
		t.Errorf("Migrate = %q, %v; want 0002_two.sql", got, err)
	}
}

func TestMigrateFromSeveralReplicas(t *testing.T) {
	t.Parallel()
	db := postgrestest.Empty(t)
	texts := make(map[string]string)
	for i := range 5 {
		texts[fmt.Sprintf("%04d_table.sql", i+1)] = fmt.Sprintf("CREATE TABLE t%d (id integer);", i)
	}
	const replicas = 4
	var applied [replicas][]string
	var failed [replicas]error
	var replica sync.WaitGroup
	for i := range replicas {
		conn := db.Admin()
		replica.Go(func() {
			applied[i], failed[i] = postgres.Migrate(t.Context(), conn, files(texts), postgres.RoleGovernanceOwner)
		})
	}
	replica.Wait()
	if err := errors.Join(failed[:]...); err != nil {
		t.Fatal(err)
	}
	if got := slices.Concat(applied[:]...); !slices.Equal(got, slices.Sorted(maps.Keys(texts))) {
		t.Errorf("the replicas applied %q, want each migration once", got)
	}
}

// The audit database denies DDL to everyone; migrations lift that for themselves alone.
func TestMigrateLiftsDenyTriggers(t *testing.T) {
	t.Parallel()
	db := postgrestest.Empty(t)
	conn := db.Admin()
	texts := map[string]string{"0001_deny_superuser.sql": `
		CREATE FUNCTION deny() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'denied'; END $$;
		CREATE TABLE wide (value integer);
		INSERT INTO wide VALUES (1);
		CREATE EVENT TRIGGER aumos_audit_deny_ddl ON ddl_command_start EXECUTE FUNCTION deny();
		CREATE EVENT TRIGGER aumos_audit_deny_rewrite ON table_rewrite EXECUTE FUNCTION deny();`}
	migrate := func() error {
		_, err := postgres.Migrate(t.Context(), conn, files(texts), postgres.RoleGovernanceOwner)
		return err
	}
	deniedNow := func(when string) {
		t.Helper()
		for _, role := range []*pgx.Conn{conn, db.Owner()} {
			if _, err := role.Exec(t.Context(), `CREATE TABLE sneaked (id integer)`); sqlstate(err) != "P0001" {
				t.Errorf("%s: CREATE TABLE: %v, want it denied", when, err)
			}
		}
		var always int
		err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_event_trigger WHERE evtenabled = 'A'`).Scan(&always)
		if err != nil || always != 2 {
			t.Errorf("%s: %d event triggers are enabled always, %v; want 2", when, always, err)
		}
	}
	if err := migrate(); err != nil {
		t.Fatal(err)
	}
	deniedNow("after the migration that made the triggers")

	texts["0002_more.sql"] = "CREATE TABLE more (id integer);"
	texts["0003_rewrite_superuser.sql"] = "ALTER TABLE wide ALTER COLUMN value TYPE text;"
	if err := migrate(); err != nil {
		t.Fatal(err)
	}
	deniedNow("after further migrations")
	if !exists(t, conn, "more") {
		t.Error("the migration under lifted triggers had no effect")
	}

	texts["0004_fails.sql"] = "CREATE TABLE gone (id integer); SELECT 1 / 0;"
	if err := migrate(); sqlstate(err) != "22012" { // division_by_zero
		t.Fatalf("error %v, want SQLSTATE 22012", err)
	}
	deniedNow("after a migration that failed")
	if exists(t, conn, "gone") {
		t.Error("the failed migration was left half applied")
	}
}
