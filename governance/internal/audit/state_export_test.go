package audit

import (
	"maps"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Fill inserts n entries of a tenant's new log by the wall's statement, in batches.
func Fill(tb testing.TB, pool *pgxpool.Pool, id tenant.ID, n int64, entry func(tenant.ID, int64) auditlog.Entry) {
	tb.Helper()
	const size = 2000
	heads := headCache{id: &head{}}
	for first := int64(0); first < n; first += size {
		var batch []*pending
		for i := first; i < min(first+size, n); i++ {
			draft, err := auditlog.NewDraft(entry(id, i))
			if err != nil {
				tb.Fatal(err)
			}
			batch = append(batch, newPending(draft))
		}
		rows := newRows(batch)
		rows.place(heads, positionTime(time.Now()))
		maps.Copy(heads, rows.heads)
		insert := func(c *pgxpool.Conn) error { return rows.insert(tb.Context(), c.Conn(), insertRows, &encoder{}) }
		if err := pool.AcquireFunc(tb.Context(), insert); err != nil {
			tb.Fatal(err)
		}
	}
}

// StateQuery is the statement behind States.
func StateQuery(a ResourceAt, id tenant.ID, last int64) (string, pgx.NamedArgs) {
	return a.query(id, last)
}

// ListStatesQuery is the statement behind ListStates.
func ListStatesQuery(l StateList, id tenant.ID) (string, pgx.NamedArgs) { return l.query(id) }

// HistoryQuery is the statement behind History.
func HistoryQuery(h StateHistory, id tenant.ID) (string, pgx.NamedArgs) { return h.query(id) }
