package policy_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

func TestCreateAndGet(t *testing.T) {
	t.Parallel()
	f := setup(t)
	before := time.Now().Add(-time.Minute)
	p := f.create(t, f.a, "retrain", "model.promote", "drift.retrain")
	want := policy.Policy{
		ID: p.ID, Name: "retrain", Description: "what retrain is for", DecisionPoints: []string{"model.promote", "drift.retrain"},
		Revision: 1, CreateTime: p.CreateTime, UpdateTime: p.CreateTime,
	}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Error(diff)
	}
	if p.ID.Version() != 7 || p.CreateTime.Before(before) {
		t.Errorf("id %s of version %d, created at %s", p.ID, p.ID.Version(), p.CreateTime)
	}
	if diff := cmp.Diff(p, f.get(t, f.a, p.ID)); diff != "" {
		t.Error(diff)
	}
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.create(t, f.a, "taken")
	for what, c := range map[string]struct {
		definition policy.Definition
		kind       errs.Kind
		reason     errs.Reason
	}{
		"name in use":        {policy.Definition{Name: "taken"}, errs.AlreadyExists, errs.ReasonAlreadyExists},
		"NUL in description": {policy.Definition{Name: "new", Description: "a\x00b"}, errs.InvalidArgument, errs.ReasonInvalidField},
		"escape sequence":    {policy.Definition{Name: "new", Description: "a\x1b[2J"}, errs.InvalidArgument, errs.ReasonInvalidField},
	} {
		err := f.tx(t, f.a, func(ctx context.Context, tx pgx.Tx) error {
			_, err := policy.Create(ctx, tx, c.definition)
			return err
		})
		wantError(t, what, err, c.kind, c.reason)
	}
	// A name is in use within its tenant only, and a description may have lines.
	do(t, f, f.b, func(ctx context.Context, tx pgx.Tx) (policy.Policy, error) {
		return policy.Create(ctx, tx, policy.Definition{Name: "taken", Description: "first\r\n\tsecond"})
	})
}

func TestUnknownIDs(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for what, call := range calls(newID(t), newID(t)) {
		wantError(t, what, f.tx(t, f.a, call), errs.NotFound, errs.ReasonNotFound)
	}
}

// calls are all that a caller can do with ids.
func calls(policyID, versionID uuid.UUID) map[string]func(context.Context, pgx.Tx) error {
	return map[string]func(context.Context, pgx.Tx) error{
		"Get": func(ctx context.Context, tx pgx.Tx) error {
			_, err := policy.Get(ctx, tx, policyID)
			return err
		},
		"CreateVersion": func(ctx context.Context, tx pgx.Tx) error {
			_, err := policy.CreateVersion(ctx, tx, policyID, content("x"))
			return err
		},
		"GetVersion": func(ctx context.Context, tx pgx.Tx) error {
			_, err := policy.GetVersion(ctx, tx, versionID)
			return err
		},
		"ListVersions": func(ctx context.Context, tx pgx.Tx) error {
			_, _, err := policy.ListVersions(ctx, tx, policyID, "", 0, 10)
			return err
		},
		"Activate": func(ctx context.Context, tx pgx.Tx) error {
			_, err := policy.Activate(ctx, tx, versionID, "", rego.EngineVersion())
			return err
		},
		"ActiveByPolicy": func(ctx context.Context, tx pgx.Tx) error {
			_, err := policy.ActiveByPolicy(ctx, tx, policyID)
			return err
		},
	}
}

// names reads the list page by page.
func (f fixture) names(t *testing.T, filter policy.Filter, limit int) (names []string, pages int) {
	t.Helper()
	var after uuid.UUID
	for {
		var more bool
		found := do(t, f, f.a, func(ctx context.Context, tx pgx.Tx) (found []policy.Policy, err error) {
			found, more, err = policy.List(ctx, tx, filter, after, limit)
			return found, err
		})
		pages++
		if len(found) > limit {
			t.Errorf("a page has %d policies, want at most %d", len(found), limit)
		}
		for _, p := range found {
			names = append(names, p.Name)
		}
		if !more {
			return names, pages
		}
		if len(found) == 0 {
			t.Fatal("an empty page says that there are more")
		}
		after = found[len(found)-1].ID
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for i := range 7 {
		points := []string{"model.promote"}
		if i%2 == 0 {
			points = []string{"drift.retrain", "model.promote"}
		}
		f.create(t, f.a, fmt.Sprintf("p%d", i), points...)
	}
	f.create(t, f.b, "foreign", "drift.retrain")
	all := []string{"p6", "p5", "p4", "p3", "p2", "p1", "p0"}
	for _, c := range []struct {
		what   string
		filter policy.Filter
		limit  int
		want   []string
		pages  int
	}{
		{"everything on one page", policy.Filter{}, 100, all, 1},
		{"a full last page", policy.Filter{}, 7, all, 1},
		{"several pages", policy.Filter{}, 3, all, 3},
		{"by name", policy.Filter{Name: "p3"}, 3, []string{"p3"}, 1},
		{"by unknown name", policy.Filter{Name: "P3"}, 3, nil, 1},
		{"by decision point", policy.Filter{DecisionPoint: "drift.retrain"}, 3, []string{"p6", "p4", "p2", "p0"}, 2},
		{"by both", policy.Filter{Name: "p3", DecisionPoint: "drift.retrain"}, 3, nil, 1},
		{"by another tenant's name", policy.Filter{Name: "foreign"}, 3, nil, 1},
	} {
		got, pages := f.names(t, c.filter, c.limit)
		if !slices.Equal(got, c.want) || pages != c.pages {
			t.Errorf("%s: %v on %d pages, want %v on %d", c.what, got, pages, c.want, c.pages)
		}
	}
	for _, filter := range []policy.Filter{{Name: "a\x00"}, {DecisionPoint: "a\x00"}} {
		err := f.tx(t, f.a, func(ctx context.Context, tx pgx.Tx) error {
			_, _, err := policy.List(ctx, tx, filter, uuid.Nil, 10)
			return err
		})
		wantError(t, fmt.Sprintf("%+v", filter), err, errs.InvalidArgument, errs.ReasonInvalidField)
	}
}
