package audit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// maxPageBytes bounds the leaves of one page, which a response carries about twice, under the usual message limit of 4 MiB.
const maxPageBytes = 1 << 20

// LogEntry is an entry as its row holds it.
type LogEntry struct {
	// LeafIndex is the row's place in the log, whatever the leaf says.
	LeafIndex int64
	// Leaf is the exact bytes that are the Merkle leaf.
	Leaf []byte
	// StoredHashes are those of the tree nodes that the leaf completed, leaf hash first.
	StoredHashes [][]byte
	// Mismatched names the columns whose value is not what the leaf says. It is empty unless somebody has altered the row.
	Mismatched []string
}

// Filter says which entries to list; zero fields match everything.
type Filter struct {
	// EventType is a whole event type or, ending in ".", what it begins with.
	EventType    string
	ActorID      string
	ResourceType string
	ResourceID   string
	// RecordedFrom and RecordedBefore bound the recorded time.
	RecordedFrom   time.Time
	RecordedBefore time.Time
	// MinIndex is the smallest index.
	MinIndex int64
}

// row is an entry's row.
type row struct {
	TenantID      uuid.UUID
	LeafIndex     int64
	EntryID       uuid.UUID
	ContentSHA256 []byte `db:"content_sha256"`
	Hashes        []byte
	RecordedAt    time.Time
	EffectiveAt   time.Time
	StateChange   bool
	EventType     string
	Action        string
	Outcome       string
	ActorID       string
	ResourceType  string
	ResourceID    string
	SourceService string
	CorrelationID string
	RequestID     string
	Entry         []byte
}

const rowColumns = `
	tenant_id, leaf_index, entry_id, content_sha256, hashes, recorded_at, effective_at, state_change,
	event_type, action, outcome, actor_id, resource_type, resource_id, source_service, correlation_id, request_id, entry`

// Get returns the entry with an id.
func (w *Wall) Get(ctx context.Context, id uuid.UUID) (LogEntry, error) {
	e, err := w.one(ctx, `entry_id = @key`, [16]byte(id))
	if errors.Is(err, pgx.ErrNoRows) {
		return LogEntry{}, errs.ResourceNotFound("audit_entry", id.String())
	}
	return e, err
}

// GetByIndex returns the entry at an index.
func (w *Wall) GetByIndex(ctx context.Context, leafIndex int64) (LogEntry, error) {
	e, err := w.one(ctx, `leaf_index = @key`, leafIndex)
	if errors.Is(err, pgx.ErrNoRows) {
		return LogEntry{}, errs.ResourceNotFound("audit_entry", strconv.FormatInt(leafIndex, 10))
	}
	return e, err
}

func (w *Wall) one(ctx context.Context, condition string, key any) (e LogEntry, err error) {
	err = w.read(ctx, func(ctx context.Context, tx pgx.Tx, id tenant.ID) error {
		rows, err := tx.Query(ctx, `
			SELECT `+rowColumns+`
			FROM public.gov_audit_trail_entries
			WHERE tenant_id = @tenant_id AND `+condition,
			pgx.NamedArgs{"tenant_id": [16]byte(id), "key": key})
		if err != nil {
			return fmt.Errorf("read audit entry: %w", err)
		}
		found, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[row])
		if err != nil {
			return fmt.Errorf("read audit entry: %w", err)
		}
		e = found.logEntry()
		return nil
	})
	return e, err
}

// List returns entries after an index (-1 for the first page) in the order of their index, at most limit and fewer when they are large. more
// reports whether others follow.
func (w *Wall) List(ctx context.Context, f Filter, after int64, limit int) (entries []LogEntry, more bool, err error) {
	err = w.read(ctx, func(ctx context.Context, tx pgx.Tx, id tenant.ID) error {
		entries, more, err = list(ctx, tx, id, f, after, limit)
		return err
	})
	return entries, more, err
}

func list(ctx context.Context, tx pgx.Tx, id tenant.ID, f Filter, after int64, limit int) ([]LogEntry, bool, error) {
	sql, args := f.query(id, after, limit)
	rows, err := tx.Query(ctx, sql, args)
	if err != nil {
		return nil, false, fmt.Errorf("list audit entries: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[pageRow])
	if err != nil {
		return nil, false, fmt.Errorf("list audit entries: %w", err)
	}
	entries := make([]LogEntry, 0, len(found))
	for _, r := range found[:min(limit, len(found))] {
		entries = append(entries, r.logEntry())
	}
	return entries, len(found) > 0 && found[0].Matches > int64(len(entries)), nil
}

// pageRow is a row and the number of rows that the page would have had without the bound on its bytes.
type pageRow struct {
	row
	Matches int64
}

// query returns the statement for a page. It reads one row more, which tells whether others follow.
func (f Filter) query(id tenant.ID, after int64, limit int) (string, pgx.NamedArgs) {
	where, args := f.conditions(id, after)
	args["limit"] = limit + 1
	args["bytes"] = maxPageBytes
	return `
		SELECT ` + rowColumns + `, matches
		FROM (
			SELECT ` + rowColumns + `,
				count(*) OVER () AS matches,
				sum(octet_length(entry)) OVER (ORDER BY leaf_index) - octet_length(entry) AS bytes_before
			FROM (
				SELECT ` + rowColumns + `
				FROM public.gov_audit_trail_entries
				WHERE ` + where + `
				ORDER BY leaf_index
				LIMIT @limit
			) AS page
		) AS measured
		WHERE bytes_before <= @bytes
		ORDER BY leaf_index`, args
}

// conditions are the filter in SQL. Prefixes are ranges, which need no escaping and use the index whatever the plan. A range of times becomes a
// range of indexes, since both grow together.
func (f Filter) conditions(id tenant.ID, after int64) (string, pgx.NamedArgs) {
	where := []string{`tenant_id = @tenant_id`, `leaf_index >= @min_index`}
	args := pgx.NamedArgs{"tenant_id": [16]byte(id), "min_index": max(f.MinIndex, after+1)}
	add := func(condition, name string, value any) {
		where = append(where, condition)
		args[name] = value
	}
	if prefix, ok := strings.CutSuffix(f.EventType, "."); ok {
		add(`event_type >= @event_type`, "event_type", prefix+".")
		add(`event_type < @event_type_end`, "event_type_end", prefix+"/") // the character after "." in the column's collation, C
	} else if f.EventType != "" {
		add(`event_type = @event_type`, "event_type", f.EventType)
	}
	if f.ActorID != "" {
		add(`actor_id = @actor_id`, "actor_id", f.ActorID)
	}
	if f.ResourceType != "" {
		add(`resource_type = @resource_type`, "resource_type", f.ResourceType)
	}
	if f.ResourceID != "" {
		add(`resource_id = @resource_id`, "resource_id", f.ResourceID)
	}
	const firstSince = `coalesce((
		SELECT since.leaf_index
		FROM public.gov_audit_trail_entries AS since
		WHERE since.tenant_id = @tenant_id AND since.recorded_at >= `
	const end = `
		ORDER BY since.recorded_at, since.leaf_index
		LIMIT 1
	), @beyond)`
	if !f.RecordedFrom.IsZero() {
		add(`leaf_index >= `+firstSince+`@from`+end, "from", f.RecordedFrom)
		add(`recorded_at >= @from`, "beyond", int64(math.MaxInt64))
	}
	if !f.RecordedBefore.IsZero() {
		add(`leaf_index < `+firstSince+`@before`+end, "before", f.RecordedBefore)
		add(`recorded_at < @before`, "beyond", int64(math.MaxInt64))
	}
	return strings.Join(where, ` AND `), args
}

// logEntry compares the columns with the leaf.
func (r row) logEntry() LogEntry {
	e := LogEntry{LeafIndex: r.LeafIndex, Leaf: r.Entry}
	for hashes := r.Hashes; len(hashes) > 0; hashes = hashes[min(32, len(hashes)):] {
		e.StoredHashes = append(e.StoredHashes, hashes[:min(32, len(hashes))])
	}
	leaf, err := auditlog.Unmarshal(r.Entry)
	if err != nil {
		e.Mismatched = []string{"entry"}
		return e
	}
	content, err := leaf.ContentDigest()
	for _, column := range []struct {
		name  string
		equal bool
	}{
		{"tenant_id", tenant.ID(r.TenantID) == leaf.TenantID},
		{"leaf_index", r.LeafIndex == leaf.LeafIndex},
		{"entry_id", r.EntryID == leaf.EntryID},
		{"content_sha256", err == nil && string(r.ContentSHA256) == string(content[:])},
		{"recorded_at", r.RecordedAt.Equal(leaf.RecordedTime)},
		{"effective_at", r.EffectiveAt.Equal(effectiveTime(&leaf, leaf.RecordedTime))},
		{"state_change", r.StateChange == leaf.ChangesState()},
		{"event_type", r.EventType == leaf.EventType},
		{"action", r.Action == leaf.Action},
		{"outcome", r.Outcome == leaf.Outcome.String()},
		{"actor_id", r.ActorID == leaf.Actor.ID},
		{"resource_type", r.ResourceType == leaf.Resource.Type},
		{"resource_id", r.ResourceID == leaf.Resource.ID},
		{"source_service", r.SourceService == leaf.SourceService},
		{"correlation_id", r.CorrelationID == leaf.CorrelationID},
		{"request_id", r.RequestID == leaf.RequestID},
	} {
		if !column.equal {
			e.Mismatched = append(e.Mismatched, column.name)
		}
	}
	return e
}

// read runs fn in a read-only transaction of the tenant in ctx.
func (w *Wall) read(ctx context.Context, fn func(ctx context.Context, tx pgx.Tx, id tenant.ID) error) error {
	id, ok := tenant.FromContext(ctx)
	if !ok {
		return errors.New("read audit log: no tenant in context")
	}
	return postgres.ReadTenantTx(ctx, w.db.Reader, func(ctx context.Context, tx pgx.Tx) error { return fn(ctx, tx, id) })
}
