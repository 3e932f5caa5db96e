package audit_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/posture"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// SQLSTATEs of refusals: a missing privilege, COPY under row-level security, and the three guards.
var refusals = []string{"42501", "0A000", "WALL1", "WALL2", "WALL3"}

func wallTables() []string {
	return []string{
		"gov_audit_trail_entries", "gov_audit_trail_entries_p0", "gov_audit_trail_entries_p1", "gov_audit_trail_entries_p2",
		"gov_audit_trail_entries_p3", "gov_audit_checkpoints", "gov_audit_cosignatures",
	}
}

// TestChangesArePrevented tries to change what is on the wall as every role there is. Even a superuser is refused as long as the guards stand.
func TestChangesArePrevented(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := startWall(t, db, wallConfig(t))
	tenants := []tenant.ID{newTenant(t), newTenant(t), newTenant(t), newTenant(t), newTenant(t), newTenant(t)}
	for _, id := range tenants {
		appendMany(t, wall, id, 3)
		if _, err := wall.Checkpoint(as(t, id)); err != nil {
			t.Fatal(err)
		}
	}
	admin := db.Admin()
	before := snapshot(t, admin)
	connections := map[string]*pgx.Conn{"superuser": db.Admin(), "owner": db.Owner()}
	for role, url := range map[string]string{"writer": db.WriterURL, "reader": db.ReaderURL} {
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close(t.Context()) })
		connections[role] = conn
	}
	replica := db.Admin() // the setting that skips ordinary triggers
	if _, err := replica.Exec(t.Context(), `SET session_replication_role = replica`); err != nil {
		t.Fatal(err)
	}
	connections["superuser as replica"] = replica
	for role, conn := range connections {
		for _, table := range wallTables() {
			column := "tenant_id = tenant_id"
			attacks := []string{
				`UPDATE ` + table + ` SET ` + column,
				`UPDATE ` + table + ` SET ` + column + ` WHERE false`, // the statement trigger fires without a row
				`UPDATE ONLY ` + table + ` SET ` + column,
				`DELETE FROM ` + table,
				`DELETE FROM ONLY ` + table,
				`TRUNCATE ` + table,
				`TRUNCATE ` + table + ` CASCADE`,
				`WITH gone AS (DELETE FROM ` + table + ` RETURNING tenant_id) SELECT count(*) FROM gone`,
				`INSERT INTO ` + table + ` SELECT * FROM ` + table + ` ON CONFLICT ` + conflictKey(table) + ` DO UPDATE SET tenant_id = EXCLUDED.tenant_id`,
				`MERGE INTO ` + table + ` AS w USING (SELECT 1) AS one ON true WHEN MATCHED THEN DELETE`,
				`MERGE INTO ` + table + ` AS w USING (SELECT 1) AS one ON true WHEN MATCHED THEN UPDATE SET ` + column,
			}
			for _, sql := range attacks {
				refused(t, conn, role, sql)
			}
			if role == "writer" || role == "reader" {
				refused(t, conn, role, `COPY `+table+` FROM STDIN`)
				refused(t, conn, role, `DO $$ BEGIN LOCK TABLE `+table+` IN ACCESS EXCLUSIVE MODE; END $$`)
			}
		}
	}
	if after := snapshot(t, admin); after != before {
		t.Error("something changed all the same")
	}
	for _, id := range tenants {
		checkLog(t, wall, admin, id)
	}
}

func conflictKey(table string) string {
	switch table {
	case "gov_audit_checkpoints":
		return `(tenant_id, tree_size)`
	case "gov_audit_cosignatures":
		return `(tenant_id, tree_size, key_name, key_id)`
	}
	return `(tenant_id, leaf_index)`
}

// refused expects a statement to fail for want of a right.
func refused(t *testing.T, conn *pgx.Conn, role, sql string) {
	t.Helper()
	_, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
	var pg *pgconn.PgError
	switch {
	case err == nil:
		t.Errorf("%s succeeded: %s", role, sql)
	case !errors.As(err, &pg) || !slices.Contains(refusals, pg.Code):
		t.Errorf("%s: %s: %v, which is not a refusal", role, sql, err)
	}
}

// snapshot sums up all rows.
func snapshot(t *testing.T, admin *pgx.Conn) (sum string) {
	t.Helper()
	err := admin.QueryRow(t.Context(), `
		SELECT encode(sha256(convert_to(coalesce(string_agg(line, '|' ORDER BY line), ''), 'UTF8')), 'hex')
		FROM (
			SELECT e::text AS line FROM gov_audit_trail_entries AS e
			UNION ALL
			SELECT c::text FROM gov_audit_checkpoints AS c
		) AS lines`).Scan(&sum)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// TestSchemaIsSealed tries to weaken the wall's schema as every role. DDL of any kind is refused, a superuser's included.
func TestSchemaIsSealed(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := startWall(t, db, wallConfig(t))
	id := newTenant(t)
	appendMany(t, wall, id, 3)
	connections := map[string]*pgx.Conn{"superuser": db.Admin(), "owner": db.Owner()}
	for role, url := range map[string]string{"writer": db.WriterURL, "reader": db.ReaderURL} {
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close(t.Context()) })
		connections[role] = conn
	}
	for role, conn := range connections {
		for _, sql := range []string{
			`ALTER TABLE gov_audit_trail_entries DISABLE TRIGGER ALL`,
			`ALTER TABLE gov_audit_trail_entries DISABLE TRIGGER aumos_audit_deny_row`,
			`ALTER TABLE gov_audit_trail_entries_p0 ENABLE TRIGGER aumos_audit_deny_row`,
			`DROP TRIGGER aumos_audit_deny_statement ON gov_audit_trail_entries`,
			`ALTER TRIGGER aumos_audit_deny_statement ON gov_audit_trail_entries RENAME TO x`,
			`CREATE OR REPLACE TRIGGER aumos_audit_deny_statement BEFORE UPDATE ON gov_audit_checkpoints FOR EACH STATEMENT EXECUTE FUNCTION suppress_redundant_updates_trigger()`,
			`CREATE TRIGGER drops BEFORE INSERT ON gov_audit_trail_entries FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()`,
			`CREATE RULE drops AS ON INSERT TO gov_audit_trail_entries DO INSTEAD NOTHING`,
			`ALTER TABLE gov_audit_trail_entries DETACH PARTITION gov_audit_trail_entries_p0`,
			`ALTER TABLE gov_audit_trail_entries ATTACH PARTITION gov_audit_checkpoints FOR VALUES WITH (MODULUS 4, REMAINDER 0)`,
			`ALTER TABLE gov_audit_trail_entries ALTER COLUMN actor_id TYPE text USING 'x'`,
			`ALTER TABLE gov_audit_trail_entries DROP COLUMN actor_id`,
			`ALTER TABLE gov_audit_trail_entries ADD COLUMN x int DEFAULT 1`,
			`ALTER TABLE gov_audit_trail_entries DISABLE ROW LEVEL SECURITY`,
			`ALTER TABLE gov_audit_trail_entries NO FORCE ROW LEVEL SECURITY`,
			`ALTER TABLE gov_audit_checkpoints SET UNLOGGED`,
			`ALTER TABLE gov_audit_checkpoints RENAME TO x`,
			`ALTER TABLE gov_audit_checkpoints OWNER TO aumos_audit_writer`,
			`ALTER TABLE gov_audit_checkpoints SET SCHEMA aumos_audit_guard`,
			`ALTER SCHEMA public RENAME TO x`,
			`DROP TABLE gov_audit_checkpoints`,
			`DROP TABLE gov_audit_trail_entries CASCADE`,
			`DROP SCHEMA public CASCADE`,
			`CREATE POLICY everything ON gov_audit_trail_entries USING (true)`,
			`ALTER POLICY gov_audit_trail_entries_read ON gov_audit_trail_entries USING (true)`,
			`DROP POLICY gov_audit_trail_entries_read ON gov_audit_trail_entries`,
			`GRANT ALL ON gov_audit_trail_entries TO aumos_audit_writer`,
			`GRANT SELECT (entry) ON gov_audit_trail_entries TO aumos_audit_writer`,
			`REVOKE INSERT ON gov_audit_trail_entries FROM aumos_audit_writer`,
			`CREATE OR REPLACE FUNCTION aumos_audit_guard.deny_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'`,
			`ALTER FUNCTION aumos_audit_guard.deny_change() OWNER TO aumos_audit_owner`,
			`DROP FUNCTION aumos_audit_guard.deny_change() CASCADE`,
			`CREATE FUNCTION public.as_owner() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM gov_audit_checkpoints'`,
			`CREATE TABLE public.shadow ()`,
			`CREATE TEMP TABLE gov_audit_trail_entries (tenant_id uuid)`,
			`CREATE VIEW public.shadow AS SELECT * FROM gov_audit_trail_entries`,
			`CREATE INDEX ON gov_audit_trail_entries (entry)`,
			`DROP INDEX gov_audit_trail_entries_actor_idx`,
			`SELECT 1 INTO public.shadow`,
			`COMMENT ON TABLE gov_audit_trail_entries IS 'x'`,
		} {
			_, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
			var pg *pgconn.PgError
			if !errors.As(err, &pg) || pg.Code != "WALL2" {
				t.Errorf("%s: %s: %v, want the DDL guard's refusal", role, sql, err)
			}
		}
	}
	for _, role := range []string{"writer", "reader", "owner"} { // what the event trigger does not see takes a superuser
		for _, sql := range []string{
			`ALTER EVENT TRIGGER aumos_audit_deny_ddl DISABLE`,
			`DROP EVENT TRIGGER aumos_audit_deny_rewrite`,
			`UPDATE pg_catalog.pg_trigger SET tgenabled = 'D'`,
			`REASSIGN OWNED BY aumos_audit_owner TO aumos_audit_writer`,
			`ALTER ROLE aumos_audit_owner LOGIN`,
			`GRANT aumos_audit_owner TO aumos_audit_reader`,
		} {
			if _, err := connections[role].Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err == nil {
				t.Errorf("%s succeeded: %s", role, sql)
			}
		}
	}
	for _, role := range []string{"writer", "reader"} {
		for _, sql := range []string{
			`SET SESSION AUTHORIZATION aumos_audit_owner`, `SET ROLE aumos_audit_owner`, `SET ROLE aumos_audit_guard`, `SET session_replication_role = replica`,
		} {
			if _, err := connections[role].Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err == nil {
				t.Errorf("%s succeeded: %s", role, sql)
			}
		}
	}
	checkLog(t, wall, db.Admin(), id)
	checks, err := posture.Look(t.Context(), databases(db), posture.Options{})
	if err == nil {
		err = posture.Refusal(checks)
	}
	if err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestTableRewriteIsRefused lifts the DDL guard alone: the rewrite guard is the second layer.
func TestTableRewriteIsRefused(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	admin := db.Admin()
	if _, err := admin.Exec(t.Context(), `ALTER EVENT TRIGGER aumos_audit_deny_ddl DISABLE`); err != nil {
		t.Fatal(err)
	}
	_, err := admin.Exec(t.Context(), `ALTER TABLE gov_audit_trail_entries ALTER COLUMN leaf_index TYPE numeric USING 1`)
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "WALL3" {
		t.Errorf("rewrite: %v, want the rewrite guard's refusal", err)
	}
}

func TestRolesSeeWhatTheyMay(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := startWall(t, db, wallConfig(t))
	a, b := newTenant(t), newTenant(t)
	appendMany(t, wall, a, 3)
	entriesOfB := appendMany(t, wall, b, 4)
	for _, id := range []tenant.ID{a, b} {
		if _, err := wall.Checkpoint(as(t, id)); err != nil {
			t.Fatal(err)
		}
	}
	count := func(conn *pgx.Conn, sql string) (n int) {
		t.Helper()
		if err := conn.QueryRow(t.Context(), sql).Scan(&n); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		return n
	}
	reader, err := pgx.Connect(t.Context(), db.ReaderURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reader.Close(t.Context()) })
	for tenantID, want := range map[string][2]int{"": {0, 0}, a.String(): {3, 1}, b.String(): {4, 1}} {
		if _, err := reader.Exec(t.Context(), `SELECT set_config('aumos.tenant_id', $1, false)`, tenantID); err != nil {
			t.Fatal(err)
		}
		got := [2]int{count(reader, `SELECT count(entry) FROM gov_audit_trail_entries`), count(reader, `SELECT count(*) FROM gov_audit_checkpoints`)}
		if got != want {
			t.Errorf("the reader for tenant %q sees %v entries and checkpoints, want %v", tenantID, got, want)
		}
	}
	refused(t, reader, "reader", `SELECT * FROM gov_audit_trail_entries_p0`)
	refused(t, reader, "reader", `INSERT INTO gov_audit_checkpoints DEFAULT VALUES`)
	refused(t, reader, "reader", `INSERT INTO gov_audit_trail_entries DEFAULT VALUES`)

	writer, err := pgx.Connect(t.Context(), db.WriterURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = writer.Close(t.Context()) })
	if n := count(writer, `SELECT count(hashes) FROM gov_audit_trail_entries`); n != 7 {
		t.Errorf("the writer sees %d rows, want 7", n)
	}
	for _, column := range []string{"entry", "event_type", "actor_id", "resource_id", "*"} {
		refused(t, writer, "writer", `SELECT `+column+` FROM gov_audit_trail_entries`)
	}
	refused(t, writer, "writer", `INSERT INTO gov_audit_trail_entries_p0 DEFAULT VALUES`)
	refused(t, writer, "writer", `INSERT INTO gov_audit_trail_entries DEFAULT VALUES RETURNING entry`)

	// Through the wall, another tenant's entry is one that does not exist.
	if _, err := wall.Get(as(t, a), entriesOfB[0].EntryID); errs.ReasonOf(err) != errs.ReasonNotFound {
		t.Errorf("Get of another tenant's entry: %v", err)
	}
	if _, _, err := wall.Receipt(as(t, a), entriesOfB[0].EntryID); errs.ReasonOf(err) != errs.ReasonNotFound {
		t.Errorf("Receipt of another tenant's entry: %v", err)
	}
	if _, err := wall.GetByIndex(as(t, a), 3); errs.ReasonOf(err) != errs.ReasonNotFound {
		t.Errorf("GetByIndex beyond the tenant's log: %v", err)
	}
	listed, more, err := wall.List(as(t, a), audit.Filter{}, -1, 100)
	if err != nil || more || len(listed) != 3 {
		t.Fatalf("List: %d entries, more %v, %v", len(listed), more, err)
	}
	if _, _, err := wall.List(t.Context(), audit.Filter{}, -1, 100); err == nil {
		t.Error("List without a tenant succeeded")
	}
}

// TestChangesByASuperuserAreFound lifts every guard, changes what only a superuser can, and expects the verification of an export, with a
// checkpoint signed before, to name the entries.
func TestChangesByASuperuserAreFound(t *testing.T) {
	t.Parallel()
	const n = 20
	for name, tc := range map[string]struct {
		sql  string // :tenant is the log to verify, :other another one
		want string
	}{
		"entry":           {`UPDATE gov_audit_trail_entries SET entry = set_byte(entry, octet_length(entry) - 1, get_byte(entry, octet_length(entry) - 1) # 1) WHERE tenant_id = :tenant AND leaf_index = 7`, "LEAF_HASH 7 7"},
		"leaf hash":       {`UPDATE gov_audit_trail_entries SET hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1) WHERE tenant_id = :tenant AND leaf_index = 7`, "LEAF_HASH 7 7"},
		"inner node":      {`UPDATE gov_audit_trail_entries SET hashes = set_byte(hashes, 64, get_byte(hashes, 64) # 1) WHERE tenant_id = :tenant AND leaf_index = 7`, "NODE_HASH 4 7"},
		"entry id":        {`UPDATE gov_audit_trail_entries SET entry_id = gen_random_uuid() WHERE tenant_id = :tenant AND leaf_index = 7`, "COLUMNS 7 7 entry_id"},
		"content_sha256":  {`UPDATE gov_audit_trail_entries SET content_sha256 = sha256('x') WHERE tenant_id = :tenant AND leaf_index = 7`, "COLUMNS 7 7 content_sha256"},
		"recorded time":   {`UPDATE gov_audit_trail_entries SET recorded_at = recorded_at - interval '1 day' WHERE tenant_id = :tenant AND leaf_index = 7`, "COLUMNS 7 7 recorded_at"},
		"event type":      {`UPDATE gov_audit_trail_entries SET event_type = 'x.y' WHERE tenant_id = :tenant AND leaf_index = 7`, "COLUMNS 7 7 event_type"},
		"action":          {`UPDATE gov_audit_trail_entries SET action = 'x.y' WHERE tenant_id = :tenant AND leaf_index = 7`, "COLUMNS 7 7 action"},
		"outcome":         {`UPDATE gov_audit_trail_entries SET outcome = 'DENIED' WHERE tenant_id = :tenant AND leaf_index = 7`, "COLUMNS 7 7 outcome"},
		"actor":           {`UPDATE gov_audit_trail_entries SET actor_id = 'somebody else' WHERE tenant_id = :tenant AND leaf_index = 7`, "COLUMNS 7 7 actor_id"},
		"resource type":   {`UPDATE gov_audit_trail_entries SET resource_type = 'x' WHERE tenant_id = :tenant AND leaf_index = 7`, "COLUMNS 7 7 resource_type"},
		"resource id":     {`UPDATE gov_audit_trail_entries SET resource_id = 'x' WHERE tenant_id = :tenant AND leaf_index = 7`, "COLUMNS 7 7 resource_id"},
		"source service":  {`UPDATE gov_audit_trail_entries SET source_service = 'x' WHERE tenant_id = :tenant AND leaf_index = 7`, "COLUMNS 7 7 source_service"},
		"correlation id":  {`UPDATE gov_audit_trail_entries SET correlation_id = 'x' WHERE tenant_id = :tenant AND leaf_index = 7`, "COLUMNS 7 7 correlation_id"},
		"request id":      {`UPDATE gov_audit_trail_entries SET request_id = 'x' WHERE tenant_id = :tenant AND leaf_index = 7`, "COLUMNS 7 7 request_id"},
		"row deleted":     {`DELETE FROM gov_audit_trail_entries WHERE tenant_id = :tenant AND leaf_index = 7`, "MISSING_ENTRIES 7 7"},
		"first deleted":   {`DELETE FROM gov_audit_trail_entries WHERE tenant_id = :tenant AND leaf_index = 0`, "MISSING_ENTRIES 0 0"},
		"tail cut":        {`DELETE FROM gov_audit_trail_entries WHERE tenant_id = :tenant AND leaf_index >= 15`, "MISSING_ENTRIES 15 19"},
		"everything gone": {`TRUNCATE gov_audit_trail_entries`, "MISSING_ENTRIES 0 19"},
		"row inserted": {`INSERT INTO gov_audit_trail_entries SELECT tenant_id, 20, gen_random_uuid(), content_sha256, hashes, recorded_at, effective_at, state_change, event_type, action, outcome, actor_id,
			resource_type, resource_id, source_service, correlation_id, request_id, entry FROM gov_audit_trail_entries WHERE tenant_id = :tenant AND leaf_index = 4`, "LEAF_POSITION 20 20"},
		"rows swapped": {`UPDATE gov_audit_trail_entries SET leaf_index = -1 - leaf_index WHERE tenant_id = :tenant AND leaf_index IN (7, 8);
			UPDATE gov_audit_trail_entries SET leaf_index = 16 + leaf_index WHERE tenant_id = :tenant AND leaf_index = -8;
			UPDATE gov_audit_trail_entries SET leaf_index = 16 + leaf_index WHERE tenant_id = :tenant AND leaf_index = -9`, "LEAF_POSITION 7 7"},
		"row replaced by another tenant's": {`DELETE FROM gov_audit_trail_entries WHERE tenant_id = :tenant AND leaf_index = 7;
			UPDATE gov_audit_trail_entries SET tenant_id = :tenant WHERE tenant_id = :other AND leaf_index = 7`, "LEAF_TENANT 7 7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.Audit(t)
			wall, _ := startWall(t, db, wallConfig(t))
			id, other := newTenant(t), newTenant(t)
			appendMany(t, wall, id, n)
			appendMany(t, wall, other, n)
			head, err := wall.Checkpoint(as(t, id))
			if err != nil {
				t.Fatal(err)
			}
			opts := auditlog.Options{Keys: keyring(t, wall, id)}
			if r := verify(t, export(t, wall, id, head.Note), opts); r.Verdict != auditlog.Verified {
				t.Fatalf("before the change: %+v", r)
			}
			withoutGuards(t, db, strings.NewReplacer(":tenant", "'"+id.String()+"'", ":other", "'"+other.String()+"'").Replace(tc.sql))
			r := verify(t, export(t, wall, id, head.Note), opts)
			var found []string
			for _, f := range r.Findings {
				found = append(found, fmt.Sprintf("%s %d %d", f.Reason, f.First, f.Last))
				if f.Reason == auditlog.ReasonColumns {
					_, columns, _ := strings.Cut(f.Detail, ": ")
					found[len(found)-1] += " " + strings.Trim(columns, `"`)
				}
			}
			if r.Verdict != auditlog.Tampered || !slices.Contains(found, tc.want) {
				t.Errorf("%v %q, want %q", r.Verdict, found, tc.want)
			}
		})
	}
}

// withoutGuards runs SQL as a superuser who has taken every guard away, checks included.
func withoutGuards(t testing.TB, db postgrestest.AuditDB, sql string) {
	t.Helper()
	lifted(t, db, `
		ALTER TABLE gov_audit_trail_entries DROP CONSTRAINT gov_audit_trail_entries_leaf_index_check;
		ALTER TABLE gov_audit_trail_entries DISABLE TRIGGER ALL;
		ALTER TABLE gov_audit_trail_entries_p0 DISABLE TRIGGER ALL;
		ALTER TABLE gov_audit_trail_entries_p1 DISABLE TRIGGER ALL;
		ALTER TABLE gov_audit_trail_entries_p2 DISABLE TRIGGER ALL;
		ALTER TABLE gov_audit_trail_entries_p3 DISABLE TRIGGER ALL;
		ALTER TABLE gov_audit_checkpoints DISABLE TRIGGER ALL;
		`+sql)
}
