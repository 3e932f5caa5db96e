package evidence

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// worker records one piece of evidence at a time.
type worker struct {
	river.WorkerDefaults[job]

	queue  *Queue
	record Record
}

// Work records the evidence and keeps its receipt. Whatever goes wrong, the job is put off and never given up: a crash between recording and
// keeping the receipt makes the next attempt record the same entry again, which governance answers with its first position.
func (w *worker) Work(ctx context.Context, j *river.Job[job]) error {
	ctx = tenant.NewContext(ctx, tenant.ID(j.Args.TenantID))
	q := w.queue
	age, err := w.attempt(ctx, j)
	attrs := []slog.Attr{slog.String("entry_id", j.Args.EntryID.String()), slog.Float64("age_s", age.Seconds())}
	switch {
	case err == nil:
		q.metrics.recorded.Inc()
		q.arrival.announce(j.Args.EntryID)
		return nil
	case errors.Is(err, pgx.ErrNoRows):
		q.log.LogAttrs(ctx, slog.LevelError, "evidence of a job does not exist: the job is dropped", attrs...)
		return nil
	case errors.Is(err, ErrRefused):
		q.metrics.failed.WithLabelValues("refused").Inc()
		q.log.LogAttrs(ctx, slog.LevelError, "governance refuses evidence: it is tried again until it is accepted", append(attrs, slog.Any("error", err))...)
		return river.JobSnooze(jitter(q.cfg.RetryRefused))
	default:
		q.metrics.failed.WithLabelValues("unavailable").Inc()
		level := slog.LevelWarn
		if age > q.cfg.RetryMax { // from then on the sweep tells of the backlog as a whole
			level = slog.LevelDebug
		}
		q.log.LogAttrs(ctx, level, "evidence could not be recorded: it is tried again", append(attrs, slog.Any("error", err))...)
		return river.JobSnooze(q.cfg.retryIn(age))
	}
}

// attempt records the evidence, after what waits about the same resource and was added before: on the wall a resource's states follow each other as
// its changes did. Another worker may be recording the same, which does no harm.
func (w *worker) attempt(ctx context.Context, j *river.Job[job]) (age time.Duration, err error) {
	for {
		var next Entry
		var state State
		err = postgres.ReadTenantTx(ctx, w.queue.pool, func(ctx context.Context, tx pgx.Tx) (err error) {
			next, state, age, err = load(ctx, tx, j.Args.EntryID)
			return err
		})
		if err != nil || state == Recorded {
			return age, err
		}
		if err := w.bring(ctx, j, next); err != nil || next.EntryID == j.Args.EntryID {
			return age, err
		}
	}
}

// bring records an entry and keeps its receipt.
func (w *worker) bring(ctx context.Context, j *river.Job[job], entry Entry) error {
	receipt, err := w.record(ctx, entry)
	if err != nil {
		return err
	}
	return postgres.TenantTx(ctx, w.queue.pool, func(ctx context.Context, tx pgx.Tx) error {
		if err := complete(ctx, tx, entry.EntryID, receipt); err != nil {
			return err
		}
		if entry.EntryID != j.Args.EntryID { // it has a job of its own, which will find it recorded
			return notify(ctx, tx, entry.EntryID)
		}
		// A job that is gone has been worked by somebody else; the evidence is recorded all the same.
		if _, err := river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx, j); err != nil && !errors.Is(err, rivertype.ErrNotFound) {
			return fmt.Errorf("complete evidence job: %w", err)
		}
		return notify(ctx, tx, entry.EntryID)
	})
}

// NextRetry is used after a panic and after the job of a killed worker was rescued.
func (w *worker) NextRetry(*river.Job[job]) time.Time { return time.Now().Add(w.queue.cfg.RetryMax) }

// retryIn returns how long evidence of the age waits for its next attempt: half its age, so that waits grow by half with every attempt and
// need no counter.
func (c Config) retryIn(age time.Duration) time.Duration {
	return jitter(min(max(age/2, c.RetryMin), c.RetryMax))
}

// jitter spreads the attempts of what failed together. It never exceeds d.
func jitter(d time.Duration) time.Duration {
	return d - time.Duration(rand.Int64N(int64(d)/4+1)) // jitter needs no secrecy
}
