package suite_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/suite"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

var (
	tenantA = tenant.ID(uuid.MustParse("0189aaaa-0000-7000-8000-00000000000a"))
	tenantB = tenant.ID(uuid.MustParse("0189bbbb-0000-7000-8000-00000000000b"))
)

// fixture is a database with one policy of tenant A.
type fixture struct {
	postgrestest.GovernanceDB
	t      *testing.T
	policy uuid.UUID
}

func setup(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{GovernanceDB: postgrestest.Governance(t), t: t}
	f.do(tenantA, func(ctx context.Context, tx pgx.Tx) error {
		p, err := policy.Create(ctx, tx, policy.Definition{Name: "p"})
		f.policy = p.ID
		return err
	})
	return f
}

func (f *fixture) tx(id tenant.ID, fn func(ctx context.Context, tx pgx.Tx) error) error {
	f.t.Helper()
	return postgres.TenantTx(tenant.NewContext(f.t.Context(), id), f.App, fn)
}

func (f *fixture) do(id tenant.ID, fn func(ctx context.Context, tx pgx.Tx) error) {
	f.t.Helper()
	if err := f.tx(id, fn); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) create(s suite.Spec) (c suite.Case, err error) {
	f.t.Helper()
	err = f.tx(tenantA, func(ctx context.Context, tx pgx.Tx) (err error) {
		c, err = suite.Create(ctx, tx, f.policy, s)
		return err
	})
	return c, err
}

func (f *fixture) replace(specs ...suite.Spec) (r suite.Replacement, err error) {
	f.t.Helper()
	err = f.tx(tenantA, func(ctx context.Context, tx pgx.Tx) (err error) {
		r, err = suite.Replace(ctx, tx, f.policy, specs)
		return err
	})
	return r, err
}

// revisions returns those of the suite and of the policy.
func (f *fixture) revisions() (suiteRevision, policyRevision int64) {
	f.t.Helper()
	f.do(tenantA, func(ctx context.Context, tx pgx.Tx) error {
		p, err := policy.Get(ctx, tx, f.policy)
		suiteRevision, policyRevision = p.SuiteRevision, p.Revision
		return err
	})
	return suiteRevision, policyRevision
}

func (f *fixture) names() (names []string) {
	f.t.Helper()
	f.do(tenantA, func(ctx context.Context, tx pgx.Tx) error {
		cases, err := suite.All(ctx, tx, f.policy, nil)
		for _, c := range cases {
			names = append(names, c.Name+"="+string(c.Content))
		}
		return err
	})
	return names
}

func spec(name, content string, tags ...string) suite.Spec {
	return suite.Spec{Name: name, Content: []byte(content), Tags: tags}
}

func wantError(t *testing.T, what string, err error, kind errs.Kind, reason errs.Reason) {
	t.Helper()
	if !errors.Is(err, errs.New(kind, reason, "")) {
		t.Errorf("%s: error %v, want %s", what, err, reason)
	}
}

// Every change of the suite grows its revision and the policy's, so that runs from before are told apart; what changes nothing does not.
func TestChangesGrowTheSuite(t *testing.T) {
	t.Parallel()
	f := setup(t)
	var c suite.Case
	steps := []struct {
		name  string
		grows bool
		step  func(ctx context.Context, tx pgx.Tx) error
		want  []string
	}{
		{"create", true, func(ctx context.Context, tx pgx.Tx) (err error) {
			c, err = suite.Create(ctx, tx, f.policy, spec("a", "1"))
			return err
		}, []string{"a=1"}},
		{"update", true, func(ctx context.Context, tx pgx.Tx) error {
			_, changed, err := suite.Update(ctx, tx, c.ID, "1", spec("b", "2"))
			if !changed {
				t.Error("nothing changed")
			}
			return err
		}, []string{"b=2"}},
		{"update to the same", false, func(ctx context.Context, tx pgx.Tx) error {
			got, changed, err := suite.Update(ctx, tx, c.ID, "2", spec("b", "2"))
			if changed || got.Revision != 2 {
				t.Errorf("changed %t, revision %d", changed, got.Revision)
			}
			return err
		}, []string{"b=2"}},
		{"replace", true, func(ctx context.Context, tx pgx.Tx) error {
			r, err := suite.Replace(ctx, tx, f.policy, []suite.Spec{spec("c", "4"), spec("b", "3"), spec("a", "5")})
			if r.Created != 2 || r.Updated != 1 || r.Deleted != 0 || len(r.Cases) != 3 || r.Cases[1].ID != c.ID {
				t.Errorf("%+v", r)
			}
			return err
		}, []string{"a=5", "b=3", "c=4"}},
		{"replace by the same", false, func(ctx context.Context, tx pgx.Tx) error {
			r, err := suite.Replace(ctx, tx, f.policy, []suite.Spec{spec("a", "5"), spec("b", "3"), spec("c", "4")})
			if r.Changed() {
				t.Errorf("%+v", r)
			}
			return err
		}, []string{"a=5", "b=3", "c=4"}},
		{"replace by less", true, func(ctx context.Context, tx pgx.Tx) error {
			r, err := suite.Replace(ctx, tx, f.policy, []suite.Spec{spec("b", "3")})
			if r.Created != 0 || r.Updated != 0 || r.Deleted != 2 {
				t.Errorf("%+v", r)
			}
			return err
		}, []string{"b=3"}},
		{"delete", true, func(ctx context.Context, tx pgx.Tx) error {
			_, err := suite.Delete(ctx, tx, c.ID, "3")
			return err
		}, nil},
		{"replace nothing by nothing", false, func(ctx context.Context, tx pgx.Tx) error {
			_, err := suite.Replace(ctx, tx, f.policy, nil)
			return err
		}, nil},
	}
	for _, s := range steps {
		beforeSuite, beforePolicy := f.revisions()
		f.do(tenantA, s.step)
		grown := int64(0)
		if s.grows {
			grown = 1
		}
		if afterSuite, afterPolicy := f.revisions(); afterSuite != beforeSuite+grown || afterPolicy != beforePolicy+grown {
			t.Errorf("%s: suite revision %d to %d, policy revision %d to %d", s.name, beforeSuite, afterSuite, beforePolicy, afterPolicy)
		}
		if diff := cmp.Diff(s.want, f.names()); diff != "" {
			t.Errorf("%s: cases (-want +got):\n%s", s.name, diff)
		}
	}
}

func TestCasesRefused(t *testing.T) {
	t.Parallel()
	f := setup(t)
	a, err := f.create(spec("a", "1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = f.create(spec("b", "1")); err != nil {
		t.Fatal(err)
	}
	update := func(id uuid.UUID, etag string, s suite.Spec) error {
		return f.tx(tenantA, func(ctx context.Context, tx pgx.Tx) error {
			_, _, err := suite.Update(ctx, tx, id, etag, s)
			return err
		})
	}
	remove := func(by tenant.ID, id uuid.UUID, etag string) error {
		return f.tx(by, func(ctx context.Context, tx pgx.Tx) error {
			_, err := suite.Delete(ctx, tx, id, etag)
			return err
		})
	}
	_, err = f.create(spec("a", "2"))
	wantError(t, "a name in use", err, errs.AlreadyExists, errs.ReasonAlreadyExists)
	wantError(t, "rename to a name in use", update(a.ID, "", spec("b", "2")), errs.AlreadyExists, errs.ReasonAlreadyExists)
	wantError(t, "stale update", update(a.ID, "7", spec("a", "2")), errs.Aborted, errs.ReasonStaleETag)
	wantError(t, "stale delete", remove(tenantA, a.ID, "7"), errs.Aborted, errs.ReasonStaleETag)
	wantError(t, "no such case", update(uuid.New(), "", spec("a", "2")), errs.NotFound, errs.ReasonNotFound)
	wantError(t, "another tenant's case", remove(tenantB, a.ID, ""), errs.NotFound, errs.ReasonNotFound)
	wantError(t, "another tenant's policy", f.tx(tenantB, func(ctx context.Context, tx pgx.Tx) error {
		_, err := suite.Create(ctx, tx, f.policy, spec("c", "1"))
		return err
	}), errs.NotFound, errs.ReasonNotFound)
	_, err = f.create(spec("large", strings.Repeat("x", 1<<20+1)))
	wantError(t, "a large case", err, errs.InvalidArgument, errs.ReasonInvalidField)
	_, err = f.replace(spec("a", "1"), spec("b", "1"), spec("a", "2"))
	wantError(t, "a name twice", err, errs.InvalidArgument, errs.ReasonInvalidField)
	if e, _ := errors.AsType[*errs.Error](err); e == nil || len(e.Violations) != 1 || e.Violations[0].Field != "specs[2].name" {
		t.Errorf("a name twice: %+v", err)
	}
	f.do(tenantA, func(ctx context.Context, tx pgx.Tx) error {
		_, _, err := policy.Archive(ctx, tx, f.policy, "")
		return err
	})
	_, err = f.create(spec("c", "1"))
	wantError(t, "a case of an archived policy", err, errs.FailedPrecondition, errs.ReasonPolicyArchived)
	wantError(t, "delete from an archived policy", remove(tenantA, a.ID, ""), errs.FailedPrecondition, errs.ReasonPolicyArchived)
	if diff := cmp.Diff([]string{"a=1", "b=1"}, f.names()); diff != "" {
		t.Errorf("cases (-want +got):\n%s", diff)
	}
}

// The limits hold for what all have added together, however many add at the same time.
func TestCasesAreBounded(t *testing.T) {
	t.Parallel()
	f := setup(t)
	specs := make([]suite.Spec, suite.MaxCases-1)
	for i := range specs {
		specs[i] = spec(fmt.Sprintf("case %d", i), "x")
	}
	if _, err := f.replace(specs...); err != nil {
		t.Fatal(err)
	}
	results := make([]error, 4)
	var group sync.WaitGroup
	for i := range results {
		group.Go(func() { _, results[i] = f.create(spec(fmt.Sprintf("new %d", i), "x")) })
	}
	group.Wait()
	if failed := len(slices.DeleteFunc(results, func(err error) bool { return err == nil })); failed != len(results)-1 {
		t.Errorf("%d of %d were refused: %v", failed, len(results), results)
	}
	if n := len(f.names()); n != suite.MaxCases {
		t.Errorf("%d cases", n)
	}
	large := make([]suite.Spec, 9)
	for i := range large {
		large[i] = spec(fmt.Sprintf("large %d", i), strings.Repeat("x", 1<<20-8))
	}
	if _, err := f.replace(large[:8]...); err != nil {
		t.Errorf("8 MiB: %v", err)
	}
	_, err := f.replace(large...)
	wantError(t, "9 MiB", err, errs.InvalidArgument, errs.ReasonInvalidField)
	if n := len(f.names()); n != 8 {
		t.Errorf("%d cases", n)
	}
}

func TestListCases(t *testing.T) {
	t.Parallel()
	f := setup(t)
	if _, err := f.replace(spec("b", "1", "x", "y"), spec("B", "1"), spec("a", "1", "x"), spec("c", "1", "z")); err != nil {
		t.Fatal(err)
	}
	list := func(tag, after string, limit int) (names []string, more bool) {
		f.do(tenantA, func(ctx context.Context, tx pgx.Tx) error {
			cases, m, err := suite.List(ctx, tx, f.policy, tag, after, limit)
			more = m
			for _, c := range cases {
				names = append(names, c.Name)
			}
			return err
		})
		return names, more
	}
	for _, tt := range []struct {
		tag, after string
		limit      int
		want       string
		more       bool
	}{
		{"", "", 10, "B a b c", false},
		{"", "", 2, "B a", true},
		{"", "a", 2, "b c", false},
		{"x", "", 1, "a", true},
		{"x", "a", 1, "b", false},
		{"none", "", 10, "", false},
	} {
		names, more := list(tt.tag, tt.after, tt.limit)
		if got := strings.Join(names, " "); got != tt.want || more != tt.more {
			t.Errorf("tag %q after %q: %q, %t, want %q, %t", tt.tag, tt.after, got, more, tt.want, tt.more)
		}
	}
	if _, err := f.replace(spec("a", strings.Repeat("x", 1<<20)), spec("b", strings.Repeat("x", 1<<20)), spec("c", "x")); err != nil {
		t.Fatal(err)
	}
	if names, more := list("", "", 10); strings.Join(names, " ") != "a b" || !more {
		t.Errorf("a page of large cases: %v, %t", names, more)
	}
	f.do(tenantA, func(ctx context.Context, tx pgx.Tx) error {
		cases, err := suite.All(ctx, tx, f.policy, []string{"x", "y"})
		if len(cases) != 0 {
			t.Errorf("%d cases with tags that none has", len(cases))
		}
		return err
	})
}

// Of changes at the same time that know the same state, one wins: none is lost silently.
func TestConcurrentUpdates(t *testing.T) {
	t.Parallel()
	f := setup(t)
	c, err := f.create(spec("a", "0"))
	if err != nil {
		t.Fatal(err)
	}
	results := make([]error, 6)
	var group sync.WaitGroup
	for i := range results {
		group.Go(func() {
			results[i] = f.tx(tenantA, func(ctx context.Context, tx pgx.Tx) error {
				_, _, err := suite.Update(ctx, tx, c.ID, c.ETag(), spec("a", fmt.Sprint("new ", i)))
				return err
			})
		})
	}
	group.Wait()
	won := 0
	for _, err := range results {
		if err == nil {
			won++
			continue
		}
		wantError(t, "an update that came late", err, errs.Aborted, errs.ReasonStaleETag)
	}
	if revision, _ := f.revisions(); won != 1 || revision != 2 {
		t.Errorf("%d updates won, suite revision %d", won, revision)
	}
}
