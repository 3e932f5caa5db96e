package audit

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// column is a column of the table of entries, as a batch of rows fills it.
type column struct {
	name, kind string
	oid        uint32 // the kind's
	// value appends a row's value in the kind's binary form.
	value func(b []byte, r *placedRow) []byte
}

// columns are those that this version of the program writes.
var columns = []column{ //nolint:gochecknoglobals // a constant table
	{"tenant_id", "uuid", pgtype.UUIDOID, func(b []byte, r *placedRow) []byte { return append(b, r.draft.Entry.TenantID[:]...) }},
	{"leaf_index", "bigint", pgtype.Int8OID, func(b []byte, r *placedRow) []byte { return appendInt64(b, r.index) }},
	{"entry_id", "uuid", pgtype.UUIDOID, func(b []byte, r *placedRow) []byte { return append(b, r.draft.Entry.EntryID[:]...) }},
	{"content_sha256", "bytea", pgtype.ByteaOID, func(b []byte, r *placedRow) []byte { return append(b, r.draft.ContentDigest[:]...) }},
	{"hashes", "bytea", pgtype.ByteaOID, func(b []byte, r *placedRow) []byte { return append(b, r.hashes...) }},
	{"recorded_at", "timestamptz", pgtype.TimestamptzOID, func(b []byte, r *placedRow) []byte { return appendTime(b, r.recorded) }},
	{"effective_at", "timestamptz", pgtype.TimestamptzOID, func(b []byte, r *placedRow) []byte { return appendTime(b, effectiveTime(&r.draft.Entry, r.recorded)) }},
	{"state_change", "boolean", pgtype.BoolOID, func(b []byte, r *placedRow) []byte { return appendBool(b, r.draft.Entry.ChangesState()) }},
	{"event_type", "text", pgtype.TextOID, func(b []byte, r *placedRow) []byte { return append(b, r.draft.Entry.EventType...) }},
	{"action", "text", pgtype.TextOID, func(b []byte, r *placedRow) []byte { return append(b, r.draft.Entry.Action...) }},
	{"outcome", "text", pgtype.TextOID, func(b []byte, r *placedRow) []byte { return append(b, r.draft.Entry.Outcome.String()...) }},
	{"actor_id", "text", pgtype.TextOID, func(b []byte, r *placedRow) []byte { return append(b, r.draft.Entry.Actor.ID...) }},
	{"resource_type", "text", pgtype.TextOID, func(b []byte, r *placedRow) []byte { return append(b, r.draft.Entry.Resource.Type...) }},
	{"resource_id", "text", pgtype.TextOID, func(b []byte, r *placedRow) []byte { return append(b, r.draft.Entry.Resource.ID...) }},
	{"source_service", "text", pgtype.TextOID, func(b []byte, r *placedRow) []byte { return append(b, r.draft.Entry.SourceService...) }},
	{"correlation_id", "text", pgtype.TextOID, func(b []byte, r *placedRow) []byte { return append(b, r.draft.Entry.CorrelationID...) }},
	{"request_id", "text", pgtype.TextOID, func(b []byte, r *placedRow) []byte { return append(b, r.draft.Entry.RequestID...) }},
	{"entry", "bytea", pgtype.ByteaOID, func(b []byte, r *placedRow) []byte { return append(b, r.leaf...) }},
}

// insertion is one statement for a batch of any size. Its parameters are the columns' values, an array each, in order.
type insertion struct {
	name, sql string
	columns   []column
}

var (
	// insertRows is for who has taken the turn.
	insertRows = newInsertion("aumos_insert", columns, ``) //nolint:gochecknoglobals // built once
	// insertShared takes the lock first, shared with other replicas: the one row of FROM, which everything else is computed for.
	insertShared = newInsertion("aumos_insert_shared", columns, ` FROM (SELECT pg_advisory_xact_lock_shared(`+strconv.FormatInt(turnLock, 10)+`) OFFSET 0) AS turn`) //nolint:gochecknoglobals // built once
)

// newInsertion inserts into the columns given. COPY, which would do, is refused under row-level security. The arrays, all of one length, are taken apart in
// the list of values: in FROM the server would put each of them into a store of its own first, which is a seventh of what it does for a batch.
func newInsertion(name string, columns []column, from string) insertion {
	names := make([]string, len(columns))
	values := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
		values[i] = "unnest($" + strconv.Itoa(i+1) + "::" + c.kind + "[])"
	}
	return insertion{name, `
		INSERT INTO public.gov_audit_trail_entries (` + strings.Join(names, ", ") + `)
		SELECT ` + strings.Join(values, ", ") + from, columns}
}

// prepare has the connection know the statement; nothing is sent if it does.
func (s insertion) prepare(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Prepare(ctx, s.name, s.sql); err != nil {
		return fmt.Errorf("append entries: %w", err)
	}
	return nil
}

// encoder writes batches as the parameters of an insertion, all into the same memory.
type encoder struct{ buffer []byte }

// maxKept bounds what an encoder keeps for the next batch.
const maxKept = 1 << 20

// parameters are a batch's columns as the server takes them, arrays in binary form (array_recv in PostgreSQL's arrayfuncs.c), until the next batch is written:
// the driver copies them when it is given them to send. Its own way there looks at the type of every single value, which for a batch costs more than all else
// that is done to send it.
func (e *encoder) parameters(columns []column, rows []placedRow) [][]byte {
	size := 0
	for i := range rows {
		size += rowOverhead + 2*len(rows[i].leaf) + len(rows[i].hashes)
	}
	b := slices.Grow(e.buffer[:0], size)
	ends := make([]int, len(columns))
	for i, c := range columns {
		b = appendInt32(b, 1) // dimension
		b = appendInt32(b, 0) // no nulls
		b = binary.BigEndian.AppendUint32(b, c.oid)
		b = appendInt32(b, len(rows))
		b = appendInt32(b, 1) // the first subscript
		for j := range rows {
			at := len(b)
			b = c.value(append(b, 0, 0, 0, 0), &rows[j])
			binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4)) // no value is larger than an entry
		}
		ends[i] = len(b)
	}
	if e.buffer = nil; cap(b) <= maxKept {
		e.buffer = b
	}
	parameters := make([][]byte, len(ends))
	start := 0
	for i, end := range ends {
		parameters[i] = b[start:end:end]
		start = end
	}
	return parameters
}

// rowOverhead is about what a row takes besides its leaf and its hashes. The search columns are copies of parts of the leaf.
const rowOverhead = 256

func appendInt32(b []byte, n int) []byte { return binary.BigEndian.AppendUint32(b, uint32(n)) } // small numbers

func appendInt64(b []byte, n int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(n)) } // two's complement is the format

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

// epoch is the zero of timestamptz, in microseconds of Unix time.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() //nolint:gochecknoglobals // a constant

func appendTime(b []byte, t time.Time) []byte { return appendInt64(b, t.UnixMicro()-epoch) }

// existing returns those of the columns that a table has, whose columns are named.
func existing(columns []column, names []string) []column {
	return slices.DeleteFunc(slices.Clone(columns), func(c column) bool { return !slices.Contains(names, c.name) })
}
