package audit_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

func TestAppendIsIdempotent(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	cfg := wallConfig(t)
	wall, stop := startWall(t, db, cfg)
	a, b := newTenant(t), newTenant(t)
	e := newEntry(t, a)
	first := mustAppend(t, wall, e)
	appendMany(t, wall, a, 5)
	other := e
	other.Outcome = auditlog.Denied
	elsewhere := e // the same id in another tenant's log is another entry
	elsewhere.TenantID = b
	check := func(wall *audit.Wall) {
		t.Helper()
		if got := mustAppend(t, wall, e); got != first {
			t.Errorf("again: %+v, first %+v", got, first)
		}
		got, err := wall.Append(t.Context(), other)
		var reused *errs.Error
		if !errors.As(err, &reused) || reused.Reason != errs.ReasonEntryIDReused || reused.Kind != errs.InvalidArgument || reused.Metadata["leaf_index"] != "0" {
			t.Errorf("other content: %v", err)
		}
		if got != first {
			t.Errorf("other content: position %+v, want %+v", got, first)
		}
		if got := mustAppend(t, wall, elsewhere); got.LeafIndex != 0 {
			t.Errorf("another tenant: %+v", got)
		}
	}
	check(wall) // from memory
	if n := metric(t, wall, "aumos_audit_batch_conflicts_total"); n != 0 {
		t.Errorf("repeated appends made %v batches fail", n)
	}
	stop()
	wall, _ = startWall(t, db, cfg)
	check(wall) // from the database
	admin := db.Admin()
	if rows := checkLog(t, wall, admin, a); len(rows) != 6 {
		t.Errorf("%d rows, want 6", len(rows))
	}
	if rows := checkLog(t, wall, admin, b); len(rows) != 1 {
		t.Errorf("%d rows of the other tenant, want 1", len(rows))
	}
}

func TestRepetitionsInOneBatch(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	id := newTenant(t)
	e, f := newEntry(t, id), newEntry(t, id)
	other := e
	other.Outcome = auditlog.Failure
	wall, run := idleWall(t, databases(db), wallConfig(t))
	results := enqueue(t, wall, e, other, f, e, other, e)
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // what waits is written all the same
	if err := run(ctx); err != nil {
		t.Fatal(err)
	}
	want := []struct {
		index  int64
		reason errs.Reason
	}{{0, ""}, {0, errs.ReasonEntryIDReused}, {1, ""}, {0, ""}, {0, errs.ReasonEntryIDReused}, {0, ""}}
	for i, w := range want {
		got := <-results[i]
		if got.position.LeafIndex != w.index || errs.ReasonOf(got.err) != w.reason || (got.err == nil) != (w.reason == "") {
			t.Errorf("append %d: %+v, %v; want index %d %s", i, got.position, got.err, w.index, w.reason)
		}
	}
}

func TestAppendRefusesBadEntries(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := startWall(t, db, wallConfig(t))
	e := newEntry(t, newTenant(t))
	e.Details["x"] = strings.Repeat("x", 60_000)
	if _, err := wall.Append(t.Context(), e); errs.ReasonOf(err) != errs.ReasonEntryTooLarge {
		t.Errorf("Append of a large entry: %v", err)
	}
	e.Details = nil
	e.EventType = "x"
	if _, err := wall.Append(t.Context(), e); errs.ReasonOf(err) != errs.ReasonInvalidField {
		t.Errorf("Append of an invalid entry: %v", err)
	}
}

func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	id := newTenant(t)
	big := newEntry(t, id)
	big.Details["x"] = strings.Repeat("x", 50_000)
	for name, tc := range map[string]struct {
		change func(*audit.Config)
		fill   []auditlog.Entry
		next   auditlog.Entry
	}{
		"entries": {func(c *audit.Config) { c.QueueEntries = 2 }, []auditlog.Entry{newEntry(t, id), newEntry(t, id)}, newEntry(t, id)},
		"bytes":   {func(c *audit.Config) { c.QueueBytes = 60_000 }, []auditlog.Entry{newEntry(t, id), big}, big},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := wallConfig(t)
			tc.change(&cfg)
			wall, run := idleWall(t, databases(db), cfg)
			results := enqueue(t, wall, tc.fill...)
			_, err := wall.Append(t.Context(), tc.next)
			var full *errs.Error
			if !errors.As(err, &full) || full.Kind != errs.ResourceExhausted || full.Reason != errs.ReasonOverloaded || full.RetryAfter <= 0 {
				t.Errorf("Append to a full queue: %v", err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := run(ctx); err != nil {
				t.Fatal(err)
			}
			for i, r := range results {
				if got := <-r; got.err != nil {
					t.Errorf("append %d: %v", i, got.err)
				}
			}
			_, err = wall.Append(t.Context(), tc.next)
			if errs.ReasonOf(err) != errs.ReasonUnavailable {
				t.Errorf("Append to a closed wall: %v", err)
			}
			if _, err := wall.Checkpoint(as(t, id)); errs.ReasonOf(err) != errs.ReasonUnavailable {
				t.Errorf("Checkpoint of a closed wall: %v", err)
			}
		})
	}
}

// TestCallerLeaves: an entry whose caller left while it waited is dropped; once it is taken, the batch goes on without its caller.
func TestCallerLeaves(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	id := newTenant(t)
	wall, run := idleWall(t, databases(db), wallConfig(t))
	gone := errors.New("the client went away")
	leave := func(e auditlog.Entry, when func()) {
		ctx, cancel := context.WithCancelCause(context.Background())
		answered := make(chan error, 1)
		go func() {
			_, err := wall.Append(ctx, e)
			answered <- err
		}()
		when()
		cancel(gone)
		if err := <-answered; !errors.Is(err, gone) {
			t.Errorf("Append: %v", err)
		}
	}
	early, late := newEntry(t, id), newEntry(t, id)
	leave(early, func() { eventually(t, "it waits", func() bool { return audit.Waiting(wall) == 1 }) })

	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	blocker := holdTurn(t, db)
	leave(late, func() {
		eventually(t, "its batch waits for the database", func() bool { return blocker.waiting() > 0 })
	})
	blocker.release()
	last := mustAppend(t, wall, newEntry(t, id))
	if last.LeafIndex != 1 {
		t.Errorf("the next entry is at %d, want 1: the late one before it, and not the early one", last.LeafIndex)
	}
	if e, err := wall.Get(as(t, id), late.EntryID); err != nil || e.LeafIndex != 0 {
		t.Errorf("the late entry: %+v, %v", e, err)
	}
	if _, err := wall.Get(as(t, id), early.EntryID); errs.ReasonOf(err) != errs.ReasonNotFound {
		t.Errorf("the early entry: %v", err)
	}
}

// TestPoisonedEntryFailsAlone has the database refuse some entries of a batch.
func TestPoisonedEntryFailsAlone(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	lifted(t, db, `ALTER TABLE gov_audit_trail_entries ADD CONSTRAINT no_poison CHECK (resource_id <> 'poison')`)
	a, b := newTenant(t), newTenant(t)
	var entries []auditlog.Entry
	for i := range 41 {
		e := newEntry(t, a)
		if i%3 == 0 {
			e = newEntry(t, b)
		}
		if i == 7 || i == 8 || i == 30 {
			e.Resource.ID = "poison"
		}
		entries = append(entries, e)
	}
	wall, run := idleWall(t, databases(db), wallConfig(t))
	results := enqueue(t, wall, entries...)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	next := map[tenant.ID]int64{}
	for i, r := range results {
		got := <-r
		if poisoned := entries[i].Resource.ID == "poison"; poisoned {
			if got.err == nil || errs.ReasonOf(got.err) == errs.ReasonUnavailable {
				t.Errorf("poisoned entry %d: %v", i, got.err)
			}
			continue
		}
		if want := next[entries[i].TenantID]; got.err != nil || got.position.LeafIndex != want {
			t.Errorf("entry %d: %+v, %v, want index %d", i, got.position, got.err, want)
		}
		next[entries[i].TenantID]++
	}
	if err := wall.Ready(); err != nil {
		t.Errorf("Ready: %v", err)
	}
	admin := db.Admin()
	checkLog(t, wall, admin, a)
	checkLog(t, wall, admin, b)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestReplicasAppendConcurrently has two walls append to the same logs with 64 callers, repeating entries to each other, one log being hot.
func TestReplicasAppendConcurrently(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	first, stopFirst := startWall(t, db, wallConfig(t))
	second, _ := startWall(t, db, wallConfig(t))
	walls := []*audit.Wall{first, second}
	hot := newTenant(t)
	tenants := []tenant.ID{hot, hot, hot, newTenant(t), newTenant(t)}
	const callers, each = 64, 12
	var mu sync.Mutex
	positions := map[tenant.ID]map[int64]audit.Position{}
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for i := range each {
				id := tenants[(c+i)%len(tenants)]
				e := newEntry(t, id)
				p, err := walls[c%2].Append(context.Background(), e)
				if err != nil {
					t.Errorf("Append: %v", err)
					return
				}
				if i%4 == 0 { // the client did not get the answer and asks the other replica
					again, err := walls[(c+1)%2].Append(context.Background(), e)
					if err != nil || again != p {
						t.Errorf("again: %+v, %v, first %+v", again, err, p)
					}
				}
				mu.Lock()
				if positions[id] == nil {
					positions[id] = map[int64]audit.Position{}
				}
				if other, ok := positions[id][p.LeafIndex]; ok {
					t.Errorf("index %d was given to %s and %s", p.LeafIndex, other.EntryID, p.EntryID)
				}
				positions[id][p.LeafIndex] = p
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	admin := db.Admin()
	total := 0
	for id, answered := range positions {
		rows := checkLog(t, first, admin, id)
		checkLog(t, second, admin, id)
		if len(rows) != len(answered) {
			t.Errorf("%d rows, %d answers", len(rows), len(answered))
		}
		for index, p := range answered {
			if auditlog.LeafHash(rows[index].leaf) != p.LeafHash {
				t.Errorf("entry %d is another one than was answered", index)
			}
		}
		total += len(rows)
	}
	if total != callers*each {
		t.Errorf("%d entries, want %d", total, callers*each)
	}
	stopFirst()
	mustAppend(t, second, newEntry(t, hot))
	checkLog(t, second, admin, hot)
}

// TestShutdownFlushesAndSigns: what waits when the wall is told to end is written and signed.
func TestShutdownFlushesAndSigns(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	cfg := wallConfig(t)
	cfg.BatchEntries = 16 // several batches
	wall, run := idleWall(t, databases(db), cfg)
	a, b := newTenant(t), newTenant(t)
	var entries []auditlog.Entry
	for i := range 100 {
		entries = append(entries, newEntry(t, []tenant.ID{a, b}[i%2]))
	}
	results := enqueue(t, wall, entries...)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx); err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if got := <-r; got.err != nil || got.position.LeafIndex != int64(i/2) {
			t.Errorf("append %d: %+v, %v", i, got.position, got.err)
		}
	}
	admin := db.Admin()
	for _, id := range []tenant.ID{a, b} {
		var size int64
		if err := admin.QueryRow(t.Context(), `SELECT max(tree_size) FROM gov_audit_checkpoints WHERE tenant_id = $1`, [16]byte(id)).Scan(&size); err != nil {
			t.Fatal(err)
		}
		if size != 50 {
			t.Errorf("the last checkpoint covers %d entries, want 50", size)
		}
	}
}
