package policy_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/policytest"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

func TestActivate(t *testing.T) {
	t.Parallel()
	f := setup(t)
	p := f.create(t, f.a, "retrain")
	one, two := f.addVersion(t, f.a, p.ID, "one"), f.addVersion(t, f.a, p.ID, "two")
	last := p
	for _, step := range []struct {
		what     string
		version  policy.Version
		changed  bool
		retired  uuid.UUID
		one, two policy.State // after the step
	}{
		{"first activation", one, true, uuid.Nil, policy.Active, policy.Draft},
		{"of the active version", one, false, uuid.Nil, policy.Active, policy.Draft},
		{"of a second version", two, true, one.ID, policy.Retired, policy.Active},
		{"of a retired version", one, true, two.ID, policy.Active, policy.Retired},
	} {
		a := f.activate(t, f.a, step.version.ID)
		if a.Changed != step.changed || a.Retired != step.retired || a.Policy.ActiveVersionID != step.version.ID {
			t.Errorf("%s: changed %t, retired %s, active %s", step.what, a.Changed, a.Retired, a.Policy.ActiveVersionID)
		}
		if diff := cmp.Diff(f.get(t, f.a, p.ID), a.Policy); diff != "" {
			t.Errorf("%s: the policy is not the stored one: %s", step.what, diff)
		}
		if diff := cmp.Diff(f.getVersion(t, f.a, step.version.ID), a.Version); diff != "" {
			t.Errorf("%s: the version is not the stored one: %s", step.what, diff)
		}
		if got := f.getVersion(t, f.a, one.ID).State; got != step.one {
			t.Errorf("%s: version 1 is %s, want %s", step.what, got, step.one)
		}
		if got := f.getVersion(t, f.a, two.ID).State; got != step.two {
			t.Errorf("%s: version 2 is %s, want %s", step.what, got, step.two)
		}
		if !step.changed {
			if diff := cmp.Diff(last, a.Policy); diff != "" {
				t.Errorf("%s: the policy has changed: %s", step.what, diff)
			}
			continue
		}
		if a.Policy.Revision != last.Revision+1 || a.Policy.ETag() == last.ETag() || !a.Policy.UpdateTime.After(last.UpdateTime) {
			t.Errorf("%s: revision %d after %d, updated at %s after %s", step.what, a.Policy.Revision, last.Revision, a.Policy.UpdateTime, last.UpdateTime)
		}
		if !a.Version.ActivateTime.Equal(a.Policy.UpdateTime) {
			t.Errorf("%s: activated at %s, the policy updated at %s", step.what, a.Version.ActivateTime, a.Policy.UpdateTime)
		}
		last = a.Policy
	}
}

func TestActivateChecksETag(t *testing.T) {
	t.Parallel()
	f := setup(t)
	p := f.create(t, f.a, "retrain")
	one, two := f.addVersion(t, f.a, p.ID, "one"), f.addVersion(t, f.a, p.ID, "two")
	current := f.activate(t, f.a, one.ID).Policy
	policytest.Approve(t, f.App, f.a, two.ID)
	for _, etag := range []string{p.ETag(), "x"} {
		for _, v := range []policy.Version{one, two} {
			err := f.tx(t, f.a, func(ctx context.Context, tx pgx.Tx) error {
				_, err := policy.Activate(ctx, tx, v.ID, etag, rego.EngineVersion())
				return err
			})
			wantError(t, fmt.Sprintf("version %d with etag %q", v.Number, etag), err, errs.Aborted, errs.ReasonStaleETag)
		}
	}
	if diff := cmp.Diff(current, f.get(t, f.a, p.ID)); diff != "" {
		t.Errorf("refused activations have changed the policy: %s", diff)
	}
	do(t, f, f.a, func(ctx context.Context, tx pgx.Tx) (policy.Activation, error) {
		return policy.Activate(ctx, tx, two.ID, current.ETag(), rego.EngineVersion())
	})
}

func TestConcurrentActivationsLeaveOneActive(t *testing.T) {
	t.Parallel()
	f := setup(t)
	p := f.create(t, f.a, "retrain")
	const count = 16
	versions := make([]policy.Version, count)
	for i := range versions {
		versions[i] = f.addVersion(t, f.a, p.ID, strconv.Itoa(i))
		policytest.Approve(t, f.App, f.a, versions[i].ID)
	}
	pools := f.pools()
	for _, round := range []struct {
		etag    string
		changed int64 // activations that go through
	}{
		{p.ETag(), 1},   // all but the first are stale
		{"", count - 1}, // all the others
	} {
		before := f.get(t, f.a, p.ID)
		var changed atomic.Int64
		group, ctx := errgroup.WithContext(tenant.NewContext(t.Context(), f.a))
		for i, v := range versions {
			group.Go(func() error {
				var a policy.Activation
				err := postgres.TenantTx(ctx, pools[i%2], func(ctx context.Context, tx pgx.Tx) (err error) {
					a, err = policy.Activate(ctx, tx, v.ID, round.etag, rego.EngineVersion())
					return err
				})
				if round.etag != "" && errs.ReasonOf(err) == errs.ReasonStaleETag {
					return nil
				}
				if round.etag == "" && errs.ReasonOf(err) == errs.ReasonPolicyVersionState { // the first round's, when another's turn came before
					return nil
				}
				if a.Changed {
					changed.Add(1)
				}
				return err
			})
		}
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
		after := f.get(t, f.a, p.ID)
		states := map[policy.State][]uuid.UUID{}
		for _, v := range f.listVersions(t, f.a, p.ID) {
			states[v.State] = append(states[v.State], v.ID)
		}
		if diff := cmp.Diff([]uuid.UUID{after.ActiveVersionID}, states[policy.Active]); diff != "" {
			t.Errorf("etag %q: active versions: %s", round.etag, diff)
		}
		// In the second round, the version that the first has left active changes nothing, whether its turn comes first or after it has retired.
		if n := changed.Load(); after.Revision != before.Revision+n || n != round.changed {
			t.Errorf("etag %q: revision %d after %d and %d changes, want %d", round.etag, after.Revision, before.Revision, n, round.changed)
		}
	}
}

func TestActivateNotifies(t *testing.T) {
	t.Parallel()
	f := setup(t)
	p, foreign := f.create(t, f.a, "retrain"), f.create(t, f.b, "retrain")
	one, two := f.addVersion(t, f.a, p.ID, "one"), f.addVersion(t, f.a, p.ID, "two")
	other := f.addVersion(t, f.b, foreign.ID, "other")

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, f.AppURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // the test is over
	if _, err := conn.Exec(ctx, `LISTEN `+policy.ChangedChannel); err != nil {
		t.Fatal(err)
	}

	policytest.Approve(t, f.App, f.a, two.ID)
	f.activate(t, f.a, one.ID)
	f.activate(t, f.a, one.ID) // changes nothing
	given := errors.New("given up")
	err = f.tx(t, f.a, func(ctx context.Context, tx pgx.Tx) error {
		_, err := policy.Activate(ctx, tx, two.ID, "", rego.EngineVersion())
		return errors.Join(err, given)
	})
	if !errors.Is(err, given) {
		t.Fatal(err)
	}
	f.activate(t, f.b, other.ID)
	f.activate(t, f.a, two.ID)
	for i, want := range []tenant.ID{f.a, f.b, f.a} {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if n.Channel != "aumos_policy_changed" || n.Payload != want.String() {
			t.Errorf("notification %d: %s on %s, want %s", i, n.Payload, n.Channel, want)
		}
	}
}
