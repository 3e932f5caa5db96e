package policy_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

func TestCreateVersionAndGet(t *testing.T) {
	t.Parallel()
	f := setup(t)
	p, other := f.create(t, f.a, "retrain"), f.create(t, f.a, "other")
	v := f.addVersion(t, f.a, p.ID, "one")
	want := policy.Version{
		ID: v.ID, PolicyID: p.ID, Number: 1, State: policy.Draft, ContentSHA256: policy.ContentSHA256(content("one").Modules, content("one").Data),
		Modules: content("one").Modules, Data: content("one").Data, Package: "aumos.retrain", Description: "says one", Author: "alice",
		CreateTime: v.CreateTime,
	}
	if diff := cmp.Diff(want, v); diff != "" {
		t.Error(diff)
	}
	if v.ID.Version() != 7 || v.CreateTime.Before(p.CreateTime) {
		t.Errorf("id %s of version %d, created at %s", v.ID, v.ID.Version(), v.CreateTime)
	}
	if diff := cmp.Diff(v, f.getVersion(t, f.a, v.ID)); diff != "" {
		t.Error(diff)
	}
	// Equal content is another version with the same digest, and each policy counts for itself.
	if again := f.addVersion(t, f.a, p.ID, "one"); again.Number != 2 || again.ContentSHA256 != v.ContentSHA256 {
		t.Errorf("the second version has number %d and digest %s", again.Number, again.ContentSHA256)
	}
	if first := f.addVersion(t, f.a, other.ID, "one"); first.Number != 1 {
		t.Errorf("the other policy's first version has number %d", first.Number)
	}
	if diff := cmp.Diff(p, f.get(t, f.a, p.ID)); diff != "" {
		t.Errorf("a new version has changed the policy: %s", diff)
	}
}

// The largest content that the contract allows: 16 modules of together 1 MiB, the first of 256 KiB.
func TestCreateVersionOfLargestContent(t *testing.T) {
	t.Parallel()
	f := setup(t)
	p := f.create(t, f.a, "large")
	c := policy.Content{Package: strings.Repeat("p", 255), Author: strings.Repeat("é", 127)}
	for i := range 16 {
		size := 256 << 10
		if i > 0 {
			size = (1<<20 - size) / 15
		}
		path := fmt.Sprintf("%02d%s.rego", i, strings.Repeat("x", 248))
		c.Modules = append(c.Modules, policy.Module{Path: path, Source: strings.Repeat(string(rune('a'+i)), size)})
	}
	v := do(t, f, f.a, func(ctx context.Context, tx pgx.Tx) (policy.Version, error) {
		return policy.CreateVersion(ctx, tx, p.ID, c)
	})
	got := f.getVersion(t, f.a, v.ID)
	if !slices.Equal(got.Modules, c.Modules) || got.Package != c.Package || got.Author != c.Author {
		t.Error("the largest content comes back changed")
	}
}

func TestCreateVersionRefuses(t *testing.T) {
	t.Parallel()
	f := setup(t)
	p := f.create(t, f.a, "retrain")
	long, nul, loud := content("x"), content("x"), content("x")
	loud.Description = "a\x1b[2J"
	long.Package = strings.Repeat("p", 256)
	nul.Modules[1].Source += "\x00"
	for field, c := range map[string]policy.Content{"modules[0].source": long, "modules[1].source": nul, "description": loud} {
		err := f.tx(t, f.a, func(ctx context.Context, tx pgx.Tx) error {
			_, err := policy.CreateVersion(ctx, tx, p.ID, c)
			return err
		})
		var refused *errs.Error
		if !errors.As(err, &refused) || refused.Reason != errs.ReasonInvalidField || refused.Violations[0].Field != field {
			t.Errorf("error %v, want a violation of %s", err, field)
		}
	}
}

func TestListVersions(t *testing.T) {
	t.Parallel()
	f := setup(t)
	p, other := f.create(t, f.a, "retrain"), f.create(t, f.a, "other")
	for i := range 5 {
		f.addVersion(t, f.a, p.ID, strconv.Itoa(i))
		f.addVersion(t, f.a, other.ID, strconv.Itoa(i))
	}
	var got []int32
	for after, more := int32(0), true; more; after = got[len(got)-1] {
		found := do(t, f, f.a, func(ctx context.Context, tx pgx.Tx) (found []policy.Version, err error) {
			found, more, err = policy.ListVersions(ctx, tx, p.ID, "", after, 2)
			return found, err
		})
		if len(found) == 0 || len(found) > 2 {
			t.Fatalf("a page has %d versions", len(found))
		}
		for _, v := range found {
			if v.Modules != nil || v.PolicyID != p.ID {
				t.Errorf("version %d of policy %s has %d modules", v.Number, v.PolicyID, len(v.Modules))
			}
			got = append(got, v.Number)
		}
	}
	if want := []int32{5, 4, 3, 2, 1}; !slices.Equal(got, want) {
		t.Errorf("numbers %v, want %v", got, want)
	}
	empty := f.create(t, f.a, "empty")
	if found := f.listVersions(t, f.a, empty.ID); len(found) != 0 {
		t.Errorf("a new policy has %d versions", len(found))
	}
}

// pools returns pools with connections for 16 concurrent transactions.
func (f fixture) pools() []*pgxpool.Pool {
	return []*pgxpool.Pool{f.App, f.Pool(postgres.RoleGovernanceApp)}
}

func TestConcurrentVersionsHaveGaplessNumbers(t *testing.T) {
	t.Parallel()
	f := setup(t)
	p := f.create(t, f.a, "retrain")
	pools := f.pools()
	const committed, abandoned = 16, 8
	given := errors.New("given up")
	group, ctx := errgroup.WithContext(tenant.NewContext(t.Context(), f.a))
	for i := range committed + abandoned {
		group.Go(func() error {
			err := postgres.TenantTx(ctx, pools[i%2], func(ctx context.Context, tx pgx.Tx) error {
				_, err := policy.CreateVersion(ctx, tx, p.ID, content(strconv.Itoa(i)))
				if err == nil && i >= committed {
					return given
				}
				return err
			})
			if i >= committed && errors.Is(err, given) {
				return nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	versions := f.listVersions(t, f.a, p.ID)
	slices.Reverse(versions)
	if len(versions) != committed {
		t.Fatalf("%d versions, want %d", len(versions), committed)
	}
	for i, v := range versions {
		if int(v.Number) != i+1 {
			t.Errorf("version %d of %d has number %d", i+1, len(versions), v.Number)
		}
		if i > 0 && v.CreateTime.Before(versions[i-1].CreateTime) {
			t.Errorf("version %d was created before version %d", v.Number, versions[i-1].Number)
		}
	}
}
