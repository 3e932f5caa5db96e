package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// denyTriggers are the event triggers of the audit database that refuse DDL and table rewrites; only Migrate lifts them.
var denyTriggers = []string{"aumos_audit_deny_ddl", "aumos_audit_deny_rewrite"} //nolint:gochecknoglobals // a constant table

// liftDenyTriggers disables the deny triggers until the transaction restores them or ends.
func liftDenyTriggers(ctx context.Context, tx pgx.Tx) error {
	return alterDenyTriggers(ctx, tx, "DISABLE")
}

// restoreDenyTriggers enables the deny triggers, those that the migration itself created included.
func restoreDenyTriggers(ctx context.Context, tx pgx.Tx) error {
	return alterDenyTriggers(ctx, tx, "ENABLE ALWAYS")
}

func alterDenyTriggers(ctx context.Context, tx pgx.Tx, action string) error {
	rows, err := tx.Query(ctx, `
		SELECT evtname
		FROM pg_event_trigger
		WHERE evtname = ANY (@names)
		ORDER BY evtname`, pgx.NamedArgs{"names": denyTriggers})
	if err != nil {
		return fmt.Errorf("list event triggers: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("list event triggers: %w", err)
	}
	for _, name := range names {
		if _, err := tx.Exec(ctx, `ALTER EVENT TRIGGER `+pgx.Identifier{name}.Sanitize()+` `+action); err != nil {
			return fmt.Errorf("alter event trigger %s (connect as its owner, a superuser): %w", name, err)
		}
	}
	return nil
}
