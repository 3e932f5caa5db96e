package sidecar_test

import (
	"context"
	"fmt"
	"strings"
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
	return postgres.TenantTx(tenant.NewContext(t.Context(), id), f.App, func(ctx context.Context, tx pgx.Tx) error { return sidecar.Record(ctx, tx, r) })
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

// A tenant cannot fill the table.
func TestTooMany(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.exec(t, `INSERT INTO gov_sidecars (tenant_id, id, version, loaded_revision, healthy, message)
		SELECT $1, n::text, '', '', true, '' FROM generate_series(1, 10000) AS n`, uuid.UUID(f.a))
	if err := f.record(t, f.a, sidecar.Report{ID: "more"}); errs.ReasonOf(err) != errs.ReasonOverloaded {
		t.Errorf("got %v", err)
	}
	if err := f.record(t, f.a, sidecar.Report{ID: "7", Version: "again"}); err != nil {
		t.Errorf("one that is known: %v", err)
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
