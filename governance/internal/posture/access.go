package posture

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
)

// grantProblems looks at who may make things in the database, become more by default, or touch the guard's schema and the record of migrations. The
// privileges on the wall's tables are another check's.
const grantProblems = `
	WITH granted (place, grantee, privilege, wanted) AS (
		SELECT 'database ' || d.datname, a.grantee, a.privilege_type, a.grantee = d.datdba OR a.privilege_type = 'CONNECT' AND a.grantee <> 0
		FROM pg_database AS d
		CROSS JOIN LATERAL aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS a
		WHERE d.datname = current_database()
		UNION ALL
		SELECT 'schema ' || n.nspname, a.grantee, a.privilege_type, a.grantee = n.nspowner OR a.privilege_type = 'USAGE' AND CASE n.nspname
			WHEN 'aumos_audit_guard' THEN a.grantee = to_regrole(@owner::text)
			WHEN 'public' THEN a.grantee <> 0
			ELSE true
		END
		FROM pg_namespace AS n
		CROSS JOIN LATERAL aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) AS a
		WHERE n.nspname !~ '^pg_(toast_)?temp_'
		UNION ALL
		SELECT 'function ' || p.oid::regprocedure, a.grantee, a.privilege_type,
			a.grantee = p.proowner OR p.proname = 'deny_change' AND a.grantee = to_regrole(@owner::text)
		FROM pg_proc AS p
		CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
		WHERE p.pronamespace = to_regnamespace('aumos_audit_guard')
		UNION ALL
		SELECT 'table schema_migrations', a.grantee, a.privilege_type, a.grantee = c.relowner OR a.privilege_type = 'SELECT'
		FROM pg_class AS c
		CROSS JOIN LATERAL aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS a
		WHERE c.oid = to_regclass('public.schema_migrations')
		UNION ALL
		SELECT 'parameter ' || s.parname, a.grantee, a.privilege_type,
			a.grantee <> 0 AND pg_get_userbyid(a.grantee) <> ALL (ARRAY[@owner::text, @guard::text, @writer::text, @reader::text])
		FROM pg_parameter_acl AS s
		CROSS JOIN LATERAL aclexplode(s.paracl) AS a
	)
	SELECT format('%s has %s on %s', CASE grantee WHEN 0 THEN 'everybody' ELSE pg_get_userbyid(grantee) END, privilege, place)
	FROM granted
	WHERE NOT wanted AND grantee NOT IN (SELECT oid FROM pg_roles WHERE rolsuper)
	UNION ALL
	SELECT format('default privileges for what %s makes', pg_get_userbyid(defaclrole))
	FROM pg_default_acl
	UNION ALL
	SELECT format('schema public is owned by %s', pg_get_userbyid(nspowner))
	FROM pg_namespace
	WHERE nspname = 'public' AND pg_get_userbyid(nspowner) NOT IN ('pg_database_owner', @owner::text)
	UNION ALL
	SELECT format('schema_migrations is owned by %s', pg_get_userbyid(relowner))
	FROM pg_class
	WHERE oid = to_regclass('public.schema_migrations') AND pg_get_userbyid(relowner) <> @owner::text`

// settingsOfRoles finds settings that the database, or one of the wall's roles, brings into every session: no migration makes one, and they can
// choose the tenant, the code that is loaded, or that a commit does not wait for the disk. Limits of time and memory are an operator's business.
const settingsOfRoles = `
	SELECT format('%s%s: %s is set', CASE s.setdatabase WHEN 0 THEN 'every database' ELSE 'this database' END,
		CASE s.setrole WHEN 0 THEN '' ELSE ', role ' || pg_get_userbyid(s.setrole) END, setting.name)
	FROM pg_db_role_setting AS s
	CROSS JOIN LATERAL (SELECT split_part(c, '=', 1) FROM unnest(s.setconfig) AS c) AS setting (name)
	WHERE (
			s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
			OR s.setdatabase = 0 AND (s.setrole = 0 OR pg_get_userbyid(s.setrole) IN (@owner::text, @guard::text, @writer::text, @reader::text))
		)
		AND setting.name NOT IN (
			'application_name', 'deadlock_timeout', 'hash_mem_multiplier', 'idle_in_transaction_session_timeout', 'idle_session_timeout',
			'lock_timeout', 'maintenance_work_mem', 'statement_timeout', 'temp_buffers', 'temp_file_limit', 'transaction_timeout', 'work_mem'
		)`

// settingsOfSession finds the same in a session, wherever it comes from: the server's configuration files, too.
const settingsOfSession = `
	SELECT format('sessions of %s start with %s = %s', session_user, name, value)
	FROM (
		VALUES
			('aumos.tenant_id', current_setting('aumos.tenant_id', true), ''),
			('session_replication_role', current_setting('session_replication_role'), 'origin'),
			('row_security', current_setting('row_security'), 'on'),
			('role', current_setting('role'), 'none')
	) AS setting (name, value, wanted)
	WHERE coalesce(value, '') <> wanted`

// settingsCheck looks at the settings of the database, its roles, and the sessions of both.
func settingsCheck(ctx context.Context, db audit.Databases) (Check, error) {
	problems, err := findProblems(ctx, db.Writer, settingsOfRoles)
	if err != nil {
		return Check{}, fmt.Errorf("settings: %w", err)
	}
	for _, pool := range []*pgxpool.Pool{db.Writer, db.Reader} {
		found, err := findProblems(ctx, pool, settingsOfSession)
		if err != nil {
			return Check{}, fmt.Errorf("settings: %w", err)
		}
		problems = append(problems, found...)
	}
	slices.Sort(problems)
	return Check{
		Name: "settings", OK: len(problems) == 0, Required: true, Problems: slices.Compact(problems),
		Remedy: "ALTER DATABASE or ALTER ROLE ... RESET what is listed, or take it out of the server's configuration, and find out who set it",
	}, nil
}
