package posture

// wallTables are the tables that every guard stands on: the entries, their partitions, the checkpoints, and what witnesses said of them.
var wallTables = []string{ //nolint:gochecknoglobals // a constant table
	"gov_audit_trail_entries", "gov_audit_trail_entries_p0", "gov_audit_trail_entries_p1", "gov_audit_trail_entries_p2",
	"gov_audit_trail_entries_p3", "gov_audit_checkpoints", "gov_audit_cosignatures",
}

// partitionTables are those of the wall's tables that hold the entries.
var partitionTables = wallTables[1:5] //nolint:gochecknoglobals // a constant table

func schemaChecks() []schemaCheck {
	return []schemaCheck{
		{"tables", true, tableProblems, restoreSchema},
		{"keys", true, keyProblems, restoreSchema},
		{"row_security", true, rowSecurityProblems, restoreSchema},
		{"policies", true, policyProblems, restoreSchema},
		{"triggers", true, triggerProblems, restoreSchema},
		{"rules", true, ruleProblems, restoreSchema},
		{"guard_functions", true, functionProblems, restoreSchema},
		{"privileges", true, privilegeProblems, "REVOKE what is listed, find out who granted it, and verify every log"},
		{"grants", true, grantProblems, "REVOKE or DROP what is listed, and find out who granted it; what everybody may on the database and its schemas, `governance migrate --bootstrap` takes away"},
		{"owners", true, ownerProblems, "ALTER ROLE ... NOLOGIN NOSUPERUSER NOBYPASSRLS, and find out who changed it"},
		{"event_triggers_enabled", true, eventTriggerProblems, "ALTER EVENT TRIGGER ... ENABLE ALWAYS as a superuser, find out who changed it, and verify every log"},
		{"event_triggers", false, missingEventTriggers, "create them as a superuser (migrations/audit), where the server has one; without them a role that becomes the owner can change the schema, and only verification shows it"},
		{"definer_functions", true, definerProblems, "DROP FUNCTION what is listed, and find out who made it: what it does, whoever may call it does with its owner's rights"},
		{"owner_members", false, memberProblems, "REVOKE the membership once migrations are done"},
		{"additions", false, additionProblems, "drop what is listed unless an operator can say why it is there"},
		{"builtins", false, builtinProblems, "find out who changed it; where it was no grant of an administrator's, move the wall to a new server and verify every log"},
	}
}

// tableProblems: a table that is missing, somebody else's, unlogged (emptied by a crash), of another kind, or a partition that hangs elsewhere. No
// other partition may be there, on any level: the rows would be in a table that none of the other checks looks at.
const tableProblems = `
	SELECT format('%s: %s', wall.name, CASE
		WHEN c.oid IS NULL THEN 'missing'
		WHEN pg_get_userbyid(c.relowner) <> @owner::text THEN 'owned by ' || pg_get_userbyid(c.relowner)
		WHEN c.relpersistence <> 'p' THEN 'not a logged table'
		WHEN c.relkind <> CASE WHEN wall.name = 'gov_audit_trail_entries' THEN 'p' ELSE 'r' END THEN 'not the kind of table that it was'
		ELSE 'not a partition of the entries'
	END)
	FROM unnest(@tables::text[]) AS wall (name)
	LEFT JOIN pg_class AS c ON c.oid = to_regclass('public.' || wall.name)
	WHERE c.oid IS NULL OR pg_get_userbyid(c.relowner) <> @owner::text OR c.relpersistence <> 'p'
		OR c.relkind <> CASE WHEN wall.name = 'gov_audit_trail_entries' THEN 'p' ELSE 'r' END
		OR wall.name = ANY (@partitions::text[]) AND NOT EXISTS (
			SELECT
			FROM pg_inherits AS i
			WHERE i.inhrelid = c.oid AND i.inhparent = to_regclass('public.gov_audit_trail_entries') AND NOT i.inhdetachpending
		)
	UNION ALL
	SELECT format('%s: a partition that no migration made', i.inhrelid::regclass)
	FROM pg_inherits AS i
	JOIN pg_class AS c ON c.oid = i.inhrelid
	WHERE i.inhparent = ANY (SELECT to_regclass('public.' || name) FROM unnest(@tables::text[]) AS wall (name))
		AND (c.relname <> ALL (@partitions::text[]) OR c.relnamespace::regnamespace::text <> 'public')`

// keyProblems: the unique keys that decide between replicas and make appends idempotent.
const keyProblems = `
	SELECT format('%s: no valid unique key on (%s)', wanted.name, array_to_string(wanted.columns, ', '))
	FROM (
		SELECT wall.name, key.columns
		FROM unnest(@tables::text[]) AS wall (name)
		CROSS JOIN LATERAL (
			VALUES (ARRAY['tenant_id', 'leaf_index']), (ARRAY['tenant_id', 'entry_id'])
		) AS key (columns)
		WHERE wall.name NOT IN ('gov_audit_checkpoints', 'gov_audit_cosignatures')
		UNION ALL
		VALUES
			('gov_audit_checkpoints', ARRAY['tenant_id', 'tree_size']),
			('gov_audit_cosignatures', ARRAY['tenant_id', 'tree_size', 'key_name', 'key_id'])
	) AS wanted
	WHERE NOT EXISTS (
		SELECT
		FROM pg_index AS i
		WHERE i.indrelid = to_regclass('public.' || wanted.name) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND wanted.columns = (
			SELECT array_agg(a.attname::text ORDER BY k.place)
			FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
			JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
		)
	)`

const rowSecurityProblems = `
	SELECT format('%s: row-level security is not enabled and forced', c.relname)
	FROM pg_class AS c
	WHERE c.oid = ANY (SELECT to_regclass('public.' || name) FROM unnest(@tables::text[]) AS wall (name))
		AND NOT (c.relrowsecurity AND c.relforcerowsecurity)`

// policyProblems compares the policies with those of the migration, in the form that the server gives them back.
const policyProblems = `
	WITH wanted (tablename, policyname, role, cmd, qual, with_check, permissive) AS (
		VALUES
			('gov_audit_trail_entries', 'gov_audit_trail_entries_append', @writer::text, 'INSERT', NULL, 'true', 'PERMISSIVE'),
			('gov_audit_trail_entries', 'gov_audit_trail_entries_sequence', @writer::text, 'SELECT', 'true', NULL, 'PERMISSIVE'),
			('gov_audit_trail_entries', 'gov_audit_trail_entries_read', @reader::text, 'SELECT',
				'(tenant_id = (NULLIF(current_setting(''aumos.tenant_id''::text, true), ''''::text))::uuid)', NULL, 'PERMISSIVE'),
			('gov_audit_checkpoints', 'gov_audit_checkpoints_append', @writer::text, 'INSERT', NULL, 'true', 'PERMISSIVE'),
			('gov_audit_checkpoints', 'gov_audit_checkpoints_compare', @writer::text, 'SELECT', 'true', NULL, 'PERMISSIVE'),
			('gov_audit_checkpoints', 'gov_audit_checkpoints_read', @reader::text, 'SELECT',
				'(tenant_id = (NULLIF(current_setting(''aumos.tenant_id''::text, true), ''''::text))::uuid)', NULL, 'PERMISSIVE'),
			('gov_audit_cosignatures', 'gov_audit_cosignatures_append', @writer::text, 'INSERT', NULL, 'true', 'PERMISSIVE'),
			('gov_audit_cosignatures', 'gov_audit_cosignatures_compare', @writer::text, 'SELECT', 'true', NULL, 'PERMISSIVE'),
			('gov_audit_cosignatures', 'gov_audit_cosignatures_read', @reader::text, 'SELECT',
				'(tenant_id = (NULLIF(current_setting(''aumos.tenant_id''::text, true), ''''::text))::uuid)', NULL, 'PERMISSIVE')
	), found AS (
		SELECT tablename::text, policyname::text, array_to_string(roles, ','), cmd, qual, with_check, permissive
		FROM pg_policies
		WHERE schemaname = 'public' AND tablename = ANY (@tables::text[])
	)
	SELECT format('%s: policy %s is missing or was changed', tablename, policyname)
	FROM (TABLE wanted EXCEPT TABLE found) AS missing
	UNION ALL
	SELECT format('%s: policy %s is not the wall''s', tablename, policyname)
	FROM (TABLE found EXCEPT TABLE wanted) AS strange`

// triggerProblems: tgtype is 27 for BEFORE UPDATE OR DELETE FOR EACH ROW and 58 for BEFORE UPDATE OR DELETE OR TRUNCATE FOR EACH STATEMENT.
const triggerProblems = `
	WITH wanted (relid, tgname, tgtype) AS (
		SELECT to_regclass('public.' || wall.name)::oid, deny.tgname, deny.tgtype
		FROM unnest(@tables::text[]) AS wall (name)
		CROSS JOIN (VALUES ('aumos_audit_deny_row', 27), ('aumos_audit_deny_statement', 58)) AS deny (tgname, tgtype)
	), found AS (
		SELECT t.tgrelid, t.tgname::text, t.tgtype::int
		FROM pg_trigger AS t
		JOIN pg_proc AS p ON p.oid = t.tgfoid
		WHERE t.tgrelid IN (SELECT relid FROM wanted) AND t.tgenabled = 'A' AND t.tgqual IS NULL AND NOT t.tgdeferrable
			AND t.tgattr = ''::int2vector AND p.pronamespace::regnamespace::text = 'aumos_audit_guard' AND p.proname = 'deny_change'
	)
	SELECT format('%s: trigger %s is missing, changed or not ENABLE ALWAYS', relid::regclass, tgname)
	FROM (TABLE wanted EXCEPT TABLE found) AS missing
	UNION ALL
	SELECT format('%s: trigger %s is not the wall''s', t.tgrelid::regclass, t.tgname)
	FROM pg_trigger AS t
	WHERE t.tgrelid IN (SELECT relid FROM wanted)
		AND t.tgname NOT IN ('aumos_audit_deny_row', 'aumos_audit_deny_statement')`

const ruleProblems = `
	SELECT format('%s: rule %s', r.ev_class::regclass, r.rulename)
	FROM pg_rewrite AS r
	WHERE r.ev_class = ANY (SELECT to_regclass('public.' || name) FROM unnest(@tables::text[]) AS wall (name))`

// functionProblems compares the guard functions with those of the migration. The digests are of their source: a test keeps them true.
const functionProblems = `
	SELECT format('aumos_audit_guard.%s(): %s', wanted.name, CASE
		WHEN p.oid IS NULL THEN 'missing'
		WHEN pg_get_userbyid(p.proowner) <> @guard::text THEN 'owned by ' || pg_get_userbyid(p.proowner)
		ELSE 'changed'
	END)
	FROM (
		VALUES
			('deny_change', '` + denyChangeDigest + `'),
			('deny_ddl', '` + denyDDLDigest + `'),
			('deny_rewrite', '` + denyRewriteDigest + `')
	) AS wanted (name, digest)
	LEFT JOIN pg_proc AS p ON p.proname = wanted.name AND p.pronargs = 0 AND p.pronamespace::regnamespace::text = 'aumos_audit_guard'
	LEFT JOIN pg_language AS l ON l.oid = p.prolang
	WHERE p.oid IS NULL OR pg_get_userbyid(p.proowner) <> @guard::text OR l.lanname <> 'plpgsql' OR p.prosecdef
		OR p.proconfig IS DISTINCT FROM ARRAY['search_path=pg_catalog, pg_temp']
		OR encode(sha256(convert_to(p.prosrc, 'UTF8')), 'hex') <> wanted.digest
	UNION ALL
	SELECT format('schema aumos_audit_guard: owned by %s', pg_get_userbyid(nspowner))
	FROM pg_namespace
	WHERE nspname = 'aumos_audit_guard' AND pg_get_userbyid(nspowner) <> @guard::text`

const (
	denyChangeDigest  = "feba2b9063d3f8af546b2e2c24b2765a300ad2b3b06282124de8652052d5d1fd"
	denyDDLDigest     = "ff913e01fc12172e7ae245d5696c48a33cb248cfcf614179a9bcc20d8281d5e3"
	denyRewriteDigest = "4fd7ef38c7fcb9f116f89eb28831ced22463f76e08640509dcbedc9db2df3dba"
)

// privilegeProblems: nobody but a superuser may change rows, only the writer may add them, nobody may touch a partition directly, and the writer may
// not read what entries say. The role pg_write_all_data has every privilege by definition; its members are found all the same.
const privilegeProblems = `
	WITH wall AS (
		SELECT to_regclass('public.' || name)::oid AS relid, name = ANY (@partitions::text[]) AS partition
		FROM unnest(@tables::text[]) AS wall (name)
	), role AS (
		SELECT oid, rolname
		FROM pg_roles
		WHERE NOT rolsuper AND rolname NOT IN ('pg_write_all_data', 'pg_read_all_data')
	)
	SELECT format('%s may %s %s', role.rolname, privilege.name, wall.relid::regclass)
	FROM wall
	CROSS JOIN role
	CROSS JOIN (VALUES ('UPDATE'), ('DELETE'), ('TRUNCATE'), ('REFERENCES'), ('TRIGGER'), ('INSERT'), ('SELECT')) AS privilege (name)
	WHERE wall.relid IS NOT NULL
		AND (
			has_table_privilege(role.oid, wall.relid, privilege.name)
			OR privilege.name IN ('UPDATE', 'INSERT', 'SELECT', 'REFERENCES') AND has_any_column_privilege(role.oid, wall.relid, privilege.name)
		)
		AND CASE privilege.name
			WHEN 'INSERT' THEN wall.partition OR role.rolname <> @writer::text
			WHEN 'SELECT' THEN wall.partition OR role.rolname NOT IN (@writer::text, @reader::text)
			ELSE true
		END
	UNION ALL
	SELECT format('%s may %s %s', CASE a.grantee WHEN 0 THEN 'everybody' ELSE pg_get_userbyid(a.grantee) END, a.privilege_type, wall.relid::regclass)
	FROM wall
	JOIN pg_class AS c ON c.oid = wall.relid
	CROSS JOIN LATERAL aclexplode(c.relacl) AS a -- MAINTAIN, of PostgreSQL 17 and later, and what comes after it
	WHERE a.privilege_type NOT IN ('UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER', 'INSERT', 'SELECT')
	UNION ALL
	SELECT format('%s may read what entries say', @writer::text)
	WHERE has_column_privilege(@writer::text, 'public.gov_audit_trail_entries', 'entry', 'SELECT')`

const ownerProblems = `
	SELECT format('role %s is missing', wanted.name)
	FROM (VALUES (@owner::text), (@guard::text)) AS wanted (name)
	WHERE wanted.name NOT IN (SELECT rolname FROM pg_roles)
	UNION ALL
	SELECT format('role %s can log in or has attributes that it must not have', rolname)
	FROM pg_roles
	WHERE rolname IN (@owner::text, @guard::text) AND (rolcanlogin OR rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)
	UNION ALL
	SELECT format('the database is owned by %s', pg_get_userbyid(datdba))
	FROM pg_database
	WHERE datname = current_database() AND pg_get_userbyid(datdba) <> @owner::text`

const eventTriggers = `
	WITH wanted (evtname, evtevent, function) AS (
		VALUES
			('aumos_audit_deny_ddl', 'ddl_command_start', 'deny_ddl'),
			('aumos_audit_deny_rewrite', 'table_rewrite', 'deny_rewrite')
	)`

// eventTriggerProblems: event triggers that are there but do not fire as they should.
const eventTriggerProblems = eventTriggers + `
	SELECT format('event trigger %s is disabled or was changed', e.evtname)
	FROM pg_event_trigger AS e
	JOIN wanted AS w ON w.evtname = e.evtname
	WHERE e.evtenabled <> 'A' OR e.evtevent <> w.evtevent OR e.evttags IS NOT NULL
		OR NOT EXISTS (
			SELECT
			FROM pg_proc AS p
			WHERE p.oid = e.evtfoid AND p.proname = w.function AND p.pronamespace::regnamespace::text = 'aumos_audit_guard'
		)
	UNION ALL
	SELECT 'event_triggers is off: none fires' -- a setting of PostgreSQL 17 and later
	WHERE current_setting('event_triggers', true) = 'off'`

// missingEventTriggers: managed servers have no superuser who could create them.
const missingEventTriggers = eventTriggers + `
	SELECT format('event trigger %s is missing: DDL by the owner is not prevented', w.evtname)
	FROM wanted AS w
	WHERE w.evtname NOT IN (SELECT evtname FROM pg_event_trigger)`

const memberProblems = `
	SELECT format('%s can become %s', member.rolname, owner.rolname)
	FROM pg_roles AS owner
	JOIN pg_roles AS member ON pg_has_role(member.oid, owner.oid, 'MEMBER')
	WHERE owner.rolname IN (@owner::text, @guard::text) AND member.rolname NOT IN (@owner::text, @guard::text) AND member.rolcanlogin AND NOT member.rolsuper`

// definerProblems: functions that lend their owner's rights, which may be a superuser's. Neither PostgreSQL nor a migration makes one. Those of
// extensions are counted by the check "additions"; plpgsql has none and would be the place to hide one.
const definerProblems = `
	SELECT format('%s runs with the rights of %s', p.oid::regprocedure, pg_get_userbyid(p.proowner))
	FROM pg_proc AS p
	WHERE p.prosecdef
		AND NOT ( -- compared as a whole
			p.pronamespace::regnamespace::text = 'aumos_audit_guard' AND p.pronargs = 0 AND p.proname IN ('deny_change', 'deny_ddl', 'deny_rewrite')
		)
		AND NOT EXISTS (
			SELECT
			FROM pg_depend AS d
			JOIN pg_extension AS e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
			WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e' AND e.extname <> 'plpgsql'
		)`
