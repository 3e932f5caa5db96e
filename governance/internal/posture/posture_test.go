package posture_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/governance/internal/posture"
	"github.com/aumos-enterprise/platform/migrations"
	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

func look(t *testing.T, db postgrestest.AuditDB, opts posture.Options) map[string]posture.Check {
	t.Helper()
	checks, err := posture.Look(t.Context(), audittest.Databases(db), opts)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]posture.Check{}
	for _, c := range checks {
		if c.Remedy == "" || c.OK != (len(c.Problems) == 0) {
			t.Errorf("check %+v", c)
		}
		byName[c.Name] = c
	}
	if len(byName) != len(checks) {
		t.Errorf("%d checks have %d names", len(checks), len(byName))
	}
	return byName
}

func TestPostureOfMigratedDatabase(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	gov := postgrestest.Governance(t)
	for name, c := range look(t, db, posture.Options{Primary: gov.App}) {
		switch name {
		case "durability", "own_server": // the tests' server has fsync off and holds both databases
			if c.OK || c.Required {
				t.Errorf("%+v", c)
			}
		case "checksums": // as the server was made
			if c.Required {
				t.Errorf("%+v", c)
			}
		default:
			if !c.OK {
				t.Errorf("%+v", c)
			}
		}
	}
	production := config.Deployment{Production: true}
	checks := look(t, db, posture.Options{Primary: gov.App, Deployment: production})
	refusal := posture.Refusal(slices.Collect(maps.Values(checks)))
	for _, name := range []string{"durability", "own_server"} {
		if refusal == nil || !strings.Contains(refusal.Error(), name) || !strings.Contains(refusal.Error(), checks[name].Remedy) {
			t.Errorf("production does not refuse for %s: %v", name, refusal)
		}
	}
	production.AllowInsecure = config.Insecure{audit.InsecureSameServer, audit.InsecureStorage}
	checks = look(t, db, posture.Options{Primary: gov.App, Deployment: production})
	if err := posture.Refusal(slices.Collect(maps.Values(checks))); err != nil {
		t.Errorf("production refuses what is allowed by name: %v", err)
	}
}

func TestPostureNoticesTheServicesOwnDatabase(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	checks := look(t, db, posture.Options{Primary: db.Reader})
	if c := checks["own_database"]; c.OK || !c.Required {
		t.Errorf("%+v", c)
	}
}

func TestPostureRefusesASuperuser(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	admin, err := postgres.Open(t.Context(), postgres.Config{URL: config.Secret(db.AdminURL), AllowPrivilegedRole: true}, "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(admin.Close)
	checks, err := posture.Look(t.Context(), audit.Databases{Writer: admin, Reader: db.Reader}, posture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := posture.Refusal(checks); err == nil || !strings.Contains(err.Error(), "writer_role") {
		t.Errorf("Refusal: %v", err)
	}
}

// TestPostureOfRoles changes what all databases of a server share, on a server of its own.
func TestPostureOfRoles(t *testing.T) {
	t.Parallel()
	server := postgrestest.Server(t)
	if err := postgres.Bootstrap(t.Context(), server.AdminURL(), migrations.Bootstrap(), server.RolePasswords()); err != nil {
		t.Fatal(err)
	}
	admin, err := pgx.Connect(t.Context(), server.URL(postgres.DatabaseAudit, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Close(context.Background()) })
	if _, err := postgres.Migrate(t.Context(), admin, migrations.Audit(), postgres.RoleAuditOwner); err != nil {
		t.Fatal(err)
	}
	open := func(role string) *pgxpool.Pool {
		pool, err := postgres.Open(t.Context(), postgres.Config{
			URL: config.Secret(server.URL(postgres.DatabaseAudit, role)), AllowPrivilegedRole: true,
		}, "test")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		return pool
	}
	dbs := audit.Databases{Writer: open(postgres.RoleAuditWriter), Reader: open(postgres.RoleAuditReader)}
	for _, tc := range []struct {
		change, undo string
		failing      []string
	}{
		{`SELECT 1`, `SELECT 1`, nil},
		{`ALTER ROLE aumos_audit_owner LOGIN`, `ALTER ROLE aumos_audit_owner NOLOGIN`, []string{"owners"}},
		{`ALTER ROLE aumos_audit_guard SUPERUSER`, `ALTER ROLE aumos_audit_guard NOSUPERUSER`, []string{"owners"}},
		{`ALTER ROLE aumos_audit_reader BYPASSRLS`, `ALTER ROLE aumos_audit_reader NOBYPASSRLS`, []string{"reader_role"}},
		{`ALTER ROLE aumos_audit_writer CREATEROLE`, `ALTER ROLE aumos_audit_writer NOCREATEROLE`, []string{"writer_role"}},
		{`GRANT aumos_audit_owner TO aumos_audit_writer`, `REVOKE aumos_audit_owner FROM aumos_audit_writer`, []string{"owner_members", "writer_role"}},
		{`GRANT pg_write_all_data TO aumos_audit_reader`, `REVOKE pg_write_all_data FROM aumos_audit_reader`, []string{"privileges", "reader_role"}},
		{`GRANT SET ON PARAMETER session_replication_role TO aumos_audit_writer`, `REVOKE SET ON PARAMETER session_replication_role FROM aumos_audit_writer`, []string{"grants"}},
		{`ALTER ROLE aumos_audit_reader SET aumos.tenant_id = 'x'`, `ALTER ROLE aumos_audit_reader RESET aumos.tenant_id`, []string{"settings"}},
		{`ALTER ROLE aumos_audit_reader SET statement_timeout = '1min'`, `ALTER ROLE aumos_audit_reader RESET statement_timeout`, nil},
		{`GRANT pg_write_all_data TO aumos_drift_app`, `REVOKE pg_write_all_data FROM aumos_drift_app`, []string{"privileges"}},
	} {
		if _, err := admin.Exec(t.Context(), tc.change); err != nil {
			t.Fatal(err)
		}
		dbs.Writer.Reset() // settings count from a session's start
		dbs.Reader.Reset()
		checks, err := posture.Look(t.Context(), dbs, posture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var failing []string
		for _, c := range checks {
			if !c.OK && c.Name != "durability" && c.Name != "checksums" {
				failing = append(failing, c.Name)
			}
		}
		slices.Sort(failing)
		for _, name := range tc.failing {
			if !slices.Contains(failing, name) {
				t.Errorf("%s: %q fail, want %q", tc.change, failing, tc.failing)
			}
		}
		if tc.failing == nil && failing != nil {
			t.Errorf("%q fail", failing)
		}
		if _, err := admin.Exec(t.Context(), tc.undo); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPostureFindsEachWeakening weakens the wall in one way at a time, as a superuser with the guards lifted, and expects the check that says so.
func TestPostureFindsEachWeakening(t *testing.T) {
	t.Parallel()
	const changed = `
		CREATE OR REPLACE FUNCTION aumos_audit_guard.deny_change() RETURNS trigger
			LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS 'BEGIN RETURN NEW; END'`
	for name, tc := range map[string]struct{ sql, check string }{
		"table unlogged":         {`ALTER TABLE gov_audit_checkpoints SET UNLOGGED`, "tables"},
		"table dropped":          {`DROP TABLE gov_audit_checkpoints`, "tables"},
		"table owned by another": {`ALTER TABLE gov_audit_trail_entries_p1 OWNER TO postgres`, "tables"},
		"partition detached":     {`ALTER TABLE gov_audit_trail_entries DETACH PARTITION gov_audit_trail_entries_p2`, "tables"},
		"partition of a partition": {`
			ALTER TABLE gov_audit_trail_entries DETACH PARTITION gov_audit_trail_entries_p2;
			ALTER TABLE gov_audit_trail_entries_p2 RENAME TO sub;
			CREATE TABLE gov_audit_trail_entries_p2 (LIKE gov_audit_trail_entries INCLUDING ALL) PARTITION BY HASH (tenant_id);
			ALTER TABLE gov_audit_trail_entries_p2 OWNER TO aumos_audit_owner;
			ALTER TABLE gov_audit_trail_entries_p2 ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
			REVOKE ALL ON gov_audit_trail_entries_p2 FROM aumos_audit_owner;
			DROP TRIGGER aumos_audit_deny_statement ON sub;
			ALTER TABLE gov_audit_trail_entries_p2 ATTACH PARTITION sub FOR VALUES WITH (MODULUS 1, REMAINDER 0);
			ALTER TABLE gov_audit_trail_entries ATTACH PARTITION gov_audit_trail_entries_p2 FOR VALUES WITH (MODULUS 4, REMAINDER 2);
			CREATE TRIGGER aumos_audit_deny_statement BEFORE UPDATE OR DELETE OR TRUNCATE ON gov_audit_trail_entries_p2
				FOR EACH STATEMENT EXECUTE FUNCTION aumos_audit_guard.deny_change();
			ALTER TABLE gov_audit_trail_entries_p2 ENABLE ALWAYS TRIGGER aumos_audit_deny_statement;
			ALTER TABLE gov_audit_trail_entries_p2 ENABLE ALWAYS TRIGGER aumos_audit_deny_row;
			ALTER TABLE sub DISABLE TRIGGER aumos_audit_deny_row;
			GRANT UPDATE, DELETE, TRUNCATE ON sub TO aumos_audit_writer`, "tables"},
		"primary key dropped":          {`ALTER TABLE gov_audit_trail_entries DROP CONSTRAINT gov_audit_trail_entries_pkey`, "keys schema"},
		"entry id key dropped":         {`ALTER TABLE gov_audit_trail_entries DROP CONSTRAINT gov_audit_trail_entries_entry_id_key`, "keys schema"},
		"row security off":             {`ALTER TABLE gov_audit_trail_entries DISABLE ROW LEVEL SECURITY`, "row_security"},
		"row security off on a part":   {`ALTER TABLE gov_audit_trail_entries_p3 DISABLE ROW LEVEL SECURITY`, "row_security"},
		"row security not forced":      {`ALTER TABLE gov_audit_checkpoints NO FORCE ROW LEVEL SECURITY`, "row_security"},
		"policy dropped":               {`DROP POLICY gov_audit_trail_entries_read ON gov_audit_trail_entries`, "policies"},
		"policy widened":               {`ALTER POLICY gov_audit_trail_entries_read ON gov_audit_trail_entries USING (true)`, "policies"},
		"policy for more roles":        {`ALTER POLICY gov_audit_trail_entries_read ON gov_audit_trail_entries TO PUBLIC`, "policies"},
		"policy added":                 {`CREATE POLICY extra ON gov_audit_trail_entries_p0 FOR SELECT USING (true)`, "policies"},
		"restrictive policy added":     {`CREATE POLICY extra ON gov_audit_trail_entries AS RESTRICTIVE FOR INSERT WITH CHECK (false)`, "policies"},
		"row trigger disabled":         {`ALTER TABLE gov_audit_trail_entries DISABLE TRIGGER aumos_audit_deny_row`, "triggers"},
		"trigger not always":           {`ALTER TABLE gov_audit_trail_entries_p0 ENABLE TRIGGER aumos_audit_deny_statement`, "triggers"},
		"trigger dropped":              {`DROP TRIGGER aumos_audit_deny_statement ON gov_audit_trail_entries_p1`, "triggers"},
		"trigger on fewer events":      {`DROP TRIGGER aumos_audit_deny_statement ON gov_audit_checkpoints; CREATE TRIGGER aumos_audit_deny_statement BEFORE UPDATE ON gov_audit_checkpoints FOR EACH STATEMENT EXECUTE FUNCTION aumos_audit_guard.deny_change()`, "triggers"},
		"trigger added":                {`CREATE TRIGGER extra BEFORE INSERT ON gov_audit_trail_entries FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()`, "triggers"},
		"trigger updated in catalogue": {`UPDATE pg_trigger SET tgenabled = 'D' WHERE tgname = 'aumos_audit_deny_row'`, "triggers"},
		"rule added":                   {`CREATE RULE extra AS ON INSERT TO gov_audit_checkpoints DO INSTEAD NOTHING`, "rules"},
		"guard function replaced":      {changed, "guard_functions"},
		"guard function given away":    {`ALTER FUNCTION aumos_audit_guard.deny_ddl() OWNER TO aumos_audit_owner`, "guard_functions"},
		"guard function as definer":    {`ALTER FUNCTION aumos_audit_guard.deny_rewrite() SECURITY DEFINER`, "guard_functions"},
		"guard function without path":  {`ALTER FUNCTION aumos_audit_guard.deny_change() RESET search_path`, "guard_functions"},
		"guard schema given away":      {`ALTER SCHEMA aumos_audit_guard OWNER TO aumos_audit_owner`, "guard_functions"},
		"update granted":               {`GRANT UPDATE ON gov_audit_trail_entries TO aumos_audit_writer`, "privileges"},
		"update of a column granted":   {`GRANT UPDATE (actor_id) ON gov_audit_trail_entries TO aumos_audit_reader`, "privileges"},
		"delete granted to everyone":   {`GRANT DELETE ON gov_audit_checkpoints TO PUBLIC`, "privileges"},
		"truncate of a part granted":   {`GRANT TRUNCATE ON gov_audit_trail_entries_p2 TO aumos_audit_owner`, "privileges"},
		"insert granted":               {`GRANT INSERT ON gov_audit_trail_entries TO aumos_audit_reader`, "privileges"},
		"select of a part granted":     {`GRANT SELECT ON gov_audit_trail_entries_p0 TO aumos_audit_reader`, "privileges"},
		"content granted to writer":    {`GRANT SELECT ON gov_audit_trail_entries TO aumos_audit_writer`, "privileges"},
		"DDL guard disabled":           {`ALTER EVENT TRIGGER aumos_audit_deny_ddl DISABLE`, "event_triggers_enabled"},
		"rewrite guard not always":     {`ALTER EVENT TRIGGER aumos_audit_deny_rewrite ENABLE`, "event_triggers_enabled"},
		"rewrite guard dropped":        {`DROP EVENT TRIGGER aumos_audit_deny_rewrite`, "event_triggers"},
		"definer function added":       {`CREATE FUNCTION public.helper() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM public.gov_audit_checkpoints'; GRANT EXECUTE ON FUNCTION public.helper() TO aumos_audit_writer`, "definer_functions"},
		"writer may create":            {`GRANT CREATE ON SCHEMA public TO aumos_audit_writer`, "writer_role grants"},
		"reader may create":            {`DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO aumos_audit_reader', current_database()); END $$`, "reader_role grants"},
		"maintenance granted": {`DO $$ BEGIN -- a privilege of PostgreSQL 17 and later
			EXECUTE 'GRANT ' || CASE WHEN current_setting('server_version_num')::int < 170000 THEN 'REFERENCES' ELSE 'MAINTAIN' END ||
				' ON gov_audit_trail_entries_p0 TO aumos_audit_writer';
		END $$`, "privileges"},
		"another role may create":      {`GRANT CREATE ON SCHEMA public TO aumos_drift_app`, "grants"},
		"everybody may create a table": {`DO $$ BEGIN EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO PUBLIC', current_database()); END $$`, "grants"},
		"everybody may enter":          {`DO $$ BEGIN EXECUTE format('GRANT CONNECT ON DATABASE %I TO PUBLIC', current_database()); END $$`, "grants"},
		"everybody may use the guard":  {`GRANT USAGE ON SCHEMA aumos_audit_guard TO PUBLIC`, "grants"},
		"guard function for everybody": {`GRANT EXECUTE ON FUNCTION aumos_audit_guard.deny_ddl() TO PUBLIC`, "grants"},
		"default privileges":           {`ALTER DEFAULT PRIVILEGES FOR ROLE aumos_audit_owner GRANT ALL ON TABLES TO aumos_audit_writer`, "grants"},
		"public schema given away":     {`ALTER SCHEMA public OWNER TO aumos_drift_app`, "grants"},
		"migrations may be forged":     {`GRANT INSERT ON schema_migrations TO aumos_audit_writer`, "grants"},
		"tenant set for the database":  {`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET aumos.tenant_id = %L', current_database(), 'x'); END $$`, "settings"},
		"setting of a role":            {`DO $$ BEGIN EXECUTE format('ALTER ROLE aumos_audit_writer IN DATABASE %I SET synchronous_commit = off', current_database()); END $$`, "settings"},
		"column added":                 {`ALTER TABLE gov_audit_trail_entries ADD COLUMN extra text`, "schema"},
		"column dropped":               {`ALTER TABLE gov_audit_cosignatures DROP COLUMN cosigned_at`, "schema"},
		"column may be null":           {`ALTER TABLE gov_audit_checkpoints ALTER COLUMN note DROP NOT NULL`, "schema"},
		"default set":                  {`ALTER TABLE gov_audit_trail_entries ALTER COLUMN outcome SET DEFAULT 'SUCCESS'`, "schema"},
		"default of a partition set":   {`ALTER TABLE gov_audit_trail_entries_p1 ALTER COLUMN actor_id SET DEFAULT ''`, "schema"},
		"column of another type":       {`ALTER TABLE gov_audit_cosignatures ALTER COLUMN line TYPE varchar`, "schema"},
		"check dropped":                {`ALTER TABLE gov_audit_trail_entries DROP CONSTRAINT gov_audit_trail_entries_hashes_check`, "schema"},
		"check added":                  {`ALTER TABLE gov_audit_trail_entries ADD CONSTRAINT none CHECK (actor_id <> 'user-1') NOT VALID`, "schema"},
		"index dropped":                {`DROP INDEX gov_audit_trail_entries_actor_idx`, "schema"},
		"index added":                  {`CREATE INDEX extra ON gov_audit_trail_entries_p3 ((length(entry)))`, "schema"},
		"index not valid":              {`UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'gov_audit_trail_entries_p0_pkey'::regclass`, "schema keys"},
		"table with options":           {`ALTER TABLE gov_audit_checkpoints SET (autovacuum_enabled = off)`, "schema"},
		"rows sent to subscribers":     {`ALTER TABLE gov_audit_checkpoints REPLICA IDENTITY FULL`, "schema"},
		"migration altered":            {`UPDATE schema_migrations SET sha256 = sha256('x') WHERE name = '0002_trail.sql'`, "schema"},
		"migration forgotten":          {`DELETE FROM schema_migrations WHERE name = '0002_trail.sql'`, "schema"},
		"view added":                   {`CREATE VIEW everything AS SELECT * FROM gov_audit_trail_entries; GRANT SELECT ON everything TO aumos_audit_reader`, "objects"},
		"table added":                  {`CREATE TABLE aside (LIKE gov_audit_trail_entries)`, "objects"},
		"sequence added":               {`CREATE SEQUENCE counter`, "objects"},
		"schema added":                 {`CREATE SCHEMA aumos_audit_writer`, "objects"},
		"function added":               {`CREATE FUNCTION lower(uuid) RETURNS text LANGUAGE sql AS 'SELECT 1::text'`, "objects"},
		"function of PostgreSQL added": {`CREATE FUNCTION pg_catalog.now(text) RETURNS timestamptz LANGUAGE sql AS 'SELECT pg_catalog.now()'`, "objects"},
		"guard function overloaded":    {`CREATE FUNCTION aumos_audit_guard.deny_change(int) RETURNS int LANGUAGE sql AS 'SELECT 1'`, "objects grants"},
		"function hidden in plpgsql":   {`CREATE FUNCTION hidden() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER EXTENSION plpgsql ADD FUNCTION hidden()`, "objects"},
		"definer hidden in plpgsql":    {`CREATE FUNCTION hidden() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'; ALTER EXTENSION plpgsql ADD FUNCTION hidden()`, "definer_functions"},
		"definer beside the guard":     {`CREATE FUNCTION aumos_audit_guard.deny() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'`, "definer_functions grants"},
		"operator added":               {`CREATE OPERATOR public.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = uuid_ne)`, "objects"},
		"type added":                   {`CREATE DOMAIN public.uuid AS text`, "objects"},
		"enum added":                   {`CREATE TYPE colour AS ENUM ('red')`, "objects"},
		"cast added":                   {`CREATE CAST (point AS uuid) WITH INOUT`, "objects"},
		"collation added":              {`CREATE COLLATION public."C" FROM "POSIX"`, "objects"},
		"publication added":            {`CREATE PUBLICATION leak FOR ALL TABLES`, "objects"},
		"event trigger added":          {`CREATE EVENT TRIGGER extra ON sql_drop EXECUTE FUNCTION aumos_audit_guard.deny_ddl()`, "objects"},
		"foreign data wrapper added":   {`CREATE FOREIGN DATA WRAPPER away`, "objects"},
		"foreign key to the wall":      {`CREATE TABLE aside (a uuid, b bigint, FOREIGN KEY (a, b) REFERENCES gov_audit_checkpoints ON DELETE CASCADE)`, "objects schema triggers"},
		"extension added":              {`INSERT INTO pg_extension VALUES (99999, 'stranger', 10, 2200, true, '1.0', NULL, NULL)`, "additions"},
		"large object added":           {`SELECT lo_create(0)`, "additions"},
		"equality replaced":            {`CREATE OR REPLACE FUNCTION pg_catalog.uuid_eq(uuid, uuid) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'booleq'`, "builtins"},
		"index searched otherwise":     {`UPDATE pg_amop SET amopopr = amopopr WHERE amopopr = '=(uuid,uuid)'::regoperator`, "builtins"},
		"index ordered otherwise":      {`UPDATE pg_amproc SET amproc = amproc WHERE amproc = 'uuid_cmp'::regproc`, "builtins"},
		"type written otherwise":       {`UPDATE pg_type SET typoutput = typoutput WHERE typname = 'uuid'`, "builtins"},
		"database given away":          {`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO postgres', current_database()); END $$`, "owners"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.Audit(t)
			audittest.Lift(t, db, tc.sql)
			checks := look(t, db, posture.Options{})
			required := false
			for name := range strings.FieldsSeq(tc.check) {
				if c := checks[name]; c.OK || len(c.Problems) == 0 {
					t.Errorf("%s reports nothing", name)
				}
				required = required || checks[name].Required
			}
			for name, c := range checks {
				if !c.OK && c.Required && !strings.Contains(" "+tc.check+" ", " "+name+" ") && !strings.HasPrefix(tc.check, "tables") {
					t.Errorf("%s fails as well: %q", name, c.Problems)
				}
			}
			if err := posture.Refusal(slices.Collect(maps.Values(checks))); (err != nil) != required {
				t.Errorf("Refusal: %v", err)
			}
		})
	}
}

// TestSettingsOfEverybody sets something for every role, which other tests must not see.
func TestSettingsOfEverybody(t *testing.T) {
	t.Parallel()
	tx, err := postgrestest.Audit(t).Admin().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := tx.Exec(t.Context(), `ALTER ROLE ALL SET session_replication_role = 'replica'`); err != nil {
		t.Fatal(err)
	}
	rows, err := tx.Query(t.Context(), posture.SettingsOfRoles, pgx.NamedArgs{"owner": "o", "guard": "g", "writer": "w", "reader": "r"})
	if err != nil {
		t.Fatal(err)
	}
	problems, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || !slices.Contains(problems, "every database: session_replication_role is set") {
		t.Errorf("%q, %v", problems, err)
	}
}
