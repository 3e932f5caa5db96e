package upkeep_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
	"github.com/aumos-enterprise/platform/pkg/upkeep"
)

// Every tenant has its turn, under itself, whatever becomes of the others'.
func TestEachTenant(t *testing.T) {
	t.Parallel()
	db := postgrestest.Governance(t)
	var want []string
	for range 5 {
		id := tenant.ID(uuid.New())
		want = append(want, id.String())
		err := postgres.TenantTx(tenant.NewContext(t.Context(), id), db.App, func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO gov_decision_settings DEFAULT VALUES`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(want)
	refusal := errors.New("no")
	var got []string
	err := upkeep.EachTenant(t.Context(), db.App, "gov_decision_settings", func(ctx context.Context) error {
		id, _ := tenant.FromContext(ctx)
		if got = append(got, id.String()); len(got)%2 == 0 {
			return refusal
		}
		return nil
	})
	if !slices.Equal(got, want) {
		t.Errorf("tenants %v, want %v", got, want)
	}
	if !errors.Is(err, refusal) || !strings.Contains(err.Error(), "2 of 5 tenants failed, the first: tenant "+want[1]) {
		t.Errorf("got %v", err)
	}

	gone := db.App.Config()
	gone.ConnConfig.DialFunc = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no route") }
	down, err := pgxpool.NewWithConfig(t.Context(), gone)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(down.Close)
	turns := 0
	err = upkeep.EachTenant(t.Context(), db.App, "gov_decision_settings", func(ctx context.Context) error {
		if turns++; turns == 1 {
			return refusal
		}
		return postgres.TenantTx(ctx, down, func(context.Context, pgx.Tx) error { return nil })
	})
	if turns != 2 || errs.ReasonOf(err) != errs.ReasonUnavailable || !strings.Contains(err.Error(), "4 of 5 tenants had no turn: tenant "+want[1]) {
		t.Errorf("with the database down: %d turns, %v", turns, err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	turns = 0
	err = upkeep.EachTenant(ctx, db.App, "gov_decision_settings", func(context.Context) error {
		turns++
		cancel()
		return nil
	})
	if turns != 1 || !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %d turns, %v", turns, err)
	}
}

// What a transaction sees of other tenants it cannot change.
func TestBeyondTenantTxReads(t *testing.T) {
	t.Parallel()
	db := postgrestest.Governance(t)
	err := upkeep.BeyondTenantTx(t.Context(), db.App, "aumos.drain", func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM gov_audit_intents`)
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "25006") { // read_only_sql_transaction
		t.Errorf("got %v, want a refusal", err)
	}
}
