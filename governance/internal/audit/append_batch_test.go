package audit_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

func newEntries(t testing.TB, id tenant.ID, n int) []auditlog.Entry {
	t.Helper()
	entries := make([]auditlog.Entry, n)
	for i := range entries {
		entries[i] = newEntry(t, id)
	}
	return entries
}

func mustAppendBatch(t testing.TB, wall *audit.Wall, entries []auditlog.Entry) []audit.Position {
	t.Helper()
	positions, err := wall.AppendBatch(t.Context(), entries)
	if err != nil {
		t.Fatalf("AppendBatch: %v", err)
	}
	checkBatch(t, entries, positions)
	return positions
}

// checkBatch checks that the positions are the entries', one after the other.
func checkBatch(t testing.TB, entries []auditlog.Entry, positions []audit.Position) {
	t.Helper()
	if len(positions) != len(entries) {
		t.Fatalf("%d positions of %d entries", len(positions), len(entries))
	}
	for i, p := range positions {
		if p.EntryID != entries[i].EntryID || p.LeafIndex != positions[0].LeafIndex+int64(i) {
			t.Errorf("entry %d is %+v, the first %+v", i, p, positions[0])
		}
	}
}

func TestAppendBatchIsIdempotent(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	cfg := wallConfig(t)
	wall, stop := startWall(t, db, cfg)
	id := newTenant(t)
	single := appendMany(t, wall, id, 2)
	batch := newEntries(t, id, audit.MaxBatch)
	first := mustAppendBatch(t, wall, batch)
	reused := map[string][]auditlog.Entry{
		"only some":            append(slices.Clone(batch[:3]), newEntry(t, id)),
		"a new one first":      append(newEntries(t, id, 1), batch[:3]...),
		"other content":        slices.Clone(batch[:3]),
		"another order":        {batch[1], batch[0]},
		"with a gap":           {batch[0], batch[2]},
		"other content, alone": {batch[1]},
	}
	reused["other content"][2].Action = "policy.other"
	reused["other content, alone"][0].Action = "policy.other"
	check := func(wall *audit.Wall) {
		t.Helper()
		if got := mustAppendBatch(t, wall, batch); !slices.Equal(got, first) {
			t.Errorf("again: %+v, first %+v", got, first)
		}
		if got := mustAppend(t, wall, batch[5]); got != first[5] { // by itself it is the entry that is there
			t.Errorf("alone: %+v, first %+v", got, first[5])
		}
		if got := mustAppendBatch(t, wall, slices.Concat(single, batch[:2])); got[0].LeafIndex != 0 {
			t.Errorf("entries that were appended one by one: %+v", got)
		}
		for name, entries := range reused {
			got, err := wall.AppendBatch(t.Context(), entries)
			if known, ok := errors.AsType[*errs.Error](err); !ok || got != nil || known.Kind != errs.InvalidArgument ||
				known.Reason != errs.ReasonEntryIDReused || known.Metadata["entry_id"] == "" {
				t.Errorf("%s: %v, %v", name, got, err)
			}
		}
	}
	check(wall) // from memory
	if n := metric(t, wall, "aumos_audit_batch_conflicts_total"); n != 0 {
		t.Errorf("repeated appends made %v batches fail", n)
	}
	stop()
	wall, _ = startWall(t, db, cfg)
	check(wall) // from the database
	if rows := checkLog(t, wall, db.Admin(), id); len(rows) != 2+len(batch) {
		t.Errorf("%d rows, want %d", len(rows), 2+len(batch))
	}
}

// TestBatchesShareIDs has many batches that share an entry wait at once: one wins, and the others do not cost a failed transaction each.
func TestBatchesShareIDs(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	id := newTenant(t)
	shared := newEntry(t, id)
	wall, run := idleWall(t, databases(db), wallConfig(t))
	const callers = 60
	var batches [callers][]auditlog.Entry
	var results [callers]chan error
	for i := range batches {
		batches[i] = append(newEntries(t, id, 2), shared)
		results[i] = make(chan error, 1)
		go func() {
			_, err := wall.AppendBatch(context.Background(), batches[i])
			results[i] <- err
		}()
	}
	eventually(t, "all wait", func() bool { return audit.Waiting(wall) == 3*callers })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx); err != nil {
		t.Fatal(err)
	}
	won := 0
	for i := range results {
		switch err := <-results[i]; {
		case err == nil:
			won++
		case errs.ReasonOf(err) != errs.ReasonEntryIDReused:
			t.Errorf("batch %d: %v", i, err)
		}
	}
	if won != 1 {
		t.Errorf("%d batches won, want 1", won)
	}
	if n := metric(t, wall, "aumos_audit_batch_conflicts_total"); n != 0 {
		t.Errorf("%v transactions failed", n)
	}
	if rows := readRows(t, db.Admin(), id); len(rows) != 3 {
		t.Errorf("%d rows, want 3", len(rows))
	}
}

func TestAppendBatchRefuses(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := startWall(t, db, wallConfig(t))
	id := newTenant(t)
	change := func(i int, f func(*auditlog.Entry)) []auditlog.Entry {
		entries := newEntries(t, id, 5)
		f(&entries[i])
		return entries
	}
	twice := newEntries(t, id, 5)
	twice[4].EntryID = twice[1].EntryID
	for name, tc := range map[string]struct {
		entries []auditlog.Entry
		reason  errs.Reason
		field   string
	}{
		"none":           {nil, errs.ReasonInvalidField, "entries"},
		"too many":       {newEntries(t, id, audit.MaxBatch+1), errs.ReasonInvalidField, "entries"},
		"an id twice":    {twice, errs.ReasonInvalidField, "entries[4].entry_id"},
		"another tenant": {change(2, func(e *auditlog.Entry) { e.TenantID = newTenant(t) }), errs.ReasonInvalidField, "entries[2].tenant_id"},
		"event type":     {change(3, func(e *auditlog.Entry) { e.EventType = "x" }), errs.ReasonInvalidField, "entries[3].event_type"},
		"large": {
			change(1, func(e *auditlog.Entry) { e.Details["x"] = strings.Repeat("x", 60_000) }),
			errs.ReasonEntryTooLarge, "",
		},
	} {
		_, err := wall.AppendBatch(t.Context(), tc.entries)
		known, ok := errors.AsType[*errs.Error](err)
		if !ok || known.Reason != tc.reason {
			t.Errorf("%s: %v, want %s", name, err, tc.reason)
			continue
		}
		if tc.field != "" && (len(known.Violations) != 1 || known.Violations[0].Field != tc.field) {
			t.Errorf("%s: %v, want field %s", name, known.Violations, tc.field)
		}
		if name == "large" && known.Metadata["index"] != "1" {
			t.Errorf("%s: %v, want index 1", name, known.Metadata)
		}
	}
	if rows := readRows(t, db.Admin(), id); len(rows) != 0 {
		t.Errorf("%d entries of refused batches are on the wall", len(rows))
	}
}

// TestPoisonedBatchFailsAlone has the database refuse an entry of a batch: the whole batch fails, and what was taken together with it does not.
func TestPoisonedBatchFailsAlone(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	lifted(t, db, `ALTER TABLE gov_audit_trail_entries ADD CONSTRAINT no_poison CHECK (resource_id <> 'poison')`)
	ids := []tenant.ID{newTenant(t), newTenant(t)}
	wall, run := idleWall(t, databases(db), wallConfig(t))
	const callers = 12
	var batches [callers][]auditlog.Entry
	results := make([]chan error, callers)
	for i := range batches {
		batches[i] = newEntries(t, ids[i%2], 1+i)
		if i == 5 || i == 10 {
			batches[i][i/2].Resource.ID = "poison"
		}
		results[i] = make(chan error, 1)
		go func() {
			positions, err := wall.AppendBatch(context.Background(), batches[i])
			if err == nil {
				checkBatch(t, batches[i], positions)
			}
			results[i] <- err
		}()
	}
	eventually(t, "all wait", func() bool { return audit.Waiting(wall) == callers*(callers+1)/2 })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx); err != nil {
		t.Fatal(err)
	}
	for i := range results {
		if err := <-results[i]; (err != nil) != (i == 5 || i == 10) || errs.ReasonOf(err) == errs.ReasonUnavailable {
			t.Errorf("batch %d: %v", i, err)
		}
	}
	rows := 0
	for _, id := range ids {
		rows += len(readRows(t, db.Admin(), id))
	}
	if want := callers*(callers+1)/2 - 6 - 11; rows != want {
		t.Errorf("%d rows, want %d", rows, want)
	}
}

// TestQueueCountsEntries: a batch needs room for all of its entries, and one that is larger than the queue, or than a transaction, waits for it
// to be empty and goes alone.
func TestQueueCountsEntries(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	cfg := wallConfig(t)
	cfg.QueueEntries, cfg.BatchEntries = 10, 4
	id := newTenant(t)
	wall, run := idleWall(t, databases(db), cfg)
	results := make(chan error, 2)
	appendIt := func(entries []auditlog.Entry) {
		before := audit.Waiting(wall)
		go func() {
			_, err := wall.AppendBatch(context.Background(), entries)
			results <- err
		}()
		eventually(t, "it waits", func() bool { return audit.Waiting(wall) == before+len(entries) })
	}
	appendIt(newEntries(t, id, 7))
	if _, err := wall.AppendBatch(t.Context(), newEntries(t, id, 4)); errs.ReasonOf(err) != errs.ReasonOverloaded {
		t.Errorf("4 entries beside 7 of 10: %v", err)
	}
	appendIt(newEntries(t, id, 3))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	for range 2 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	mustAppendBatch(t, wall, newEntries(t, id, 20))
	if rows := checkLog(t, wall, db.Admin(), id); len(rows) != 30 {
		t.Errorf("%d rows, want 30", len(rows))
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestBatchesOfReplicas has two walls append batches and single entries to the same logs at once, each batch repeated on the other wall.
func TestBatchesOfReplicas(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	first, _ := startWall(t, db, wallConfig(t))
	second, _ := startWall(t, db, wallConfig(t))
	walls := []*audit.Wall{first, second}
	ids := []tenant.ID{newTenant(t), newTenant(t)}
	var mu sync.Mutex
	total := map[tenant.ID]int{}
	var wg sync.WaitGroup
	for c := range 24 {
		wg.Go(func() {
			for i := range 6 {
				id := ids[(c+i)%2]
				batch := newEntries(t, id, 1+(c+i)%7)
				positions, err := walls[c%2].AppendBatch(context.Background(), batch)
				if err != nil {
					t.Errorf("AppendBatch: %v", err)
					return
				}
				checkBatch(t, batch, positions)
				again, err := walls[(c+1)%2].AppendBatch(context.Background(), batch)
				if err != nil || !slices.Equal(again, positions) {
					t.Errorf("again: %+v, %v, first %+v", again, err, positions)
				}
				mu.Lock()
				total[id] += len(batch)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for id, n := range total {
		if rows := checkLog(t, second, db.Admin(), id); len(rows) != n {
			t.Errorf("%d rows, want %d", len(rows), n)
		}
	}
}

// TestBatchErrorsNameTheEntry also where the error is not the client's.
func TestBatchErrorsNameTheEntry(t *testing.T) {
	t.Parallel()
	cause := errors.New("no room")
	if err := audit.InBatch(3, fmt.Errorf("write: %w", cause)); !errors.Is(err, cause) || !strings.Contains(err.Error(), "entries[3]") {
		t.Errorf("got %v", err)
	}
}
