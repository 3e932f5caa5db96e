package evidence

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
	"github.com/aumos-enterprise/platform/pkg/upkeep"
)

// sweepLimit bounds one sweep; the next one takes the rest.
const sweepLimit = 1000

// sweep is the safety net: pending evidence whose job is gone (a restored backup, an operator's hand) gets a new one, at the start and from then
// on regularly. It also measures the backlog.
func (q *Queue) sweep(ctx context.Context) error {
	upkeep.Rounds{
		Every: q.cfg.SweepEvery, Round: q.sweepOnce, Overdue: q.metrics.unswept, Log: q.log, Complaint: "pending evidence could not be swept",
	}.Run(ctx)
	return nil
}

func (q *Queue) sweepOnce(ctx context.Context) error {
	backlog, err := q.Backlog(ctx)
	if err != nil {
		return err
	}
	q.metrics.pending.Set(float64(backlog.Pending))
	q.metrics.oldest.Set(backlog.Age.Seconds())
	if backlog.Pending == 0 {
		return nil
	}
	if backlog.Age > q.cfg.RetryMax {
		q.log.LogAttrs(ctx, slog.LevelWarn, "evidence waits for governance", slog.Int64("pending", backlog.Pending), slog.Duration("oldest", backlog.Age))
	}
	rows, err := q.pool.Query(ctx, `
		SELECT tenant_id, entry_id
		FROM drf_evidence_without_job(@row_limit)`, pgx.NamedArgs{"row_limit": sweepLimit})
	if err != nil {
		return fmt.Errorf("look for evidence without a job: %w", postgres.Translate(err))
	}
	orphans, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (j job, err error) {
		return j, row.Scan(&j.TenantID, &j.EntryID)
	})
	if err != nil {
		return fmt.Errorf("look for evidence without a job: %w", postgres.Translate(err))
	}
	for _, j := range orphans {
		if err := q.adopt(ctx, j); err != nil {
			return err
		}
	}
	return nil
}

// adopt gives the evidence a job. A second one, from another replica's sweep, does no harm: it finds the evidence recorded.
func (q *Queue) adopt(ctx context.Context, j job) error {
	ctx = tenant.NewContext(ctx, tenant.ID(j.TenantID))
	err := postgres.TenantTx(ctx, q.pool, func(ctx context.Context, tx pgx.Tx) error { return q.enqueue(ctx, tx, j) })
	if err != nil {
		return err
	}
	q.log.LogAttrs(ctx, slog.LevelWarn, "pending evidence had no job and got a new one", slog.String("entry_id", j.EntryID.String()))
	return nil
}

// Backlog is how much evidence waits, over all tenants.
type Backlog struct {
	Pending int64
	Age     time.Duration // of the oldest
}

// Backlog returns how much evidence waits.
func (q *Queue) Backlog(ctx context.Context) (b Backlog, err error) {
	err = q.pool.QueryRow(ctx, `
		SELECT pending, coalesce(clock_timestamp() - oldest, interval '0')
		FROM drf_evidence_backlog()`).Scan(&b.Pending, &b.Age)
	if err != nil {
		return Backlog{}, fmt.Errorf("measure evidence backlog: %w", postgres.Translate(err))
	}
	return b, nil
}
