package postgres_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// fixture is a database with a tenant table "item" and a table "account" that every tenant sees.
type fixture struct {
	*postgrestest.Database
	app  *pgxpool.Pool
	a, b tenant.ID
}

func setup(t *testing.T) fixture {
	t.Helper()
	db := postgrestest.Empty(t)
	_, err := db.Owner().Exec(t.Context(), `
		CREATE TABLE item (
			tenant_id uuid NOT NULL,
			name      text NOT NULL,
			CONSTRAINT item_pkey PRIMARY KEY (tenant_id, name)
		);
		ALTER TABLE item ENABLE ROW LEVEL SECURITY;
		ALTER TABLE item FORCE ROW LEVEL SECURITY;
		CREATE POLICY item_tenant ON item
			USING (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid)
			WITH CHECK (tenant_id = nullif(current_setting('aumos.tenant_id', true), '')::uuid);
		CREATE TABLE account (name text PRIMARY KEY, balance integer NOT NULL);
		INSERT INTO account VALUES ('x', 1), ('y', 1);
		GRANT SELECT, INSERT, UPDATE, DELETE ON item, account TO aumos_governance_app`)
	if err != nil {
		t.Fatal(err)
	}
	return fixture{Database: db, app: db.Pool(postgres.RoleGovernanceApp), a: newTenant(t), b: newTenant(t)}
}

func newTenant(t *testing.T) tenant.ID {
	t.Helper()
	id, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	return tenant.ID(id)
}

func insertItem(id tenant.ID, name string) func(context.Context, pgx.Tx) error {
	return func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO item (tenant_id, name) VALUES ($1, $2)`, id.String(), name)
		return err
	}
}

func countItems(n *int) func(context.Context, pgx.Tx) error {
	return func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT count(*) FROM item`).Scan(n)
	}
}

func sqlstate(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code
	}
	return ""
}

func TestTenantTxSeesAndWritesOnlyItsTenant(t *testing.T) {
	t.Parallel()
	f := setup(t)
	inA, inB := tenant.NewContext(t.Context(), f.a), tenant.NewContext(t.Context(), f.b)
	if err := postgres.TenantTx(inA, f.app, insertItem(f.a, "mine")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		ctx  context.Context
		want int
	}{{"own tenant", inA, 1}, {"other tenant", inB, 0}} {
		var n int
		if err := postgres.ReadTenantTx(c.ctx, f.app, countItems(&n)); err != nil {
			t.Fatal(err)
		}
		if n != c.want {
			t.Errorf("%s sees %d rows, want %d", c.name, n, c.want)
		}
	}
	// insufficient_privilege is what a row that violates a policy raises.
	if err := postgres.TenantTx(inB, f.app, insertItem(f.a, "foreign")); sqlstate(err) != "42501" {
		t.Errorf("insert for another tenant: %v, want SQLSTATE 42501", err)
	}
	err := postgres.TenantTx(inB, f.app, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `DELETE FROM item`)
		if tag.RowsAffected() != 0 {
			t.Errorf("another tenant deleted %d rows", tag.RowsAffected())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTenantEndsWithItsTransaction(t *testing.T) {
	t.Parallel()
	f := setup(t)
	one, err := f.app.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	one.Release() // the pool hands out the connection that was released last
	if err := postgres.TenantTx(tenant.NewContext(t.Context(), f.a), f.app, insertItem(f.a, "mine")); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := postgres.Tx(t.Context(), f.app, pgx.TxOptions{}, countItems(&n)); err != nil {
		t.Fatal(err)
	}
	if n != 0 {
		t.Errorf("a transaction without a tenant sees %d rows, want 0", n)
	}
	if total := f.app.Stat().TotalConns(); total != 1 {
		t.Fatalf("the pool has %d connections: the test needs the same one twice", total)
	}
}

func TestTenantTxNeedsTenant(t *testing.T) {
	t.Parallel()
	f := setup(t)
	err := postgres.TenantTx(t.Context(), f.app, func(context.Context, pgx.Tx) error {
		t.Error("the function ran without a tenant")
		return nil
	})
	if err == nil {
		t.Error("no error without a tenant")
	}
}

func TestReadTenantTxRefusesWrites(t *testing.T) {
	t.Parallel()
	f := setup(t)
	err := postgres.ReadTenantTx(tenant.NewContext(t.Context(), f.a), f.app, insertItem(f.a, "mine"))
	if sqlstate(err) != "25006" { // read_only_sql_transaction
		t.Errorf("write in ReadTenantTx: %v, want SQLSTATE 25006", err)
	}
}

// Two transactions each read both accounts and then change the other's: whichever comes second must start again (write skew; Ports and Grittner,
// Serializable Snapshot Isolation in PostgreSQL, 2012, section 2.1).
func TestTxRunsAgainAfterSerializationFailure(t *testing.T) {
	t.Parallel()
	f := setup(t)
	serializable := pgx.TxOptions{IsoLevel: pgx.Serializable}
	withdraw := func(ctx context.Context, tx pgx.Tx, account string, meanwhile func()) error {
		var sum int
		if err := tx.QueryRow(ctx, `SELECT sum(balance) FROM account`).Scan(&sum); err != nil {
			return err
		}
		meanwhile()
		if sum < 2 {
			return nil
		}
		_, err := tx.Exec(ctx, `UPDATE account SET balance = balance - 1 WHERE name = $1`, account)
		return err
	}
	attempts := 0
	err := postgres.Tx(t.Context(), f.app, serializable, func(ctx context.Context, tx pgx.Tx) error {
		attempts++
		return withdraw(ctx, tx, "x", func() {
			if attempts > 1 {
				return
			}
			other := func(ctx context.Context, tx pgx.Tx) error { return withdraw(ctx, tx, "y", func() {}) }
			if err := postgres.Tx(ctx, f.app, serializable, other); err != nil {
				t.Errorf("the other transaction: %v", err)
			}
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	var sum int
	if err := f.app.QueryRow(t.Context(), `SELECT sum(balance) FROM account`).Scan(&sum); err != nil {
		t.Fatal(err)
	}
	if attempts != 2 || sum != 1 {
		t.Errorf("%d attempts left a sum of %d, want 2 and 1", attempts, sum)
	}
}

// Two transactions lock the same rows in opposite order. The server ends one of them, which runs again.
func TestTenantTxRunsAgainAfterDeadlock(t *testing.T) {
	t.Parallel()
	f := setup(t)
	admin := f.Admin()
	if _, err := admin.Exec(t.Context(), `ALTER DATABASE `+f.Name+` SET deadlock_timeout TO '10ms'`); err != nil {
		t.Fatal(err)
	}
	pool := f.Pool(postgres.RoleGovernanceApp) // connects after the change
	ctx := tenant.NewContext(t.Context(), f.a)
	var barrier, done sync.WaitGroup
	barrier.Add(2)
	var attempts [2]int
	var results [2]error
	for i, order := range [2][2]string{{"x", "y"}, {"y", "x"}} {
		done.Go(func() {
			results[i] = postgres.TenantTx(ctx, pool, func(ctx context.Context, tx pgx.Tx) error {
				attempts[i]++
				for step, name := range order {
					if _, err := tx.Exec(ctx, `UPDATE account SET balance = balance + 1 WHERE name = $1`, name); err != nil {
						return err
					}
					if step == 0 && attempts[i] == 1 {
						barrier.Done()
						barrier.Wait() // both hold their first row
					}
				}
				return nil
			})
		})
	}
	done.Wait()
	if err := errors.Join(results[:]...); err != nil {
		t.Fatal(err)
	}
	// More than three when the one that was ended takes its first row again before the other, which waited for that row, has woken up.
	if attempts[0]+attempts[1] < 3 {
		t.Errorf("%v attempts, want one transaction to run again", attempts)
	}
	var sum int
	if err := pool.QueryRow(ctx, `SELECT sum(balance) FROM account`).Scan(&sum); err != nil {
		t.Fatal(err)
	}
	if sum != 6 {
		t.Errorf("sum %d, want 6: each transaction's effect exactly once", sum)
	}
}

func TestTxGivesUpWithConflict(t *testing.T) {
	t.Parallel()
	f := setup(t)
	calls := 0
	err := postgres.Tx(t.Context(), f.app, pgx.TxOptions{}, func(ctx context.Context, tx pgx.Tx) error {
		calls++
		_, err := tx.Exec(ctx, `DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40001'; END $$`)
		return err
	})
	if !errors.Is(err, errs.New(errs.Aborted, errs.ReasonConflict, "")) {
		t.Errorf("error %v, want ABORTED CONFLICT", err)
	}
	if calls != 5 {
		t.Errorf("%d attempts, want 5", calls)
	}
}

func TestTxStopsTryingWhenItsCallEnds(t *testing.T) {
	t.Parallel()
	f := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	err := postgres.Tx(ctx, f.app, pgx.TxOptions{}, func(ctx context.Context, tx pgx.Tx) error {
		calls++
		defer cancel()
		_, err := tx.Exec(ctx, `DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40001'; END $$`)
		return err
	})
	if !errors.Is(err, context.Canceled) || calls != 1 {
		t.Errorf("error %v after %d attempts, want context.Canceled after 1", err, calls)
	}
}

func TestTxRollsBack(t *testing.T) {
	t.Parallel()
	f := setup(t)
	inA := tenant.NewContext(t.Context(), f.a)
	wrong := errs.InvalidField("name", "is wrong")
	err := postgres.TenantTx(inA, f.app, func(ctx context.Context, tx pgx.Tx) error {
		if err := insertItem(f.a, "half")(ctx, tx); err != nil {
			return err
		}
		return wrong
	})
	if !errors.Is(err, wrong) {
		t.Errorf("error %v, want the function's own", err)
	}
	var n int
	if err := postgres.ReadTenantTx(inA, f.app, countItems(&n)); err != nil {
		t.Fatal(err)
	}
	if n != 0 {
		t.Errorf("%d rows were left behind", n)
	}
}

func TestTxReportsLostConnectionAsUnavailable(t *testing.T) {
	t.Parallel()
	f := setup(t)
	admin := f.Admin()
	unavailable := errs.New(errs.Unavailable, errs.ReasonUnavailable, "")
	ended := func(ctx context.Context, conn *pgx.Conn) error { // the server says why
		_, err := admin.Exec(ctx, `SELECT pg_terminate_backend($1, 10000)`, conn.PgConn().PID())
		return err
	}
	cut := func(_ context.Context, conn *pgx.Conn) error { return conn.PgConn().Conn().Close() } // nobody says anything
	statement := func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `SELECT 1`)
		return err
	}
	commit := func(context.Context, pgx.Tx) error { return nil }
	// The statement has reached the server, so nobody can tell what became of it.
	cutDuring := func(ctx context.Context, tx pgx.Tx) error {
		done := make(chan error, 1)
		go func() {
			for sleeping := false; !sleeping; {
				err := admin.QueryRow(ctx, `SELECT coalesce(wait_event = 'PgSleep', false) FROM pg_stat_activity WHERE pid = $1`,
					tx.Conn().PgConn().PID()).Scan(&sleeping)
				if err != nil {
					done <- err
					return
				}
			}
			done <- cut(ctx, tx.Conn())
		}()
		_, err := tx.Exec(ctx, `SELECT pg_sleep($1)`, 60)
		if cutErr := <-done; cutErr != nil {
			t.Errorf("cut the connection: %v", cutErr)
		}
		return err
	}
	nothing := func(context.Context, *pgx.Conn) error { return nil }
	for _, c := range []struct {
		name string
		lose func(context.Context, *pgx.Conn) error
		then func(context.Context, pgx.Tx) error
	}{
		{"ended before a statement", ended, statement},
		{"ended before commit", ended, commit},
		{"cut before a statement", cut, statement},
		{"cut during a statement", nothing, cutDuring},
		{"cut before commit", cut, commit},
	} {
		err := postgres.Tx(t.Context(), f.app, pgx.TxOptions{}, func(ctx context.Context, tx pgx.Tx) error {
			if err := c.lose(ctx, tx.Conn()); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			return c.then(ctx, tx)
		})
		if !errors.Is(err, unavailable) {
			t.Errorf("connection %s: %v, want UNAVAILABLE", c.name, err)
		}
	}
}

// An error that a transaction function got elsewhere, such as from the client's upload, must not be blamed on the database.
func TestTxLeavesForeignErrorsAlone(t *testing.T) {
	t.Parallel()
	f := setup(t)
	err := postgres.Tx(t.Context(), f.app, pgx.TxOptions{}, func(context.Context, pgx.Tx) error { return io.ErrUnexpectedEOF })
	if errs.ReasonOf(err) != "" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error %v, want io.ErrUnexpectedEOF as it was", err)
	}
}
