package replay_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/governance/internal/decision"
	"github.com/aumos-enterprise/platform/governance/internal/outbox"
	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/policytest"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/replay"
	"github.com/aumos-enterprise/platform/governance/internal/vault"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

var (
	tenantA = tenant.ID(uuid.MustParse("0189aaaa-0000-7000-8000-00000000000a"))
	tenantB = tenant.ID(uuid.MustParse("0189bbbb-0000-7000-8000-00000000000b"))
)

type fixture struct {
	t       testing.TB
	db      postgrestest.GovernanceDB
	wall    *audit.Wall
	engine  *rego.Engine
	decider *decision.Decider
	vault   *vault.Vault
}

func setup(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{t: t, db: postgrestest.Governance(t)}
	auditDB := postgrestest.Audit(t)
	f.wall, _ = audittest.Start(t, audittest.Databases(auditDB), audit.Config{HeadsDir: t.TempDir()})
	f.engine = rego.NewEngine(rego.Config{Deadline: time.Second})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := f.engine.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	var err error
	if f.decider, err = decision.New(decision.Config{Pool: f.db.App, Engine: f.engine, Wall: f.wall}); err != nil {
		t.Fatal(err)
	}
	audittest.Run(t, f.decider.Run)
	key := sha256.Sum256([]byte("a wrapping key"))
	wrapping, err := vault.ParseWrapping(base64.StdEncoding.EncodeToString(key[:]))
	if err != nil {
		t.Fatal(err)
	}
	f.vault = vault.New(vault.Config{Pool: f.db.App, Wrapping: wrapping, Timeout: time.Minute, UpkeepEvery: time.Hour})
	audittest.Run(t, f.vault.Run)
	f.keepInputs(tenantA)
	f.keepInputs(tenantB)
	return f
}

func (f *fixture) as(id tenant.ID) context.Context { return tenant.NewContext(f.t.Context(), id) }

func (f *fixture) tx(id tenant.ID, fn func(ctx context.Context, tx pgx.Tx) error) {
	f.t.Helper()
	if err := postgres.TenantTx(f.as(id), f.db.App, fn); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) keepInputs(id tenant.ID) {
	f.t.Helper()
	f.tx(id, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO gov_decision_settings DEFAULT VALUES`); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE gov_decision_settings SET keep_inputs = true, input_retention = 3600, kept_retention = 3600`)
		if err != nil {
			return err
		}
		return f.vault.EnsureKeys(ctx, tx, true)
	})
}

// worker makes a worker that the test steps.
func (f *fixture) worker(change func(*replay.Config)) *replay.Worker {
	c := replay.Config{
		Pool: f.db.App, Wall: f.wall, Inputs: f.vault, Engine: f.engine, Recorder: outbox.NewRecorder(f.db.App, f.wall, audittest.Quiet()),
		Log: audittest.Quiet(),
	}
	if change != nil {
		change(&c)
	}
	return replay.New(c)
}

// policy creates a policy with an active version.
func (f *fixture) policy(id tenant.ID, name, rules string, data map[string]any, points ...string) policy.Version {
	f.t.Helper()
	var p policy.Policy
	f.tx(id, func(ctx context.Context, tx pgx.Tx) (err error) {
		p, err = policy.Create(ctx, tx, policy.Definition{Name: name, DecisionPoints: points})
		return err
	})
	v := f.version(id, p.ID, rules, data)
	policytest.Activate(f.t, f.db.App, id, v.ID)
	return v
}

// version adds a version of one module.
func (f *fixture) version(id tenant.ID, policyID uuid.UUID, rules string, data map[string]any) (v policy.Version) {
	f.t.Helper()
	document, err := rego.NewData(data)
	if err != nil {
		f.t.Fatal(err)
	}
	f.tx(id, func(ctx context.Context, tx pgx.Tx) (err error) {
		v, err = policy.CreateVersion(ctx, tx, policyID, policy.Content{
			Modules: []policy.Module{{Path: "p.rego", Source: "package p\n" + rules}}, Package: "p", Data: document.JSON(), Author: "author",
		})
		return err
	})
	return v
}

// question is what the tests ask.
type question struct {
	policy   uuid.UUID
	point    string
	resource string // the id of a model
	input    map[string]any
	forget   bool // its input is not kept
}

// decide asks, and keeps the input.
func (f *fixture) decide(id tenant.ID, q question) decision.Decision {
	f.t.Helper()
	in, err := rego.NewInput(q.input)
	if err != nil {
		f.t.Fatal(err)
	}
	asked := decision.Question{
		Policy: q.policy, DecisionPoint: q.point, Input: in, Actor: auditlog.Actor{Kind: auditlog.ActorUser, ID: "caller"},
	}
	if q.resource != "" {
		asked.Resource = decision.Resource{Type: "model", ID: q.resource}
	}
	d, err := f.decider.Evaluate(f.as(id), asked)
	if err != nil {
		f.t.Fatal(err)
	}
	if q.forget {
		return d
	}
	var keys vault.Keys
	f.tx(id, func(ctx context.Context, tx pgx.Tx) (err error) {
		keys, err = f.vault.ReadKeys(ctx, tx)
		return err
	})
	item := vault.Item{Decision: d.ID, DecidedAt: d.Time, JSON: in.JSON(), SHA256: in.SHA256()}
	if err := f.vault.Keep(f.as(id), keys.Inputs, item); err != nil {
		f.t.Fatal(err)
	}
	return d
}

// create asks for a replay of everything.
func (f *fixture) create(id tenant.ID, v policy.Version, change func(*replay.Request)) (r replay.Replay) {
	f.t.Helper()
	q := replay.Request{
		PolicyID: v.PolicyID, Candidate: replay.Candidate{VersionID: v.ID, ContentSHA256: v.ContentSHA256},
		From: time.Now().Add(-time.Hour), Before: time.Now().Add(time.Hour), Subject: "analyst",
	}
	if change != nil {
		change(&q)
	}
	var err error
	if q.Span, err = replay.FindSpan(f.as(id), f.wall, q.From, q.Before); err != nil {
		f.t.Fatal(err)
	}
	f.tx(id, func(ctx context.Context, tx pgx.Tx) (err error) {
		r, err = replay.Create(ctx, tx, q)
		return err
	})
	return r
}

func (f *fixture) get(id tenant.ID, replayID uuid.UUID) (r replay.Replay) {
	f.t.Helper()
	f.tx(id, func(ctx context.Context, tx pgx.Tx) (err error) {
		r, err = replay.Get(ctx, tx, replayID)
		return err
	})
	return r
}

func (f *fixture) report(id tenant.ID, replayID uuid.UUID) (report replay.Report) {
	f.t.Helper()
	f.tx(id, func(ctx context.Context, tx pgx.Tx) (err error) {
		report, err = replay.ReadReport(ctx, tx, replayID)
		return err
	})
	return report
}

// differences reads all pages.
func (f *fixture) differences(id tenant.ID, replayID uuid.UUID) (all []replay.Difference) {
	f.t.Helper()
	f.tx(id, func(ctx context.Context, tx pgx.Tx) error {
		all = nil
		for after := int64(-1); ; {
			page, more, err := replay.ListDifferences(ctx, tx, replayID, after, 3)
			if err != nil {
				return err
			}
			if all = append(all, page...); !more {
				return nil
			}
			after = page[len(page)-1].LeafIndex
		}
	})
	return all
}

// drain lets the workers take turns until there is nothing to do.
func (f *fixture) drain(workers ...*replay.Worker) {
	f.t.Helper()
	for idle := 0; idle < len(workers); {
		idle = 0
		for _, w := range workers {
			worked, err := w.Step(f.t.Context())
			if err != nil {
				f.t.Fatalf("step: %v", err)
			}
			if !worked {
				idle++
			}
		}
	}
}

// entries returns the tenant's entries of a type.
func (f *fixture) entries(id tenant.ID, eventType string) (entries []auditlog.Entry) {
	f.t.Helper()
	found, _, err := f.wall.List(f.as(id), audit.Filter{EventType: eventType}, -1, 500)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, e := range found {
		entry, err := auditlog.Unmarshal(e.Leaf)
		if err != nil {
			f.t.Fatal(err)
		}
		entries = append(entries, entry)
	}
	return entries
}

func modelName(i int) string { return fmt.Sprintf("model-%03d", i) }
