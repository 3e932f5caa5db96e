package replay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/outbox"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/vault"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Config says what a worker works with. Durations that are zero mean the defaults.
type Config struct {
	Pool   *pgxpool.Pool // the governance database, as its application role
	Wall   *audit.Wall
	Inputs *vault.Vault
	Engine *rego.Engine
	// Recorder brings the entries about replays that are done to the wall.
	Recorder *outbox.Recorder
	// Progressed hears of each replay that has got further or is done; it does not wait for anything. nil: nobody hears.
	Progressed func(id uuid.UUID)
	Log        *slog.Logger
	// Poll is how often replays that other replicas were asked for are looked for: 2 s.
	Poll time.Duration
	// Lease is how long a replay is left to a worker that is not heard of: 30 s.
	Lease time.Duration
	// Slice is how long a worker stays with one replay while others may wait: 10 s.
	Slice time.Duration
	// Page is the number of decisions that are read at a time: 200.
	Page int
}

func (c Config) withDefaults() Config {
	if c.Poll == 0 {
		c.Poll = 2 * time.Second
	}
	if c.Lease == 0 {
		c.Lease = 30 * time.Second
	}
	if c.Slice == 0 {
		c.Slice = 10 * time.Second
	}
	if c.Page == 0 {
		c.Page = 200
	}
	if c.Progressed == nil {
		c.Progressed = func(uuid.UUID) {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

const (
	// maxTakes is how often a replay is taken up without getting any further: something about it kills its workers, or fails each time.
	maxTakes = 10
	// retryPause is the pause after a failure; it grows with every one in a row.
	retryPause = 3 * time.Second
	// goodbye bounds what a worker writes when it is stopped.
	goodbye = 5 * time.Second
)

// Worker does replays, one at a time, so that however many are asked for they take one processor at most, and half of it when decisions are waiting
// for the other half. Every replica runs one.
type Worker struct {
	config  Config
	id      uuid.UUID
	wake    chan struct{}
	metrics *metrics
	ready   prepared // the candidate that was compiled last; of Run alone
}

// New makes a worker.
func New(c Config) *Worker {
	return &Worker{config: c.withDefaults(), id: uuid.New(), wake: make(chan struct{}, 1), metrics: newMetrics()}
}

// Collectors returns the worker's metrics for the registry of the process.
func (w *Worker) Collectors() []prometheus.Collector { return w.metrics.all() }

// Wake says that there is a new replay. It does not wait.
func (w *Worker) Wake() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run does replays until ctx ends, and gives back the one it works on then.
func (w *Worker) Run(ctx context.Context) error {
	poll := time.NewTicker(w.config.Poll)
	defer poll.Stop()
	for {
		worked, err := w.step(ctx)
		if err != nil && ctx.Err() == nil {
			w.config.Log.LogAttrs(ctx, slog.LevelWarn, "replays could not be taken up", slog.Any("error", err))
		}
		if worked && ctx.Err() == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-poll.C:
		case <-w.wake:
		}
	}
}

// step takes a replay that is due and works on it for a while. It reports whether there was one.
func (w *Worker) step(ctx context.Context) (worked bool, err error) {
	found, err := findDue(ctx, w.config.Pool)
	if err != nil {
		return false, err
	}
	for _, f := range found {
		ctx := tenant.NewContext(ctx, tenant.ID(f.TenantID))
		var j job
		var ok bool
		err := w.tx(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
			j, ok, err = take(ctx, tx, f.ID, w.id, w.config.Lease)
			return err
		})
		if err != nil {
			return false, err
		}
		if ok {
			return true, w.work(ctx, j)
		}
	}
	return false, nil
}

func (w *Worker) tx(ctx context.Context, fn func(ctx context.Context, tx pgx.Tx) error) error {
	return postgres.TenantTx(ctx, w.config.Pool, fn)
}

// work goes on with the replay for a while, and decides what becomes of it then.
func (w *Worker) work(ctx context.Context, j job) error {
	if j.State.Done() {
		return w.trim(ctx, j)
	}
	if j.Takes > maxTakes {
		return w.finish(ctx, j, "it got no further although it was taken up repeatedly: the service's log says more")
	}
	err := w.slice(ctx, &j)
	var failed failure
	switch {
	case errors.Is(err, errLost):
		return nil
	case err == nil && j.NextIndex >= j.EndIndex:
		return w.finish(ctx, j, "")
	case err == nil:
		return w.release(ctx, j, 0, true)
	case errors.As(err, &failed):
		return w.finish(ctx, j, failed.Error())
	case ctx.Err() != nil:
		return w.release(ctx, j, 0, true)
	}
	pause := retryPause * time.Duration(j.Takes)
	return errors.Join(fmt.Errorf("replay %s: %w", j.ID, err), w.release(ctx, j, pause, passing(err)))
}

// passing reports whether err says that nothing is wrong with the replay.
func passing(err error) bool {
	e, ok := errors.AsType[*errs.Error](err)
	return ok && (e.Kind == errs.Unavailable || e.Kind == errs.ResourceExhausted)
}

// failure is why a replay cannot be done; its text is for those who asked for it.
type failure string

func (f failure) Error() string { return string(f) }

// release gives the replay back, also when the worker is stopped.
func (w *Worker) release(ctx context.Context, j job, pause time.Duration, forgive bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
	defer cancel()
	return w.tx(ctx, func(ctx context.Context, tx pgx.Tx) error { return release(ctx, tx, j.ID, w.id, pause, forgive) })
}

// finish ends the replay and brings the entry about it to the wall; what cannot be brought follows.
func (w *Worker) finish(ctx context.Context, j job, reason string) error {
	var entry uuid.UUID
	err := w.tx(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		entry, err = finish(ctx, tx, j.ID, w.id, reason)
		return err
	})
	if errors.Is(err, errLost) {
		return nil
	}
	if err != nil {
		return err
	}
	w.config.Progressed(j.ID)
	w.metrics.finished(reason)
	w.ready = prepared{}
	_, err = w.config.Recorder.Settle(ctx, entry)
	return err
}

// trim removes what no report shows.
func (w *Worker) trim(ctx context.Context, j job) error {
	for {
		var done bool
		err := w.tx(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
			done, err = trim(ctx, tx, j.ID, w.id)
			return err
		})
		if err != nil || done {
			return err
		}
	}
}
