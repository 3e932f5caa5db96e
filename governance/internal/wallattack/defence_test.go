package wallattack_test

import (
	"bytes"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	wallposture "github.com/aumos-enterprise/platform/governance/internal/posture"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// attempt carries out an attack on one table and finds out what came of it.
func (g *ground) attempt(a attack, as role, table string) outcome {
	g.t.Helper()
	before := g.seen
	if before == "" {
		before = g.state()
	}
	presented, err := g.execute(a, as, table)
	after := g.state()
	g.seen = after
	switch {
	case err != nil && after != before:
		return unnoticed + " change by a failing attack"
	case err != nil:
		return refusal(err)
	case after == before:
		return noEffect
	}
	if presented == "" && a.older {
		presented = g.kept[0]
	}
	g.seen = "" // what follows changes the wall
	found := g.detect(presented, a.grows)
	if a.undo != "" {
		g.exec(g.admin, g.fill(a.undo, ""))
		if g.state() != before {
			g.t.Fatalf("%s was not undone", a.name)
		}
	}
	switch {
	case len(found) > 0:
		return detected(found...)
	case a.undo == "" && g.state() == before:
		return undone
	default:
		return unnoticed
	}
}

// execute does what the attacker does.
func (g *ground) execute(a attack, as role, table string) (presented string, err error) {
	g.t.Helper()
	if a.run != nil {
		return a.run(g, as)
	}
	if as == unguarded {
		g.lifted(a.sql)
		return "", nil
	}
	sql := g.fill(a.sql, table)
	conn := g.session(as)
	if strings.HasPrefix(sql, "COPY ") {
		_, err = conn.PgConn().CopyFrom(g.t.Context(), strings.NewReader(""), sql)
		return "", err
	}
	_, err = conn.Exec(g.t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
	return "", err
}

// lifted runs SQL as a superuser who disables the event triggers before and enables them after it.
func (g *ground) lifted(sql string) {
	g.t.Helper()
	g.exec(g.admin, `ALTER EVENT TRIGGER aumos_audit_deny_ddl DISABLE; ALTER EVENT TRIGGER aumos_audit_deny_rewrite DISABLE`)
	g.exec(g.admin, g.fill(sql, ""))
	g.exec(g.admin, `ALTER EVENT TRIGGER aumos_audit_deny_ddl ENABLE ALWAYS; ALTER EVENT TRIGGER aumos_audit_deny_rewrite ENABLE ALWAYS`)
}

// fill puts in what the placeholders of an attack stand for.
func (g *ground) fill(sql, table string) string {
	key := "leaf_index"
	switch table {
	case "gov_audit_checkpoints":
		key = "tree_size"
	case "gov_audit_cosignatures":
		key = "tree_size, key_name, key_id"
	}
	return strings.NewReplacer(":tenant", "'"+g.tenant.String()+"'", ":other", "'"+g.other.String()+"'", ":table", "public."+table, ":key", key,
		":db", pgx.Identifier{g.name}.Sanitize(), ":super", pgx.Identifier{g.admin.Config().User}.Sanitize()).Replace(sql)
}

func (g *ground) exec(conn *pgx.Conn, sql string) {
	g.t.Helper()
	if _, err := conn.Exec(g.t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		g.t.Fatalf("%s: %v", sql, err)
	}
}

// session returns a session as a role, with nothing left from the attack before. SET SESSION AUTHORIZATION rather than SET ROLE makes owner and
// guard: what they may become then depends on them, not on the superuser beneath.
func (g *ground) session(as role) *pgx.Conn {
	g.t.Helper()
	conn := g.sessions[as]
	if conn == nil {
		conn = g.connect(map[role]string{writer: postgres.RoleAuditWriter, reader: postgres.RoleAuditReader}[as])
		g.sessions[as] = conn
	}
	if as == owner || as == guard {
		g.exec(conn, `RESET SESSION AUTHORIZATION`)
	}
	g.exec(conn, `RESET ALL; RESET ROLE`)
	switch as {
	case owner:
		g.exec(conn, `SET SESSION AUTHORIZATION `+postgres.RoleAuditOwner)
	case guard:
		g.exec(conn, `SET SESSION AUTHORIZATION `+postgres.RoleAuditGuard)
	default:
	}
	return conn
}

// state returns everything on the wall, byte for byte, and the catalogue rows that protect it. The platform's own log is left out: the service
// writes to it whenever it signs.
func (g *ground) state() (state string) {
	g.t.Helper()
	err := g.admin.QueryRow(g.t.Context(), `
		SELECT string_agg(line, chr(10) ORDER BY line)
		FROM (
			`+g.readable("entry", "gov_audit_trail_entries")+`
			UNION ALL
			`+g.readable("checkpoint", "gov_audit_checkpoints")+`
			UNION ALL
			`+g.readable("cosignature", "gov_audit_cosignatures")+catalogue+`
		) AS lines`, [16]byte(auditlog.PlatformTenant)).Scan(&state)
	if err != nil {
		g.t.Fatalf("read everything: %v", err)
	}
	return state
}

// readable reads the rows of a table, if it is there.
func (g *ground) readable(what, table string) string {
	g.t.Helper()
	var exists bool
	if err := g.admin.QueryRow(g.t.Context(), `SELECT to_regclass('public.' || $1) IS NOT NULL`, table).Scan(&exists); err != nil {
		g.t.Fatal(err)
	}
	if exists {
		return `SELECT '` + what + ` ' || w::text AS line FROM public.` + table + ` AS w WHERE w.tenant_id <> $1`
	}
	return `SELECT 'no ` + table + `' AS line WHERE $1::uuid IS NOT NULL`
}

// catalogue reads what decides who may do what.
const catalogue = `
	UNION ALL SELECT 'relation ' || (c.oid, c.relname, c.relnamespace, c.relowner, c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity,
		c.relacl, c.relispartition, c.relpartbound IS NULL, c.relreplident, c.reloptions)::text
	FROM pg_class AS c
	WHERE c.relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema')
	UNION ALL SELECT 'column ' || (a.attrelid, a.attname, a.attnum, a.atttypid, a.attnotnull, a.atthasdef, a.attacl)::text
	FROM pg_attribute AS a
	WHERE a.attrelid >= 16384
	UNION ALL SELECT 'default ' || (d.adrelid, d.adnum, pg_get_expr(d.adbin, d.adrelid))::text FROM pg_attrdef AS d WHERE d.oid >= 16384
	UNION ALL SELECT 'type ' || (y.oid, y.typname, y.typnamespace, y.typtype)::text FROM pg_type AS y WHERE y.oid >= 16384
	UNION ALL SELECT 'operator ' || o::text FROM pg_operator AS o WHERE o.oid >= 16384
	UNION ALL SELECT 'cast ' || k::text FROM pg_cast AS k WHERE k.oid >= 16384
	UNION ALL SELECT 'extension ' || e::text FROM pg_extension AS e
	UNION ALL SELECT 'publication ' || p::text FROM pg_publication AS p
	UNION ALL SELECT 'default privileges ' || a::text FROM pg_default_acl AS a
	UNION ALL SELECT 'large object ' || l::text FROM pg_largeobject_metadata AS l
	UNION ALL SELECT 'parameter ' || a::text FROM pg_parameter_acl AS a
	UNION ALL SELECT 'migration ' || m::text FROM public.schema_migrations AS m
	UNION ALL SELECT 'constraint ' || (k.oid, k.conname, k.conrelid)::text FROM pg_constraint AS k WHERE k.oid >= 16384
	UNION ALL SELECT 'schema ' || n::text FROM pg_namespace AS n WHERE n.nspname !~ '^pg_(toast|temp)'
	UNION ALL SELECT 'trigger ' || t::text FROM pg_trigger AS t
	UNION ALL SELECT 'event trigger ' || t::text FROM pg_event_trigger AS t
	UNION ALL SELECT 'policy ' || p::text FROM pg_policy AS p
	UNION ALL SELECT 'rule ' || (r.oid, r.rulename, r.ev_class)::text FROM pg_rewrite AS r WHERE r.oid >= 16384
	UNION ALL SELECT 'function ' || p::text FROM pg_proc AS p WHERE p.oid >= 16384
	UNION ALL SELECT 'functions of PostgreSQL ' || md5(string_agg(p.oid || ' ' || p.xmin::text, ',' ORDER BY p.oid)) FROM pg_proc AS p WHERE p.oid < 16384
	UNION ALL SELECT 'partition ' || i::text FROM pg_inherits AS i
	UNION ALL SELECT 'database ' || (d.datdba, d.datacl)::text FROM pg_database AS d WHERE d.datname = current_database()
	UNION ALL SELECT 'role ' || (r.oid, r.rolname, r.rolsuper, r.rolcanlogin, r.rolbypassrls, r.rolcreaterole, r.rolcreatedb, r.rolreplication)::text FROM pg_roles AS r
	UNION ALL SELECT 'member ' || (m.roleid, m.member)::text FROM pg_auth_members AS m
	UNION ALL SELECT 'setting ' || s::text FROM pg_db_role_setting AS s
	WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))`

// detect lists what finds a change.
func (g *ground) detect(presented string, grows bool) (found []string) {
	g.t.Helper()
	g.db.Writer.Reset() // a new session, as at a start: settings of databases and roles count from then on
	g.db.Reader.Reset()
	for _, c := range g.posture() {
		if !c.OK && c.Name != "durability" && c.Name != "checksums" { // those are as the tests' server was made
			found = append(found, posture(c.Name))
		}
	}
	if grows {
		if _, err := g.wall.Append(g.t.Context(), g.entry(g.tenant, entries)); errs.ReasonOf(err) == errs.ReasonLogInconsistent {
			found = append(found, appendRefused)
		}
	}
	head, err := g.wall.Checkpoint(g.as(g.tenant))
	switch {
	case errs.ReasonOf(err) == errs.ReasonLogInconsistent:
		found = append(found, noSignature)
	case err != nil:
		g.t.Fatalf("no head is signed: %v", err) // unavailable is not the same as found
	case presented == "":
		presented = head.Note
	}
	if presented == "" {
		presented = g.kept[len(g.kept)-1]
	}
	return append(found, g.findings(presented)...)
}

// findings lists the first finding of each kind in a verification, and whether the auditor's checkpoints add one.
func (g *ground) findings(presented string) (found []string) {
	g.t.Helper()
	met := map[auditlog.Reason]bool{auditlog.ReasonNotCovered: true} // entries beyond the checkpoint are no proof of a change
	var first []string
	for _, f := range g.verify(presented).Findings {
		if !met[f.Reason] {
			first = append(first, at(f.Reason, f.First, f.Last))
		}
		met[f.Reason] = true
	}
	if len(first) > 0 {
		found = append(found, verification(first...))
	}
	for _, f := range g.verify(presented, g.kept...).Findings {
		if f.Reason == auditlog.ReasonCheckpointConflict {
			return append(found, keptConflict)
		}
	}
	return found
}

func (g *ground) posture() []wallposture.Check {
	g.t.Helper()
	checks, err := wallposture.Look(g.t.Context(), g.db, wallposture.Options{Logs: &g.cfg, Deep: true})
	if err != nil {
		g.t.Fatal(err)
	}
	return checks
}

// verify exports the watched log as an auditor gets it, through the reader role, and verifies the export.
func (g *ground) verify(checkpoint string, known ...string) auditlog.Report {
	g.t.Helper()
	var file bytes.Buffer
	x, err := auditlog.NewExportWriter(&file, auditlog.ExportHeader{Origin: auditlog.Origin(prefix, g.tenant), TenantID: g.tenant.String()})
	if err != nil {
		g.t.Fatal(err)
	}
	page, _, err := g.wall.List(g.as(g.tenant), audit.Filter{}, -1, 2*entries)
	if err != nil {
		g.t.Fatalf("the log cannot be read: %v", err)
	}
	for _, e := range page {
		if err := x.Write(e.LeafIndex, e.Leaf, e.StoredHashes, e.Mismatched); err != nil {
			g.t.Fatal(err)
		}
	}
	if err := x.End(auditlog.LogEnd{Checkpoint: checkpoint}); err != nil {
		g.t.Fatal(err)
	}
	r, err := auditlog.VerifyExport(&file, auditlog.Options{Keys: g.keys, Known: known})
	if err != nil {
		g.t.Fatal(err)
	}
	return r
}
