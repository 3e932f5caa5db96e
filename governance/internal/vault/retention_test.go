package vault_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/vault"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

func TestRetention(t *testing.T) {
	t.Parallel()
	s := newStore(t, postgrestest.Governance(t), key(1))
	stop := s.run()
	a := s.keeps(tenantA, 2*time.Hour)
	old := item(uuid.New(), input(t, 1))
	old.DecidedAt = time.Now().Add(-90 * time.Minute)
	young := item(uuid.New(), input(t, 2))
	s.keep(tenantA, a, old)
	s.keep(tenantA, a, young)
	stop() // its own pass may be late, and hold what the passes below would delete
	left := func() (n int) {
		t.Helper()
		if err := s.Upkeep(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s.count(tenantA, "gov_decision_inputs")
	}
	if n := left(); n != 2 {
		t.Errorf("within the retention %d are left, want 2", n)
	}
	s.keeps(tenantA, time.Hour) // a shorter one holds for what is kept already, at once
	if got := s.open(tenantA, ref(old), ref(young)); len(got) != 1 || got[young.Decision].JSON() == nil {
		t.Errorf("open: %v, want the younger one", got)
	}
	if n := left(); n != 1 {
		t.Errorf("after the retention %d are left, want 1", n)
	}
	// Inputs that are kept no longer go when they would have gone.
	s.tx(tenantA, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE gov_decision_settings SET keep_inputs = false, input_retention = NULL`)
		return err
	})
	if got := s.open(tenantA, ref(young)); len(got) != 1 {
		t.Error("what was kept before is gone")
	}
	for id, want := range map[tenant.ID]bool{tenantA: true, tenantB: false} {
		s.tx(id, func(ctx context.Context, tx pgx.Tx) error {
			keeps, err := vault.Keeps(ctx, tx)
			if keeps != want {
				t.Errorf("tenant %s keeps some: %v", id, keeps)
			}
			return err
		})
	}
}

// More than one batch is deleted in one pass, and no more than due.
func TestDeletionInBatches(t *testing.T) {
	t.Parallel()
	s := newStore(t, postgrestest.Governance(t), key(1))
	s.keeps(tenantA, time.Hour)
	s.tx(tenantA, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			INSERT INTO gov_decision_inputs (decision_id, input_sha256, key_id, decide_time, sealed)
			SELECT gen_random_uuid(), sha256(n::text::bytea), k.id, now() - make_interval(mins => 61 - (n % 2) * 30), sha512(n::text::bytea)
			FROM generate_series(1, 5000) n, gov_decision_keys k
			WHERE k.purpose = 'INPUTS'`)
		return err
	})
	if err := s.Upkeep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := s.count(tenantA, "gov_decision_inputs"); n != 2500 {
		t.Errorf("%d are left, want 2500", n)
	}
}

// What was erased is deleted as soon as somebody says so.
func TestErasedInputsAreDeleted(t *testing.T) {
	t.Parallel()
	s := newStore(t, postgrestest.Governance(t), key(1))
	s.run()
	s.keep(tenantA, s.keeps(tenantA, time.Hour), item(uuid.New(), input(t, 1)))
	conn := s.db.Admin()
	_, err := conn.Exec(t.Context(), `
		CREATE FUNCTION announce() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_notify('deleted', ''); RETURN old; END $$;
		CREATE TRIGGER announce AFTER DELETE ON gov_decision_inputs FOR EACH ROW EXECUTE FUNCTION announce();
		LISTEN deleted`)
	if err != nil {
		t.Fatal(err)
	}
	s.erase(tenantA)
	s.Wake()
	if _, err := conn.WaitForNotification(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := s.count(tenantA, "gov_decision_inputs"); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}
