package replay_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/governance/internal/decision"
	"github.com/aumos-enterprise/platform/governance/internal/difference"
	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/replay"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// denied makes decisions that the candidate denies, n about each of some models.
func (f *fixture) denied(id tenant.ID, models, n int) (candidate policy.Version) {
	f.t.Helper()
	v := f.policy(id, "open", "allow := true", nil)
	for i := range models {
		for range n {
			f.decide(id, question{policy: v.PolicyID, resource: modelName(i), input: map[string]any{}})
		}
	}
	return f.version(id, v.PolicyID, "allow := false\nviolations := [\"closed\"]", nil)
}

// A replay goes on where a worker died, and one that wakes up after all changes nothing any more: each decision counts once.
func TestWorkerDies(t *testing.T) {
	t.Parallel()
	f := setup(t)
	v := f.denied(tenantA, 3, 4)
	r := f.create(tenantA, v, nil)
	lost := f.worker(func(c *replay.Config) { c.Lease, c.Page = 50*time.Millisecond, 5 })
	wake, err := lost.Die(t.Context(), tenantA, r.ID)
	if err != nil {
		t.Fatal(err)
	}
	if half := f.get(tenantA, r.ID); half.State != replay.Running || half.Summary.Compared != 5 || half.NextIndex == half.EndIndex {
		t.Fatalf("got %+v", half)
	}
	other := f.worker(func(c *replay.Config) { c.Page, c.Slice = 3, time.Nanosecond })
	for worked := false; !worked; { // until the lease has ended
		if worked, err = other.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := wake(); !errors.Is(err, replay.ErrLost) {
		t.Errorf("a worker that lost the replay wrote: %v", err)
	}
	f.drain(other)
	r = f.get(tenantA, r.ID)
	want := difference.Summary{Compared: 12, AllowToDeny: 12}
	if r.State != replay.Succeeded || r.Summary != want || len(f.differences(tenantA, r.ID)) != 12 {
		t.Errorf("got %+v", r)
	}
	report := f.report(tenantA, r.ID)
	if len(report.Resources) != 3 || report.Resources[0].Summary.AllowToDeny != 4 || report.Rules[0].Added != 12 {
		t.Errorf("got %+v", report)
	}
	if n := len(f.entries(tenantA, replay.EventFinished)); n != 1 {
		t.Errorf("%d entries say that it ended", n)
	}
}

// Workers that run at the same time take turns with the replays of two tenants; everything is compared once.
func TestWorkersAtOnce(t *testing.T) {
	t.Parallel()
	f := setup(t)
	a, b := f.denied(tenantA, 2, 5), f.denied(tenantB, 1, 7)
	replays := map[tenant.ID][]replay.Replay{
		tenantA: {f.create(tenantA, a, nil), f.create(tenantA, a, nil)}, tenantB: {f.create(tenantB, b, nil)},
	}
	followers := replay.NewFollowers(f.db.App)
	for range 3 {
		w := f.worker(func(c *replay.Config) { c.Page, c.Slice, c.Poll = 2, time.Nanosecond, 10*time.Millisecond })
		audittest.Run(t, w.Run)
	}
	var wg sync.WaitGroup
	for id, list := range replays {
		for _, r := range list {
			wg.Go(func() {
				shown := 0
				if err := followers.Follow(f.as(id), r.ID, func(replay.Replay) error { shown++; return nil }); err != nil || shown == 0 {
					t.Errorf("follow: %v, shown %d", err, shown)
				}
			})
		}
	}
	wg.Wait()
	for id, list := range replays {
		for _, r := range list {
			r = f.get(id, r.ID)
			n := map[tenant.ID]int64{tenantA: 10, tenantB: 7}[id]
			if r.State != replay.Succeeded || r.Summary != (difference.Summary{Compared: n, AllowToDeny: n}) {
				t.Errorf("got %+v", r)
			}
		}
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	f := setup(t)
	v := f.denied(tenantA, 1, 6)
	r := f.create(tenantA, v, nil)
	w := f.worker(func(c *replay.Config) { c.Page = 2 })
	goOn, err := w.Die(t.Context(), tenantA, r.ID)
	if err != nil {
		t.Fatal(err)
	}
	cancel := func() (changed bool) {
		f.tx(tenantA, func(ctx context.Context, tx pgx.Tx) (err error) {
			r, changed, err = replay.Cancel(ctx, tx, r.ID)
			return err
		})
		return changed
	}
	if !cancel() || r.State != replay.Cancelled || r.Summary.Compared != 2 || r.EndTime == nil {
		t.Errorf("got %+v", r)
	}
	if err := goOn(); !errors.Is(err, replay.ErrLost) {
		t.Errorf("got %v", err)
	}
	if cancel() || r.Summary.Compared != 2 {
		t.Errorf("cancelled twice: %+v", r)
	}
	f.drain(w)
	if r = f.get(tenantA, r.ID); r.State != replay.Cancelled || r.Summary.Compared != 2 || len(f.differences(tenantA, r.ID)) != 2 {
		t.Errorf("got %+v", r)
	}
}

func TestRoom(t *testing.T) {
	t.Parallel()
	f := setup(t)
	v := f.denied(tenantA, 1, 1)
	for range 4 {
		f.create(tenantA, v, nil)
	}
	create := func(id tenant.ID, v policy.Version) error {
		return postgres.TenantTx(f.as(id), f.db.App, func(ctx context.Context, tx pgx.Tx) error {
			_, err := replay.Create(ctx, tx, replay.Request{
				PolicyID: v.PolicyID, Candidate: replay.Candidate{VersionID: v.ID}, From: time.Unix(0, 0), Before: time.Unix(1, 0), Subject: "s",
			})
			return err
		})
	}
	if err := create(tenantA, v); errs.ReasonOf(err) != errs.ReasonOverloaded {
		t.Errorf("got %v", err)
	}
	if err := create(tenantB, f.denied(tenantB, 1, 1)); err != nil {
		t.Errorf("another tenant: %v", err)
	}
	f.drain(f.worker(nil))
	if err := create(tenantA, v); err != nil {
		t.Errorf("after they are done: %v", err)
	}
}

// The report names those with most differences; the other rows are gone once the replay is done.
func TestReportIsTrimmed(t *testing.T) {
	t.Parallel()
	f := setup(t)
	v := f.policy(tenantA, "open", "allow := true", nil)
	for i := range replay.MaxListed + 15 {
		f.decide(tenantA, question{policy: v.PolicyID, resource: modelName(i), input: map[string]any{"n": float64(i)}})
	}
	f.decide(tenantA, question{policy: v.PolicyID, resource: modelName(replay.MaxListed + 14), input: map[string]any{"n": 9.0}})
	bad := f.version(tenantA, v.PolicyID, "default allow := false\nallow if input.n < 3\nviolations contains sprintf(\"rule %d\", [input.n]) if input.n >= 3", nil)
	r := f.create(tenantA, bad, nil)
	f.drain(f.worker(nil))
	report := f.report(tenantA, r.ID)
	if len(report.Resources) != replay.MaxListed || len(report.Rules) != replay.MaxListed || report.Resources[0].Summary.AllowToDeny != 2 ||
		string(report.Resources[0].Resource.ID) != modelName(replay.MaxListed+14) || report.Rules[0] != (replay.RuleCount{Code: "rule 9", Added: 2}) {
		t.Errorf("got %d resources and %d rules, first %+v, %+v", len(report.Resources), len(report.Rules), report.Resources[0], report.Rules[0])
	}
	f.tx(tenantA, func(ctx context.Context, tx pgx.Tx) error {
		var resources, rules int
		err := tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM gov_replay_resources), (SELECT count(*) FROM gov_replay_rules)`).Scan(&resources, &rules)
		if resources != replay.MaxListed || rules != replay.MaxListed {
			t.Errorf("%d rows of resources and %d of rules are left", resources, rules)
		}
		return err
	})
}

// fails replays with the candidate and returns why it could not be done.
func (f *fixture) fails(v policy.Version, w *replay.Worker) string {
	f.t.Helper()
	r := f.create(tenantA, v, nil)
	f.drain(w)
	if r = f.get(tenantA, r.ID); r.State != replay.Failed {
		f.t.Errorf("got %+v", r)
	}
	return r.Error
}

func TestCandidateThatNeverEnds(t *testing.T) {
	t.Parallel()
	f := setup(t)
	v := f.policy(tenantA, "open", "allow := true", nil)
	for range 25 {
		f.decide(tenantA, question{policy: v.PolicyID, input: map[string]any{}})
	}
	slow := f.version(tenantA, v.PolicyID, `allow if count([1 | some i in numbers.range(1, 3000); some j in numbers.range(1, 3000); i == j]) < 0`, nil)
	engine := rego.NewEngine(rego.Config{Deadline: 10 * time.Millisecond})
	t.Cleanup(func() {
		if err := engine.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if why := f.fails(slow, f.worker(func(c *replay.Config) { c.Engine = engine })); why == "" {
		t.Error("nobody is told why")
	}
}

func TestEntryThatIsNoDecision(t *testing.T) {
	t.Parallel()
	f := setup(t)
	v := f.denied(tenantA, 1, 1)
	entry := audittest.NewEntry(t, tenantA)
	entry.EventType, entry.Details, entry.SourceService = decision.EventType, map[string]any{}, "governance"
	entry.Actor = auditlog.Actor{Kind: auditlog.ActorSystem, ID: "governance"}
	audittest.Append(t, f.wall, entry)
	if why := f.fails(v, f.worker(nil)); why == "" {
		t.Error("nobody is told why")
	}
}

// A replay that takes its workers down with it is given up.
func TestWorkersDieAgainAndAgain(t *testing.T) {
	t.Parallel()
	f := setup(t)
	v := f.denied(tenantA, 1, 1)
	r := f.create(tenantA, v, nil)
	w := f.worker(func(c *replay.Config) { c.Lease = time.Microsecond })
	for taken := 0; taken < replay.MaxTakes; {
		ok, err := w.Take(t.Context(), tenantA, r.ID)
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			taken++
		}
	}
	f.drain(w)
	if r = f.get(tenantA, r.ID); r.State != replay.Failed || r.Error == "" {
		t.Errorf("got %+v", r)
	}
}

// A follower sees what a worker of the same process does as soon as it is done, and needs no look in between.
func TestFollowersAreWoken(t *testing.T) {
	t.Parallel()
	f := setup(t)
	r := f.create(tenantA, f.denied(tenantA, 1, 5), nil)
	followers := replay.Patient(replay.NewFollowers(f.db.App))
	w := f.worker(func(c *replay.Config) { c.Page, c.Progressed = 2, followers.Wake })
	var seen []int64
	var last replay.Replay
	err := followers.Follow(f.as(tenantA), r.ID, func(r replay.Replay) error {
		if seen, last = append(seen, r.Scanned()), r; len(seen) == 1 {
			audittest.Run(t, w.Run)
		}
		return nil
	})
	if err != nil || last.State != replay.Succeeded || len(seen) < 2 {
		t.Errorf("seen %v, last %+v, %v", seen, last, err)
	}
}

// Followers end with the port, and the replay goes on.
func TestFollowersEnd(t *testing.T) {
	t.Parallel()
	f := setup(t)
	r := f.create(tenantA, f.denied(tenantA, 1, 1), nil)
	followers := replay.NewFollowers(f.db.App)
	stop := audittest.Run(t, followers.Run)
	err := followers.Follow(f.as(tenantA), r.ID, func(replay.Replay) error {
		stop()
		return nil
	})
	if errs.ReasonOf(err) != errs.ReasonUnavailable || f.get(tenantA, r.ID).State != replay.Pending {
		t.Errorf("got %v", err)
	}
}

// The finder's policy shows ids of all tenants only to who says that he looks for them.
func TestReplaysOfOthersAreInvisible(t *testing.T) {
	t.Parallel()
	f := setup(t)
	r := f.create(tenantA, f.denied(tenantA, 1, 1), nil)
	f.tx(tenantB, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := replay.Get(ctx, tx, r.ID); errs.ReasonOf(err) != errs.ReasonNotFound {
			t.Errorf("get: %v", err)
		}
		if _, _, err := replay.Cancel(ctx, tx, r.ID); errs.ReasonOf(err) != errs.ReasonNotFound {
			t.Errorf("cancel: %v", err)
		}
		if _, err := tx.Exec(ctx, `SELECT set_config('aumos.replays', 'find', true)`); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `UPDATE gov_replays SET lease_until = NULL`)
		if tag.RowsAffected() != 0 {
			t.Error("who finds replays changes those of others")
		}
		return err
	})
}
