package wallbench_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/durabletest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// table is the columns of rows.
type table struct {
	tenantIDs, entryIDs                                             [][16]byte
	leafIndexes                                                     []int64
	contents, hashes, entries                                       [][]byte
	recorded, effective                                             []time.Time
	stateChanges                                                    []bool
	eventTypes, actions, outcomes, actors, resourceTypes, resources []string
	sources, correlations, requests                                 []string
}

const tableColumns = `tenant_id, leaf_index, entry_id, content_sha256, hashes, recorded_at, effective_at, state_change,
	event_type, action, outcome, actor_id, resource_type, resource_id, source_service, correlation_id, request_id, entry`

// readTable reads rows of tenants in about the order in which they were appended, and gives them to tenants that have none.
func readTable(b *testing.B, db durabletest.Databases, ids []tenant.ID, n int) *table {
	b.Helper()
	others := map[[16]byte][16]byte{}
	list := make([][16]byte, len(ids))
	for i, id := range newTenants(len(ids)) {
		list[i] = ids[i]
		others[list[i]] = id
	}
	rows, err := db.AuditAdmin.Query(b.Context(), `
		SELECT `+tableColumns+`
		FROM (SELECT * FROM gov_audit_trail_entries WHERE tenant_id = ANY ($1) AND leaf_index < $2) AS appended
		ORDER BY recorded_at, tenant_id, leaf_index`, list, n/len(ids))
	if err != nil {
		b.Fatal(err)
	}
	t := &table{}
	var tenantID, entryID [16]byte
	var index int64
	var content, hashes, entry []byte
	var recorded, effective time.Time
	var state bool
	var text [9]string
	_, err = pgx.ForEachRow(rows, []any{
		&tenantID, &index, &entryID, &content, &hashes, &recorded, &effective, &state,
		&text[0], &text[1], &text[2], &text[3], &text[4], &text[5], &text[6], &text[7], &text[8], &entry,
	}, func() error {
		t.tenantIDs, t.leafIndexes, t.entryIDs = append(t.tenantIDs, others[tenantID]), append(t.leafIndexes, index), append(t.entryIDs, entryID)
		t.contents, t.hashes, t.entries = append(t.contents, content), append(t.hashes, hashes), append(t.entries, entry)
		t.recorded, t.effective, t.stateChanges = append(t.recorded, recorded), append(t.effective, effective), append(t.stateChanges, state)
		for i, column := range t.texts() {
			*column = append(*column, text[i])
		}
		content, hashes, entry = nil, nil, nil
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return t
}

func (t *table) texts() []*[]string {
	return []*[]string{
		&t.eventTypes, &t.actions, &t.outcomes, &t.actors, &t.resourceTypes, &t.resources, &t.sources, &t.correlations, &t.requests,
	}
}

// args are the parameters of plainInsert for some of the rows.
func (t *table) args(from, to int) []any {
	args := []any{
		t.tenantIDs[from:to], t.leafIndexes[from:to], t.entryIDs[from:to], t.contents[from:to], t.hashes[from:to], t.recorded[from:to],
		t.effective[from:to], t.stateChanges[from:to],
	}
	for _, column := range t.texts() {
		args = append(args, (*column)[from:to])
	}
	return append(args, t.entries[from:to])
}

// plainInsert takes the arrays apart where the wall does, in the list of values.
const plainInsert = `
	INSERT INTO public.gov_audit_trail_entries (` + tableColumns + `)
	SELECT unnest($1::uuid[]), unnest($2::bigint[]), unnest($3::uuid[]), unnest($4::bytea[]), unnest($5::bytea[]), unnest($6::timestamptz[]),
		unnest($7::timestamptz[]), unnest($8::boolean[]), unnest($9::text[]), unnest($10::text[]), unnest($11::text[]), unnest($12::text[]),
		unnest($13::text[]), unnest($14::text[]), unnest($15::text[]), unnest($16::text[]), unnest($17::text[]), unnest($18::bytea[])`

// plain is the limit that the wall is measured against: the same rows into the same table, as the same role, by one statement and one
// transaction for each batch, one after the other, without a queue, a tree or an answer for each entry.
func plain(b *testing.B, db durabletest.Databases, t *table, batch int) measured {
	b.Helper()
	conn, err := db.Writer.Acquire(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Release()
	pid := conn.Conn().PgConn().PID()
	n := len(t.leafIndexes)
	m := measured{entries: int64(n), perBatch: float64(batch), cpu: -cpuOf(pid), wal: -written(b, db.AuditAdmin)}
	start := time.Now()
	for from := 0; from < n; from += batch {
		if _, err := conn.Exec(b.Context(), plainInsert, t.args(from, min(from+batch, n))...); err != nil {
			b.Fatal(err)
		}
	}
	m.elapsed = time.Since(start)
	m.cpu += cpuOf(pid)
	m.wal += written(b, db.AuditAdmin)
	return m
}

// cpuOf returns the processor time of a process so far, 0 where the system does not tell. It depends little on what else the machine does.
func cpuOf(pid uint32) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), " ")
	nanoseconds, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return 0
	}
	return time.Duration(nanoseconds)
}

// written returns how many bytes the server has written to its log so far.
func written(b *testing.B, admin *pgx.Conn) (bytes int64) {
	b.Helper()
	if err := admin.QueryRow(b.Context(), `SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint`).Scan(&bytes); err != nil {
		b.Fatal(err)
	}
	return bytes
}
