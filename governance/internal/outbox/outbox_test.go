package outbox_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/governance/internal/outbox"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// bundle is what a test works with.
type bundle struct {
	governance postgrestest.GovernanceDB
	wall       *audit.Wall
	stopWall   func()
	recorder   *outbox.Recorder
	id         tenant.ID
	ctx        context.Context
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{governance: postgrestest.Governance(t), id: tenant.ID(uuid.New())}
	b.ctx = tenant.NewContext(t.Context(), b.id)
	b.wall, b.stopWall = audittest.Start(t, audittest.Databases(postgrestest.Audit(t)), audit.Config{HeadsDir: t.TempDir()})
	b.recorder = outbox.NewRecorder(b.governance.App, b.wall, audittest.Quiet())
	return b
}

func (b *bundle) entry() auditlog.Entry {
	return auditlog.Entry{
		EntryID: uuid.New(), TenantID: b.id, EventType: "policy.created", Action: "policy.author", Outcome: auditlog.Success,
		Actor: auditlog.Actor{Kind: auditlog.ActorUser, ID: "ann"}, Resource: auditlog.Resource{Type: "policy", ID: "p1"}, SourceService: "governance",
	}
}

// add commits intents, as mutations do.
func (b *bundle) add(t *testing.T, entries ...auditlog.Entry) {
	t.Helper()
	err := postgres.TenantTx(b.ctx, b.governance.App, func(ctx context.Context, tx pgx.Tx) error {
		for _, e := range entries {
			if err := outbox.Add(ctx, tx, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// age makes every intent old enough to be drained.
func (b *bundle) age(t *testing.T) {
	t.Helper()
	if _, err := b.governance.Admin().Exec(t.Context(), `UPDATE gov_audit_intents SET created_at = created_at - interval '1 hour'`); err != nil {
		t.Fatal(err)
	}
}

// intents counts what is left, of all tenants.
func (b *bundle) intents(t *testing.T) (n int) {
	t.Helper()
	if err := b.governance.Admin().QueryRow(t.Context(), `SELECT count(*) FROM gov_audit_intents`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// recorded returns the entry as it stands on the wall.
func (b *bundle) recorded(t *testing.T, id uuid.UUID) auditlog.Entry {
	t.Helper()
	got, err := b.wall.Get(b.ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	e, err := auditlog.Unmarshal(got.Leaf)
	if err != nil || e.EntryID != id || e.TenantID != b.id {
		t.Fatalf("got %+v, %v", e, err)
	}
	return e
}

func TestSettle(t *testing.T) {
	t.Parallel()
	b := setup(t)
	e := b.entry()
	before := time.Now().Add(-time.Second)
	b.add(t, e)
	position, err := b.recorder.Settle(b.ctx, e.EntryID)
	if err != nil || position.EntryID != e.EntryID || position.LeafIndex != 0 {
		t.Fatalf("got %+v, %v", position, err)
	}
	if n := b.intents(t); n != 0 {
		t.Errorf("%d intents are left", n)
	}
	if got := b.recorded(t, e.EntryID); got.EventType != e.EventType || got.EffectiveTime.Before(before) {
		t.Errorf("got %+v", got)
	}
	if again, err := b.recorder.Settle(b.ctx, e.EntryID); err != nil || again != (audit.Position{}) {
		t.Errorf("settling again: got %+v, %v", again, err)
	}
}

// TestSettleKeepsTheOrderOfChanges settles the intents of a resource in the reverse order, as requests that answer at the same time may.
func TestSettleKeepsTheOrderOfChanges(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, second, third, other := b.entry(), b.entry(), b.entry(), b.entry()
	other.Resource.ID = "p2"
	b.add(t, first, other)
	b.add(t, second)
	b.add(t, third)
	for _, e := range []auditlog.Entry{third, second, first} {
		if _, err := b.recorder.Settle(b.ctx, e.EntryID); err != nil {
			t.Fatal(err)
		}
	}
	for i, e := range []auditlog.Entry{first, second, third} {
		if got := b.recorded(t, e.EntryID); got.LeafIndex != int64(i) {
			t.Errorf("change %d is entry %d", i, got.LeafIndex)
		}
	}
	if n := b.intents(t); n != 1 {
		t.Errorf("%d intents are left, want that of the other resource", n)
	}
}

func TestRolledBackMutationLeavesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	e, refusal := b.entry(), errors.New("no")
	err := postgres.TenantTx(b.ctx, b.governance.App, func(ctx context.Context, tx pgx.Tx) error {
		return errors.Join(outbox.Add(ctx, tx, e), refusal)
	})
	if !errors.Is(err, refusal) || b.intents(t) != 0 {
		t.Errorf("got %v and %d intents", err, b.intents(t))
	}
}

func TestRefusedEntryStopsTheMutation(t *testing.T) {
	t.Parallel()
	b := setup(t)
	e := b.entry()
	e.EventType = "Not an event"
	err := postgres.TenantTx(b.ctx, b.governance.App, func(ctx context.Context, tx pgx.Tx) error { return outbox.Add(ctx, tx, e) })
	if errs.ReasonOf(err) != errs.ReasonInvalidField {
		t.Errorf("got %v", err)
	}
}

// TestWallDown keeps the intent and drains it once the wall is back.
func TestWallDown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	e := b.entry()
	b.add(t, e)
	b.stopWall()
	if _, err := b.recorder.Settle(b.ctx, e.EntryID); errs.ReasonOf(err) != errs.ReasonUnavailable {
		t.Fatalf("got %v, want UNAVAILABLE", err)
	}
	b.age(t)
	if err := b.recorder.Drain(t.Context()); errs.ReasonOf(err) != errs.ReasonUnavailable {
		t.Errorf("got %v, want UNAVAILABLE", err)
	}
	if n := b.intents(t); n != 1 {
		t.Errorf("%d intents are left, want 1", n)
	}
}

// TestDrain leaves young intents to their requests, appends old ones of every tenant, and is not held up by one that can never land.
func TestDrain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	poison, good := b.entry(), b.entry()
	b.add(t, poison, good)
	other := *b
	other.id = tenant.ID(uuid.New())
	other.ctx = tenant.NewContext(t.Context(), other.id)
	foreign := other.entry()
	other.add(t, foreign)
	taken := poison
	taken.Action = "policy.other"
	if _, err := b.wall.Append(b.ctx, taken); err != nil { // somebody used the id for something else
		t.Fatal(err)
	}

	if err := b.recorder.Drain(t.Context()); err != nil || b.intents(t) != 3 {
		t.Fatalf("young intents: got %v, %d are left", err, b.intents(t))
	}
	b.age(t)
	b.drain(t, 1, 1, 1)
	if _, err := b.recorder.Settle(b.ctx, poison.EntryID); errs.ReasonOf(err) != errs.ReasonEntryIDReused {
		t.Errorf("got %v, want ENTRY_ID_REUSED", err)
	}
	b.recorded(t, good.EntryID)
	other.recorded(t, foreign.EntryID)
}

// TestAnotherTenantsIntent cannot be settled, nor its content read while draining.
func TestAnotherTenantsIntent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	e := b.entry()
	b.add(t, e)
	if p, err := b.recorder.Settle(tenant.NewContext(t.Context(), tenant.ID(uuid.New())), e.EntryID); err != nil || p != (audit.Position{}) {
		t.Errorf("got %+v, %v", p, err)
	}
	if n := b.intents(t); n != 1 {
		t.Errorf("%d intents are left, want 1", n)
	}
}
