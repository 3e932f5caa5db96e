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
	more     bool  // and others follow
	busy     bool  // somebody else counts at the moment
}

// fold counts the next decisions of the tenant in ctx: what it counts and how far it has counted change in one transaction, under the lock of the tenant's
// cursor, so that every decision counts exactly once.
func (l *Log) fold(ctx context.Context, lock lockWait) (p progress, err error) {
	ctx, cancel := context.WithTimeout(ctx, foldTimeout)
	defer cancel()
	started := time.Now()
	counted := 0
	err = postgres.TenantTx(ctx, l.cfg.Pool, func(ctx context.Context, tx pgx.Tx) error {
		p, counted = progress{}, 0
		var last []byte
		if p.position, last, p.busy, err = lockCursor(ctx, tx, lock); err != nil || p.busy {
			return err
		}
		f := decisions
		f.MinIndex = p.position
		s, err := l.cfg.Wall.Scan(ctx, f, -1, l.cfg.Batch)
		if err != nil || s.Size == p.position {
			return err
		}
		if err := l.sameLog(ctx, p.position, last); err != nil {
			return err
		}
		t := newTally()
		for i := range s.Entries {
			e := &s.Entries[i]
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
		if last, err = l.leafHash(ctx, p.position-1); err != nil {
			return err
		}
		if err := t.write(ctx, tx); err != nil {
			return err
		}
		return moveCursor(ctx, tx, p.position, last, t)
	})
	if err != nil {
		return progress{}, fmt.Errorf("count decisions: %w", err)
	}
	l.metrics.observe(counted, time.Since(started))
	return p, nil
}
