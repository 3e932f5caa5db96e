package reading_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/governance/internal/reading"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/requestid"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// bench is a wall and a recorder on it.
type bench struct {
	t        *testing.T
	db       postgrestest.AuditDB
	wall     *audit.Wall
	readings *reading.Recorder
	stopWall context.CancelFunc
	stop     context.CancelFunc // of the recorder
}

func newBench(t *testing.T, cfg reading.Config) *bench {
	t.Helper()
	return newBenchOn(t, postgrestest.Audit(t), cfg)
}

// again runs another wall and recorder on the same database.
func (b *bench) again(cfg reading.Config) *bench {
	b.t.Helper()
	return newBenchOn(b.t, b.db, cfg)
}

func newBenchOn(t *testing.T, db postgrestest.AuditDB, cfg reading.Config) *bench {
	t.Helper()
	b := &bench{t: t, db: db}
	b.wall, b.stopWall = audittest.Start(t, audittest.Databases(b.db), audit.Config{HeadsDir: t.TempDir()})
	cfg.Wall = b.wall
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	b.readings = reading.New(cfg)
	b.stop = audittest.Run(t, b.readings.Run)
	return b
}

// as returns the context of a call.
func as(t *testing.T, id tenant.ID, subject string) context.Context {
	t.Helper()
	ctx := auth.NewContext(tenant.NewContext(t.Context(), id), auth.Principal{Subject: subject, Kind: auth.KindUser, Tenant: id})
	return requestid.NewContext(ctx, "request-of-"+subject)
}

func (b *bench) note(ctx context.Context, read reading.Read) {
	b.t.Helper()
	if err := b.readings.Note(ctx, read); err != nil {
		b.t.Fatalf("Note: %v", err)
	}
}

// entries returns a log's entries.
func (b *bench) entries(id tenant.ID) []auditlog.Entry {
	b.t.Helper()
	found, _, err := b.wall.List(tenant.NewContext(b.t.Context(), id), audit.Filter{}, -1, 500)
	if err != nil {
		b.t.Fatal(err)
	}
	all := make([]auditlog.Entry, len(found))
	for i, f := range found {
		if all[i], err = auditlog.Unmarshal(f.Leaf); err != nil {
			b.t.Fatal(err)
		}
	}
	return all
}

// await returns a log's entries once there are so many: what makes them may be late, or waits for the wall.
func (b *bench) await(id tenant.ID, size int64) []auditlog.Entry {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(tenant.NewContext(b.t.Context(), id), time.Minute)
	defer cancel()
	for {
		err := b.wall.AwaitPosition(ctx, size)
		if err == nil {
			return b.entries(id)
		}
		if errs.ReasonOf(err) != errs.ReasonPositionNotReached {
			b.t.Fatal(err)
		}
	}
}

func newTenant() tenant.ID { return tenant.ID(uuid.New()) }

// A session leaves two entries, however many calls it has.
func TestSession(t *testing.T) {
	t.Parallel()
	b := newBench(t, reading.Config{})
	id := newTenant()
	ann := as(t, id, "ann")
	b.note(ann, reading.Read{RPC: "ListEntries", Filters: []string{"resource_id", "actor_id"}, Indexes: []int64{7, 9, 8}})
	opened := b.entries(id)
	if len(opened) != 1 {
		t.Fatalf("%d entries before anything was shown, want 1", len(opened))
	}
	b.note(ann, reading.Read{RPC: "ListEntries", Filters: []string{"action"}})
	b.note(ann, reading.Read{RPC: "WatchEntries", Indexes: []int64{3}})
	b.note(ann, reading.Read{RPC: "WatchEntries", Indexes: []int64{4, 12}, Continued: true})
	if n := len(b.entries(id)); n != 1 {
		t.Errorf("%d entries while the session lasts, want 1", n)
	}
	b.stop()
	all := b.entries(id)
	if len(all) != 2 {
		t.Fatalf("%d entries, want 2", len(all))
	}
	first, last := all[0], all[1]
	if _, err := uuid.Parse(first.CorrelationID); err != nil || first.CorrelationID != last.CorrelationID || first.EntryID == last.EntryID {
		t.Errorf("correlation ids %q and %q", first.CorrelationID, last.CorrelationID)
	}
	for _, key := range []string{"opened_time", "last_read_time", "closed_time"} {
		text, _ := last.Details[key].(string)
		if at, err := time.Parse(time.RFC3339Nano, text); err != nil || time.Since(at) > time.Minute {
			t.Errorf("%s is %q: %v", key, text, err)
		}
		delete(last.Details, key)
	}
	entry := func(got auditlog.Entry, request string, details map[string]any) auditlog.Entry {
		return auditlog.Entry{
			EntryID: got.EntryID, TenantID: id, LeafIndex: got.LeafIndex, RecordedTime: got.RecordedTime,
			EventType: "audit.read", Action: "audit.read", Outcome: auditlog.Success, Actor: auditlog.Actor{Kind: auditlog.ActorUser, ID: "ann"},
			Resource: auditlog.Resource{Type: "audit_log", ID: id.String()}, SourceService: "governance",
			RequestID: request, CorrelationID: got.CorrelationID, Details: details,
		}
	}
	want := []auditlog.Entry{
		entry(first, "request-of-ann", map[string]any{"phase": "opened", "rpc": "ListEntries", "filters": []any{"actor_id", "resource_id"}}),
		entry(last, "", map[string]any{
			"phase": "closed", "ended_by": "shutdown", "calls": 3.0, "rpcs": map[string]any{"ListEntries": 2.0, "WatchEntries": 1.0},
			"filters": []any{"action", "actor_id", "resource_id"}, "entries": 6.0, "lowest_index": 3.0, "highest_index": 12.0,
		}),
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if err := b.readings.Note(ann, reading.Read{RPC: "GetEntry"}); errs.ReasonOf(err) != errs.ReasonUnavailable {
		t.Errorf("Note after the end: %v", err)
	}
}

// Callers and tenants have sessions of their own, and many calls at once open one.
func TestSessionsAreApart(t *testing.T) {
	t.Parallel()
	b := newBench(t, reading.Config{})
	one, two := newTenant(), newTenant()
	var calls sync.WaitGroup
	for i := range 48 {
		calls.Go(func() {
			id := []tenant.ID{one, two}[i%2]
			if err := b.readings.Note(as(t, id, fmt.Sprintf("reader-%d", i%3)), reading.Read{RPC: "ListEntries", Indexes: []int64{int64(i)}}); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	b.stop()
	for _, id := range []tenant.ID{one, two} {
		counts := map[any]int{}
		calls := 0.0
		for _, e := range b.entries(id) {
			counts[e.Details["phase"]]++
			if n, ok := e.Details["calls"].(float64); ok {
				calls += n
			}
		}
		if diff := cmp.Diff(map[any]int{"opened": 3, "closed": 3}, counts); diff != "" || calls != 24 {
			t.Errorf("%v calls in sessions (-want +got):\n%s", calls, diff)
		}
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	for why, cfg := range map[string]reading.Config{
		"idle": {IdleAfter: 30 * time.Millisecond},
		"age":  {MaxAge: 30 * time.Millisecond},
	} {
		t.Run(why, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, cfg)
			id := newTenant()
			b.note(as(t, id, "ann"), reading.Read{RPC: "GetEntry", Indexes: []int64{0}})
			all := b.await(id, 2)
			if got := all[1].Details["ended_by"]; got != why {
				t.Errorf("ended by %v", got)
			}
			b.note(as(t, id, "ann"), reading.Read{RPC: "GetEntry", Indexes: []int64{0}})
			all = b.await(id, 4)
			if all[2].Details["phase"] != "opened" || all[2].CorrelationID == all[1].CorrelationID {
				t.Errorf("the next session: %v", all[2])
			}
		})
	}
}

// The oldest session makes room, so that no number of readers fills the memory.
func TestSessionsAreBounded(t *testing.T) {
	t.Parallel()
	b := newBench(t, reading.Config{MaxSessions: 3})
	id := newTenant()
	for _, subject := range []string{"a", "b", "c", "a", "d"} {
		b.note(as(t, id, subject), reading.Read{RPC: "ListEntries"})
	}
	all := b.entries(id)
	var ended []string
	for _, e := range all {
		if e.Details["phase"] == "closed" {
			ended = append(ended, e.Actor.ID+" by "+e.Details["ended_by"].(string))
		}
	}
	if diff := cmp.Diff([]string{"b by room"}, ended); diff != "" || len(all) != 5 {
		t.Errorf("%d entries, sessions ended (-want +got):\n%s", len(all), diff)
	}
}

// Nothing is shown that could not be recorded; a session that ends meanwhile is closed when the wall is back.
func TestOutage(t *testing.T) {
	t.Parallel()
	b := newBench(t, reading.Config{IdleAfter: 100 * time.Millisecond})
	id := newTenant()
	b.note(as(t, id, "ann"), reading.Read{RPC: "ListEntries"})
	server, err := pgx.Connect(t.Context(), strings.Replace(b.db.AdminURL, "/"+b.db.Name, "/postgres", 1))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close(context.WithoutCancel(t.Context())) }()
	exec := func(sql string) {
		t.Helper()
		if _, err := server.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec(`ALTER DATABASE ` + b.db.Name + ` ALLOW_CONNECTIONS false`)
	exec(`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '` + b.db.Name + `'`)
	err = b.readings.Note(as(t, id, "bob"), reading.Read{RPC: "ListEntries", Indexes: []int64{0}})
	if e, ok := errors.AsType[*errs.Error](err); !ok || e.Kind != errs.Unavailable || e.RetryAfter == 0 {
		t.Errorf("Note without a wall: %v", err)
	}
	if err := b.readings.Note(tenant.NewContext(t.Context(), id), reading.Read{RPC: "ListEntries"}); err == nil {
		t.Error("somebody unknown may read")
	}
	exec(`ALTER DATABASE ` + b.db.Name + ` ALLOW_CONNECTIONS true`)
	b.db.Reader.Reset()
	closed := b.await(id, 2)[1]
	if closed.Actor.ID != "ann" || closed.Details["phase"] != "closed" {
		t.Errorf("after the outage: %+v", closed)
	}
	b.note(as(t, id, "bob"), reading.Read{RPC: "ListEntries"})
	b.stop()
	if n := len(b.entries(id)); n != 4 {
		t.Errorf("%d entries, want 4", n)
	}
}

// A log that takes no more entries can still be read: whoever looks into the damage has to.
func TestDamagedLogIsReadable(t *testing.T) {
	t.Parallel()
	b := newBench(t, reading.Config{})
	id := newTenant()
	for _, subject := range []string{"ann", "bob"} {
		b.note(as(t, id, subject), reading.Read{RPC: "ListEntries"})
	}
	b.stop()
	b.stopWall()
	if _, err := b.db.Admin().Exec(t.Context(), `
		ALTER EVENT TRIGGER aumos_audit_deny_ddl DISABLE;
		ALTER EVENT TRIGGER aumos_audit_deny_rewrite DISABLE;
		ALTER TABLE gov_audit_trail_entries DISABLE TRIGGER ALL;
		DO $$ BEGIN FOR i IN 0..3 LOOP EXECUTE format('ALTER TABLE gov_audit_trail_entries_p%s DISABLE TRIGGER ALL', i); END LOOP; END $$;
		UPDATE gov_audit_trail_entries SET hashes = substring(hashes FOR 32)`); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	again := b.again(reading.Config{Log: slog.New(slog.NewTextHandler(&log, nil))}) // on a wall that has not yet read where the log ends
	again.note(as(t, id, "eve"), reading.Read{RPC: "ListEntries", Indexes: []int64{0, 1, 2, 3}})
	again.note(as(t, id, "eve"), reading.Read{RPC: "ListEntries", Indexes: []int64{0, 1, 2, 3}})
	again.stop()
	if n := strings.Count(log.String(), "a damaged audit log is read"); n != 1 || !strings.Contains(log.String(), "actor_id=eve") {
		t.Errorf("the service's log: %s", log.String())
	}
}
