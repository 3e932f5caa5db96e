package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

func TestTranslate(t *testing.T) {
	t.Parallel()
	server := func(code string) error { return fmt.Errorf("insert item: %w", &pgconn.PgError{Code: code}) }
	known := errs.New(errs.NotFound, errs.ReasonNotFound, "item not found").Because(server("57P01"))
	for _, c := range []struct {
		name string
		err  error
		want errs.Reason // "" leaves the error as it is
	}{
		{"nothing", nil, ""},
		{"shutdown", server("57P01"), errs.ReasonUnavailable},
		{"starting up", server("57P03"), errs.ReasonUnavailable},
		{"statement timeout", server("57014"), errs.ReasonUnavailable},
		{"too many connections", server("53300"), errs.ReasonUnavailable},
		{"disk full", server("53100"), errs.ReasonUnavailable},
		{"connection failure", server("08006"), errs.ReasonUnavailable},
		{"network", &net.OpError{Op: "read", Err: errors.New("connection reset by peer")}, errs.ReasonUnavailable},
		{"unique violation", server("23505"), ""},
		{"syntax error", server("42601"), ""},
		{"malformed code", server("5"), ""},
		{"no rows", pgx.ErrNoRows, ""},
		{"call canceled", fmt.Errorf("query: %w", context.Canceled), ""},
		{"deadline", fmt.Errorf("query: %w", context.DeadlineExceeded), ""},
		{"known error", known, errs.ReasonNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := postgres.Translate(c.err)
			if errs.ReasonOf(got) != c.want {
				t.Errorf("reason %q, want %q", errs.ReasonOf(got), c.want)
			}
			if !errors.Is(got, c.err) {
				t.Errorf("%v has lost its cause %v", got, c.err)
			}
		})
	}
}

func TestIsUniqueViolation(t *testing.T) {
	t.Parallel()
	f := setup(t)
	ctx := tenant.NewContext(t.Context(), f.a)
	if err := postgres.TenantTx(ctx, f.app, insertItem(f.a, "twice")); err != nil {
		t.Fatal(err)
	}
	err := postgres.TenantTx(ctx, f.app, insertItem(f.a, "twice"))
	for constraint, want := range map[string]bool{"item_pkey": true, "": true, "other_key": false} {
		if got := postgres.IsUniqueViolation(err, constraint); got != want {
			t.Errorf("IsUniqueViolation(%v, %q) = %t, want %t", err, constraint, got, want)
		}
	}
	if postgres.IsUniqueViolation(errors.New("other"), "") {
		t.Error("an error of another kind passes for a unique violation")
	}
}

// What one statement meets is not what every other would meet.
func TestIsUnreachable(t *testing.T) {
	t.Parallel()
	f := setup(t)
	ctx := tenant.NewContext(t.Context(), f.a)
	timeOut := func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `SET LOCAL statement_timeout = 1; SELECT pg_sleep(60)`)
		return err
	}
	down, err := pgxpool.NewWithConfig(ctx, withDialer(f.app, func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no route") }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(down.Close)
	for pool, want := range map[*pgxpool.Pool]bool{f.app: false, down: true} {
		err := postgres.TenantTx(ctx, pool, timeOut)
		if errs.ReasonOf(err) != errs.ReasonUnavailable || postgres.IsUnreachable(err) != want {
			t.Errorf("%v: IsUnreachable = %t, want %t", err, postgres.IsUnreachable(err), want)
		}
	}
	if postgres.IsUnreachable(nil) || postgres.IsUnreachable(pgx.ErrNoRows) {
		t.Error("an error of another kind passes for a database that is down")
	}
}

func withDialer(pool *pgxpool.Pool, dial pgconn.DialFunc) *pgxpool.Config {
	c := pool.Config()
	c.ConnConfig.DialFunc = dial
	return c
}
