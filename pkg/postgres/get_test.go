package postgres_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

func TestGet(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id := uuid.New()
	if err := postgres.TenantTx(tenant.NewContext(t.Context(), f.a), f.app, insertItem(f.a, id.String())); err != nil {
		t.Fatal(err)
	}
	get := func(of tenant.ID, id uuid.UUID, sql string) (name string, err error) {
		err = postgres.ReadTenantTx(tenant.NewContext(t.Context(), of), f.app, func(ctx context.Context, tx pgx.Tx) (err error) {
			name, err = postgres.Get(ctx, tx, "item", id, sql, pgx.RowTo[string])
			return err
		})
		return name, err
	}
	const sql = `SELECT name FROM item WHERE name = @id::text`
	if name, err := get(f.a, id, sql); err != nil || name != id.String() {
		t.Errorf("got %q, %v", name, err)
	}
	if _, err := get(f.a, uuid.New(), sql); errs.ReasonOf(err) != errs.ReasonNotFound {
		t.Errorf("of an id that is not there: %v", err)
	}
	if _, err := get(f.b, id, sql); errs.ReasonOf(err) != errs.ReasonNotFound {
		t.Errorf("of another tenant's: %v", err)
	}
	if _, err := get(f.a, id, `SELECT nonsense FROM item WHERE name = @id::text`); err == nil || errs.ReasonOf(err) == errs.ReasonNotFound {
		t.Errorf("of a statement that fails: %v", err)
	}
}
