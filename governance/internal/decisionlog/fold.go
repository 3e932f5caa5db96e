package decisionlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/decision"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// decisions are the entries that are counted and listed. Their event type is closed to everybody but the service.
var decisions = audit.Filter{EventType: decision.EventType} //nolint:gochecknoglobals // a constant

// foldTimeout bounds one transaction of counting, during which nobody else can count the same log.
const foldTimeout = 15 * time.Second

// progress is how far a log is counted.
type progress struct {
	position int64 // so many entries are
	more     bool  // and others follow
	busy     bool  // somebody else counts at the moment
}

// lockWait says what to do while somebody else counts.
type lockWait string

const (
	wait lockWait = `FOR UPDATE`
	skip lockWait = `FOR UPDATE SKIP LOCKED`
)

// fold counts the next decisions of the tenant in ctx: what it counts and how far it has counted change in one transaction, under the lock of the tenant's
// cursor, so that every decision counts exactly once.
func (l *Log) fold(ctx context.Context, lock lockWait) (p progress, err error) {
	ctx, cancel := context.WithTimeout(ctx, foldTimeout)
	defer cancel()
	started := time.Now()
	counted := 0
	err = postgres.TenantTx(ctx, l.cfg.Pool, func(ctx context.Context, tx pgx.Tx) error {
		p, counted = progress{}, 0
		if p.position, p.busy, err = lockCursor(ctx, tx, lock); err != nil || p.busy {
			return err
		}
		f := decisions
		f.MinIndex = p.position
		s, err := l.cfg.Wall.Scan(ctx, f, -1, l.cfg.Batch)
		switch {
		case err != nil:
			return err
		case s.Size < p.position:
			return errs.New(errs.DataLoss, errs.ReasonLogInconsistent, "decisions are counted that the log has no more: it was restored or cut").
				Because(fmt.Errorf("%d entries are counted, the log has %d", p.position, s.Size))
		case s.Size == p.position:
			return nil
		}
		t := newTally()
		for _, e := range s.Entries {
			d, err := decisionOf(e)
			if errors.Is(err, decision.ErrNotDecision) {
				continue
			}
			if err != nil {
				return fmt.Errorf("count entry %d: %w", e.LeafIndex, err)
			}
			t.count(d, e.LeafIndex, e.RecordedTime)
		}
		p.position, p.more, counted = s.Size, s.More, len(s.Entries)
		if s.More {
			p.position = s.Entries[len(s.Entries)-1].LeafIndex + 1
		}
		if err := t.write(ctx, tx); err != nil {
			return err
		}
		return moveCursor(ctx, tx, p.position, t)
	})
	if err != nil {
		return progress{}, fmt.Errorf("count decisions: %w", err)
	}
	l.metrics.observe(counted, time.Since(started))
	return p, nil
}

func lockCursor(ctx context.Context, tx pgx.Tx, lock lockWait) (position int64, busy bool, err error) {
	for {
		err = tx.QueryRow(ctx, `
			SELECT position
			FROM gov_decision_cursors
			`+string(lock)).Scan(&position)
		if !errors.Is(err, pgx.ErrNoRows) {
			break
		}
		tag, err := tx.Exec(ctx, `
			INSERT INTO gov_decision_cursors
			DEFAULT VALUES
			ON CONFLICT DO NOTHING`)
		if err != nil {
			return 0, false, fmt.Errorf("insert cursor: %w", err)
		}
		if tag.RowsAffected() == 0 && lock == skip { // there is one, and it is locked
			return 0, true, nil
		}
	}
	if err != nil {
		return 0, false, fmt.Errorf("lock cursor: %w", err)
	}
	return position, false, nil
}

func moveCursor(ctx context.Context, tx pgx.Tx, position int64, t *tally) error {
	_, err := tx.Exec(ctx, `
		UPDATE gov_decision_cursors
		SET position = @position, max_delay_us = greatest(max_delay_us, @delay), max_lead_us = greatest(max_lead_us, @lead)`,
		pgx.NamedArgs{"position": position, "delay": t.delay.Microseconds(), "lead": t.lead.Microseconds()})
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
