package shadow_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/governance/internal/difference"
	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/shadow"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// ground is a database with a policy, and a runner that does not run.
type ground struct {
	t      *testing.T
	db     postgrestest.GovernanceDB
	tenant tenant.ID
	policy uuid.UUID
	runner *shadow.Runner
}

func setup(t *testing.T) *ground {
	t.Helper()
	return setupWith(t, rego.Config{Deadline: time.Minute, CompileDeadline: time.Minute}) // a busy machine decides nothing
}

func setupWith(t *testing.T, live rego.Config) *ground {
	t.Helper()
	g := &ground{t: t, db: postgrestest.Governance(t), tenant: audittest.NewTenant(t)}
	engine := rego.NewEngine(shadow.EngineConfig(live))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := engine.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	var err error
	g.runner, err = shadow.New(shadow.Config{Pool: g.db.App, Engine: engine, StoreEvery: 5 * time.Millisecond, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	g.tx(func(ctx context.Context, tx pgx.Tx) error {
		p, err := policy.Create(ctx, tx, policy.Definition{Name: "p"})
		g.policy = p.ID
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

// start shadows the policy with a new version.
func (g *ground) start(rules string) (s shadow.Shadow) {
	g.t.Helper()
	g.tx(func(ctx context.Context, tx pgx.Tx) error {
		v, err := policy.CreateVersion(ctx, tx, g.policy, policy.Content{
			Modules: []policy.Module{{Path: "p.rego", Source: "package p\n" + rules}}, Package: "p", Author: "ann",
		})
		if err != nil {
			return err
		}
		started, err := shadow.Start(ctx, tx, shadow.Request{VersionID: v.ID, SamplingRate: 1, Duration: time.Hour, Subject: "ann"})
		s = started.Shadow
		return err
	})
	return s
}

// offer hands over n decisions that allowed, and returns their ids.
func (g *ground) offer(s shadow.Shadow, n int, input map[string]any) (ids []uuid.UUID) {
	g.t.Helper()
	in, err := rego.NewInput(input)
	if err != nil {
		g.t.Fatal(err)
	}
	sample, now := shadow.NewSample(s), time.Now().UTC().Truncate(time.Microsecond)
	for i := range n {
		id := uuid.New()
		ids = append(ids, id)
		g.runner.Offer(shadow.Question{
			Tenant: g.tenant, Sample: sample, DecisionID: id, DecideTime: now.Add(time.Duration(i) * time.Microsecond), Input: in, VersionID: s.VersionID,
			Answer: difference.Answer{Outcome: rego.Allow}, Resource: shadow.Resource{Type: "a", ID: "\x00"},
		})
	}
	return ids
}

func (g *ground) get(id uuid.UUID) (s shadow.Shadow) {
	g.t.Helper()
	g.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		s, err = shadow.Get(ctx, tx, id)
		return err
	})
	return s
}

func (g *ground) differences(id uuid.UUID) (all []shadow.Difference) {
	g.t.Helper()
	g.tx(func(ctx context.Context, tx pgx.Tx) error {
		for after, more := (shadow.DifferenceKey{}), true; more; {
			var found []shadow.Difference
			var err error
			if found, more, err = shadow.ListDifferences(ctx, tx, id, after, 500); err != nil {
				return err
			}
			if len(found) > 0 {
				last := found[len(found)-1]
				after = shadow.DifferenceKey{Time: last.DecideTime, Decision: last.DecisionID}
			}
			all = append(all, found...)
		}
		return nil
	})
	return all
}

// waitFor polls what the runner brings about.
func waitFor(t *testing.T, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: did not come true", what)
		}
	}
}

func TestSampleIsAShareOfTheDecisions(t *testing.T) {
	t.Parallel()
	now := time.Now()
	one := shadow.NewSample(shadow.Shadow{ID: uuid.New(), SamplingRate: 0.3, ExpireTime: now.Add(time.Second)})
	other := shadow.NewSample(shadow.Shadow{ID: uuid.New(), SamplingRate: 0.3, ExpireTime: now.Add(time.Second)})
	all := shadow.NewSample(shadow.Shadow{ID: uuid.New(), SamplingRate: 1, ExpireTime: now.Add(time.Second)})
	const n = 20_000
	taken, both := 0, 0
	for range n {
		id := uuid.New()
		takes := one.Takes(id, now)
		if !all.Takes(id, now) || one.Takes(id, now.Add(time.Second)) || one.Takes(id, now) != takes {
			t.Fatal("a sample of all leaves one out, or a sample goes on after its end, or changes")
		}
		if takes {
			taken++
			if other.Takes(id, now) {
				both++
			}
		}
	}
	// Six standard deviations of binomial counts: sqrt(n p (1-p)) is 65 for p = 0.3 and 40 for p = 0.09.
	if taken < 0.3*n-390 || taken > 0.3*n+390 || both < 0.09*n-240 || both > 0.09*n+240 {
		t.Errorf("of %d decisions %d are taken, %d of them by both", n, taken, both)
	}
}

func TestWhatFindsNoRoomIsSkipped(t *testing.T) {
	t.Parallel()
	g := setup(t)
	s := g.start("allow := true")
	g.offer(s, shadow.MaxWaiting+3, nil)
	stop := audittest.Run(t, g.runner.Run)
	waitFor(t, "what waited is compared", func() bool { return g.get(s.ID).Summary.Compared == shadow.MaxWaiting })
	if got := g.get(s.ID).Skipped; got != 3 {
		t.Errorf("%d are skipped, want 3", got)
	}
	stop()
	g.offer(s, 1, nil)
	if got := g.get(s.ID).Skipped; got != 3 {
		t.Errorf("%d are skipped, want 3: a runner that has stopped stores nothing", got)
	}
}

// Inputs may be large: what waits is bounded by its size too.
func TestLargeInputsFindLessRoom(t *testing.T) {
	t.Parallel()
	g := setup(t)
	s := g.start("allow := true")
	text := make([]any, 200)
	for i := range text {
		text[i] = fmt.Sprintf("%01000d", i)
	}
	g.offer(s, shadow.MaxWaiting, map[string]any{"text": text})
	audittest.Run(t, g.runner.Run)
	waitFor(t, "all are compared or skipped", func() bool {
		got := g.get(s.ID)
		return got.Summary.Compared+got.Skipped == shadow.MaxWaiting
	})
	if got := g.get(s.ID); got.Summary.Compared != 10 { // 2 MiB of 200,000 bytes each
		t.Errorf("%d are compared, %d skipped", got.Summary.Compared, got.Skipped)
	}
}

func TestWhatCannotBeStoredIsKept(t *testing.T) {
	t.Parallel()
	g := setup(t)
	s := g.start("allow := false")
	owner := g.db.Owner()
	exec := func(sql string) {
		t.Helper()
		if _, err := owner.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec(`REVOKE INSERT ON gov_shadow_differences FROM aumos_governance_app`)
	stop := audittest.Run(t, g.runner.Run)
	ids := g.offer(s, 20, nil)
	different := g.runner.Collectors()[0].(*prometheus.CounterVec).WithLabelValues("DIFFERENT")
	waitFor(t, "all are asked", func() bool { return testutil.ToFloat64(different) == 20 })
	stop()
	if got := g.get(s.ID); got.Summary.Compared+got.Skipped != 0 {
		t.Errorf("stored %+v", got)
	}
	exec(`GRANT INSERT ON gov_shadow_differences TO aumos_governance_app`)
	audittest.Run(t, g.runner.Run)
	waitFor(t, "it is stored later", func() bool { return g.get(s.ID).Summary.AllowToDeny == 20 })
	found := g.differences(s.ID)
	if got := g.get(s.ID); len(found) != 20 || found[0].DecisionID != ids[19] || got.Skipped != 0 {
		t.Errorf("%d differences, counts %+v", len(found), got)
	}
	for _, d := range found {
		if d.Resource != (shadow.Resource{Type: "a", ID: "\x00"}) || d.Change.From != rego.Allow || d.Change.To != rego.Deny {
			t.Errorf("difference %+v", d)
		}
	}
}

func TestTheNewestDifferencesAreKept(t *testing.T) {
	t.Parallel()
	g := setup(t)
	s := g.start("allow := false")
	// As if so many had been found before, an hour ago, and the oldest two hours ago.
	if _, err := g.db.Admin().Exec(t.Context(), `
		INSERT INTO gov_shadow_differences (tenant_id, shadow_id, decide_time, decision_id, version_id, detail)
		SELECT $1, $2, now() - interval '1 hour' - i * interval '0.3 s', gen_random_uuid(), $3, '{"resource":{},"change":{}}'
		FROM generate_series(1, $4::integer) AS i`, uuid.UUID(g.tenant), s.ID, s.VersionID, shadow.MaxKept+shadow.MaxKept/10); err != nil {
		t.Fatal(err)
	}
	if _, err := g.db.Admin().Exec(t.Context(), `UPDATE gov_shadows SET kept_differences = $1`, shadow.MaxKept+shadow.MaxKept/10); err != nil {
		t.Fatal(err)
	}
	oldest := g.differences(s.ID)[shadow.MaxKept+shadow.MaxKept/10-1].DecisionID
	audittest.Run(t, g.runner.Run)
	ids := g.offer(s, 1, nil)
	waitFor(t, "it is stored", func() bool { return g.get(s.ID).Summary.Compared == 1 })
	found := g.differences(s.ID)
	if len(found) != shadow.MaxKept || found[0].DecisionID != ids[0] || found[len(found)-1].DecisionID == oldest {
		t.Errorf("%d are kept, the newest %s, want %d and %s", len(found), found[0].DecisionID, shadow.MaxKept, ids[0])
	}
}

// A candidate that the engine does not compile any more would be an active version that answers ERROR.
func TestCandidateThatDoesNotCompile(t *testing.T) {
	t.Parallel()
	g := setup(t)
	s := g.start("allow if no.such.builtin()")
	audittest.Run(t, g.runner.Run)
	g.offer(s, 2, nil)
	waitFor(t, "it is compared", func() bool { return g.get(s.ID).Summary.Compared == 2 })
	if got := g.get(s.ID).Summary; got.ToError != 2 {
		t.Errorf("summary %+v", got)
	}
}

// A shadow that cannot keep up holds up its own questions only.
func TestShadowsTakeTurns(t *testing.T) {
	t.Parallel()
	g := setupWith(t, rego.Config{CompileDeadline: time.Minute})
	slow := g.start("allow if count([1 | some i in numbers.range(1, 30000); some j in numbers.range(1, 30000); i == j + 1000000]) > 0")
	neighbour := &ground{t: t, db: g.db, tenant: audittest.NewTenant(t), runner: g.runner}
	neighbour.tx(func(ctx context.Context, tx pgx.Tx) error {
		p, err := policy.Create(ctx, tx, policy.Definition{Name: "p"})
		neighbour.policy = p.ID
		return err
	})
	quick := neighbour.start("allow := true")
	g.offer(slow, shadow.MaxWaiting, nil)
	neighbour.offer(quick, 3, nil)
	audittest.Run(t, g.runner.Run)
	waitFor(t, "the neighbour's are compared", func() bool { return neighbour.get(quick.ID).Summary.Same == 3 })
	waitFor(t, "the slow one is left alone", func() bool {
		got := g.get(slow.ID)
		return got.Skipped > 0 && got.Skipped+got.Summary.ToError == shadow.MaxWaiting
	})
}
