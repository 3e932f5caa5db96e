package policy_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

func (f fixture) hold(t *testing.T, id tenant.ID, versionID uuid.UUID, lifts int64) policy.QuarantineChange {
	t.Helper()
	return do(t, f, id, func(ctx context.Context, tx pgx.Tx) (policy.QuarantineChange, error) {
		return policy.Hold(ctx, tx, versionID, lifts, 3)
	})
}

func (f fixture) lift(t *testing.T, id tenant.ID, versionID uuid.UUID) policy.QuarantineChange {
	t.Helper()
	return do(t, f, id, func(ctx context.Context, tx pgx.Tx) (policy.QuarantineChange, error) {
		return policy.LiftQuarantine(ctx, tx, versionID, "the table is smaller now")
	})
}

func (f fixture) standing(t *testing.T, id tenant.ID, versionID uuid.UUID) policy.Standing {
	t.Helper()
	return do(t, f, id, func(ctx context.Context, tx pgx.Tx) (map[uuid.UUID]policy.Standing, error) {
		return policy.Standings(ctx, tx, []uuid.UUID{versionID, newID(t)})
	})[versionID]
}

func TestQuarantineEndsWhenLifted(t *testing.T) {
	t.Parallel()
	f := setup(t)
	v := f.addVersion(t, f.a, f.create(t, f.a, "retrain").ID, "one")
	if got := f.lift(t, f.a, v.ID); got.Changed || got.Version.Quarantine != nil {
		t.Errorf("a version that was never quarantined: %+v", got)
	}
	for _, step := range []struct {
		what    string
		do      func() policy.QuarantineChange
		changed bool
		want    policy.Standing
	}{
		{"hold", func() policy.QuarantineChange { return f.hold(t, f.a, v.ID, 0) }, true, policy.Standing{Quarantined: true}},
		{"hold again", func() policy.QuarantineChange { return f.hold(t, f.a, v.ID, 0) }, false, policy.Standing{Quarantined: true}},
		{"lift", func() policy.QuarantineChange { return f.lift(t, f.a, v.ID) }, true, policy.Standing{Lifts: 1}},
		{"lift again", func() policy.QuarantineChange { return f.lift(t, f.a, v.ID) }, false, policy.Standing{Lifts: 1}},
		{"hold for overruns from before the lift", func() policy.QuarantineChange { return f.hold(t, f.a, v.ID, 0) }, false, policy.Standing{Lifts: 1}},
		{"hold for new ones", func() policy.QuarantineChange { return f.hold(t, f.a, v.ID, 1) }, true, policy.Standing{Quarantined: true, Lifts: 1}},
	} {
		got := step.do()
		if got.Changed != step.changed || got.Policy.ID != v.PolicyID || got.Version.ID != v.ID || len(got.Version.Modules) != 2 {
			t.Errorf("%s: %+v", step.what, got)
		}
		if s := f.standing(t, f.a, v.ID); s != step.want {
			t.Errorf("%s: %+v, want %+v", step.what, s, step.want)
		}
		read, listed := f.getVersion(t, f.a, v.ID), f.listVersions(t, f.a, v.PolicyID)[0]
		for _, q := range []*policy.Quarantine{got.Version.Quarantine, read.Quarantine, listed.Quarantine} {
			if (q != nil) != step.want.Quarantined || q != nil && (q.Overruns != 3 || q.Time.IsZero()) {
				t.Errorf("%s: quarantine %+v", step.what, q)
			}
		}
	}
}

func TestQuarantineIsAnnounced(t *testing.T) {
	t.Parallel()
	f := setup(t)
	v := f.addVersion(t, f.a, f.create(t, f.a, "retrain").ID, "one")
	conn := f.Admin()
	if _, err := conn.Exec(t.Context(), `LISTEN `+policy.ChangedChannel); err != nil {
		t.Fatal(err)
	}
	for _, change := range []func(){func() { f.hold(t, f.a, v.ID, 0) }, func() { f.lift(t, f.a, v.ID) }} {
		change()
		n, err := conn.WaitForNotification(t.Context())
		if err != nil || n.Payload != f.a.String() {
			t.Errorf("heard %v, %v", n, err)
		}
	}
}

func TestQuarantineOfAnotherTenant(t *testing.T) {
	t.Parallel()
	f := setup(t)
	v := f.addVersion(t, f.a, f.create(t, f.a, "retrain").ID, "one")
	f.hold(t, f.a, v.ID, 0)
	wantError(t, "hold", f.tx(t, f.b, func(ctx context.Context, tx pgx.Tx) error {
		_, err := policy.Hold(ctx, tx, v.ID, 0, 3)
		return err
	}), errs.NotFound, errs.ReasonNotFound)
	wantError(t, "lift", f.tx(t, f.b, func(ctx context.Context, tx pgx.Tx) error {
		_, err := policy.LiftQuarantine(ctx, tx, v.ID, "")
		return err
	}), errs.NotFound, errs.ReasonNotFound)
	if s := f.standing(t, f.b, v.ID); s != (policy.Standing{}) {
		t.Errorf("the other tenant sees %+v", s)
	}
	wantError(t, "a reason with NUL", f.tx(t, f.a, func(ctx context.Context, tx pgx.Tx) error {
		_, err := policy.LiftQuarantine(ctx, tx, v.ID, "a\x00")
		return err
	}), errs.InvalidArgument, errs.ReasonInvalidField)
}

func TestListQuarantined(t *testing.T) {
	t.Parallel()
	f := setup(t)
	p := f.create(t, f.a, "retrain")
	var want []uuid.UUID
	for _, word := range []string{"one", "two", "three", "four"} {
		v := f.addVersion(t, f.a, p.ID, word)
		f.hold(t, f.a, v.ID, 0)
		want = append([]uuid.UUID{v.ID}, want...)
	}
	f.lift(t, f.a, want[1])
	want = slices.Delete(want, 1, 2)
	var got []uuid.UUID
	var after policy.QuarantineKey
	for more := true; more; {
		page := do(t, f, f.a, func(ctx context.Context, tx pgx.Tx) (_ []policy.Version, err error) {
			var found []policy.Version
			found, more, err = policy.ListQuarantined(ctx, tx, after, 2)
			return found, err
		})
		for _, v := range page {
			got = append(got, v.ID)
			after = policy.QuarantineKey{Time: v.Quarantine.Time, Version: v.ID}
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("listed %v, want %v", got, want)
	}
	if found := do(t, f, f.b, func(ctx context.Context, tx pgx.Tx) ([]policy.Version, error) {
		versions, _, err := policy.ListQuarantined(ctx, tx, policy.QuarantineKey{}, 10)
		return versions, err
	}); len(found) != 0 {
		t.Errorf("the other tenant sees %v", found)
	}
}

// Replicas that report the same version at once quarantine it once.
func TestConcurrentQuarantines(t *testing.T) {
	t.Parallel()
	f := setup(t)
	v := f.addVersion(t, f.a, f.create(t, f.a, "retrain").ID, "one")
	var changed atomic.Int32
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			_ = f.tx(t, f.a, func(ctx context.Context, tx pgx.Tx) error {
				c, err := policy.Hold(ctx, tx, v.ID, 0, 3)
				if err != nil {
					t.Error(err)
				}
				if c.Changed {
					changed.Add(1)
				}
				return err
			})
		})
	}
	all.Wait()
	if n := changed.Load(); n != 1 {
		t.Errorf("%d changes, want 1", n)
	}
}
