package postgrestest_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

// What every table of the platform must be, read from the catalogue of migrated databases.
func TestSchemaDefendsItself(t *testing.T) {
	t.Parallel()
	for name, admin := range map[string]*pgx.Conn{
		"governance": postgrestest.Governance(t).Admin(),
		"audit":      postgrestest.Audit(t).Admin(),
		"drift":      postgrestest.Drift(t).Admin(),
	} {
		for _, rule := range []struct{ breach, sql string }{
			{"has no forced row-level security", `
				SELECT c.oid::regclass::text
				FROM pg_class AS c
				WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'schema_migrations'
				AND NOT (c.relrowsecurity AND c.relforcerowsecurity)`},
			{"has no tenant_id uuid NOT NULL", `
				SELECT c.oid::regclass::text
				FROM pg_class AS c
				WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'schema_migrations'
				AND NOT EXISTS (
					SELECT
					FROM pg_attribute AS a
					WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND a.atttypid = 'uuid'::regtype AND a.attnotnull
				)`},
			{"is a primary key that does not begin with tenant_id", `
				SELECT k.conname::text
				FROM pg_constraint AS k
				JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
				WHERE k.contype = 'p' AND k.connamespace = 'public'::regnamespace AND k.conrelid <> 'schema_migrations'::regclass
				AND a.attname <> 'tenant_id'`},
			{"is owned by a role that logs in", `
				SELECT c.oid::regclass::text
				FROM pg_class AS c
				JOIN pg_roles AS r ON r.oid = c.relowner
				WHERE c.relkind IN ('r', 'p', 'v', 'S') AND c.relnamespace = 'public'::regnamespace AND r.rolcanlogin`},
			{"is open to PUBLIC", `
				SELECT c.oid::regclass::text
				FROM pg_class AS c, aclexplode(c.relacl) AS privilege
				WHERE c.relnamespace = 'public'::regnamespace AND c.relname <> 'schema_migrations' AND privilege.grantee = 0`},
			{"may be truncated or referenced by an application role", `
				SELECT c.oid::regclass::text
				FROM pg_class AS c, aclexplode(c.relacl) AS privilege
				JOIN pg_roles AS r ON r.oid = privilege.grantee
				WHERE c.relnamespace = 'public'::regnamespace AND r.rolcanlogin
				AND privilege.privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER')`},
			{"is a time without time zone", `
				SELECT a.attrelid::regclass::text || '.' || a.attname
				FROM pg_attribute AS a
				JOIN pg_class AS c ON c.oid = a.attrelid
				WHERE c.relnamespace = 'public'::regnamespace AND a.atttypid = 'timestamp'::regtype`},
		} {
			rows, err := admin.Query(t.Context(), rule.sql)
			if err != nil {
				t.Fatalf("%s: %v", rule.breach, err)
			}
			breaches, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				t.Fatalf("%s: %v", rule.breach, err)
			}
			for _, object := range breaches {
				t.Errorf("%s: %s %s", name, object, rule.breach)
			}
		}
	}
}
