package posture

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
)

// migratedSchema is the canonical text of the schema that the migrations make, with the migrations themselves: what schemaLines gives for it on every
// supported version of PostgreSQL. A test compares it with the migrations and writes it anew when UPDATE_SCHEMA is set.
//
//go:embed schema.txt
var migratedSchema string

// catalogueChecks compare the whole database with what the migrations made: nothing may be missing, changed or added.
//
// A database that a newer release has migrated has what this one does not know. The two checks then only report: the previous release must go on
// working, and which migrations are unknown is among what they report.
func catalogueChecks(ctx context.Context, pool *pgxpool.Pool) ([]Check, error) {
	found, err := findProblems(ctx, pool, schemaLines)
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	objects, err := findProblems(ctx, pool, objectProblems)
	if err != nil {
		return nil, fmt.Errorf("objects: %w", err)
	}
	problems, newer := compareSchema(strings.Split(strings.TrimSuffix(migratedSchema, "\n"), "\n"), found)
	return []Check{
		{Name: "schema", OK: len(problems) == 0, Required: !newer, Problems: problems, Remedy: restoreSchema},
		{
			Name: "objects", OK: len(objects) == 0, Required: !newer, Problems: objects,
			Remedy: "find out who made what is listed, and what it does; then DROP it as a superuser, and verify every log",
		},
	}, nil
}

// compareSchema lists how two texts of a schema differ, and says whether the one found has migrations that are not wanted.
func compareSchema(wanted, found []string) (problems []string, newer bool) {
	for _, line := range wanted {
		if !slices.Contains(found, line) {
			problems = append(problems, "missing or changed: "+line)
		}
	}
	for _, line := range found {
		if !slices.Contains(wanted, line) {
			newer = newer || isUnknownMigration(line, wanted)
			problems = append(problems, "not the migrations': "+line)
		}
	}
	slices.Sort(problems)
	return problems, newer
}

// isUnknownMigration reports whether a line names a migration that no wanted one has the name of: one that was altered is not newer.
func isUnknownMigration(line string, wanted []string) bool {
	name, _, _ := strings.Cut(line, ": ")
	return strings.HasPrefix(name, "migration ") && !slices.ContainsFunc(wanted, func(w string) bool { return strings.HasPrefix(w, name+": ") })
}

// schemaLines describes the wall's tables and the record of migrations, a line for each table, column, constraint, index and migration, in words that
// do not depend on the version of PostgreSQL or on how the database came to be: no object ids, no numbers that columns dropped before would shift.
// What other checks compare (owners, privileges, policies, triggers, rules) is left out. Version 18 has NOT NULL constraints in the catalogue; the
// columns' lines say the same.
const schemaLines = `
	WITH wall AS (
		SELECT c.oid, c.relname, c.relkind, c.relpersistence, c.relreplident, c.reloptions, c.relpartbound, c.relam, c.reltype, c.reloftype
		FROM unnest(@tables::text[] || '{schema_migrations}') AS name
		JOIN pg_class AS c ON c.oid = to_regclass('public.' || name)
	)
	SELECT format('table %s: kind %s, persistence %s, replica identity %s, options (%s), access method %s, of type %s, parents (%s), partition %s, by %s',
		t.relname, t.relkind, t.relpersistence, t.relreplident, array_to_string(t.reloptions, ', '),
		coalesce((SELECT amname FROM pg_am WHERE oid = t.relam), '-'), CASE t.reloftype WHEN 0 THEN '-' ELSE t.reloftype::regtype::text END,
		(SELECT string_agg(p.relname, ', ' ORDER BY i.inhseqno) FROM pg_inherits AS i JOIN pg_class AS p ON p.oid = i.inhparent WHERE i.inhrelid = t.oid),
		coalesce(pg_get_expr(t.relpartbound, t.oid), '-'), coalesce(pg_get_partkeydef(t.oid), '-'))
	FROM wall AS t
	UNION ALL
	SELECT format('column %s %s %s: %s, collation %s, %s, default %s, identity %s, generated %s', t.relname,
		row_number() OVER (PARTITION BY t.oid ORDER BY a.attnum), a.attname, format_type(a.atttypid, a.atttypmod),
		coalesce((SELECT quote_ident(l.collname) FROM pg_collation AS l WHERE l.oid = a.attcollation), '-'),
		CASE WHEN a.attnotnull THEN 'NOT NULL' ELSE 'NULL' END, coalesce(pg_get_expr(d.adbin, d.adrelid), '-'),
		coalesce(nullif(a.attidentity::text, ''), '-'), coalesce(nullif(a.attgenerated::text, ''), '-'))
	FROM wall AS t
	JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
	LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
	UNION ALL
	SELECT format('constraint %s %s: %s', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid))
	FROM pg_constraint AS k
	WHERE k.contype <> 'n' AND (k.conrelid IN (SELECT oid FROM wall) OR k.confrelid IN (SELECT oid FROM wall))
	UNION ALL
	SELECT format('index %s: %s%s', t.relname, pg_get_indexdef(i.indexrelid), CASE WHEN i.indisvalid AND i.indisready AND i.indislive THEN '' ELSE ', not valid' END)
	FROM wall AS t
	JOIN pg_index AS i ON i.indrelid = t.oid
	UNION ALL
	SELECT format('migration %s: %s', name, encode(sha256, 'hex'))
	FROM public.schema_migrations`

// objectProblems finds whatever is in the database and is neither PostgreSQL's own (object ids below 16384 are given by initdb alone) nor the
// migrations'. What hangs on one of the wall's tables is looked at by the checks of those; what belongs to an extension is counted by the check
// "additions", plpgsql excepted, which is there always and would be the place to hide something.
const objectProblems = `
	WITH object (class, id) AS (
		SELECT 'pg_namespace'::regclass, oid FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp_'
		UNION ALL
		SELECT 'pg_class'::regclass, c.oid
		FROM pg_class AS c
		WHERE c.relkind NOT IN ('i', 'I') AND c.relnamespace::regnamespace::text !~ '^pg_(toast_)?temp_'
			AND NOT EXISTS (SELECT FROM pg_class AS main WHERE main.reltoastrelid = c.oid)
		UNION ALL
		SELECT 'pg_type'::regclass, t.oid -- those that come with a table, an array's or a range's go with what they come with
		FROM pg_type AS t
		WHERE t.typtype <> 'm' AND t.typnamespace::regnamespace::text !~ '^pg_(toast_)?temp_'
			AND NOT EXISTS (SELECT FROM pg_type AS element WHERE element.typarray = t.oid)
			AND NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = t.typrelid AND c.relkind <> 'c')
		UNION ALL
		SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE NOT prosecdef AND pronamespace::regnamespace::text !~ '^pg_(toast_)?temp_'
		UNION ALL SELECT 'pg_operator'::regclass, oid FROM pg_operator
		UNION ALL SELECT 'pg_opclass'::regclass, oid FROM pg_opclass
		UNION ALL SELECT 'pg_opfamily'::regclass, oid FROM pg_opfamily
		UNION ALL SELECT 'pg_am'::regclass, oid FROM pg_am
		UNION ALL SELECT 'pg_cast'::regclass, oid FROM pg_cast
		UNION ALL SELECT 'pg_collation'::regclass, oid FROM pg_collation
		UNION ALL SELECT 'pg_conversion'::regclass, oid FROM pg_conversion
		UNION ALL SELECT 'pg_language'::regclass, oid FROM pg_language
		UNION ALL SELECT 'pg_transform'::regclass, oid FROM pg_transform
		UNION ALL SELECT 'pg_ts_config'::regclass, oid FROM pg_ts_config
		UNION ALL SELECT 'pg_ts_dict'::regclass, oid FROM pg_ts_dict
		UNION ALL SELECT 'pg_ts_parser'::regclass, oid FROM pg_ts_parser
		UNION ALL SELECT 'pg_ts_template'::regclass, oid FROM pg_ts_template
		UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid FROM pg_foreign_data_wrapper
		UNION ALL SELECT 'pg_foreign_server'::regclass, oid FROM pg_foreign_server
		UNION ALL SELECT 'pg_statistic_ext'::regclass, oid FROM pg_statistic_ext
		UNION ALL SELECT 'pg_publication'::regclass, oid FROM pg_publication
		UNION ALL SELECT 'pg_subscription'::regclass, s.oid FROM pg_subscription AS s JOIN pg_database AS d ON d.oid = s.subdbid WHERE d.datname = current_database()
		UNION ALL SELECT 'pg_event_trigger'::regclass, oid FROM pg_event_trigger
	), strange AS (
		SELECT told.type, told.identity
		FROM object
		CROSS JOIN LATERAL pg_identify_object(object.class, object.id, 0) AS told
		WHERE object.id >= 16384
			AND NOT EXISTS (
				SELECT
				FROM pg_depend AS d
				JOIN pg_extension AS e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
				WHERE d.classid = object.class AND d.objid = object.id AND d.deptype = 'e' AND e.extname <> 'plpgsql'
			)
	)
	SELECT format('%s %s', type, identity)
	FROM strange
	WHERE type || ' ' || identity <> ALL (ARRAY[
		'schema public', 'schema aumos_audit_guard', 'table public.schema_migrations',
		'function aumos_audit_guard.deny_change()', 'function aumos_audit_guard.deny_ddl()', 'function aumos_audit_guard.deny_rewrite()',
		'event trigger aumos_audit_deny_ddl', 'event trigger aumos_audit_deny_rewrite'
	])
		AND (type <> 'table' OR identity <> ALL (SELECT 'public.' || name FROM unnest(@tables::text[]) AS wall (name)))`

// additionProblems names what is in or about the database that no migration made and that operators may have reasons for. None of it touches an entry.
const additionProblems = `
	SELECT format('extension %s %s: %s objects, %s of them functions with their owner''s rights', e.extname, e.extversion, count(d.objid),
		count(p.oid) FILTER (WHERE p.prosecdef))
	FROM pg_extension AS e
	LEFT JOIN pg_depend AS d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
	LEFT JOIN pg_proc AS p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
	WHERE e.extname <> 'plpgsql'
	GROUP BY e.oid, e.extname, e.extversion
	UNION ALL
	SELECT format('%s large objects', count(*))
	FROM pg_largeobject_metadata
	HAVING count(*) > 0
	UNION ALL
	SELECT format('replication slot %s: its consumer reads every change of the database', slot_name)
	FROM pg_replication_slots
	WHERE slot_type = 'logical' AND database = current_database()`

// builtinProblems finds parts of PostgreSQL itself that were replaced, such as the equality that row-level security rests on: their rows are from
// a later transaction than the last one of initdb, which makes the extension plpgsql.
const builtinProblems = `
	WITH made AS (
		SELECT max(xmin::text::bigint) AS last
		FROM pg_proc
		WHERE proname IN ('plpgsql_call_handler', 'plpgsql_inline_handler', 'plpgsql_validator')
	)
	SELECT format('%s %s was changed', told.type, told.identity)
	FROM (
		SELECT 'pg_proc'::regclass AS class, oid, xmin::text::bigint AS changed FROM pg_proc
		UNION ALL SELECT 'pg_operator'::regclass, oid, xmin::text::bigint FROM pg_operator
		UNION ALL SELECT 'pg_cast'::regclass, oid, xmin::text::bigint FROM pg_cast
		UNION ALL SELECT 'pg_rewrite'::regclass, oid, xmin::text::bigint FROM pg_rewrite
		UNION ALL SELECT 'pg_type'::regclass, oid, xmin::text::bigint FROM pg_type
		UNION ALL SELECT 'pg_opclass'::regclass, oid, xmin::text::bigint FROM pg_opclass
		UNION ALL SELECT 'pg_amop'::regclass, oid, xmin::text::bigint FROM pg_amop -- by which operators indexes are searched
		UNION ALL SELECT 'pg_amproc'::regclass, oid, xmin::text::bigint FROM pg_amproc -- and by which functions they are ordered
	) AS part
	CROSS JOIN made
	CROSS JOIN LATERAL pg_identify_object(part.class, part.oid, 0) AS told
	WHERE part.oid < 16384 AND part.changed > made.last`
