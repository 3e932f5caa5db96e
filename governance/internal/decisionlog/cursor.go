package decisionlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// lockWait says what to do while somebody else counts.
type lockWait string

const (
	wait lockWait = `FOR UPDATE`
	skip lockWait = `FOR UPDATE SKIP LOCKED`
)

// cursor is how far a log is counted.
type cursor struct {
	position int64  // so many entries are
	last     []byte // the leaf hash of the last of them
}

func (c cursor) equal(other cursor) bool {
	return c.position == other.position && bytes.Equal(c.last, other.last)
}

// sameLog fails unless the entry that was counted last stands where it stood. A log that was restored may have lost it, and have another one there since.
func (c cursor) sameLog(next audit.Piece) error {
	if bytes.Equal(c.last, next.Before) {
		return nil
	}
	return errs.New(errs.DataLoss, errs.ReasonLogInconsistent,
		"decisions are counted that the log has no more: it was restored, cut or rewritten; the counts have to be made again").
		Because(fmt.Errorf("%d entries were counted, the last with leaf hash %x; there the log has %x", c.position, c.last, next.Before))
}

// readCursor reads the tenant's cursor; the zero value if there is none.
func (l *Log) readCursor(ctx context.Context) (c cursor, err error) {
	err = postgres.ReadTenantTx(ctx, l.cfg.Pool, func(ctx context.Context, tx pgx.Tx) error {
		c = cursor{}
		err := tx.QueryRow(ctx, `
			SELECT position, last_hash
			FROM gov_decision_cursors`).Scan(&c.position, &c.last)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("read cursor: %w", err)
		}
		return nil
	})
	return c, err
}

// lockCursor locks the tenant's cursor, of which there is one afterwards. The transaction does not wait for its commit to be durable: who loses it in a crash
// loses the counts with the cursor, and counts again.
func lockCursor(ctx context.Context, tx pgx.Tx, lock lockWait) (c cursor, busy bool, err error) {
	for {
		err = tx.QueryRow(ctx, `
			SELECT position, last_hash, set_config('synchronous_commit', 'off', true)
			FROM gov_decision_cursors
			`+string(lock)).Scan(&c.position, &c.last, nil)
		if !errors.Is(err, pgx.ErrNoRows) {
			break
		}
		tag, err := tx.Exec(ctx, `
			INSERT INTO gov_decision_cursors
			DEFAULT VALUES
			ON CONFLICT DO NOTHING`)
		if err != nil {
			return cursor{}, false, fmt.Errorf("insert cursor: %w", err)
		}
		if tag.RowsAffected() == 0 && lock == skip { // there is one, and it is locked
			return cursor{}, true, nil
		}
	}
	if err != nil {
		return cursor{}, false, fmt.Errorf("lock cursor: %w", err)
	}
	return c, false, nil
}

// moveCursor moves the locked cursor.
func (t *tally) moveCursor(to cursor) statement {
	return statement{
		"move cursor", `
		UPDATE gov_decision_cursors
		SET position = @position, last_hash = @last, max_delay_us = greatest(max_delay_us, @delay), max_lead_us = greatest(max_lead_us, @lead)`,
		pgx.NamedArgs{"position": to.position, "last": to.last, "delay": t.delay.Microseconds(), "lead": t.lead.Microseconds()},
	}
}

// position reads how far the tenant's log is counted.
func position(ctx context.Context, tx pgx.Tx) (n int64, err error) {
	err = tx.QueryRow(ctx, `
		SELECT coalesce((SELECT position FROM gov_decision_cursors), 0)`).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("read cursor: %w", err)
	}
	return n, nil
}
