package policy_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

func (f fixture) update(t *testing.T, id uuid.UUID, c policy.Changes, etag string) (p policy.Policy, changed bool, err error) {
	t.Helper()
	err = f.tx(t, f.a, func(ctx context.Context, tx pgx.Tx) (err error) {
		c.InForce = true
		p, changed, err = policy.Update(ctx, tx, id, c, etag)
		return err
	})
	return p, changed, err
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.create(t, f.a, "taken")
	p := f.create(t, f.a, "retrain", "a.a", "a.b")
	f.activate(t, f.a, f.addVersion(t, f.a, p.ID, "one").ID)
	p = f.get(t, f.a, p.ID)
	name, coverage, points := "other", int32(80), []string{"a.b", "a.c"}
	labels, references := map[string]string{"team": "risk"}, []string{"EU-AI-ACT:ART-14"}
	got, changed, err := f.update(t, p.ID, policy.Changes{
		Name: &name, DecisionPoints: &points, Labels: &labels, RegulationReferences: &references, MinCoveragePercent: &coverage,
	}, p.ETag())
	if err != nil {
		t.Fatal(err)
	}
	want := p
	want.Name, want.DecisionPoints, want.Labels, want.RegulationReferences, want.MinCoveragePercent = name, points, labels, references, coverage
	want.Revision, want.UpdateTime = p.Revision+1, got.UpdateTime
	if diff := cmp.Diff(want, got); diff != "" || !changed || !got.UpdateTime.After(p.UpdateTime) {
		t.Errorf("changed %t: %s", changed, diff)
	}
	if diff := cmp.Diff(got, f.get(t, f.a, p.ID)); diff != "" {
		t.Errorf("stored: %s", diff)
	}
	if len(f.activeAt(t, f.a, "a.a")) != 0 || len(f.activeAt(t, f.a, "a.c")) != 1 || f.activeAt(t, f.a, "a.c")[0].PolicyName != name {
		t.Error("decisions do not see the new decision points")
	}
	again, changed, err := f.update(t, p.ID, policy.Changes{Name: &name, Labels: &labels}, "")
	if err != nil || changed || again.Revision != got.Revision {
		t.Errorf("the same again: changed %t, revision %d, %v", changed, again.Revision, err)
	}
	none, noLabels := []string{}, map[string]string{}
	cleared, _, err := f.update(t, p.ID, policy.Changes{DecisionPoints: &none, Labels: &noLabels, RegulationReferences: &none}, "")
	if err != nil || len(cleared.DecisionPoints) != 0 || cleared.Labels != nil || cleared.RegulationReferences != nil || cleared.Name != name {
		t.Errorf("cleared %+v, %v", cleared, err)
	}
	taken, loud, loudLabels := "taken", "a\x1b[2J", map[string]string{"a": "\x00"}
	for what, c := range map[string]struct {
		changes policy.Changes
		etag    string
		kind    errs.Kind
		reason  errs.Reason
	}{
		"a name in use":  {policy.Changes{Name: &taken}, "", errs.AlreadyExists, errs.ReasonAlreadyExists},
		"a stale etag":   {policy.Changes{Name: &taken}, p.ETag(), errs.Aborted, errs.ReasonStaleETag},
		"a loud text":    {policy.Changes{Description: &loud}, "", errs.InvalidArgument, errs.ReasonInvalidField},
		"NUL in a label": {policy.Changes{Labels: &loudLabels}, "", errs.InvalidArgument, errs.ReasonInvalidField},
	} {
		_, _, err := f.update(t, p.ID, c.changes, c.etag)
		wantError(t, what, err, c.kind, c.reason)
	}
	_, _, err = f.update(t, newID(t), policy.Changes{}, "")
	wantError(t, "unknown", err, errs.NotFound, errs.ReasonNotFound)
}

func TestArchive(t *testing.T) {
	t.Parallel()
	f := setup(t)
	p := f.create(t, f.a, "retrain", "a.a")
	v := f.addVersion(t, f.a, p.ID, "one")
	f.activate(t, f.a, v.ID)
	archive := func(do func(context.Context, pgx.Tx, uuid.UUID, string) (policy.Policy, bool, error)) (got policy.Policy, changed bool, err error) {
		err = f.tx(t, f.a, func(ctx context.Context, tx pgx.Tx) (err error) {
			got, changed, err = do(ctx, tx, p.ID, "")
			return err
		})
		return got, changed, err
	}
	_, _, err := archive(policy.Archive)
	wantError(t, "in use", err, errs.FailedPrecondition, errs.ReasonPolicyInUse)
	err = f.tx(t, f.a, func(ctx context.Context, tx pgx.Tx) error {
		_, _, err := policy.Retire(ctx, tx, v.ID, "")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	got, changed, err := archive(policy.Archive)
	if err != nil || !changed || got.ArchiveTime == nil {
		t.Fatalf("archived %+v, %t, %v", got, changed, err)
	}
	if _, changed, err = archive(policy.Archive); err != nil || changed {
		t.Errorf("again: %t, %v", changed, err)
	}
	name := "other"
	for what, call := range map[string]func(context.Context, pgx.Tx) error{
		"a version": func(ctx context.Context, tx pgx.Tx) error {
			_, err := policy.CreateVersion(ctx, tx, p.ID, content("two"))
			return err
		},
		"a change": func(ctx context.Context, tx pgx.Tx) error {
			_, _, err := policy.Update(ctx, tx, p.ID, policy.Changes{Name: &name}, "")
			return err
		},
		"a rollback": func(ctx context.Context, tx pgx.Tx) error {
			_, err := policy.Rollback(ctx, tx, p.ID, v.ID, "")
			return err
		},
		"a review": func(ctx context.Context, tx pgx.Tx) error {
			_, _, err := policy.Submit(ctx, tx, policy.Step{Version: v.ID, Subject: "alice"})
			return err
		},
	} {
		wantError(t, what, f.tx(t, f.a, call), errs.FailedPrecondition, errs.ReasonPolicyArchived)
	}
	err = f.tx(t, f.a, func(ctx context.Context, tx pgx.Tx) error {
		_, err := policy.Create(ctx, tx, policy.Definition{Name: p.Name})
		return err
	})
	wantError(t, "its name", err, errs.AlreadyExists, errs.ReasonAlreadyExists)
	if e, ok := errors.AsType[*errs.Error](err); !ok || len(e.Violations) != 1 || !strings.Contains(e.Violations[0].Description, "archived") {
		t.Errorf("its name is refused with %+v", e)
	}
	if names, _ := f.names(t, policy.Filter{}, 10); len(names) != 0 {
		t.Errorf("archived policies are listed: %v", names)
	}
	if names, _ := f.names(t, policy.Filter{Archived: true}, 10); len(names) != 1 {
		t.Errorf("archived policies are not found: %v", names)
	}
	if got, changed, err = archive(policy.Unarchive); err != nil || !changed || got.ArchiveTime != nil {
		t.Errorf("unarchived %+v, %t, %v", got, changed, err)
	}
}

func TestListFilters(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for name, d := range map[string]policy.Definition{
		"one": {Labels: map[string]string{"team": "risk", "area": "x"}, RegulationReferences: []string{"A:1", "B:2"}},
		"two": {Labels: map[string]string{"team": "risk"}, RegulationReferences: []string{"A:1"}}, "three": {},
	} {
		d.Name = name
		do(t, f, f.a, func(ctx context.Context, tx pgx.Tx) (policy.Policy, error) { return policy.Create(ctx, tx, d) })
	}
	for what, c := range map[string]struct {
		filter policy.Filter
		want   int
	}{
		"nothing":     {policy.Filter{}, 3},
		"a label":     {policy.Filter{Labels: map[string]string{"team": "risk"}}, 2},
		"two labels":  {policy.Filter{Labels: map[string]string{"team": "risk", "area": "x"}}, 1},
		"other value": {policy.Filter{Labels: map[string]string{"team": "x"}}, 0},
		"reference":   {policy.Filter{RegulationReference: "A:1"}, 2},
		"both":        {policy.Filter{RegulationReference: "B:2", Labels: map[string]string{"team": "risk"}}, 1},
	} {
		if names, _ := f.names(t, c.filter, 10); len(names) != c.want {
			t.Errorf("%s: %v, want %d", what, names, c.want)
		}
	}
	err := f.tx(t, f.a, func(ctx context.Context, tx pgx.Tx) error {
		_, _, err := policy.List(ctx, tx, policy.Filter{Labels: map[string]string{"a\x00": ""}}, uuid.Nil, 10)
		return err
	})
	wantError(t, "NUL", err, errs.InvalidArgument, errs.ReasonInvalidField)
}
