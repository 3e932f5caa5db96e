package outbox_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/governance/internal/outbox"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// exec changes the governance database as a superuser.
func (b *bundle) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := b.governance.Admin().Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// drain makes a pass and expects what is left of all tenants, what of it has failed, and how often in all.
func (b *bundle) drain(t *testing.T, left, failing, failures int) {
	t.Helper()
	if err := b.recorder.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := b.intents(t); n != left {
		t.Errorf("%d intents are left, want %d", n, left)
	}
	gauges := make([]int, 0, 4)
	for _, c := range b.recorder.Collectors() {
		gauges = append(gauges, int(testutil.ToFloat64(c)))
	}
	if gauges[0] != left || gauges[1] != failing || (gauges[2] >= 3600) != (left > 0) {
		t.Errorf("metrics %v, want %d waiting and %d failing, for an hour", gauges, left, failing)
	}
	var sum int
	if err := b.governance.Admin().QueryRow(t.Context(), `SELECT coalesce(sum(failures), 0) FROM gov_audit_intents`).Scan(&sum); err != nil {
		t.Fatal(err)
	}
	if sum != failures {
		t.Errorf("%d failures are counted, want %d", sum, failures)
	}
}

// now is the database's time.
func (b *bundle) now(t *testing.T) (now time.Time) {
	t.Helper()
	if err := b.governance.Admin().QueryRow(t.Context(), `SELECT now()`).Scan(&now); err != nil {
		t.Fatal(err)
	}
	return now
}

// rested expects every intent to rest for as long from a time since began.
func (b *bundle) rested(t *testing.T, began time.Time, pause string) {
	t.Helper()
	var others int
	err := b.governance.Admin().QueryRow(t.Context(), `
		SELECT count(*)
		FROM gov_audit_intents
		WHERE retry_time - $2::interval NOT BETWEEN $1 AND now()`, began, pause).Scan(&others)
	if err != nil || others != 0 {
		t.Errorf("%d intents do not rest for %s, %v", others, pause, err)
	}
}

// retryIn makes every intent rest for as long from now.
func (b *bundle) retryIn(t *testing.T, pause string) {
	t.Helper()
	b.exec(t, `UPDATE gov_audit_intents SET retry_time = now() + $1::interval`, pause)
}

// TestUnsettleableIntentsHoldUpNothing has more of them than one query finds, all older than one that can be settled and of the same resource. They rest
// after each failure, and are settled once they can be.
func TestUnsettleableIntentsHoldUpNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	damaged := make([]auditlog.Entry, 600)
	for i := range damaged {
		damaged[i] = b.entry()
	}
	good, younger, next := b.entry(), b.entry(), b.entry()
	b.add(t, damaged...)
	b.exec(t, `CREATE TABLE before AS SELECT entry_id, entry FROM gov_audit_intents`)
	b.exec(t, `UPDATE gov_audit_intents SET entry = '\x01'`)
	b.age(t)
	b.add(t, good)
	b.exec(t, `UPDATE gov_audit_intents SET created_at = created_at - interval '1 minute' WHERE entry_id = $1`, good.EntryID)

	began := b.now(t)
	b.drain(t, 600, 600, 600)
	b.recorded(t, good.EntryID)
	b.rested(t, began, "10 s")
	b.retryIn(t, "0")
	b.add(t, younger)
	b.age(t)
	b.drain(t, 600, 600, 1100) // a batch of them, after what has not been tried
	b.recorded(t, younger.EntryID)
	b.exec(t, `DELETE FROM gov_audit_intents WHERE entry_id <> $1 AND entry_id <> $2`, damaged[0].EntryID, damaged[1].EntryID) // two tell the rest
	b.exec(t, `UPDATE gov_audit_intents SET failures = 1`)
	b.retryIn(t, "1 hour")
	b.drain(t, 2, 2, 2)
	b.retryIn(t, "0")
	began = b.now(t)
	b.drain(t, 2, 2, 4)
	b.rested(t, began, "20 s")
	b.exec(t, `UPDATE gov_audit_intents i SET entry = b.entry FROM before b WHERE b.entry_id = i.entry_id`)
	b.add(t, next)
	if position, err := b.recorder.Settle(b.ctx, next.EntryID); err != nil || position.LeafIndex != 2 {
		t.Errorf("a change of the resource, which waits for none of them: got %+v, %v", position, err)
	}
	b.retryIn(t, "0")
	b.drain(t, 0, 0, 0)
	b.recorded(t, damaged[0].EntryID)
	b.recorded(t, damaged[1].EntryID)
}

// TestLogThatTakesNothing does not hold up other tenants, and once it is repaired a resource's states stand on it in the order of the changes, although the
// first of them waits to be tried again.
func TestLogThatTakesNothing(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	b := &bundle{governance: postgrestest.Governance(t), id: audittest.NewTenant(t)}
	b.ctx = tenant.NewContext(t.Context(), b.id)
	other := *b
	other.id = audittest.NewTenant(t)
	other.ctx = tenant.NewContext(t.Context(), other.id)

	// A log without a row that the next entry's hashes depend on, and a wall that does not remember it.
	wall, stop := audittest.Start(t, audittest.Databases(db), audittest.Config(t))
	for range 3 {
		audittest.Append(t, wall, audittest.NewEntry(t, b.id))
	}
	stop()
	audittest.Lift(t, db, `
		ALTER TABLE gov_audit_trail_entries DISABLE TRIGGER ALL;
		ALTER TABLE gov_audit_trail_entries_p0 DISABLE TRIGGER ALL;
		ALTER TABLE gov_audit_trail_entries_p1 DISABLE TRIGGER ALL;
		ALTER TABLE gov_audit_trail_entries_p2 DISABLE TRIGGER ALL;
		ALTER TABLE gov_audit_trail_entries_p3 DISABLE TRIGGER ALL;
		CREATE TABLE before AS SELECT * FROM gov_audit_trail_entries WHERE leaf_index = 1;
		DELETE FROM gov_audit_trail_entries WHERE leaf_index = 1`)
	b.wall, _ = audittest.Start(t, audittest.Databases(db), audittest.Config(t))
	b.recorder = outbox.NewRecorder(b.governance.App, b.wall, audittest.Quiet())
	other.wall = b.wall

	first, second, foreign := b.entry(), b.entry(), other.entry()
	b.add(t, first)
	b.add(t, second)
	other.add(t, foreign)
	b.age(t)
	b.exec(t, `UPDATE gov_audit_intents SET created_at = created_at + interval '1 minute' WHERE entry_id = $1`, foreign.EntryID)
	b.drain(t, 2, 1, 1) // to try the second as well would be in vain
	b.exec(t, `UPDATE gov_audit_intents SET retry_time = now() + interval '1 hour' WHERE failures > 0`)
	other.recorded(t, foreign.EntryID)
	b.drain(t, 2, 2, 2)
	if _, err := b.recorder.Settle(b.ctx, second.EntryID); errs.ReasonOf(err) != errs.ReasonLogInconsistent {
		t.Errorf("got %v, want LOG_INCONSISTENT", err)
	}

	audittest.Lift(t, db, `INSERT INTO gov_audit_trail_entries SELECT * FROM before`)
	if _, err := b.recorder.Settle(b.ctx, second.EntryID); err != nil {
		t.Fatal(err)
	}
	for i, id := range []uuid.UUID{first.EntryID, second.EntryID} {
		if got := b.recorded(t, id); got.LeafIndex != int64(3+i) {
			t.Errorf("change %d is entry %d", i, got.LeafIndex)
		}
	}
	b.drain(t, 0, 0, 0)
}
