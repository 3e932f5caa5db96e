package wallattack_test

const rowText = `Each attack is tried on the table of entries, on each of its four partitions, on the checkpoints and on the cosignatures. A superuser may
add rows with COPY; that is among the forged rows below.`

// rowAttacks change rows without touching the schema.
func rowAttacks() []attack {
	change := apart(byPrivilege, byTrigger)
	return []attack{
		{name: "UPDATE", sql: `UPDATE :table SET tenant_id = tenant_id`, want: change},
		{name: "UPDATE that meets no row", sql: `UPDATE :table SET tenant_id = tenant_id WHERE false`, want: change},
		{name: "UPDATE ONLY", sql: `UPDATE ONLY :table SET tenant_id = tenant_id`, want: change},
		{name: "DELETE", sql: `DELETE FROM :table`, want: change},
		{name: "DELETE inside WITH", sql: `WITH gone AS (DELETE FROM :table RETURNING tenant_id) SELECT count(*) FROM gone`, want: change},
		{name: "TRUNCATE", sql: `TRUNCATE :table`, want: change},
		{name: "TRUNCATE CASCADE", sql: `TRUNCATE :table CASCADE`, want: change},
		{
			name: "INSERT ... ON CONFLICT DO UPDATE",
			sql:  `INSERT INTO :table SELECT * FROM :table ON CONFLICT (tenant_id, :key) DO UPDATE SET tenant_id = EXCLUDED.tenant_id`, want: change,
		},
		{name: "MERGE ... DELETE", sql: `MERGE INTO :table AS w USING (SELECT 1) AS one ON true WHEN MATCHED THEN DELETE`, want: change},
		{
			name: "MERGE ... UPDATE",
			sql:  `MERGE INTO :table AS w USING (SELECT 1) AS one ON true WHEN MATCHED THEN UPDATE SET tenant_id = tenant_id`, want: change,
		},
		{
			name: "DELETE with session_replication_role = replica, which skips ordinary triggers",
			sql:  `SET session_replication_role = replica; DELETE FROM :table`, want: change,
		},
		{name: "DELETE through a search_path of its own", sql: `SET search_path = pg_temp, public; DELETE FROM :table`, want: change},
		{name: "DELETE in a DO block that swallows the refusal", sql: `DO $$ BEGIN DELETE FROM :table; EXCEPTION WHEN OTHERS THEN NULL; END $$`, want: apart(noEffect, noEffect)},
		{
			name: "COPY FROM into the entries", sql: `COPY public.gov_audit_trail_entries FROM STDIN`,
			want: map[role]outcome{writer: byRowSecurity, reader: byPrivilege, owner: byPrivilege, guard: byPrivilege, superuser: notTried},
		},
		{name: "COPY FROM into a partition", sql: `COPY public.gov_audit_trail_entries_p0 FROM STDIN`, want: apart(byPrivilege, notTried)},
		{
			name: "COPY FROM into the checkpoints", sql: `COPY public.gov_audit_checkpoints FROM STDIN`,
			want: map[role]outcome{writer: byRowSecurity, reader: byPrivilege, owner: byPrivilege, guard: byPrivilege, superuser: notTried},
		},
		{
			name: "COPY FROM into the cosignatures", sql: `COPY public.gov_audit_cosignatures FROM STDIN`,
			want: map[role]outcome{writer: byRowSecurity, reader: byPrivilege, owner: byPrivilege, guard: byPrivilege, superuser: notTried},
		},
	}
}

const schemaText = `DDL of any kind is refused by an event trigger before PostgreSQL looks at privileges, a superuser's included.`

// schemaAttacks change what protects the rows.
func schemaAttacks() []attack {
	ddl := apart(byDDLGuard, byDDLGuard)
	return []attack{
		{name: "CREATE RULE that drops inserts", sql: `CREATE RULE drops AS ON INSERT TO :table DO INSTEAD NOTHING`, want: ddl},
		{
			name: "CREATE TRIGGER",
			sql:  `CREATE TRIGGER drops BEFORE INSERT ON :table FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()`, want: ddl,
		},
		{name: "DROP TRIGGER", sql: `DROP TRIGGER aumos_audit_deny_statement ON :table`, want: ddl},
		{
			name: "CREATE OR REPLACE TRIGGER",
			sql:  `CREATE OR REPLACE TRIGGER aumos_audit_deny_statement BEFORE UPDATE ON :table FOR EACH STATEMENT EXECUTE FUNCTION suppress_redundant_updates_trigger()`,
			want: ddl,
		},
		{name: "DISABLE TRIGGER", sql: `ALTER TABLE :table DISABLE TRIGGER ALL`, want: ddl},
		{name: "ENABLE TRIGGER instead of ENABLE ALWAYS", sql: `ALTER TABLE :table ENABLE TRIGGER aumos_audit_deny_statement`, want: ddl},
		{
			name: "CREATE OR REPLACE of a deny function",
			sql:  `CREATE OR REPLACE FUNCTION aumos_audit_guard.deny_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'`, want: ddl,
		},
		{name: "ALTER FUNCTION ... OWNER TO", sql: `ALTER FUNCTION aumos_audit_guard.deny_change() OWNER TO aumos_audit_owner`, want: ddl},
		{name: "DROP FUNCTION ... CASCADE", sql: `DROP FUNCTION aumos_audit_guard.deny_change() CASCADE`, want: ddl},
		{name: "DETACH PARTITION", sql: `ALTER TABLE gov_audit_trail_entries DETACH PARTITION gov_audit_trail_entries_p0`, want: ddl},
		{
			name: "ATTACH PARTITION",
			sql:  `ALTER TABLE gov_audit_trail_entries ATTACH PARTITION gov_audit_checkpoints FOR VALUES WITH (MODULUS 4, REMAINDER 0)`, want: ddl,
		},
		{name: "DROP TABLE", sql: `DROP TABLE :table CASCADE`, want: ddl},
		{name: "ALTER COLUMN ... USING", sql: `ALTER TABLE :table ALTER COLUMN tenant_id TYPE uuid USING gen_random_uuid()`, want: ddl},
		{
			name: "ALTER COLUMN ... USING after the DDL event trigger is disabled",
			sql:  `ALTER EVENT TRIGGER aumos_audit_deny_ddl DISABLE; ALTER TABLE gov_audit_trail_entries ALTER COLUMN actor_id TYPE varchar USING 'x'`,
			want: apart(byPrivilege, byRewriteGuard),
		},
		{name: "DROP COLUMN", sql: `ALTER TABLE gov_audit_trail_entries DROP COLUMN actor_id`, want: ddl},
		{name: "GRANT", sql: `GRANT ALL ON :table TO aumos_audit_writer`, want: ddl},
		{name: "GRANT SELECT of a column", sql: `GRANT SELECT (tenant_id) ON :table TO PUBLIC`, want: ddl},
		{name: "ALTER TABLE ... OWNER TO", sql: `ALTER TABLE :table OWNER TO aumos_audit_writer`, want: ddl},
		{name: "ALTER DEFAULT PRIVILEGES", sql: `ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO aumos_audit_writer`, want: ddl},
		{name: "DROP OWNED", sql: `DROP OWNED BY aumos_audit_owner CASCADE`, want: ddl},
		{name: "NO FORCE ROW LEVEL SECURITY", sql: `ALTER TABLE :table NO FORCE ROW LEVEL SECURITY`, want: ddl},
		{name: "DISABLE ROW LEVEL SECURITY", sql: `ALTER TABLE :table DISABLE ROW LEVEL SECURITY`, want: ddl},
		{name: "CREATE POLICY", sql: `CREATE POLICY everything ON :table USING (true)`, want: ddl},
		{name: "ALTER POLICY", sql: `ALTER POLICY gov_audit_trail_entries_read ON gov_audit_trail_entries USING (true)`, want: ddl},
		{name: "SET UNLOGGED", sql: `ALTER TABLE :table SET UNLOGGED`, want: ddl},
		{name: "RENAME", sql: `ALTER TABLE :table RENAME TO x`, want: ddl},
		{name: "ALTER SCHEMA ... RENAME", sql: `ALTER SCHEMA public RENAME TO x`, want: ddl},
		{
			name: "CREATE FUNCTION ... SECURITY DEFINER",
			sql:  `CREATE FUNCTION public.wipe() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM gov_audit_checkpoints'`, want: ddl,
		},
		{name: "a table in front of the wall's on the search_path", sql: `SET search_path = pg_temp, public; CREATE TEMP TABLE gov_audit_trail_entries (tenant_id uuid)`, want: ddl},
		{name: "a schema in front of the wall's on the search_path", sql: `CREATE SCHEMA aumos_audit_writer; SELECT 1`, want: ddl},
		{name: "CREATE VIEW, which reads with its owner's rights", sql: `CREATE VIEW public.all_entries AS SELECT * FROM gov_audit_trail_entries`, want: ddl},
		{name: "CREATE TABLE ... INHERITS", sql: `CREATE TABLE public.child () INHERITS (gov_audit_checkpoints)`, want: ddl},
		{name: "CREATE TABLE AS, which keeps a copy", sql: `CREATE TABLE public.copied AS SELECT * FROM public.gov_audit_checkpoints`, want: map[role]outcome{
			writer: byDDLGuard, reader: byDDLGuard, owner: byDDLGuard, guard: byPrivilege, superuser: byDDLGuard, // the guard may not enter the schema
		}},
		{name: "CREATE INDEX, whose expression is run by who inserts", sql: `CREATE INDEX ON :table ((tenant_id::text))`, want: ddl},
		{name: "DROP INDEX", sql: `DROP INDEX gov_audit_trail_entries_actor_idx`, want: ddl},
		{name: "ADD COLUMN", sql: `ALTER TABLE :table ADD COLUMN extra text`, want: ddl},
		{name: "SET DEFAULT", sql: `ALTER TABLE :table ALTER COLUMN tenant_id SET DEFAULT gen_random_uuid()`, want: ddl},
		{name: "DROP CONSTRAINT", sql: `ALTER TABLE gov_audit_trail_entries DROP CONSTRAINT gov_audit_trail_entries_pkey`, want: ddl},
		{name: "ALTER TABLE ... SET SCHEMA", sql: `ALTER TABLE :table SET SCHEMA aumos_audit_guard`, want: ddl},
		{name: "GRANT CREATE ON SCHEMA", sql: `GRANT CREATE ON SCHEMA public TO PUBLIC`, want: ddl},
		{name: "CREATE OPERATOR in front of PostgreSQL's", sql: `CREATE OPERATOR public.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = uuid_ne)`, want: ddl},
		{name: "CREATE CAST", sql: `CREATE CAST (point AS uuid) WITH INOUT`, want: ddl},
		{name: "CREATE DOMAIN", sql: `CREATE DOMAIN public.uuid AS text`, want: ddl},
		{name: "CREATE PUBLICATION", sql: `CREATE PUBLICATION leak FOR ALL TABLES`, want: ddl},
		{name: "CREATE SUBSCRIPTION", sql: `CREATE SUBSCRIPTION feed CONNECTION 'host=localhost' PUBLICATION leak WITH (connect = false)`, want: ddl},
		{
			name: "CREATE OR REPLACE of a function of PostgreSQL's", want: ddl,
			sql: `CREATE OR REPLACE FUNCTION pg_catalog.uuid_eq(uuid, uuid) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'booleq'`,
		},
		{name: "CREATE EXTENSION", sql: `CREATE EXTENSION pg_surgery`, want: ddl},
	}
}

const sessionText = `Roles, databases and event triggers are not protected by event triggers; privileges protect them from everybody but a superuser, whose attempts are the
next table. For owner and guard, SET SESSION AUTHORIZATION is left out: it depends on who logged in, and nobody logs in as them.`

// sessionAttacks try to get more rights.
func sessionAttacks() []attack {
	all := same(byPrivilege, writer, reader, owner, guard)
	owned := func(check string) map[role]outcome { // what the database's owner may do
		want := same(byPrivilege, writer, reader, guard)
		want[owner] = detected(posture(check))
		return want
	}
	return []attack{
		{name: "SET ROLE to another of the wall's roles", sql: `DO $$
			DECLARE name text; became int := 0;
			BEGIN
				FOREACH name IN ARRAY ARRAY['aumos_audit_owner', 'aumos_audit_guard', 'aumos_audit_writer', 'aumos_audit_reader'] LOOP
					CONTINUE WHEN name = session_user;
					BEGIN
						EXECUTE format('SET LOCAL ROLE %I', name);
						became := became + 1;
					EXCEPTION WHEN insufficient_privilege THEN NULL;
					END;
				END LOOP;
				IF became = 0 THEN
					RAISE insufficient_privilege;
				END IF;
			END $$`, want: all},
		{name: "SET ROLE to the superuser", sql: `SET ROLE :super`, want: all},
		{name: "SET session_replication_role", sql: `SET session_replication_role = replica`, want: all},
		{name: "SET row_security = off, then read everything", sql: `SET row_security = off; SELECT entry FROM public.gov_audit_trail_entries`, want: map[role]outcome{
			writer: byRowSecurity, reader: byRowSecurity, owner: byRowSecurity, guard: byPrivilege,
		}},
		{name: "GRANT of the owner's role", sql: `GRANT aumos_audit_owner TO aumos_audit_writer`, want: all},
		{name: "GRANT pg_write_all_data", sql: `GRANT pg_write_all_data TO aumos_audit_writer`, want: all},
		{name: "ALTER ROLE ... LOGIN", sql: `ALTER ROLE aumos_audit_guard LOGIN`, want: all},
		{name: "ALTER ROLE ... BYPASSRLS", sql: `ALTER ROLE aumos_audit_reader BYPASSRLS`, want: all},
		{name: "REASSIGN OWNED", sql: `REASSIGN OWNED BY aumos_audit_owner, aumos_audit_guard TO aumos_audit_writer`, want: all},
		{name: "ALTER DATABASE ... OWNER TO", sql: `ALTER DATABASE :db OWNER TO aumos_audit_writer`, want: all},
		{name: "ALTER DATABASE ... SET session_replication_role", sql: `ALTER DATABASE :db SET session_replication_role = replica`, want: all},
		{
			name: "ALTER DATABASE ... SET aumos.tenant_id, which chooses the tenant for sessions that choose none", want: all,
			sql: `ALTER DATABASE :db SET aumos.tenant_id = :tenant`,
		},
		{
			name: "ALTER DATABASE ... SET synchronous_commit = off, which lets commits get lost", want: owned("settings"),
			sql: `ALTER DATABASE :db SET synchronous_commit = off`, undo: `ALTER DATABASE :db RESET synchronous_commit`,
		},
		{
			name: "ALTER ROLE ... SET synchronous_commit = off for oneself", want: same(detected(posture("settings")), writer, reader, owner, guard),
			sql: `ALTER ROLE CURRENT_USER IN DATABASE :db SET synchronous_commit = off`,
			undo: `DO $$
				DECLARE name text;
				BEGIN
					FOREACH name IN ARRAY ARRAY['aumos_audit_owner', 'aumos_audit_guard', 'aumos_audit_writer', 'aumos_audit_reader'] LOOP
						EXECUTE format('ALTER ROLE %I IN DATABASE %I RESET ALL', name, current_database());
					END LOOP;
				END $$`,
		},
		{
			name: "GRANT CREATE ON DATABASE to another service's role",
			want: map[role]outcome{writer: noEffect, reader: noEffect, owner: detected(posture("grants")), guard: byPrivilege},
			sql:  `GRANT CREATE ON DATABASE :db TO aumos_drift_app`, undo: `REVOKE CREATE ON DATABASE :db FROM aumos_drift_app`,
		},
		{
			name: "INSERT into the record of migrations, as if a newer release had been here", want: owned("schema"),
			sql: `INSERT INTO public.schema_migrations (name, sha256) VALUES ('9999_x.sql', sha256('x'))`, undo: `DELETE FROM public.schema_migrations WHERE name = '9999_x.sql'`,
		},
		{
			name: "large object, which needs no DDL", want: same(detected(posture("additions")), writer, reader, owner, guard),
			sql: `SELECT lo_create(0)`, undo: `SELECT lo_unlink(oid) FROM pg_largeobject_metadata`,
		},
		{name: "ALTER EVENT TRIGGER ... DISABLE", sql: `ALTER EVENT TRIGGER aumos_audit_deny_ddl DISABLE`, want: all},
		{name: "DROP EVENT TRIGGER", sql: `DROP EVENT TRIGGER aumos_audit_deny_rewrite`, want: all},
		{name: "UPDATE pg_trigger", sql: `UPDATE pg_catalog.pg_trigger SET tgenabled = 'D'`, want: all},
		{name: "UPDATE pg_proc", sql: `UPDATE pg_catalog.pg_proc SET prosrc = 'BEGIN RETURN NEW; END' WHERE proname = 'deny_change'`, want: all},
		{name: "COPY FROM PROGRAM", sql: `DO $$ BEGIN EXECUTE 'COPY gov_audit_checkpoints FROM PROGRAM ''true'''; END $$`, want: all},
		{name: "pg_read_file", sql: `SELECT pg_read_file('PG_VERSION')`, want: all},
		{name: "SET SESSION AUTHORIZATION", sql: `SET SESSION AUTHORIZATION aumos_audit_owner`, want: map[role]outcome{
			writer: byPrivilege, reader: byPrivilege, owner: notTried, guard: notTried,
		}},
	}
}

const sharedText = `No event trigger sees these. They change nothing on the wall by themselves; they are what makes a change possible, and the posture shows them.`

// sharedAttacks are a superuser's, on a server of their own, one after the other.
func sharedAttacks() []attack {
	found := func(checks ...string) map[role]outcome {
		for i, c := range checks {
			checks[i] = posture(c)
		}
		return same(detected(checks...), superuser)
	}
	return []attack{
		{
			name: "GRANT of the owner's role to the writer", sql: `GRANT aumos_audit_owner TO aumos_audit_writer`,
			undo: `REVOKE aumos_audit_owner FROM aumos_audit_writer`, want: found("writer_role", "owner_members"),
		},
		{
			name: "GRANT of the guard's role to the reader", sql: `GRANT aumos_audit_guard TO aumos_audit_reader`,
			undo: `REVOKE aumos_audit_guard FROM aumos_audit_reader`, want: found("reader_role", "owner_members"),
		},
		{
			name: "GRANT of the owner's role to a role of another service", sql: `GRANT aumos_audit_owner TO aumos_drift_app`,
			undo: `REVOKE aumos_audit_owner FROM aumos_drift_app`, want: found("owner_members"),
		},
		{
			name: "GRANT pg_write_all_data to the reader", sql: `GRANT pg_write_all_data TO aumos_audit_reader`,
			undo: `REVOKE pg_write_all_data FROM aumos_audit_reader`, want: found("reader_role", "privileges"),
		},
		{name: "ALTER ROLE ... LOGIN of the owner", sql: `ALTER ROLE aumos_audit_owner LOGIN`, undo: `ALTER ROLE aumos_audit_owner NOLOGIN`, want: found("owners")},
		{
			name: "ALTER ROLE ... SUPERUSER of the guard", sql: `ALTER ROLE aumos_audit_guard SUPERUSER`,
			undo: `ALTER ROLE aumos_audit_guard NOSUPERUSER`, want: found("owners"),
		},
		{
			name: "ALTER ROLE ... SUPERUSER of the writer", sql: `ALTER ROLE aumos_audit_writer SUPERUSER`,
			undo: `ALTER ROLE aumos_audit_writer NOSUPERUSER`, want: found("writer_role", "privileges"),
		},
		{
			name: "ALTER ROLE ... BYPASSRLS of the reader", sql: `ALTER ROLE aumos_audit_reader BYPASSRLS`,
			undo: `ALTER ROLE aumos_audit_reader NOBYPASSRLS`, want: found("reader_role"),
		},
		{
			name: "ALTER ROLE ... CREATEROLE of the writer", sql: `ALTER ROLE aumos_audit_writer CREATEROLE`,
			undo: `ALTER ROLE aumos_audit_writer NOCREATEROLE`, want: found("writer_role"),
		},
		{
			name: "GRANT SET ON PARAMETER to the writer", sql: `GRANT SET ON PARAMETER session_replication_role TO aumos_audit_writer`,
			undo: `REVOKE SET ON PARAMETER session_replication_role FROM aumos_audit_writer`, want: found("grants"),
		},
		{
			name: "GRANT CREATE, TEMPORARY ON DATABASE to everybody", sql: `GRANT CREATE, TEMPORARY ON DATABASE :db TO PUBLIC`,
			undo: `REVOKE CREATE, TEMPORARY ON DATABASE :db FROM PUBLIC`, want: found("writer_role", "reader_role", "grants"),
		},
		{
			name: "ALTER DATABASE ... SET session_replication_role", sql: `ALTER DATABASE :db SET session_replication_role = replica`,
			undo: `ALTER DATABASE :db RESET session_replication_role`, want: found("settings"),
		},
		{
			name: "ALTER ROLE ... SET synchronous_commit = off", sql: `ALTER ROLE aumos_audit_writer SET synchronous_commit = off`,
			undo: `ALTER ROLE aumos_audit_writer RESET synchronous_commit`, want: found("settings"),
		},
		{name: "ALTER DATABASE ... OWNER TO", sql: `ALTER DATABASE :db OWNER TO :super`, undo: `ALTER DATABASE :db OWNER TO aumos_audit_owner`, want: found("owners")},
		{name: "DROP ROLE of the guard", sql: `DROP ROLE aumos_audit_guard`, want: same(byDependency, superuser)},
		{
			name: "ALTER EVENT TRIGGER ... DISABLE", sql: `ALTER EVENT TRIGGER aumos_audit_deny_ddl DISABLE`,
			undo: `ALTER EVENT TRIGGER aumos_audit_deny_ddl ENABLE ALWAYS`, want: found("event_triggers_enabled"),
		},
		{
			name: "ALTER EVENT TRIGGER ... ENABLE instead of ENABLE ALWAYS", sql: `ALTER EVENT TRIGGER aumos_audit_deny_rewrite ENABLE`,
			undo: `ALTER EVENT TRIGGER aumos_audit_deny_rewrite ENABLE ALWAYS`, want: found("event_triggers_enabled"),
		},
		{
			name: "ALTER EVENT TRIGGER ... RENAME", sql: `ALTER EVENT TRIGGER aumos_audit_deny_ddl RENAME TO x`,
			undo: `ALTER EVENT TRIGGER x RENAME TO aumos_audit_deny_ddl`, want: found("event_triggers", "objects"),
		},
		{
			name: "UPDATE pg_trigger", sql: `UPDATE pg_trigger SET tgenabled = 'D' WHERE tgname = 'aumos_audit_deny_statement'`,
			undo: `UPDATE pg_trigger SET tgenabled = 'A' WHERE tgname = 'aumos_audit_deny_statement'`, want: found("triggers"),
		},
		{
			name: "UPDATE pg_event_trigger", sql: `UPDATE pg_event_trigger SET evtenabled = 'D'`,
			undo: `UPDATE pg_event_trigger SET evtenabled = 'A'`, want: found("event_triggers_enabled"),
		},
		{
			name: "UPDATE pg_class", sql: `UPDATE pg_class SET relforcerowsecurity = false WHERE relname = 'gov_audit_checkpoints'`,
			undo: `UPDATE pg_class SET relforcerowsecurity = true WHERE relname = 'gov_audit_checkpoints'`, want: found("row_security"),
		},
		{
			name: "UPDATE pg_proc", sql: `UPDATE pg_proc SET prosecdef = true WHERE proname = 'deny_change'`,
			undo: `UPDATE pg_proc SET prosecdef = false WHERE proname = 'deny_change'`, want: found("guard_functions"),
		},
		// The last one: privileges merge, so that it cannot be undone.
		{name: "REASSIGN OWNED of the owner to the writer", sql: `REASSIGN OWNED BY aumos_audit_owner TO aumos_audit_writer`, want: found("writer_role", "tables", "grants", "owners")},
	}
}
