package audit

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// LogEntry is an entry as its row holds it.
type LogEntry struct {
	// EntryID is the row's, whatever the leaf says.
	EntryID uuid.UUID
	// LeafIndex is the row's place in the log, whatever the leaf says.
	LeafIndex int64
	// Leaf is the exact bytes that are the Merkle leaf.
	Leaf []byte
	// StoredHashes are those of the tree nodes that the leaf completed, leaf hash first.
	StoredHashes [][]byte
	// Mismatched names the columns whose value is not what the leaf says. It is empty unless somebody has altered the row.
	Mismatched []string
	// Corrections are what later entries say of this one, oldest first; filled in by List.
	Corrections []Correction
}

// row is an entry's row.
type row struct {
	auditlog.Columns
	Hashes []byte
	Entry  []byte
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

// logEntry compares the columns with the leaf.
func (r row) logEntry() LogEntry {
	e := LogEntry{LeafIndex: r.LeafIndex, Leaf: r.Entry, EntryID: r.EntryID, Mismatched: r.Mismatched(r.Entry)}
	for hashes := r.Hashes; len(hashes) > 0; hashes = hashes[min(32, len(hashes)):] {
		e.StoredHashes = append(e.StoredHashes, hashes[:min(32, len(hashes))])
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
