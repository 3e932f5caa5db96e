package audit

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// TestParametersAreTheDriversBytes encodes batches as the driver does.
func TestParametersAreTheDriversBytes(t *testing.T) {
	t.Parallel()
	arrays := map[string]uint32{
		"uuid": pgtype.UUIDArrayOID, "bigint": pgtype.Int8ArrayOID, "bytea": pgtype.ByteaArrayOID, "timestamptz": pgtype.TimestamptzArrayOID,
		"boolean": pgtype.BoolArrayOID, "text": pgtype.TextArrayOID,
	}
	id := tenant.ID(uuid.New())
	var batch []*pending
	for _, effective := range []time.Time{
		{}, time.Date(1969, 12, 31, 23, 59, 59, 999_999_999, time.UTC), time.Date(9999, 12, 31, 0, 0, 0, 1000, time.UTC), time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC), epochTime,
	} {
		draft, err := auditlog.NewDraft(auditlog.Entry{
			EntryID: uuid.New(), TenantID: id, EventType: "a.b", Action: "a.c", Outcome: auditlog.Denied, EffectiveTime: effective,
			Actor:         auditlog.Actor{Kind: auditlog.ActorSystem, ID: "Ünal\t\"x\",{NULL}"},
			Resource:      auditlog.Resource{Type: "x", ID: strings.Repeat("é", 100), State: map[string]any{"a": 1.0}},
			SourceService: "x", RequestID: "r", CorrelationID: "",
		})
		if err != nil {
			t.Fatal(err)
		}
		batch = append(batch, newPending(draft))
	}
	var enc encoder
	for _, n := range []int{1, 2, 3, 4, 5, 3} { // a smaller batch is written over what is left of a larger one
		rows := newRows(batch[:n])
		rows.place(headCache{id: &head{}}, positionTime(time.Now()))
		for i, parameter := range enc.parameters(columns, rows.rows) {
			want, err := pgtype.NewMap().Encode(arrays[columns[i].kind], pgtype.BinaryFormatCode, plainValues(columns[i].name, rows.rows), nil)
			if err != nil || !bytes.Equal(parameter, want) {
				t.Errorf("%s of %d rows: got %x, want %x (%v)", columns[i].name, n, parameter, want, err)
			}
		}
	}
}

// TestEncoderKeepsItsMemory writes batches one after the other, a small one at last, after one that is larger than what may be kept.
func TestEncoderKeepsItsMemory(t *testing.T) {
	t.Parallel()
	rows := make([]placedRow, 100)
	for i := range rows {
		rows[i] = placedRow{draft: pendingOf(t, tenant.ID(uuid.New())).drafts[0], leaf: strings.Repeat("x", 5000)}
	}
	var enc encoder
	first := &enc.parameters(columns, rows)[0][0]
	if again := &enc.parameters(columns, rows[:50])[0][0]; again != first {
		t.Error("a batch was written to other memory than the one before it")
	}
	for i := range rows {
		rows[i].leaf = strings.Repeat("x", maxKept/len(rows))
	}
	enc.parameters(columns, rows)
	if kept := cap(enc.buffer); kept > maxKept {
		t.Errorf("%d bytes are kept after a large batch", kept)
	}
	if small := enc.parameters(columns, rows[:1]); len(small) != len(columns) {
		t.Errorf("%d parameters after a large batch", len(small))
	}
}

var epochTime = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// plainValues are a column as a slice.
func plainValues(name string, rows []placedRow) any {
	switch name {
	case "tenant_id":
		return each(rows, func(r placedRow) [16]byte { return r.draft.Entry.TenantID })
	case "entry_id":
		return each(rows, func(r placedRow) [16]byte { return r.draft.Entry.EntryID })
	case "leaf_index":
		return each(rows, func(r placedRow) int64 { return r.index })
	case "content_sha256":
		return each(rows, func(r placedRow) []byte { return r.draft.ContentDigest[:] })
	case "hashes":
		return each(rows, func(r placedRow) []byte { return r.hashes })
	case "entry":
		return each(rows, func(r placedRow) []byte { return []byte(r.leaf) })
	case "recorded_at":
		return each(rows, func(r placedRow) time.Time { return r.recorded })
	case "effective_at":
		return each(rows, func(r placedRow) time.Time { return effectiveTime(&r.draft.Entry, r.recorded) })
	case "state_change":
		return each(rows, func(r placedRow) bool { return r.draft.Entry.ChangesState() })
	}
	texts := map[string]func(e *auditlog.Entry) string{
		"event_type":     func(e *auditlog.Entry) string { return e.EventType },
		"action":         func(e *auditlog.Entry) string { return e.Action },
		"outcome":        func(e *auditlog.Entry) string { return e.Outcome.String() },
		"actor_id":       func(e *auditlog.Entry) string { return e.Actor.ID },
		"resource_type":  func(e *auditlog.Entry) string { return e.Resource.Type },
		"resource_id":    func(e *auditlog.Entry) string { return e.Resource.ID },
		"source_service": func(e *auditlog.Entry) string { return e.SourceService },
		"correlation_id": func(e *auditlog.Entry) string { return e.CorrelationID },
		"request_id":     func(e *auditlog.Entry) string { return e.RequestID },
	}
	return each(rows, func(r placedRow) string { return texts[name](&r.draft.Entry) })
}

func each[T any](rows []placedRow, value func(placedRow) T) []T {
	values := make([]T, len(rows))
	for i, r := range rows {
		values[i] = value(r)
	}
	return values
}
