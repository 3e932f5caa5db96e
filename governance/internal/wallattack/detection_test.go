package wallattack_test

import (
	"fmt"
	"strings"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

const weakeningText = `The event triggers are disabled for the attack and enabled again after it. Nothing here changes an entry; it is what makes later changes possible, or lets
somebody read what is not theirs.`

// weakenings change the schema so that later attacks succeed.
func weakenings() []attack {
	found := func(means ...string) map[role]outcome { return same(detected(means...), unguarded) }
	check := func(name string) map[role]outcome { return found(posture(name)) }
	return []attack{
		{name: "trigger disabled", sql: `ALTER TABLE gov_audit_trail_entries DISABLE TRIGGER aumos_audit_deny_row`, want: check("triggers")},
		{name: "trigger of a partition not ENABLE ALWAYS", sql: `ALTER TABLE gov_audit_trail_entries_p1 ENABLE TRIGGER aumos_audit_deny_statement`, want: check("triggers")},
		{name: "trigger dropped", sql: `DROP TRIGGER aumos_audit_deny_statement ON gov_audit_trail_entries_p2`, want: check("triggers")},
		{
			name: "trigger that drops inserts",
			sql:  `CREATE TRIGGER drops BEFORE INSERT ON gov_audit_trail_entries FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()`,
			want: check("triggers"),
		},
		{name: "rule that drops inserts", sql: `CREATE RULE drops AS ON INSERT TO gov_audit_checkpoints DO INSTEAD NOTHING`, want: check("rules")},
		{
			name: "deny function replaced",
			sql:  `CREATE OR REPLACE FUNCTION aumos_audit_guard.deny_change() RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS 'BEGIN RETURN NEW; END'`,
			want: check("guard_functions"),
		},
		{name: "deny function given to the owner", sql: `ALTER FUNCTION aumos_audit_guard.deny_ddl() OWNER TO aumos_audit_owner`, want: check("guard_functions")},
		{name: "search_path of a deny function reset", sql: `ALTER FUNCTION aumos_audit_guard.deny_change() RESET search_path`, want: check("guard_functions")},
		{name: "UPDATE granted to the writer", sql: `GRANT UPDATE ON gov_audit_trail_entries TO aumos_audit_writer`, want: check("privileges")},
		{name: "SELECT of a partition granted to the reader", sql: `GRANT SELECT ON gov_audit_trail_entries_p3 TO aumos_audit_reader`, want: check("privileges")},
		{name: "checkpoints given to the guard", sql: `ALTER TABLE gov_audit_checkpoints OWNER TO aumos_audit_guard`, want: check("tables")},
		{name: "row-level security disabled", sql: `ALTER TABLE gov_audit_trail_entries_p0 DISABLE ROW LEVEL SECURITY`, want: check("row_security")},
		{name: "policy widened", sql: `ALTER POLICY gov_audit_trail_entries_read ON gov_audit_trail_entries USING (true)`, want: check("policies")},
		{name: "primary key dropped", sql: `ALTER TABLE gov_audit_trail_entries DROP CONSTRAINT gov_audit_trail_entries_pkey`, want: found(posture("keys"), posture("schema"))},
		{name: "checkpoints unlogged", sql: `ALTER TABLE gov_audit_checkpoints SET UNLOGGED`, want: found(posture("tables"), posture("schema"))},
		{name: "view that reads with a superuser's rights", sql: `CREATE VIEW everything AS SELECT * FROM gov_audit_trail_entries; GRANT SELECT ON everything TO aumos_audit_reader`, want: check("objects")},
		{
			name: "SECURITY DEFINER function", want: check("definer_functions"),
			sql: `CREATE FUNCTION public.wipe() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM gov_audit_checkpoints'`,
		},
		{
			name: "SECURITY DEFINER function hidden in an extension that every database has", want: check("definer_functions"),
			sql: `CREATE FUNCTION public.wipe() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM gov_audit_checkpoints'; ALTER EXTENSION plpgsql ADD FUNCTION public.wipe()`,
		},
		{name: "table beside the wall's", sql: `CREATE TABLE aside (LIKE gov_audit_trail_entries)`, want: check("objects")},
		{name: "schema in front of the wall's on the writer's search_path", sql: `CREATE SCHEMA aumos_audit_writer`, want: check("objects")},
		{name: "operator in front of PostgreSQL's", sql: `CREATE OPERATOR public.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = uuid_ne)`, want: check("objects")},
		{name: "function and cast that no migration made", sql: `CREATE FUNCTION public.f(point) RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid'; CREATE CAST (point AS uuid) WITH FUNCTION public.f(point)`, want: check("objects")},
		{name: "publication of every table", sql: `CREATE PUBLICATION leak FOR ALL TABLES`, want: check("objects")},
		{name: "event trigger that no migration made", sql: `CREATE EVENT TRIGGER extra ON sql_drop EXECUTE FUNCTION aumos_audit_guard.deny_ddl()`, want: check("objects")},
		{name: "extension entered in the catalogue", sql: `INSERT INTO pg_extension VALUES (99999, 'stranger', 10, 2200, true, '1.0', NULL, NULL)`, want: check("additions")},
		{
			name: "equality of UUIDs replaced, which row-level security rests on", want: check("builtins"),
			sql: `CREATE OR REPLACE FUNCTION pg_catalog.uuid_eq(uuid, uuid) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT true'`,
		},
		{name: "CREATE on the wall's schema granted to another service's role", sql: `GRANT CREATE ON SCHEMA public TO aumos_drift_app`, want: check("grants")},
		{name: "default privileges", sql: `ALTER DEFAULT PRIVILEGES FOR ROLE aumos_audit_owner GRANT ALL ON TABLES TO aumos_audit_writer`, want: check("grants")},
		{name: "deny functions for everybody", sql: `GRANT USAGE ON SCHEMA aumos_audit_guard TO PUBLIC; GRANT EXECUTE ON FUNCTION aumos_audit_guard.deny_ddl() TO PUBLIC`, want: check("grants")},
		{name: "CHECK constraint dropped", sql: `ALTER TABLE gov_audit_trail_entries DROP CONSTRAINT gov_audit_trail_entries_hashes_check`, want: check("schema")},
		{name: "index dropped", sql: `DROP INDEX gov_audit_trail_entries_actor_idx`, want: check("schema")},
		{name: "index with an expression", sql: `CREATE INDEX extra ON gov_audit_trail_entries ((length(entry)))`, want: check("schema")},
		{name: "column added", sql: `ALTER TABLE gov_audit_trail_entries ADD COLUMN extra text`, want: check("schema")},
		{name: "default set", sql: `ALTER TABLE gov_audit_trail_entries ALTER COLUMN outcome SET DEFAULT 'SUCCESS'`, want: check("schema")},
		{name: "column may be NULL", sql: `ALTER TABLE gov_audit_checkpoints ALTER COLUMN note DROP NOT NULL`, want: check("schema")},
		{name: "older values of rows in the stream to replicas", sql: `ALTER TABLE gov_audit_checkpoints REPLICA IDENTITY FULL`, want: check("schema")},
		{name: "database with a setting", sql: `ALTER DATABASE :db SET aumos.tenant_id = :tenant`, want: check("settings")},
		{
			name: "foreign key that deletes", want: found(posture("triggers"), posture("schema")),
			sql: `ALTER TABLE gov_audit_checkpoints ADD FOREIGN KEY (tenant_id, tree_size) REFERENCES gov_audit_trail_entries (tenant_id, leaf_index) ON DELETE CASCADE NOT VALID`,
		},
		{name: "CREATE in the wall's schema granted to everybody", sql: `GRANT CREATE ON SCHEMA public TO PUBLIC`, want: found(posture("writer_role"), posture("reader_role"), posture("grants"))},
		{name: "partition attached that no migration made", sql: `
			DO $$
			DECLARE part text; remainder int;
			BEGIN
				FOR i IN 0..3 LOOP -- one that does not hold the watched log
					IF NOT satisfies_hash_partition('gov_audit_trail_entries'::regclass, 4, i, :tenant::uuid) THEN
						part := 'gov_audit_trail_entries_p' || i;
						remainder := i;
					END IF;
				END LOOP;
				EXECUTE format('DROP TABLE %I', part);
				EXECUTE format('CREATE TABLE strange PARTITION OF gov_audit_trail_entries FOR VALUES WITH (MODULUS 8, REMAINDER %s)', remainder);
				EXECUTE format('CREATE TABLE %I PARTITION OF gov_audit_trail_entries FOR VALUES WITH (MODULUS 8, REMAINDER %s)', part, remainder + 4);
			END $$`, want: found(posture("tables"), posture("row_security"), posture("triggers"), posture("schema"), posture("objects"))},
		{name: "partition with the log detached", sql: eachPartition(`ALTER TABLE gov_audit_trail_entries DETACH PARTITION %I`), want: found(posture("tables"), posture("triggers"), posture("schema"), posture("checkpoints"), noSignature, verification(at(auditlog.ReasonMissingEntries, 0, 19)), keptConflict)},
		{name: "partition with the log dropped", sql: eachPartition(`DROP TABLE %I`), want: found(posture("tables"), posture("keys"), posture("triggers"), posture("schema"), posture("checkpoints"), noSignature, verification(at(auditlog.ReasonMissingEntries, 0, 19)), keptConflict)},
		{name: "column rewritten with USING", sql: `ALTER TABLE gov_audit_trail_entries ALTER COLUMN actor_id TYPE varchar COLLATE "C" USING 'x'`, want: found(posture("schema"), verification(at(auditlog.ReasonColumns, 0, 0)))},
		{name: "entries rewritten with USING", sql: `ALTER TABLE gov_audit_trail_entries ALTER COLUMN entry TYPE bytea USING set_byte(entry, octet_length(entry) - 1, 0)`, want: found(verification(at(auditlog.ReasonLeafHash, 0, 0), at(auditlog.ReasonColumns, 0, 0)))},
	}
}

// eachPartition does something to every partition, so that it meets the one that holds the watched log.
func eachPartition(sql string) string {
	return `DO $$ BEGIN FOR i IN 0..3 LOOP EXECUTE format('` + sql + `', 'gov_audit_trail_entries_p' || i); END LOOP; END $$`
}

const alterationText = `Event triggers and triggers are disabled for the attack and enabled again after it, so that the posture
shows nothing but checkpoints in the database that the log has left behind.`

// rows is what somebody sends who alters rows and puts the guards back.
func rows(sql string) string {
	var disable, enable strings.Builder
	for _, table := range wallTables() {
		disable.WriteString(`ALTER TABLE ` + table + ` DISABLE TRIGGER USER; `)
	}
	for _, table := range wallTables() {
		enable.WriteString(`; ALTER TABLE ` + table + ` ENABLE ALWAYS TRIGGER aumos_audit_deny_row`)
		enable.WriteString(`; ALTER TABLE ` + table + ` ENABLE ALWAYS TRIGGER aumos_audit_deny_statement`)
	}
	return disable.String() + sql + enable.String()
}

// alterations change rows.
func alterations() []attack {
	found := func(means ...string) map[role]outcome { return same(detected(means...), unguarded) }
	column := func(name, column, value string) attack {
		return attack{
			name: name, sql: rows(`UPDATE gov_audit_trail_entries SET ` + column + ` = ` + value + ` WHERE tenant_id = :tenant AND leaf_index = 7`),
			want: found(verification(at(auditlog.ReasonColumns, 7, 7))),
		}
	}
	return []attack{
		{name: "entry altered", sql: rows(`UPDATE gov_audit_trail_entries SET entry = set_byte(entry, octet_length(entry) - 1, 0)
			WHERE tenant_id = :tenant AND leaf_index = 7`), want: found(verification(at(auditlog.ReasonLeafHash, 7, 7), at(auditlog.ReasonColumns, 7, 7)))},
		{name: "entry altered, its leaf hash recomputed", sql: rows(`UPDATE gov_audit_trail_entries
			SET entry = set_byte(entry, octet_length(entry) - 1, 0),
				hashes = sha256('\x00'::bytea || set_byte(entry, octet_length(entry) - 1, 0)) || substring(hashes FROM 33)
			WHERE tenant_id = :tenant AND leaf_index = 7`), want: found(verification(at(auditlog.ReasonNodeHash, 6, 7), at(auditlog.ReasonColumns, 7, 7)))},
		{name: "leaf hash altered", sql: rows(`UPDATE gov_audit_trail_entries SET hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1)
			WHERE tenant_id = :tenant AND leaf_index = 7`), want: found(verification(at(auditlog.ReasonLeafHash, 7, 7)))},
		{name: "inner node altered", sql: rows(`UPDATE gov_audit_trail_entries SET hashes = set_byte(hashes, 64, get_byte(hashes, 64) # 1)
			WHERE tenant_id = :tenant AND leaf_index = 7`), want: found(verification(at(auditlog.ReasonNodeHash, 4, 7)))},
		{name: "node at the right edge altered", sql: rows(`UPDATE gov_audit_trail_entries SET hashes = set_byte(hashes, 128, get_byte(hashes, 128) # 1)
			WHERE tenant_id = :tenant AND leaf_index = 15`), want: found(posture("checkpoints"), noSignature, verification(at(auditlog.ReasonNodeHash, 0, 15)))},
		column("entry id altered", "entry_id", "gen_random_uuid()"),
		column("content digest altered", "content_sha256", "sha256('x')"),
		column("time altered", "recorded_at", "recorded_at - interval '1 day'"),
		column("event type altered", "event_type", "'x.y'"),
		column("action altered", "action", "'x.y'"),
		column("outcome altered", "outcome", "'DENIED'"),
		column("actor altered", "actor_id", "'somebody else'"),
		column("resource type altered", "resource_type", "'x'"),
		column("resource id altered", "resource_id", "'x'"),
		column("source service altered", "source_service", "'x'"),
		column("correlation id altered", "correlation_id", "'x'"),
		column("request id altered", "request_id", "'x'"),
		column("effective time altered", "effective_at", "effective_at - interval '1 day'"),
		column("change of state denied", "state_change", "NOT state_change"),
		{name: "row deleted", sql: rows(`DELETE FROM gov_audit_trail_entries WHERE tenant_id = :tenant AND leaf_index = 7`), want: found(posture("checkpoints"), verification(at(auditlog.ReasonMissingEntries, 7, 7)))},
		{name: "first row deleted", sql: rows(`DELETE FROM gov_audit_trail_entries WHERE tenant_id = :tenant AND leaf_index = 0`), want: found(verification(at(auditlog.ReasonMissingEntries, 0, 0)))},
		{name: "tail cut", sql: rows(`DELETE FROM gov_audit_trail_entries WHERE tenant_id = :tenant AND leaf_index >= 17`), want: found(posture("checkpoints"), noSignature, verification(at(auditlog.ReasonMissingEntries, 17, 19)), keptConflict)},
		{name: "row inserted in between, the following moved up", sql: rows(`
			UPDATE gov_audit_trail_entries SET leaf_index = leaf_index + 1000 WHERE tenant_id = :tenant AND leaf_index >= 7;
			UPDATE gov_audit_trail_entries SET leaf_index = leaf_index - 999 WHERE tenant_id = :tenant AND leaf_index >= 1000;
			INSERT INTO gov_audit_trail_entries SELECT :tenant, 7, entry_id, content_sha256, hashes, recorded_at, effective_at, state_change, event_type, action, outcome, actor_id,
				resource_type, resource_id, source_service, correlation_id, request_id, entry
			FROM gov_audit_trail_entries WHERE tenant_id = :other AND leaf_index = 7`), want: found(posture("checkpoints"), noSignature, verification(at(auditlog.ReasonNodeHash, 6, 7), at(auditlog.ReasonColumns, 7, 7), at(auditlog.ReasonLeafTenant, 7, 7), at(auditlog.ReasonLeafPosition, 8, 8), at(auditlog.ReasonTimeBackwards, 8, 8)))},
		{name: "rows swapped", sql: rows(`
			UPDATE gov_audit_trail_entries SET leaf_index = leaf_index + 1000 WHERE tenant_id = :tenant AND leaf_index IN (7, 8);
			UPDATE gov_audit_trail_entries SET leaf_index = 1015 - leaf_index WHERE tenant_id = :tenant AND leaf_index >= 1000`), want: found(posture("checkpoints"), verification(at(auditlog.ReasonNodeHash, 7, 7), at(auditlog.ReasonColumns, 7, 7), at(auditlog.ReasonLeafPosition, 7, 7), at(auditlog.ReasonTimeBackwards, 8, 8)))},
		{name: "row replaced by one of another tenant", sql: rows(`
			DELETE FROM gov_audit_trail_entries WHERE tenant_id = :tenant AND leaf_index = 7;
			UPDATE gov_audit_trail_entries SET tenant_id = :tenant WHERE tenant_id = :other AND leaf_index = 7`), want: found(posture("checkpoints"), verification(at(auditlog.ReasonNodeHash, 6, 7), at(auditlog.ReasonColumns, 7, 7), at(auditlog.ReasonLeafTenant, 7, 7)))},
		{name: "row moved to another tenant", sql: rows(`UPDATE gov_audit_trail_entries SET tenant_id = :other, leaf_index = 8
			WHERE tenant_id = :tenant AND leaf_index = 19`), want: found(posture("checkpoints"), noSignature, verification(at(auditlog.ReasonMissingEntries, 19, 19)), keptConflict)},
		{name: "everything truncated", sql: rows(`TRUNCATE gov_audit_trail_entries, gov_audit_checkpoints, gov_audit_cosignatures`), want: found(noSignature, verification(at(auditlog.ReasonMissingEntries, 0, 19)), keptConflict)},
		{
			name: "newest checkpoint deleted", sql: rows(`DELETE FROM gov_audit_checkpoints WHERE tenant_id = :tenant AND tree_size = 20`),
			want: same(undone, unguarded),
		},
		{name: "newest checkpoint of another root", sql: rows(`UPDATE gov_audit_checkpoints SET root_hash = sha256('x') WHERE tenant_id = :tenant`), want: found(posture("checkpoints"), noSignature)},
		{name: "older checkpoint of another root", sql: rows(`UPDATE gov_audit_checkpoints SET root_hash = sha256('x') WHERE tenant_id = :tenant AND tree_size = 15`), want: found(posture("checkpoints"))},
		{name: "older checkpoint with another note", sql: rows(`UPDATE gov_audit_checkpoints SET note = replace(note, '15', '16') WHERE tenant_id = :tenant AND tree_size = 15`), want: found(posture("checkpoints"))},
		{name: "cosignature altered", sql: rows(`UPDATE gov_audit_cosignatures SET line = overlay(line PLACING 'AAAA' FROM 40)`), want: found(posture("checkpoints"))},
		{name: "older state restored, with its genuine checkpoint", older: true, sql: rows(`
			DELETE FROM gov_audit_trail_entries WHERE tenant_id = :tenant AND leaf_index >= 15;
			DELETE FROM gov_audit_checkpoints WHERE tenant_id = :tenant AND tree_size > 15`), want: found(noSignature, keptConflict)},
		{name: "older state restored under the running service, and grown again", older: true, grows: true, sql: rows(`
			DELETE FROM gov_audit_trail_entries WHERE tenant_id = :tenant AND leaf_index >= 15;
			DELETE FROM gov_audit_checkpoints WHERE tenant_id = :tenant AND tree_size > 15`), want: found(noSignature, verification(at(auditlog.ReasonMissingEntries, 15, 19)))},
		{name: "whole log rewritten consistently, signed with the real key", run: (*ground).rewrite, want: found(noSignature, keptConflict)},
		{name: "older state restored, and grown by a service without the heads", run: (*ground).regrow, want: found(noSignature, keptConflict)},
	}
}

// rewrite replaces the watched log by a forged one, every hash recomputed, and signs it with the stolen key: only what left the database before can tell.
func (g *ground) rewrite(role) (string, error) {
	g.t.Helper()
	return g.forge(0)
}

// regrow cuts the watched log and grows it to its old size with the stolen key.
func (g *ground) regrow(role) (string, error) {
	g.t.Helper()
	return g.forge(firstHead)
}

// forge cuts the watched log to a size and fills it up with a service that has the key but not the heads.
func (g *ground) forge(size int) (string, error) {
	g.t.Helper()
	g.lifted(rows(fmt.Sprintf(`
		DELETE FROM gov_audit_trail_entries WHERE tenant_id = :tenant AND leaf_index >= %d;
		DELETE FROM gov_audit_cosignatures WHERE tenant_id = :tenant;
		DELETE FROM gov_audit_checkpoints WHERE tenant_id = :tenant`, size)))
	forger := g.startWall(g.db)
	for i := size; i < entries; i++ {
		g.append(forger, g.tenant, i)
	}
	head, err := forger.Checkpoint(g.as(g.tenant))
	return head.Note, err
}
