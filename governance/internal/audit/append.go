package audit

import (
	"context"
	"fmt"
	"strconv"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// MaxBatch is the largest number of entries that AppendBatch takes.
const MaxBatch = 256

// Append adds an entry to its tenant's log and returns once it is durable. LeafIndex and RecordedTime are set by the log. It is idempotent on
// the entry id: the same content again gets the first position; other content fails with ENTRY_ID_REUSED and the position of what is there.
//
// The error is for the client: INVALID_FIELD, ENTRY_TOO_LARGE, OVERLOADED when too many wait, UNAVAILABLE when the wall does not answer, or
// ctx's own. After UNAVAILABLE and after ctx ended the entry may or may not be on the wall: appending it again, under the same id, tells.
func (w *Wall) Append(ctx context.Context, e auditlog.Entry) (Position, error) {
	draft, err := auditlog.NewDraft(e)
	if err != nil {
		return Position{}, err
	}
	positions, err := w.enqueue(ctx, newPending(draft))
	if len(positions) == 0 {
		return Position{}, err
	}
	return positions[0], err
}

// AppendBatch adds 1 to MaxBatch entries of one tenant's log, all or none, one after the other in the order given, and returns their positions once
// they are durable. It is idempotent as a whole: the same entries in the same order again get the first positions; when only some of them are on
// the wall, or with other content, or not one after the other, it fails with ENTRY_ID_REUSED.
//
// Errors are those of Append; fields that they name are those of entries[i].
func (w *Wall) AppendBatch(ctx context.Context, entries []auditlog.Entry) ([]Position, error) {
	if len(entries) < 1 || len(entries) > MaxBatch {
		return nil, errs.InvalidField("entries", "must be 1 to %d", MaxBatch)
	}
	drafts := make([]*auditlog.Draft, len(entries))
	first := make(map[uuid.UUID]int, len(entries))
	for i, e := range entries {
		var err error
		if drafts[i], err = auditlog.NewDraft(e); err != nil {
			return nil, InBatch(i, err)
		}
		if e.TenantID != entries[0].TenantID {
			return nil, InBatch(i, errs.InvalidField("tenant_id", "must be that of the whole batch"))
		}
		if at, again := first[e.EntryID]; again {
			return nil, InBatch(i, errs.InvalidField("entry_id", "is that of entries[%d], too", at))
		}
		first[e.EntryID] = i
	}
	positions, err := w.enqueue(ctx, newPending(drafts...))
	if err != nil {
		return nil, err
	}
	return positions, nil
}

// InBatch makes the error of one entry that of a batch: it says which entry it is.
func InBatch(i int, err error) error {
	known, ok := err.(*errs.Error) //nolint:errorlint // what wraps another error says something of its own
	if !ok {
		return fmt.Errorf("entries[%d]: %w", i, err)
	}
	return known.Within(fmt.Sprintf("entries[%d]", i)).With("index", strconv.Itoa(i))
}

// enqueue waits for the sequencer's answer.
func (w *Wall) enqueue(ctx context.Context, p *pending) ([]Position, error) {
	if err := w.queue.put(p); err != nil {
		w.metrics.refused.Inc()
		return nil, err
	}
	select {
	case <-p.done:
		return p.positions, p.err
	case <-ctx.Done():
	}
	w.queue.leave(p)
	return nil, fmt.Errorf("append audit entry: %w", context.Cause(ctx))
}
