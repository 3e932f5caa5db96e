package audit_test

import (
	"errors"
	"testing"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

// TestAppendOnce appends beside a running wall, as an administrator who has become the writer and as the writer itself.
func TestAppendOnce(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := startWall(t, db, wallConfig(t))
	id := newTenant(t)
	appendMany(t, wall, id, 3)
	admin := db.Admin()
	if _, err := admin.Exec(t.Context(), `SET ROLE aumos_audit_writer; SET default_transaction_isolation TO 'repeatable read'`); err != nil {
		t.Fatal(err)
	}
	e := newEntry(t, id)
	first, err := audit.AppendOnce(t.Context(), admin, e)
	if err != nil || first.LeafIndex != 3 || first.EntryID != e.EntryID {
		t.Fatalf("AppendOnce: %+v, %v", first, err)
	}
	if p := mustAppend(t, wall, newEntry(t, id)); p.LeafIndex != 4 {
		t.Errorf("the wall appends at %d, want 4", p.LeafIndex)
	}
	for name, db := range map[string]audit.Beginner{"connection": admin, "pool": db.Writer} {
		if again, err := audit.AppendOnce(t.Context(), db, e); err != nil || again != first {
			t.Errorf("%s, again: %+v, %v, first %+v", name, again, err, first)
		}
	}
	if again := mustAppend(t, wall, e); again != first {
		t.Errorf("the wall, again: %+v, first %+v", again, first)
	}
	e.Outcome = auditlog.Denied
	if _, err := audit.AppendOnce(t.Context(), admin, e); errs.ReasonOf(err) != errs.ReasonEntryIDReused {
		t.Errorf("other content: %v", err)
	}
	e.EventType = "x"
	if _, err := audit.AppendOnce(t.Context(), admin, e); errs.ReasonOf(err) != errs.ReasonInvalidField {
		t.Errorf("an invalid entry: %v", err)
	}
	if rows := checkLog(t, wall, db.Admin(), id); len(rows) != 5 {
		t.Errorf("%d rows, want 5", len(rows))
	}
}

// TestAppendOnceWaitsForItsTurn: nobody appends between the look at the head and the insertion.
func TestAppendOnceWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := startWall(t, db, wallConfig(t))
	id := newTenant(t)
	turn := holdTurn(t, db)
	appended := make(chan error, 1)
	go func() {
		_, err := audit.AppendOnce(t.Context(), db.Writer, newEntry(t, id))
		appended <- err
	}()
	eventually(t, "it waits", func() bool { return turn.waiting() == 1 })
	turn.release()
	if err := <-appended; err != nil {
		t.Fatal(err)
	}
	mustAppend(t, wall, newEntry(t, id))
	checkLog(t, wall, db.Admin(), id)
}

// TestAppendOnceToAnOlderTable appends to a table that lacks columns which this program knows, and to a database without the table.
func TestAppendOnceToAnOlderTable(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	lifted(t, db, `ALTER TABLE gov_audit_trail_entries DROP COLUMN effective_at, DROP COLUMN state_change, DROP COLUMN correlation_id`)
	id := newTenant(t)
	var entries []auditlog.Entry
	for i := range int64(3) {
		e := newEntry(t, id)
		p, err := audit.AppendOnce(t.Context(), db.Writer, e)
		if err != nil || p.LeafIndex != i {
			t.Fatalf("AppendOnce: %+v, %v", p, err)
		}
		entries = append(entries, e)
	}
	for i, r := range readRows(t, db.Admin(), id) {
		if e, err := auditlog.Unmarshal(r.leaf); err != nil || e.EntryID != entries[i].EntryID || e.TenantID != id {
			t.Errorf("entry %d: %+v, %v", i, e, err)
		}
	}
	lifted(t, db, `DROP TABLE gov_audit_trail_entries`)
	if _, err := audit.AppendOnce(t.Context(), db.Writer, newEntry(t, newTenant(t))); !errors.Is(err, audit.ErrNoTable) {
		t.Errorf("AppendOnce without the table: %v", err)
	}
}
