package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Moment says which entries count for a resource's past state. Two times belong to a change: when it was recorded, which only grows with the index,
// and when it took effect, which the writer says. The zero moment is now: the last recorded change.
type Moment struct {
	// LeafIndex is the last entry that counts; nil: RecordedTime says it.
	LeafIndex *int64
	// RecordedTime is when the last entry that counts was recorded; zero: every entry counts.
	RecordedTime time.Time
	// EffectiveTime asks for the last change that had taken effect by then, and of several of one time for the last recorded; zero: for the last recorded.
	EffectiveTime time.Time
}

// Resource names a resource.
type Resource struct{ Type, ID string }

// ResourceAt is a resource at a moment.
type ResourceAt struct {
	Resource
	At Moment
}

// States returns, for each, the entry that says its state at its moment; nil where no entry that counts does. All are read from one snapshot, so that
// "now" is the same for all.
//
// An entry that has been altered is an error, LOG_INCONSISTENT: no state rests on it.
func (w *Wall) States(ctx context.Context, asked ...ResourceAt) (states []*LogEntry, err error) {
	err = w.read(ctx, func(ctx context.Context, tx pgx.Tx, id tenant.ID) error {
		states = make([]*LogEntry, len(asked))
		for i, a := range asked {
			last, err := lastIndex(ctx, tx, id, a.At)
			if err != nil {
				return err
			}
			if states[i], err = stateAt(ctx, tx, id, a, last); err != nil {
				return err
			}
		}
		return nil
	})
	return states, err
}

// planned has a statement planned for its parameters. A plan for any parameters supposes that a resource has few changes, and then sorts those of one
// that has very many.
const planned = pgx.QueryExecModeCacheDescribe

// stateOrder is the order in which the changes of one resource count, and in which the index that serves it goes.
func (m Moment) stateOrder(direction string) string {
	if m.EffectiveTime.IsZero() {
		return `leaf_index ` + direction
	}
	return `effective_at ` + direction + `, leaf_index ` + direction
}

// stateConditions are those that a change counts under, besides being one: the partial indexes over state_change answer them alone.
func (m Moment) stateConditions() string {
	if m.EffectiveTime.IsZero() {
		return `state_change AND leaf_index <= @last`
	}
	return `state_change AND leaf_index <= @last AND effective_at <= @effective`
}

func (m Moment) args(id tenant.ID, last int64) pgx.NamedArgs {
	args := pgx.NamedArgs{"tenant_id": [16]byte(id), "last": last}
	if !m.EffectiveTime.IsZero() {
		args["effective"] = positionTime(m.EffectiveTime)
	}
	return args
}

func (a ResourceAt) query(id tenant.ID, last int64) (string, pgx.NamedArgs) {
	args := a.At.args(id, last)
	args["resource_type"], args["resource_id"] = a.Type, a.ID
	return `
		SELECT ` + rowColumns + `
		FROM public.gov_audit_trail_entries
		WHERE tenant_id = @tenant_id AND resource_type = @resource_type AND resource_id = @resource_id AND ` + a.At.stateConditions() + `
		ORDER BY ` + a.At.stateOrder("DESC") + `
		LIMIT 1`, args
}

func stateAt(ctx context.Context, tx pgx.Tx, id tenant.ID, a ResourceAt, last int64) (*LogEntry, error) {
	sql, args := a.query(id, last)
	found, err := stateRows(ctx, tx, sql, args)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// lastIndex returns the index of the last entry that counts at a moment, no larger than the log's last; -1: none does.
func lastIndex(ctx context.Context, tx pgx.Tx, id tenant.ID, m Moment) (int64, error) {
	if m.LeafIndex == nil && !m.RecordedTime.IsZero() {
		var later int64 // the first entry that was recorded after the time
		rows, err := tx.Query(ctx, firstSince("after"), pgx.NamedArgs{"tenant_id": [16]byte(id), "after": positionTime(m.RecordedTime).Add(time.Microsecond)})
		if err == nil {
			later, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[int64])
		}
		if err != nil {
			return 0, fmt.Errorf("find the last entry of a time: %w", err)
		}
		return later - 1, nil
	}
	size, err := StoredSize(ctx, tx, id)
	if err != nil {
		return 0, fmt.Errorf("read log size: %w", err)
	}
	if m.LeafIndex != nil {
		return min(*m.LeafIndex, size-1), nil
	}
	return size - 1, nil
}

// stateRows runs a query over rowColumns and returns the entries, none of them altered.
func stateRows(ctx context.Context, tx pgx.Tx, sql string, args pgx.NamedArgs) ([]LogEntry, error) {
	rows, err := tx.Query(ctx, sql, planned, args)
	if err != nil {
		return nil, fmt.Errorf("read resource states: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[row])
	if err != nil {
		return nil, fmt.Errorf("read resource states: %w", err)
	}
	entries := make([]LogEntry, len(found))
	for i, r := range found {
		entries[i] = r.logEntry()
		if err := entries[i].Intact(); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// Intact fails with LOG_INCONSISTENT when the row's columns or its hash contradict its bytes: nothing rests on such an entry.
func (e LogEntry) Intact() error {
	hash := auditlog.LeafHash(e.Leaf)
	if len(e.Mismatched) == 0 && len(e.StoredHashes) > 0 && string(e.StoredHashes[0]) == string(hash[:]) {
		return nil
	}
	return altered(e.LeafIndex, fmt.Errorf("entry %d: columns %q or the leaf hash contradict the leaf", e.LeafIndex, e.Mismatched))
}

func altered(leafIndex int64, cause error) error {
	return errs.New(errs.DataLoss, errs.ReasonLogInconsistent, "entry %d has been altered: verify the log", leafIndex).Because(cause)
}
