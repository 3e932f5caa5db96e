package wallattack_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

// role is who attacks.
type role int

const (
	writer    role = iota // logs in as aumos_audit_writer
	reader                // logs in as aumos_audit_reader
	owner                 // a session as aumos_audit_owner, which nobody can log in as
	guard                 // a session as aumos_audit_guard, which nobody can log in as
	superuser             // the guards stand
	unguarded             // a superuser who takes the guards away, attacks, and puts them back
)

func (r role) String() string {
	return [...]string{"writer", "reader", "owner", "guard", "superuser", "superuser, guards lifted"}[r]
}

// outcome is what came of an attack.
type outcome string

const (
	byPrivilege    outcome = "prevented: privilege"
	byRowSecurity  outcome = "prevented: row-level security"
	byTrigger      outcome = "prevented: trigger"
	byDDLGuard     outcome = "prevented: DDL event trigger"
	byRewriteGuard outcome = "prevented: rewrite event trigger"
	byKey          outcome = "prevented: unique key"
	byConstraint   outcome = "prevented: check constraint"
	byDependency   outcome = "prevented: dependent objects"
	noEffect       outcome = "prevented: no effect"
	undone         outcome = "undone: the service writes the head again that it keeps outside the database"
	notTried       outcome = "–"
	unnoticed      outcome = "UNNOTICED"
)

func detected(means ...string) outcome { return outcome("detected: " + strings.Join(means, "; ")) }

// What finds an attack that succeeded.
const (
	noSignature   = "no head is signed (`LOG_INCONSISTENT`)"
	appendRefused = "no entry is accepted (`LOG_INCONSISTENT`)"
	keptConflict  = "kept checkpoint (`CHECKPOINT_CONFLICT`)"
)

func posture(check string) string { return "posture (`" + check + "`)" }

// at is a finding about the entries first to last, or about no entry (-1).
func at(reason auditlog.Reason, first, last int64) string {
	switch {
	case first < 0:
		return fmt.Sprintf("`%s`", reason)
	case first == last:
		return fmt.Sprintf("`%s` at %d", reason, first)
	default:
		return fmt.Sprintf("`%s` at %d to %d", reason, first, last)
	}
}

func verification(findings ...string) string {
	return "verification (" + strings.Join(findings, ", ") + ")"
}

// same wants one outcome for several roles.
func same(o outcome, roles ...role) map[role]outcome {
	want := make(map[role]outcome, len(roles))
	for _, r := range roles {
		want[r] = o
	}
	return want
}

// apart wants one outcome for a superuser and another for everybody else.
func apart(others, super outcome) map[role]outcome {
	want := same(others, writer, reader, owner, guard)
	want[superuser] = super
	return want
}

// refusal says which layer of PostgreSQL an error comes from.
func refusal(err error) outcome {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return outcome(fmt.Sprintf("failed: %v", err))
	}
	rowSecurity := strings.Contains(pg.Message, "row-level security")
	switch {
	case rowSecurity && (pg.Code == "42501" || pg.Code == "0A000"):
		return byRowSecurity
	case pg.Code == "42501":
		return byPrivilege
	case pg.Code == "WALL1":
		return byTrigger
	case pg.Code == "WALL2":
		return byDDLGuard
	case pg.Code == "WALL3":
		return byRewriteGuard
	case pg.Code == "23505":
		return byKey
	case pg.Code == "23514":
		return byConstraint
	case pg.Code == "2BP01":
		return byDependency
	default:
		return outcome(fmt.Sprintf("failed: %v", err))
	}
}
