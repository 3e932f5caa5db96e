package decisionlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// lockWait says what to do while somebody else counts.
type lockWait string

const (
	wait lockWait = `FOR UPDATE`
	skip lockWait = `FOR UPDATE SKIP LOCKED`
)

// sameLog fails unless the entry that was counted last stands where it stood. A log that was restored may have lost it, and have another one there since.
func (l *Log) sameLog(ctx context.Context, position int64, last []byte) error {
	if position == 0 {
		return nil
	}
	hash, err := l.leafHash(ctx, position-1)
	if errs.ReasonOf(err) == errs.ReasonNotFound || err == nil && !bytes.Equal(hash, last) {
		return errs.New(errs.DataLoss, errs.ReasonLogInconsistent,
			"decisions are counted that the log has no more: it was restored, cut or rewritten; the counts have to be made again").
			Because(fmt.Errorf("%d entries were counted, the last with leaf hash %x", position, last))
	}
	return err
}

func (l *Log) leafHash(ctx context.Context, index int64) ([]byte, error) {
	e, err := l.cfg.Wall.GetByIndex(ctx, index)
	if err != nil {
		return nil, err
	}
	if err := e.Intact(); err != nil {
		return nil, err
	}
	return e.StoredHashes[0], nil
}

func lockCursor(ctx context.Context, tx pgx.Tx, lock lockWait) (position int64, last []byte, busy bool, err error) {
	for {
		err = tx.QueryRow(ctx, `
			SELECT position, last_hash
			FROM gov_decision_cursors
			`+string(lock)).Scan(&position, &last)
		if !errors.Is(err, pgx.ErrNoRows) {
			break
		}
		tag, err := tx.Exec(ctx, `
			INSERT INTO gov_decision_cursors
			DEFAULT VALUES
			ON CONFLICT DO NOTHING`)
		if err != nil {
			return 0, nil, false, fmt.Errorf("insert cursor: %w", err)
		}
		if tag.RowsAffected() == 0 && lock == skip { // there is one, and it is locked
			return 0, nil, true, nil
		}
	}
	if err != nil {
		return 0, nil, false, fmt.Errorf("lock cursor: %w", err)
	}
	return position, last, false, nil
}

func moveCursor(ctx context.Context, tx pgx.Tx, position int64, last []byte, t *tally) error {
	_, err := tx.Exec(ctx, `
		UPDATE gov_decision_cursors
		SET position = @position, last_hash = @last, max_delay_us = greatest(max_delay_us, @delay), max_lead_us = greatest(max_lead_us, @lead)`,
		pgx.NamedArgs{"position": position, "last": last, "delay": t.delay.Microseconds(), "lead": t.lead.Microseconds()})
	if err != nil {
		return fmt.Errorf("move cursor: %w", err)
	}
	return nil
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
