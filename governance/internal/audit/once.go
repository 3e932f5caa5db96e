package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// ErrNoTable means that the database has no table of entries yet: no migration has made it.
var ErrNoTable = errors.New("the audit wall has no table yet")

// Beginner begins transactions: a pool or a connection.
type Beginner interface {
	BeginTx(ctx context.Context, options pgx.TxOptions) (pgx.Tx, error)
}

// AppendOnce appends one entry by itself, without a running wall, and returns once it is durable: for commands that are not the service. db acts
// as the writer role. It waits for its turn among the replicas that append, and is idempotent on the entry id as Append is.
//
// The table may be an older one than this program knows: the entry, which is what counts, is in every version; search columns that the table
// lacks are left out, as for every entry before the migration that adds them. Without the table it fails with ErrNoTable.
func AppendOnce(ctx context.Context, db Beginner, e auditlog.Entry) (Position, error) {
	draft, err := auditlog.NewDraft(e)
	if err != nil {
		return Position{}, err
	}
	p := newPending(draft)
	// Read committed, whatever the default: what is read after the wait for the turn must be what was committed until then.
	err = pgx.BeginTxFunc(ctx, db, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error { return appendIn(ctx, tx, p) })
	if err != nil {
		return Position{}, fmt.Errorf("append audit entry: %w", postgres.Translate(err))
	}
	return p.positions[0], p.err
}

// appendIn appends in a transaction that nobody else appends beside. p is answered with where the entry stands once the transaction commits.
func appendIn(ctx context.Context, tx pgx.Tx, p *pending) error {
	_, err := tx.Exec(ctx, `SELECT set_config('synchronous_commit', 'on', true), pg_advisory_xact_lock($1)`, turnLock)
	if err != nil {
		return fmt.Errorf("take turn: %w", err)
	}
	present, err := readColumns(ctx, tx)
	if err != nil {
		return err
	}
	batch := []*pending{p}
	known, err := lookUp(ctx, tx, batch)
	if err != nil {
		return err
	}
	if decide(p, known.of) == decided {
		return nil
	}
	rows := newRows(batch)
	heads := headCache{}
	if _, err := heads.refresh(ctx, tx, rows.tenants()); err != nil {
		return err
	}
	rows.place(heads, positionTime(time.Now()))
	if err := rows.insert(ctx, tx.Conn(), newInsertion("", present, ``), &encoder{}); err != nil {
		return err
	}
	for p, positions := range rows.placed() {
		p.answer(positions, nil)
	}
	return nil
}

// readColumns returns the columns that the table has, of those that this program knows.
func readColumns(ctx context.Context, tx pgx.Tx) ([]column, error) {
	rows, err := tx.Query(ctx, `
		SELECT attname::text
		FROM pg_catalog.pg_attribute
		WHERE attrelid = pg_catalog.to_regclass('public.gov_audit_trail_entries') AND attnum > 0 AND NOT attisdropped`)
	if err != nil {
		return nil, fmt.Errorf("read columns: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("read columns: %w", err)
	}
	if len(names) == 0 {
		return nil, ErrNoTable
	}
	return existing(columns, names), nil
}
