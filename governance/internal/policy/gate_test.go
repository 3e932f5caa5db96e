package policy_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/policytest"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// approved returns an approved version that was never tested, of a policy that asks for a coverage of 80 %.
func (f fixture) approved(t *testing.T) policy.Version {
	t.Helper()
	p := do(t, f, f.a, func(ctx context.Context, tx pgx.Tx) (policy.Policy, error) {
		return policy.Create(ctx, tx, policy.Definition{Name: newID(t).String(), MinCoveragePercent: 80})
	})
	v := f.addVersion(t, f.a, p.ID, "one")
	f.step(t, policy.Submit, policy.Step{Version: v.ID, Subject: "alice"})
	return f.step(t, policy.Approve, policy.Step{Version: v.ID, Subject: "bob"})
}

// step takes a step that must succeed.
func (f fixture) step(t *testing.T, take func(context.Context, pgx.Tx, policy.Step) (policy.Policy, policy.Version, error), s policy.Step) policy.Version {
	t.Helper()
	return do(t, f, f.a, func(ctx context.Context, tx pgx.Tx) (policy.Version, error) {
		_, v, err := take(ctx, tx, s)
		return v, err
	})
}

// try activates the version and returns the cause of TESTS_REQUIRED; "" when it was activated.
func (f fixture) try(t *testing.T, id uuid.UUID) string {
	t.Helper()
	err := f.tx(t, f.a, func(ctx context.Context, tx pgx.Tx) error {
		_, err := policy.Activate(ctx, tx, id, "", rego.EngineVersion())
		return err
	})
	if err == nil {
		return ""
	}
	var e *errs.Error
	if !errors.As(err, &e) || e.Reason != errs.ReasonTestsRequired || e.Metadata["policy_version_id"] != id.String() {
		t.Fatalf("error %v, want TESTS_REQUIRED", err)
	}
	return e.Metadata["cause"]
}

// The newest complete run decides, whatever older ones came to.
func TestGate(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for what, c := range map[string]struct {
		runs []func(*policytest.Run)
		want policy.Cause
	}{
		"no run":                  {nil, policy.NoRun},
		"a part":                  {[]func(*policytest.Run){func(r *policytest.Run) { r.Complete = false }}, policy.Incomplete},
		"a failed test":           {[]func(*policytest.Run){func(r *policytest.Run) { r.Passed, r.FailedCount = false, 1 }}, policy.Failed},
		"a test that did not run": {[]func(*policytest.Run){func(r *policytest.Run) { r.Passed, r.ErrorCount = false, 1 }}, policy.Failed},
		"no test":                 {[]func(*policytest.Run){func(r *policytest.Run) { r.Passed, r.PassedCount = false, 0 }}, policy.Failed},
		"other cases":             {[]func(*policytest.Run){func(r *policytest.Run) { r.SuiteRevision = 7 }}, policy.StaleSuite},
		"another engine":          {[]func(*policytest.Run){func(r *policytest.Run) { r.EngineVersion = "opa/0" }}, policy.StaleEngine},
		"too little coverage":     {[]func(*policytest.Run){func(r *policytest.Run) { r.Passed, r.CoveragePercent = false, 79 }}, policy.Coverage},
		"passed before":           {[]func(*policytest.Run){policytest.Passed, func(r *policytest.Run) { r.Passed, r.FailedCount = false, 1 }}, policy.Failed},
		"a part since":            {[]func(*policytest.Run){policytest.Passed, func(r *policytest.Run) { r.Complete = false }}, ""},
		"passed since":            {[]func(*policytest.Run){func(r *policytest.Run) { r.Passed, r.FailedCount = false, 1 }, policytest.Passed}, ""},
		"just enough coverage":    {[]func(*policytest.Run){func(r *policytest.Run) { r.CoveragePercent = 80 }}, ""},
	} {
		v := f.approved(t)
		for _, run := range c.runs {
			policytest.Test(t, f.App, f.a, v.ID, run)
		}
		if got := f.try(t, v.ID); got != string(c.want) {
			t.Errorf("%s: cause %q, want %q", what, got, c.want)
		}
		state := f.getVersion(t, f.a, v.ID).State
		if want := map[bool]policy.State{true: policy.Active, false: policy.Approved}[c.want == ""]; state != want {
			t.Errorf("%s: the version is %s, want %s", what, state, want)
		}
	}
}

// A run that reached too little for what was asked then is to be repeated when less is asked, and nothing more.
func TestGateAfterLessCoverageIsAskedFor(t *testing.T) {
	t.Parallel()
	f := setup(t)
	v := f.approved(t)
	policytest.Test(t, f.App, f.a, v.ID, func(r *policytest.Run) { r.Passed, r.CoveragePercent = false, 50 })
	for coverage, says := range map[int32]string{51: "asks for 51 %: cover more", 50: "is enough now: run them again"} {
		err := f.tx(t, f.a, func(ctx context.Context, tx pgx.Tx) error {
			if _, _, err := policy.Update(ctx, tx, v.PolicyID, policy.Changes{MinCoveragePercent: &coverage}, ""); err != nil {
				return err
			}
			_, err := policy.Activate(ctx, tx, v.ID, "", rego.EngineVersion())
			return err
		})
		wantError(t, says, err, errs.FailedPrecondition, errs.ReasonTestsRequired)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%d %% are asked for: %v, want %q", coverage, err, says)
		}
	}
}

// What is asked for is what holds now: a run does not outlive a change of the cases or of the coverage.
func TestGateAsksForWhatHoldsNow(t *testing.T) {
	t.Parallel()
	f := setup(t)
	v := f.approved(t)
	policytest.Test(t, f.App, f.a, v.ID, func(r *policytest.Run) { r.CoveragePercent = 90 })
	coverage := int32(91)
	do(t, f, f.a, func(ctx context.Context, tx pgx.Tx) (policy.Policy, error) {
		p, _, err := policy.Update(ctx, tx, v.PolicyID, policy.Changes{MinCoveragePercent: &coverage}, "")
		return p, err
	})
	if got := f.try(t, v.ID); got != string(policy.Coverage) {
		t.Errorf("cause %q after more coverage is asked for", got)
	}
	coverage = 90
	do(t, f, f.a, func(ctx context.Context, tx pgx.Tx) (policy.Policy, error) {
		p, _, err := policy.Update(ctx, tx, v.PolicyID, policy.Changes{MinCoveragePercent: &coverage}, "")
		return p, err
	})
	if err := f.tx(t, f.a, changeCases(v.PolicyID)); err != nil {
		t.Fatal(err)
	}
	if got := f.try(t, v.ID); got != string(policy.StaleSuite) {
		t.Errorf("cause %q after the cases changed", got)
	}
	// Another version's run does not count.
	other := f.addVersion(t, f.a, v.PolicyID, "two")
	policytest.Test(t, f.App, f.a, other.ID, policytest.Passed)
	if got := f.try(t, v.ID); got != string(policy.StaleSuite) {
		t.Errorf("cause %q with the run of another version", got)
	}
}

// changeCases does to the policy what every change of its test cases does.
func changeCases(policyID uuid.UUID) func(context.Context, pgx.Tx) error {
	return func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE gov_policies SET suite_revision = suite_revision + 1 WHERE id = $1`, policyID)
		return err
	}
}

// Activation and a change of the cases wait for each other: whichever comes second sees what the first has done.
func TestGateAgainstAChangeOfTheCases(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for _, casesFirst := range []bool{true, false} {
		v := f.approved(t)
		policytest.Test(t, f.App, f.a, v.ID, policytest.Passed)
		activate := func(ctx context.Context, tx pgx.Tx) error {
			_, err := policy.Activate(ctx, tx, v.ID, "", rego.EngineVersion())
			return err
		}
		first, second := activate, changeCases(v.PolicyID)
		if casesFirst {
			first, second = second, first
		}
		done := make(chan error, 1)
		err := f.tx(t, f.a, func(ctx context.Context, tx pgx.Tx) error {
			if err := first(ctx, tx); err != nil {
				return err
			}
			go func() { done <- f.tx(t, f.a, second) }()
			f.awaitLock(t, done)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		err = <-done
		if refused := errs.ReasonOf(err) == errs.ReasonTestsRequired; refused != casesFirst || !refused && err != nil {
			t.Errorf("cases first %t: the second says %v", casesFirst, err)
		}
	}
}

// awaitLock waits until somebody waits for a lock, which done would tell that nobody does.
func (f fixture) awaitLock(t *testing.T, done chan error) {
	t.Helper()
	for n := 0; n == 0; {
		err := f.Admin().QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n)
		if err != nil {
			t.Errorf("look for who waits: %v", err)
			return
		}
		select {
		case err := <-done:
			t.Errorf("the second did not wait for the first: %v", err)
			done <- err
			return
		default:
		}
	}
}
