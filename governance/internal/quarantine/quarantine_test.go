package quarantine_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/governance/internal/outbox"
	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/quarantine"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// ground is a database with a version, and a keeper that does not run.
type ground struct {
	t       *testing.T
	db      postgrestest.GovernanceDB
	tenant  tenant.ID
	version uuid.UUID
	keeper  *quarantine.Keeper
}

func setup(t *testing.T) *ground {
	t.Helper()
	g := &ground{t: t, db: postgrestest.Governance(t), tenant: audittest.NewTenant(t)}
	wall, _ := audittest.Start(t, audittest.Databases(postgrestest.Audit(t)), audit.Config{HeadsDir: t.TempDir()})
	g.keeper = quarantine.New(quarantine.Config{
		Pool: g.db.App, Recorder: outbox.NewRecorder(g.db.App, wall, audittest.Quiet()), Log: audittest.Quiet(),
		Describe: func(_ policy.Policy, v policy.Version) auditlog.Resource {
			return auditlog.Resource{Type: "policy_version", ID: v.ID.String(), State: map[string]any{"overruns": float64(v.Quarantine.Overruns)}}
		},
	})
	g.tx(func(ctx context.Context, tx pgx.Tx) error {
		p, err := policy.Create(ctx, tx, policy.Definition{Name: "slow"})
		if err != nil {
			return err
		}
		v, err := policy.CreateVersion(ctx, tx, p.ID, policy.Content{
			Modules: []policy.Module{{Path: "p.rego", Source: "package p\n"}}, Package: "p", Author: "ann",
		})
		g.version = v.ID
		return err
	})
	return g
}

func (g *ground) tx(fn func(ctx context.Context, tx pgx.Tx) error) {
	g.t.Helper()
	if err := postgres.TenantTx(tenant.NewContext(g.t.Context(), g.tenant), g.db.App, fn); err != nil {
		g.t.Fatal(err)
	}
}

func (g *ground) standing() (s policy.Standing) {
	g.t.Helper()
	g.tx(func(ctx context.Context, tx pgx.Tx) error {
		found, err := policy.Standings(ctx, tx, []uuid.UUID{g.version})
		s = found[g.version]
		return err
	})
	return s
}

func (g *ground) metric(i int) float64 { return testutil.ToFloat64(g.keeper.Collectors()[i]) }

// stop runs the keeper as long as it takes to stop.
func (g *ground) stop() {
	g.t.Helper()
	ctx, cancel := context.WithCancel(g.t.Context())
	cancel()
	if err := g.keeper.Run(ctx); err != nil {
		g.t.Error(err)
	}
}

func TestWhatWaitsIsStoredAtTheEnd(t *testing.T) {
	t.Parallel()
	g := setup(t)
	g.keeper.Quarantined(g.tenant, rego.Tenure{Version: g.version}, 3)
	g.keeper.Quarantined(g.tenant, rego.Tenure{Version: uuid.New()}, 3) // of which nobody knows
	if stored, waiting := g.metric(0), g.metric(1); stored != 0 || waiting != 2 {
		t.Errorf("%v stored, %v waiting before it runs", stored, waiting)
	}
	g.stop()
	if s := g.standing(); !s.Quarantined {
		t.Errorf("the version's standing is %+v", s)
	}
	if stored, waiting := g.metric(0), g.metric(1); stored != 1 || waiting != 0 {
		t.Errorf("%v stored, %v waiting after it ran", stored, waiting)
	}
}

func TestOverrunsFromBeforeALiftChangeNothing(t *testing.T) {
	t.Parallel()
	g := setup(t)
	g.keeper.Quarantined(g.tenant, rego.Tenure{Version: g.version}, 3)
	g.stop()
	g.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := policy.LiftQuarantine(ctx, tx, g.version, "repaired")
		return err
	})
	g.keeper.Quarantined(g.tenant, rego.Tenure{Version: g.version}, 4)
	g.stop()
	if s := g.standing(); s.Quarantined || s.Lifts != 1 || g.metric(0) != 1 {
		t.Errorf("a late report: %+v, %v stored", s, g.metric(0))
	}
	g.keeper.Quarantined(g.tenant, rego.Tenure{Version: g.version, Lifts: 1}, 3)
	g.stop()
	if s := g.standing(); !s.Quarantined || g.metric(0) != 2 {
		t.Errorf("a new report: %+v, %v stored", s, g.metric(0))
	}
}

func TestDatabaseThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	g := setup(t)
	owner := g.db.Owner()
	exec := func(sql string) {
		t.Helper()
		if _, err := owner.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec(`ALTER TABLE gov_policy_quarantines RENAME TO away`)
	g.keeper.Quarantined(g.tenant, rego.Tenure{Version: g.version}, 3)
	g.stop()
	if g.metric(1) != 1 {
		t.Error("a quarantine that could not be stored is forgotten")
	}
	exec(`ALTER TABLE away RENAME TO gov_policy_quarantines`)
	stop := audittest.Run(t, g.keeper.Run) // nobody reports again
	defer stop()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for tick := time.NewTicker(5 * time.Millisecond); !g.standing().Quarantined; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("not stored once the database answers again")
		}
	}
}
