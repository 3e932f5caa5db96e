package audit

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// PlainInserts prepares the insertion of n entries in batches: the wall's statement alone.
func PlainInserts(
	t testing.TB, n, size int, tenants []tenant.ID, entry func(tenant.ID, int64) auditlog.Entry,
) []func(context.Context, *pgxpool.Pool) error {
	t.Helper()
	heads := headCache{}
	for _, id := range tenants {
		heads[id] = &head{}
	}
	var inserts []func(context.Context, *pgxpool.Pool) error
	for i := 0; i < n; i += size {
		var batch []*pending
		for j := i; j < min(i+size, n); j++ {
			draft, err := auditlog.NewDraft(entry(tenants[j%len(tenants)], int64(j)))
			if err != nil {
				t.Fatal(err)
			}
			batch = append(batch, newPending(draft))
		}
		rows := newRows(batch)
		rows.place(heads, positionTime(time.Now()))
		maps.Copy(heads, rows.heads)
		inserts = append(inserts, func(ctx context.Context, pool *pgxpool.Pool) error {
			return pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error { return rows.insert(ctx, c.Conn(), insertShared, &encoder{}) })
		})
	}
	return inserts
}

// InsertAs returns, for each of the first entries of a log, what inserts it as another replica would.
func InsertAs(t testing.TB, entries ...auditlog.Entry) (inserts []func(context.Context, pgx.Tx) error) {
	t.Helper()
	heads := headCache{}
	for _, e := range entries {
		draft, err := auditlog.NewDraft(e)
		if err != nil {
			t.Fatal(err)
		}
		if heads[e.TenantID] == nil {
			heads[e.TenantID] = &head{}
		}
		rows := newRows([]*pending{newPending(draft)})
		rows.place(heads, positionTime(time.Now()))
		maps.Copy(heads, rows.heads)
		inserts = append(inserts, func(ctx context.Context, tx pgx.Tx) error {
			return rows.insert(ctx, tx.Conn(), insertShared, &encoder{})
		})
	}
	return inserts
}

// TurnLock is the lock of every batch.
const TurnLock = turnLock

// Waiting returns how many entries wait in the wall's queue.
func Waiting(w *Wall) int { return w.queue.len() }

// ListQuery is the statement behind List.
func ListQuery(f Filter, id tenant.ID, limit int) (string, pgx.NamedArgs) {
	return f.query(id, -1, limit)
}

// SizeSeen returns the size of a log that a wall remembers.
func SizeSeen(w *Wall, id tenant.ID) int64 { return w.sizes.of(id) }

// OnSigned calls fn with every newly signed head of a wall that does not run yet.
func OnSigned(w *Wall, fn func(tenant.ID, auditlog.SignedHead)) { w.signer.publish = fn }

// CorrectionsQuery is the statement behind Corrections.
func CorrectionsQuery(id tenant.ID, entries []uuid.UUID) (string, pgx.NamedArgs) {
	return correctionsQuery(id, entries)
}
