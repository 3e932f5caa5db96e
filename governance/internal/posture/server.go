package posture

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// roleProblems looks at the role of a connection: what it is, and what it could become.
const roleProblems = `
	SELECT format('%s is, or can become, %s', session_user, rolname)
	FROM pg_roles
	WHERE pg_has_role(session_user, oid, 'MEMBER') AND (
		rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication
		OR rolname IN (
			@owner::text, @guard::text, 'pg_write_all_data', 'pg_read_all_data', 'pg_database_owner',
			'pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files'
		)
	)
	UNION ALL
	SELECT format('%s may create objects in %s', session_user, place)
	FROM (
		SELECT 'database ' || current_database() AS place, has_database_privilege(session_user, current_database(), 'CREATE') AS may
		UNION ALL
		SELECT 'schema ' || nspname, has_schema_privilege(session_user, oid, 'CREATE')
		FROM pg_namespace
		WHERE nspname IN ('public', 'aumos_audit_guard')
	) AS creation
	WHERE may`

// settingProblems looks at what decides whether a commit survives a crash.
const settingProblems = `
	SELECT format('%s is %s', name, setting)
	FROM pg_settings
	WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off'`

const checksumProblems = `
	SELECT 'data checksums are off: the server does not notice when a disk returns other bytes than were written'
	WHERE current_setting('data_checksums') <> 'on'`

const recoveryProblems = `
	SELECT 'the server is a standby'
	WHERE pg_is_in_recovery()`

// serverChecks look at the server rather than the schema.
func serverChecks(ctx context.Context, wall *pgxpool.Pool, opts Options) ([]Check, error) {
	settings, err := findProblems(ctx, wall, settingProblems)
	if err != nil {
		return nil, err
	}
	checksums, err := findProblems(ctx, wall, checksumProblems)
	if err != nil {
		return nil, err
	}
	standby, err := findProblems(ctx, wall, recoveryProblems)
	if err != nil {
		return nil, err
	}
	checks := []Check{
		{
			Name: "durability", OK: len(settings) == 0, Problems: settings,
			Required: opts.Deployment.Production && !opts.Deployment.AllowInsecure.Allowed(audit.InsecureStorage),
			Remedy:   "turn them on, or allow " + audit.InsecureStorage + ": an entry that was answered may be gone after a crash",
		},
		{Name: "checksums", OK: len(checksums) == 0, Problems: checksums, Remedy: "pg_checksums --enable while the server is down"},
		{Name: "primary_server", OK: len(standby) == 0, Required: true, Problems: standby, Remedy: "connect to the primary server"},
	}
	if opts.Primary == nil {
		return checks, nil
	}
	same, err := comparison(ctx, wall, opts.Primary)
	if err != nil {
		return nil, err
	}
	own := Check{Name: "own_database", OK: !same.database, Required: true, Remedy: "give the wall a database of its own"}
	if same.database {
		own.Problems = []string{"the wall is in the service's own database"}
	}
	apart := Check{
		Name: "own_server", OK: !same.server,
		Required: opts.Deployment.Production && !opts.Deployment.AllowInsecure.Allowed(audit.InsecureSameServer),
		Remedy:   "give the wall a server with other administrators, or allow " + audit.InsecureSameServer,
	}
	if same.server {
		apart.Problems = []string{"the wall is on the server of the service's own database: one superuser rules both"}
	}
	return append(checks, own, apart), nil
}

type sameness struct{ server, database bool }

// comparison tells whether two pools lead to one server, or even to one database, whatever names and addresses they use.
func comparison(ctx context.Context, a, b *pgxpool.Pool) (sameness, error) {
	var systems, databases [2]string
	for i, pool := range []*pgxpool.Pool{a, b} {
		err := pool.QueryRow(ctx, `
			SELECT system_identifier::text, current_database()::text
			FROM pg_control_system()`).Scan(&systems[i], &databases[i])
		if err != nil {
			return sameness{}, fmt.Errorf("compare databases: %w", postgres.Translate(err))
		}
	}
	server := systems[0] == systems[1]
	return sameness{server: server, database: server && databases[0] == databases[1]}, nil
}
