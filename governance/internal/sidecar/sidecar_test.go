package sidecar_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/sidecar"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// fixture is a governance database with two tenants.
type fixture struct {
	postgrestest.GovernanceDB

	a, b tenant.ID
}

func setup(t *testing.T) fixture {
	t.Helper()
	return fixture{GovernanceDB: postgrestest.Governance(t), a: tenant.ID(uuid.New()), b: tenant.ID(uuid.New())}
}

func (f fixture) record(t *testing.T, id tenant.ID, r sidecar.Report) error {
	t.Helper()
	return f.recordAs(t, id, "ann", r)
}

func (f fixture) recordAs(t *testing.T, id tenant.ID, owner string, r sidecar.Report) error {
	t.Helper()
	return postgres.TenantTx(tenant.NewContext(t.Context(), id), f.App, func(ctx context.Context, tx pgx.Tx) error {
		return sidecar.Record(ctx, tx, owner, r)
	})
}

// list reads all pages of the size.
func (f fixture) list(t *testing.T, id tenant.ID, size int) (all []sidecar.Sidecar) {
	t.Helper()
	var after sidecar.Key
	for more := true; more; {
		err := postgres.ReadTenantTx(tenant.NewContext(t.Context(), id), f.App, func(ctx context.Context, tx pgx.Tx) error {
			page, rest, err := sidecar.List(ctx, tx, after, size)
			if err != nil {
				return err
			}
			all, more = append(all, page...), rest
			if len(page) > 0 {
				after = sidecar.Key{LastSeenTime: page[len(page)-1].LastSeenTime, ID: page[len(page)-1].ID}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func (f fixture) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := f.Admin().Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

func ids(all []sidecar.Sidecar) string {
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = s.ID
	}
	return strings.Join(names, " ")
}

func TestRecord(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for _, id := range []string{"x", "y", "z"} {
		if err := f.record(t, f.a, sidecar.Report{ID: id, Version: "opa/1", LoadedRevision: "r1", Healthy: true}); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.record(t, f.b, sidecar.Report{ID: "x", Version: "theirs"}); err != nil {
		t.Fatal(err)
	}
	first := f.list(t, f.a, 2)
	if ids(first) != "z y x" {
		t.Fatalf("got %s", ids(first))
	}
	if err := f.record(t, f.a, sidecar.Report{ID: "x", Version: "opa/2", LoadedRevision: strings.Repeat("ä", 200), Message: "a\x00b\n" + strings.Repeat("m", 2000)}); err != nil {
		t.Fatal(err)
	}
	second := f.list(t, f.a, 1)
	x := second[0]
	if ids(second) != "x z y" || x.Version != "opa/2" || x.Healthy || !x.Alive || x.LoadedRevision != strings.Repeat("ä", 128) ||
		!strings.HasPrefix(x.Message, "a b m") || len(x.Message) != 1000 || !x.FirstSeenTime.Equal(first[2].FirstSeenTime) || !x.LastSeenTime.After(first[2].LastSeenTime) {
		t.Errorf("got %s, %+v", ids(second), x)
	}
	if theirs := f.list(t, f.b, 50); len(theirs) != 1 || theirs[0].Version != "theirs" {
		t.Errorf("the other tenant has %+v", theirs)
	}
}

func TestSilence(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for _, id := range []string{"gone", "silent", "well"} {
		if err := f.record(t, f.a, sidecar.Report{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	f.exec(t, `UPDATE gov_sidecars SET last_seen_time = now() - interval '6 minutes' WHERE id = 'silent'`)
	f.exec(t, `UPDATE gov_sidecars SET last_seen_time = now() - interval '8 days' WHERE id = 'gone'`)
	for _, s := range f.list(t, f.a, 50) {
		if s.Alive != (s.ID == "well") {
			t.Errorf("%s is alive: %t", s.ID, s.Alive)
		}
	}
	if err := f.record(t, f.a, sidecar.Report{ID: "new"}); err != nil {
		t.Fatal(err)
	}
	if got := ids(f.list(t, f.a, 50)); got != "new well silent" {
		t.Errorf("after a week there are %s", got)
	}
}

// Whoever reports a sidecar first speaks for it, until it is forgotten or released.
func TestOwner(t *testing.T) {
	t.Parallel()
	f := setup(t)
	says := func(owner, version string, want errs.Reason) {
		t.Helper()
		if err := f.recordAs(t, f.a, owner, sidecar.Report{ID: "x", Version: version}); errs.ReasonOf(err) != want {
			t.Errorf("%s reports %s: %v", owner, version, err)
		}
	}
	now := func(owner, version string) {
		t.Helper()
		if all := f.list(t, f.a, 50); len(all) != 1 || all[0].Owner != owner || all[0].Version != version {
			t.Errorf("got %+v, want %s of %s", all, version, owner)
		}
	}
	says("ann", "1", "")
	says("bob", "2", errs.ReasonSidecarOwned)
	says("ann", "3", "")
	now("ann", "3")
	if err := f.recordAs(t, f.b, "bob", sidecar.Report{ID: "x"}); err != nil {
		t.Errorf("in another tenant: %v", err)
	}
	f.exec(t, `UPDATE gov_sidecars SET last_seen_time = now() - interval '6 days'`)
	says("bob", "4", errs.ReasonSidecarOwned)
	f.exec(t, `UPDATE gov_sidecars SET last_seen_time = now() - interval '8 days'`)
	says("bob", "5", "") // ann's is forgotten
	now("bob", "5")
	f.exec(t, `UPDATE gov_sidecars SET owner = ''`) // as it was before owners were kept
	says("ann", "6", "")
	says("bob", "7", errs.ReasonSidecarOwned)

	release := func() (owner string, err error) {
		err = postgres.TenantTx(tenant.NewContext(t.Context(), f.a), f.App, func(ctx context.Context, tx pgx.Tx) (err error) {
			owner, err = sidecar.Release(ctx, tx, "x")
			return err
		})
		return owner, err
	}
	if owner, err := release(); err != nil || owner != "ann" {
		t.Errorf("released %q, %v", owner, err)
	}
	if _, err := release(); errs.ReasonOf(err) != errs.ReasonNotFound {
		t.Errorf("released twice: %v", err)
	}
	says("bob", "8", "")
	now("bob", "8")
}

// Of several who report a name at the same time, one speaks for it.
func TestOwnersAtOnce(t *testing.T) {
	t.Parallel()
	f := setup(t)
	var first atomic.Int32
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			switch err := f.recordAs(t, f.a, strconv.Itoa(i), sidecar.Report{ID: "x"}); errs.ReasonOf(err) {
			case "":
				first.Add(1)
			case errs.ReasonSidecarOwned:
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if first.Load() != 1 {
		t.Errorf("%d speak for one sidecar", first.Load())
	}
}

// A tenant cannot fill the table.
func TestTooMany(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.exec(t, `INSERT INTO gov_sidecars (tenant_id, id, version, loaded_revision, healthy, message)
		SELECT $1, n::text, '', '', true, '' FROM generate_series(1, 10000) AS n`, uuid.UUID(f.a))
	if err := f.record(t, f.a, sidecar.Report{ID: "more"}); errs.ReasonOf(err) != errs.ReasonLimitReached {
		t.Errorf("got %v", err)
	}
	if err := f.record(t, f.a, sidecar.Report{ID: "7", Version: "again"}); err != nil {
		t.Errorf("one that is known: %v", err)
	}
	if err := f.recordAs(t, f.a, "bob", sidecar.Report{ID: "7"}); errs.ReasonOf(err) != errs.ReasonSidecarOwned {
		t.Errorf("another's: %v", err)
	}
	if err := f.record(t, f.b, sidecar.Report{ID: "more"}); err != nil {
		t.Errorf("another tenant: %v", err)
	}
}

func TestFromOPA(t *testing.T) {
	t.Parallel()
	const labels = `"labels": {"id": "made-up", "version": "1.22.2"}`
	for name, c := range map[string]struct {
		body string
		want sidecar.Report
	}{
		"loaded": {
			`{` + labels + `, "bundles": {"aumos": {"name": "aumos", "active_revision": "r"}, "other": {"code": "bundle_error"}}, "metrics": {}}`,
			sidecar.Report{ID: "made-up", Version: "opa/1.22.2", LoadedRevision: "r", Healthy: true},
		},
		"named": {
			`{"labels": {"id": "made-up", "sidecar": "eu/1", "version": "1"}, "bundles": {"aumos": {"active_revision": "r"}}}`,
			sidecar.Report{ID: "eu/1", Version: "opa/1", LoadedRevision: "r", Healthy: true},
		},
		"refuses an update": {
			`{` + labels + `, "bundles": {"aumos": {"active_revision": "r", "code": "bundle_error", "message": "digest mismatch"}}}`,
			sidecar.Report{ID: "made-up", Version: "opa/1.22.2", LoadedRevision: "r", Message: "bundle_error: digest mismatch"},
		},
		"nothing yet":    {`{` + labels + `, "bundles": {"aumos": {}}}`, sidecar.Report{ID: "made-up", Version: "opa/1.22.2", Message: "it has loaded no bundle yet"}},
		"another bundle": {`{` + labels + `, "bundles": {"x": {"active_revision": "r"}}}`, sidecar.Report{ID: "made-up", Version: "opa/1.22.2", Message: "it has no bundle of the name aumos"}},
	} {
		if got, err := sidecar.FromOPA([]byte(c.body)); err != nil || got != c.want {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	for _, body := range []string{``, `[]`, `{}`, `{"labels": {"id": "a b"}}`, `{"labels": {"id": "x", "sidecar": "-"}}`, fmt.Sprintf(`{"labels": {"id": %q}}`, strings.Repeat("x", 129)), `{"labels": 1}`} {
		if got, err := sidecar.FromOPA([]byte(body)); errs.ReasonOf(err) != errs.ReasonInvalidField {
			t.Errorf("%s: got %+v, %v", body, got, err)
		}
	}
}
