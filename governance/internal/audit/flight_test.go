package audit_test

import (
	"context"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// flights is a wall of which two batches are on their way: of one entry, and of three behind it.
type flights struct {
	*audit.Wall
	t       *testing.T
	admin   *pgx.Conn
	id      tenant.ID
	entries []auditlog.Entry
	results []<-chan result
}

// sessions counts those of the writer's that are in the middle of a transaction and wait for the event.
func sessions(t *testing.T, admin *pgx.Conn, event string) (n int) {
	t.Helper()
	err := admin.QueryRow(t.Context(), `
		SELECT count(*)
		FROM pg_stat_activity
		WHERE usename = 'aumos_audit_writer' AND datname = current_database() AND state = 'active' AND wait_event = $1`, event).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// launched starts the first batch, waits until it is held up, and then starts the second one.
func launched(t *testing.T, db postgrestest.AuditDB, id tenant.ID, heldUp func() bool, second ...auditlog.Entry) *flights {
	t.Helper()
	wall, _ := startWall(t, db, wallConfig(t))
	f := &flights{Wall: wall, t: t, admin: db.Admin(), id: id, entries: []auditlog.Entry{newEntry(t, id)}}
	f.append(f.entries...)
	eventually(t, "the first batch is held up", heldUp)
	if len(second) == 0 {
		second = []auditlog.Entry{newEntry(t, id), newEntry(t, id), newEntry(t, id)}
	}
	f.entries = append(f.entries, second...)
	f.append(second...)
	return f
}

func (f *flights) append(entries ...auditlog.Entry) {
	for _, e := range entries {
		answered := make(chan result, 1)
		go func() {
			p, err := f.Append(context.WithoutCancel(f.t.Context()), e)
			answered <- result{p, err}
		}()
		f.results = append(f.results, answered)
	}
}

// answered waits for all answers: every entry is on the wall, those of the second batch behind the first's.
func (f *flights) answered(first int64) {
	f.t.Helper()
	places := map[int64]uuid.UUID{}
	for i, r := range f.results {
		got := <-r
		if got.err != nil {
			f.t.Errorf("append %d: %v", i, got.err)
		}
		if i == 0 && got.position.LeafIndex != first {
			f.t.Errorf("the first batch is at %d, want %d", got.position.LeafIndex, first)
		}
		places[got.position.LeafIndex] = got.position.EntryID
	}
	if len(places) != len(f.results) {
		f.t.Errorf("%d appends got %d places", len(f.results), len(places))
	}
	rows := checkLog(f.t, f.Wall, f.admin, f.id)
	if want := int(first) + len(f.entries); len(rows) != want {
		f.t.Errorf("%d rows, want %d", len(rows), want)
	}
}

func TestSecondBatchOnItsWay(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	turn := holdTurn(t, db)
	f := launched(t, db, newTenant(t), func() bool { return turn.waiting() == 1 })
	eventually(t, "the second batch is at the server", func() bool { return turn.waiting() == 2 })
	turn.release()
	f.answered(0)
}

// TestBatchBehindAFailedOne has another replica take the first batch's place. The second one, whose rows are at the server by then, must not be committed.
func TestBatchBehindAFailedOne(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	id := newTenant(t)
	_, commit, f := besideAnother(t, db, id)
	if err := commit(); err != nil {
		t.Fatal(err)
	}
	f.answered(1)
}

// TestBatchInACircle has the other replica wait for the second batch, which waits for the first, which waits for the other replica.
func TestBatchInACircle(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	id := newTenant(t)
	insert, commit, f := besideAnother(t, db, id)
	if err := insert(); err != nil { // returns once the second batch has given way
		t.Fatal(err)
	}
	if err := commit(); err != nil {
		t.Fatal(err)
	}
	f.answered(2)
	if n := metric(t, f.Wall, "aumos_audit_batch_conflicts_total"); n == 0 {
		t.Error("the first batch did not get to hear of the other replica's rows")
	}
}

// besideAnother has another replica in the middle of a transaction, which has taken the first batch's place: that one waits for its end. The second batch's rows
// are inserted. What insert inserts takes the place of one of these.
func besideAnother(t *testing.T, db postgrestest.AuditDB, id tenant.ID) (insert, commit func() error, f *flights) {
	t.Helper()
	inserts := audit.InsertAs(t, newEntry(t, id), newEntry(t, id))
	other, err := db.Writer.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Rollback(context.Background()) })
	if err := inserts[0](t.Context(), other); err != nil {
		t.Fatal(err)
	}
	admin := db.Admin()
	f = launched(t, db, id, func() bool { return sessions(t, admin, "transactionid") == 1 })
	eventually(t, "the second batch's rows are inserted", func() bool { return sessions(t, admin, "ClientRead") == 1 })
	if rows := readRows(t, admin, id); len(rows) != 0 {
		t.Errorf("%d rows are committed while the first batch waits", len(rows))
	}
	return func() error { return inserts[1](t.Context(), other) }, func() error { return other.Commit(t.Context()) }, f
}

// TestBatchesWhoseSessionsEnd ends the session of one batch that is on its way, or of both.
func TestBatchesWhoseSessionsEnd(t *testing.T) {
	t.Parallel()
	for name, which := range map[string]string{"the first": `LIMIT 1`, "the second": `OFFSET 1`, "both": ``} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.Audit(t)
			turn := holdTurn(t, db)
			f := launched(t, db, newTenant(t), func() bool { return turn.waiting() == 1 })
			eventually(t, "the second batch is at the server", func() bool { return turn.waiting() == 2 })
			_, err := f.admin.Exec(t.Context(), `
				SELECT pg_terminate_backend(pid)
				FROM (
					SELECT pid
					FROM pg_locks
					WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
					ORDER BY waitstart
					`+which+`
				) AS ended`)
			if err != nil {
				t.Fatal(err)
			}
			turn.release()
			f.answered(0)
		})
	}
}

// TestRepetitionsOfWhatIsOnItsWay appends again what the first batch has, and what the second one has.
func TestRepetitionsOfWhatIsOnItsWay(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	id := newTenant(t)
	turn := holdTurn(t, db)
	b := newEntry(t, id)
	f := launched(t, db, id, func() bool { return turn.waiting() == 1 }, b)
	eventually(t, "another entry waits", func() bool { return audit.Waiting(f.Wall) == 1 })
	a := f.entries[0]
	f.append(a) // together they are enough for a second batch
	eventually(t, "the second batch is at the server", func() bool { return turn.waiting() == 2 })
	other := a
	other.Outcome = auditlog.Failure
	f.append(b, other)
	turn.release()
	var got []result
	for _, r := range f.results {
		got = append(got, <-r)
	}
	for i, want := range []int64{0, 1, 0, 1, 0} {
		var reason errs.Reason
		if i == 4 {
			reason = errs.ReasonEntryIDReused
		}
		if got[i].position.LeafIndex != want || errs.ReasonOf(got[i].err) != reason {
			t.Errorf("append %d: %+v, want index %d and %q", i, got[i], want, reason)
		}
	}
	if n := metric(t, f.Wall, "aumos_audit_batch_conflicts_total"); n != 0 {
		t.Errorf("%v batches met what was on its way", n)
	}
	if rows := checkLog(t, f.Wall, f.admin, id); len(rows) != 2 {
		t.Errorf("%d rows, want 2", len(rows))
	}
}

// TestFlightsUnderLoad has many callers append at once.
func TestFlightsUnderLoad(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := startWall(t, db, wallConfig(t))
	tenants := []tenant.ID{newTenant(t), newTenant(t), newTenant(t)}
	const callers, each = 24, 40
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			for j := range each {
				e := newEntry(t, tenants[(i+j)%len(tenants)])
				if _, err := wall.Append(t.Context(), e); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	admin := db.Admin()
	total := 0
	for _, id := range tenants {
		total += len(checkLog(t, wall, admin, id))
	}
	if total != callers*each {
		t.Errorf("%d entries on the wall, want %d", total, callers*each)
	}
}
