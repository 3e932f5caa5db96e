// Package posture checks what keeps the Audit Wall's database from being changed, at the service's start, while it runs and on demand, and puts on the
// platform's log what it finds and what migrations do.
package posture

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// Check is one thing that keeps the wall's database from being tampered with, and whether it holds.
type Check struct {
	Name string
	OK   bool
	// Required checks keep the service from starting when they fail; the others name a layer that is missing.
	Required bool
	// Problems says what is wrong, thing by thing.
	Problems []string
	// Remedy says what an operator does about it.
	Remedy string
}

// Options says what to check against.
type Options struct {
	// Primary is the service's other database; nil leaves out the comparison with it.
	Primary *pgxpool.Pool
	// Deployment says which weaknesses are allowed.
	Deployment config.Deployment
	// Logs says how the wall signs and who witnesses, to compare stored checkpoints and cosignatures with the logs; nil leaves them out.
	Logs *audit.Config
	// Deep looks at every stored checkpoint, which may take long, rather than at the newest of each log.
	Deep bool
}

// schemaCheck finds problems by a query over the catalogue: each row is one, no row means that all is well.
type schemaCheck struct {
	name     string
	required bool
	sql      string
	remedy   string
}

const restoreSchema = "find out who changed it; then restore the schema from the migrations, or the database from a backup, and verify every log"

// Look checks everything that is to prevent changes of the wall: tables, owners, triggers, guard functions, policies, privileges, roles, settings,
// the schema as a whole and the server; and the checkpoints in the database. It reads as the wall's own roles. An error means that it could not look.
func Look(ctx context.Context, db audit.Databases, opts Options) ([]Check, error) {
	var checks []Check
	for _, role := range []struct {
		name string
		pool *pgxpool.Pool
	}{{"writer", db.Writer}, {"reader", db.Reader}} {
		problems, err := findProblems(ctx, role.pool, roleProblems)
		if err != nil {
			return nil, err
		}
		checks = append(checks, Check{
			Name: role.name + "_role", OK: len(problems) == 0, Required: true, Problems: problems,
			Remedy: "connect as the wall's application roles, and take away what makes them more than that",
		})
	}
	for _, c := range schemaChecks() {
		problems, err := findProblems(ctx, db.Writer, c.sql)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		checks = append(checks, Check{Name: c.name, OK: len(problems) == 0, Required: c.required, Problems: problems, Remedy: c.remedy})
	}
	catalogue, err := catalogueChecks(ctx, db.Writer)
	if err != nil {
		return nil, err
	}
	settings, err := settingsCheck(ctx, db)
	if err != nil {
		return nil, err
	}
	server, err := serverChecks(ctx, db.Writer, opts)
	if err != nil {
		return nil, err
	}
	checks = slices.Concat(checks, catalogue, []Check{settings}, server)
	if opts.Logs == nil {
		return checks, nil
	}
	checkpoints, err := checkpointCheck(ctx, db.Writer, opts)
	if err != nil {
		return nil, err
	}
	return append(checks, checkpoints), nil
}

// Refusal returns an error that lists the required checks that fail, or nil when there are none.
func Refusal(checks []Check) error {
	var failed []error
	for _, c := range checks {
		if c.Required && !c.OK {
			failed = append(failed, fmt.Errorf("%s: %s; remedy: %s", c.Name, strings.Join(c.Problems, "; "), c.Remedy))
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("the audit wall's database is not fit to hold it: %w", errors.Join(failed...))
	}
	return nil
}

func findProblems(ctx context.Context, pool *pgxpool.Pool, sql string) ([]string, error) {
	rows, err := pool.Query(ctx, sql, pgx.NamedArgs{
		"tables": wallTables, "partitions": partitionTables,
		"owner": postgres.RoleAuditOwner, "guard": postgres.RoleAuditGuard, "writer": postgres.RoleAuditWriter, "reader": postgres.RoleAuditReader,
	})
	if err != nil {
		return nil, fmt.Errorf("check posture: %w", postgres.Translate(err))
	}
	problems, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("check posture: %w", postgres.Translate(err))
	}
	slices.Sort(problems) // one digest for one posture
	return problems, nil
}
