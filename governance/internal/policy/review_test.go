package policy_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

func TestReview(t *testing.T) {
	t.Parallel()
	f := setup(t)
	p := f.create(t, f.a, "retrain")
	v := f.addVersion(t, f.a, p.ID, "one")
	steps := []struct {
		action   policy.ReviewAction
		take     func(context.Context, pgx.Tx, policy.Step) (policy.Policy, policy.Version, error)
		subject  string
		state    policy.State
		approver string
	}{
		{policy.ReviewSubmitted, policy.Submit, "carol", policy.InReview, ""},
		{policy.ReviewRejected, policy.Reject, "bob", policy.Draft, ""},
		{policy.ReviewSubmitted, policy.Submit, "alice", policy.InReview, ""},
		{policy.ReviewApproved, policy.Approve, "bob", policy.Approved, "bob"},
		{policy.ReviewRejected, policy.Reject, "alice", policy.Draft, ""}, // an author may take a version back
		{policy.ReviewSubmitted, policy.Submit, "alice", policy.InReview, ""},
	}
	for i, s := range steps {
		got := f.step(t, s.take, policy.Step{Version: v.ID, Subject: s.subject, Comment: fmt.Sprint("step ", i)})
		last := got.Reviews[len(got.Reviews)-1]
		if got.State != s.state || got.Approver != s.approver || len(got.Reviews) != i+1 || last.Action != s.action || last.Subject != s.subject ||
			last.Comment != fmt.Sprint("step ", i) || last.Time.IsZero() {
			t.Errorf("step %d: %+v", i, got)
		}
	}
	// Its author cannot approve it, nor anybody who has ever submitted it.
	for _, subject := range []string{"alice", "carol"} {
		err := f.tx(t, f.a, func(ctx context.Context, tx pgx.Tx) error {
			_, _, err := policy.Approve(ctx, tx, policy.Step{Version: v.ID, Subject: subject})
			return err
		})
		wantError(t, subject, err, errs.PermissionDenied, errs.ReasonSamePerson)
	}
	err := f.tx(t, f.a, func(ctx context.Context, tx pgx.Tx) error {
		_, _, err := policy.Approve(ctx, tx, policy.Step{Version: v.ID, Subject: "bob", Comment: "a\x00b"})
		return err
	})
	wantError(t, "NUL", err, errs.InvalidArgument, errs.ReasonInvalidField)
	err = f.tx(t, f.a, func(ctx context.Context, tx pgx.Tx) error {
		_, _, err := policy.Approve(ctx, tx, policy.Step{Version: v.ID, Subject: "bob", ETag: "99"})
		return err
	})
	wantError(t, "stale etag", err, errs.Aborted, errs.ReasonStaleETag)
	if got := f.get(t, f.a, p.ID); got.Revision != p.Revision {
		t.Errorf("a review has changed the policy's etag: %d", got.Revision)
	}
}

// A version that goes back and forth comes to an end, and never to one from which it cannot be decided.
func TestReviewIsBounded(t *testing.T) {
	t.Parallel()
	f := setup(t)
	v := f.addVersion(t, f.a, f.create(t, f.a, "retrain").ID, "one")
	comment := strings.Repeat("é", 2000)
	n := 0
	for ; n < 100; n += 2 {
		err := f.tx(t, f.a, func(ctx context.Context, tx pgx.Tx) error {
			if _, _, err := policy.Submit(ctx, tx, policy.Step{Version: v.ID, Subject: "alice", Comment: comment}); err != nil {
				return err
			}
			_, _, err := policy.Reject(ctx, tx, policy.Step{Version: v.ID, Subject: "bob", Comment: comment})
			return err
		})
		if err != nil {
			wantError(t, "too many", err, errs.FailedPrecondition, errs.ReasonPolicyVersionState)
			break
		}
	}
	if n != 98 {
		t.Errorf("%d steps of review", n)
	}
}

func TestConcurrentApprovals(t *testing.T) {
	t.Parallel()
	f := setup(t)
	v := f.addVersion(t, f.a, f.create(t, f.a, "retrain").ID, "one")
	f.step(t, policy.Submit, policy.Step{Version: v.ID, Subject: "alice"})
	var approved atomic.Int32
	var group errgroup.Group
	for i := range 8 {
		group.Go(func() error {
			err := f.tx(t, f.a, func(ctx context.Context, tx pgx.Tx) error {
				_, _, err := policy.Approve(ctx, tx, policy.Step{Version: v.ID, Subject: fmt.Sprint("approver ", i)})
				return err
			})
			if err == nil {
				approved.Add(1)
			}
			if errs.ReasonOf(err) == errs.ReasonPolicyVersionState {
				return nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	got := f.getVersion(t, f.a, v.ID)
	if approved.Load() != 1 || len(got.Reviews) != 2 || got.Approver != got.Reviews[1].Subject {
		t.Errorf("%d approvals, version %+v", approved.Load(), got)
	}
}

func TestRollbackAndRetire(t *testing.T) {
	t.Parallel()
	f := setup(t)
	p, other := f.create(t, f.a, "retrain"), f.create(t, f.a, "other")
	one, two, three := f.addVersion(t, f.a, p.ID, "one"), f.addVersion(t, f.a, p.ID, "two"), f.addVersion(t, f.a, p.ID, "three")
	foreign := f.addVersion(t, f.a, other.ID, "foreign")
	f.activate(t, f.a, foreign.ID)
	rollback := func(to policy.Version) (policy.Activation, error) {
		var a policy.Activation
		err := f.tx(t, f.a, func(ctx context.Context, tx pgx.Tx) (err error) {
			a, err = policy.Rollback(ctx, tx, p.ID, to.ID, "")
			return err
		})
		return a, err
	}
	_, err := rollback(policy.Version{})
	wantError(t, "nothing to go back to", err, errs.FailedPrecondition, errs.ReasonPolicyVersionState)
	f.activate(t, f.a, one.ID)
	f.activate(t, f.a, two.ID)
	for what, to := range map[string]policy.Version{"the active version": two, "a draft": three} {
		_, err := rollback(to)
		wantError(t, what, err, errs.FailedPrecondition, errs.ReasonPolicyVersionState)
	}
	_, err = rollback(foreign)
	wantError(t, "another policy's", err, errs.InvalidArgument, errs.ReasonInvalidField)
	_, err = rollback(policy.Version{ID: newID(t)})
	wantError(t, "nobody's", err, errs.NotFound, errs.ReasonNotFound)

	// The suite of now does not hold back what was let through before.
	if err := f.tx(t, f.a, changeCases(p.ID)); err != nil {
		t.Fatal(err)
	}
	a, err := rollback(policy.Version{})
	if err != nil || a.Version.ID != one.ID || a.Retired != two.ID || a.Version.RetireTime != nil || a.Policy.ActiveVersionID != one.ID {
		t.Errorf("back to %+v, %v", a, err)
	}
	retire := func(ctx context.Context, tx pgx.Tx) error {
		p, v, err := policy.Retire(ctx, tx, one.ID, "")
		if err == nil && (p.ActiveVersionID != [16]byte{} || v.State != policy.Retired || v.RetireTime == nil) {
			t.Errorf("retired %+v of %+v", v, p)
		}
		return err
	}
	if err := f.tx(t, f.a, retire); err != nil {
		t.Fatal(err)
	}
	wantError(t, "again", f.tx(t, f.a, retire), errs.FailedPrecondition, errs.ReasonPolicyVersionState)
	err = f.tx(t, f.a, func(ctx context.Context, tx pgx.Tx) error {
		_, err := policy.Activate(ctx, tx, one.ID, "", rego.EngineVersion())
		return err
	})
	wantError(t, "activated again", err, errs.FailedPrecondition, errs.ReasonPolicyVersionState)
	if err == nil || !strings.Contains(err.Error(), "rolling back to it") {
		t.Errorf("%v, which does not say what to do", err)
	}
	if a, err = rollback(policy.Version{}); err != nil || a.Version.ID != one.ID { // it retired last
		t.Errorf("back to %+v, %v", a, err)
	}
	if a, err = rollback(two); err != nil || a.Version.ID != two.ID || a.Retired != one.ID {
		t.Errorf("back to %+v, %v", a, err)
	}
}
