package decisionlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/decision"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// decisions are the entries that are counted and listed. Their event type is closed to everybody but the service.
var decisions = audit.Filter{EventType: decision.EventType} //nolint:gochecknoglobals // a constant

// foldTimeout bounds one transaction of counting, during which nobody else can count the same log.
const foldTimeout = 15 * time.Second

// progress is how far a log is counted.
type progress struct {
	position int64 // so many entries are
	left     int64 // so many others follow
	busy     bool  // somebody else counts at the moment
}

// fold counts the next decisions of the tenant in ctx, at most so many. They are read first; then what was counted and how far change in one transaction,
// under the lock of the tenant's cursor and if it stands where it stood, so that every decision counts exactly once.
func (l *Log) fold(ctx context.Context, most int, lock lockWait) (p progress, err error) {
	ctx, cancel := context.WithTimeout(ctx, foldTimeout)
	defer cancel()
	started := time.Now()
	c, err := l.readCursor(ctx)
	if err != nil {
		return progress{}, fmt.Errorf("count decisions: %w", err)
	}
	t, piece, err := l.read(ctx, c, most)
	if err != nil {
		return progress{}, fmt.Errorf("count decisions: %w", err)
	}
	p = progress{position: piece.End, left: piece.Size - piece.End}
	if piece.Count == 0 && (lock == skip || p.position == c.position) { // to look at other entries again costs less than to move a cursor
		return p, nil
	}
	err = postgres.TenantTx(ctx, l.cfg.Pool, func(ctx context.Context, tx pgx.Tx) error {
		now, busy, err := lockCursor(ctx, tx, lock)
		if err != nil {
			return err
		}
		if busy || !now.equal(c) {
			p = progress{position: c.position, busy: true}
			return nil
		}
		return t.write(ctx, tx, cursor{piece.End, piece.Last})
	})
	if err != nil {
		return progress{}, fmt.Errorf("count decisions: %w", err)
	}
	if !p.busy {
		l.metrics.observe(piece.Count, time.Since(started))
	}
	return p, nil
}

// read counts decisions that follow the cursor.
func (l *Log) read(ctx context.Context, c cursor, most int) (*tally, audit.Piece, error) {
	f := decisions
	f.MinIndex = c.position
	piece, err := l.cfg.Wall.Follow(ctx, f, most)
	if err != nil || piece.Size == c.position {
		return nil, piece, err
	}
	if err := c.sameLog(piece); err != nil {
		return nil, piece, err
	}
	t := newTally()
	for e, err := range piece.Entries() {
		if err != nil {
			return nil, piece, err
		}
		d, err := decisionOf(e)
		if errors.Is(err, decision.ErrNotDecision) {
			continue
		}
		if err != nil {
			return nil, piece, fmt.Errorf("count entry %d: %w", e.LeafIndex, err)
		}
		t.count(&d, e.LeafIndex, e.RecordedTime)
	}
	t.spread()
	return t, piece, nil
}
