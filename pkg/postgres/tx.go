package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// maxAttempts bounds the retries of a transaction that lost against a concurrent one.
const maxAttempts = 5

// TenantTx runs fn in a read-committed transaction that sees and writes only the rows of the tenant in ctx (row-level security on
// aumos.tenant_id). It commits when fn returns nil and rolls back otherwise, and runs fn again after a serialization failure or a deadlock,
// so fn must have no effects outside the transaction. Without a tenant in ctx it fails.
func TenantTx(ctx context.Context, pool *pgxpool.Pool, fn func(ctx context.Context, tx pgx.Tx) error) error {
	return tenantTx(ctx, pool, pgx.TxOptions{}, fn)
}

// ReadTenantTx is TenantTx for reads: the transaction is read-only and sees one snapshot (repeatable read).
func ReadTenantTx(ctx context.Context, pool *pgxpool.Pool, fn func(ctx context.Context, tx pgx.Tx) error) error {
	return tenantTx(ctx, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, fn)
}

func tenantTx(ctx context.Context, pool *pgxpool.Pool, opts pgx.TxOptions, fn func(context.Context, pgx.Tx) error) error {
	id, ok := tenant.FromContext(ctx)
	if !ok {
		return errors.New("begin tenant transaction: no tenant in context")
	}
	return Tx(ctx, pool, opts, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT set_config('aumos.tenant_id', $1, true)`, id.String()); err != nil {
			return fmt.Errorf("set tenant: %w", err)
		}
		return fn(ctx, tx)
	})
}

// Tx runs fn in a transaction without a tenant, with the retries of TenantTx. Row-level security then shows no tenant's rows.
func Tx(ctx context.Context, pool *pgxpool.Pool, opts pgx.TxOptions, fn func(ctx context.Context, tx pgx.Tx) error) error {
	var err error
	for attempt := range maxAttempts {
		if attempt > 0 {
			if err := backOff(ctx, attempt); err != nil {
				return Translate(err)
			}
		}
		var failed error // of fn, as told apart from begin and commit
		err = pgx.BeginTxFunc(ctx, pool, opts, func(tx pgx.Tx) error {
			failed = fn(ctx, tx)
			failed = translateTx(failed, tx.Conn().IsClosed())
			return failed
		})
		switch {
		case retryable(err):
		case failed != nil:
			return failed
		default:
			return Translate(err)
		}
	}
	return errs.New(errs.Aborted, errs.ReasonConflict, "concurrent changes: send the request again").Because(err)
}

// backOff waits a random time that grows with the attempt, so that contenders do not meet again.
func backOff(ctx context.Context, attempt int) error {
	wait := time.Duration(rand.Int64N(int64(attempt) * int64(10*time.Millisecond))) // jitter needs no secrecy
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
