package evidence

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"golang.org/x/sync/errgroup"

	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	schema    = "river"
	queueName = "evidence"
	// attemptTimeout bounds one attempt to record; rescueAfter is when the job of a killed replica goes to another one.
	attemptTimeout = 15 * time.Second
	rescueAfter    = time.Minute
	// fetchCooldown is how long a job may wait for the one before it to be fetched: small, because a client waits for its receipt.
	fetchCooldown = 10 * time.Millisecond
	// keepCompleted is for operators who look at the queue; the evidence itself is kept for ever.
	keepCompleted = time.Hour
	stopTimeout   = 20 * time.Second
)

// Config says how evidence is recorded. Zero numbers and durations mean the defaults.
type Config struct {
	Workers      int           `env:"WORKERS" envDefault:"16" help:"Pieces of evidence that are recorded at the same time."`
	RetryMin     time.Duration `env:"RETRY_MIN" envDefault:"1s" help:"Shortest wait between attempts to record evidence; waits grow with the evidence's age."`
	RetryMax     time.Duration `env:"RETRY_MAX" envDefault:"30s" help:"Longest wait between attempts while governance cannot be reached."`
	RetryRefused time.Duration `env:"RETRY_REFUSED" envDefault:"5m" help:"Wait between attempts while governance refuses the evidence."`
	PollInterval time.Duration `env:"POLL_INTERVAL" envDefault:"1s" help:"Interval at which the queue is looked at when no notification comes."`
	SweepEvery   time.Duration `env:"SWEEP_EVERY" envDefault:"1m" help:"Interval at which pending evidence without a job gets one again."`
}

func (c Config) withDefaults() Config {
	orDefault := func(d *time.Duration, value time.Duration) {
		if *d <= 0 {
			*d = value
		}
	}
	if c.Workers <= 0 {
		c.Workers = 16
	}
	orDefault(&c.RetryMin, time.Second)
	orDefault(&c.RetryMax, 30*time.Second)
	orDefault(&c.RetryRefused, 5*time.Minute)
	orDefault(&c.PollInterval, time.Second)
	orDefault(&c.SweepEvery, time.Minute)
	c.PollInterval = max(c.PollInterval, fetchCooldown)
	return c
}

// Queue is the durable queue of evidence. Several processes may run one on the same database; they share the work.
type Queue struct {
	cfg     Config
	pool    *pgxpool.Pool
	client  *river.Client[pgx.Tx]
	arrival *arrivals
	metrics *metrics
	log     *slog.Logger
}

// job is what River keeps of a piece of evidence: no more than is needed to find it, since River's tables are no tenant tables.
type job struct {
	TenantID uuid.UUID `json:"tenant_id"`
	EntryID  uuid.UUID `json:"entry_id"`
}

// Kind names the jobs in River's table; the database function drf_evidence_without_job looks for it.
func (job) Kind() string { return "evidence" }

// New returns a queue whose evidence is recorded by record once Run is called.
func New(cfg Config, pool *pgxpool.Pool, record Record, registry *prometheus.Registry, log *slog.Logger) (*Queue, error) {
	cfg = cfg.withDefaults()
	q := &Queue{cfg: cfg, pool: pool, arrival: newArrivals(), metrics: newMetrics(registry), log: log}
	workers := river.NewWorkers()
	if err := river.AddWorkerSafely(workers, &worker{queue: q, record: record}); err != nil {
		return nil, fmt.Errorf("add evidence worker: %w", err)
	}
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Schema:                      schema,
		Queues:                      map[string]river.QueueConfig{queueName: {MaxWorkers: cfg.Workers}},
		Workers:                     workers,
		FetchCooldown:               fetchCooldown,
		FetchPollInterval:           cfg.PollInterval,
		JobTimeout:                  attemptTimeout,
		RescueStuckJobsAfter:        rescueAfter,
		CompletedJobRetentionPeriod: keepCompleted,
		ReindexerSchedule:           river.NeverSchedule(), // needs the tables' owner, which the service is not
		SoftStopTimeout:             stopTimeout,
		Logger:                      slog.New(atLeast{log.With(slog.String("component", "river")).Handler(), slog.LevelWarn}),
	})
	if err != nil {
		return nil, fmt.Errorf("make evidence queue: %w", err)
	}
	q.client = client
	return q, nil
}

// Add writes the entry down and queues it, both in tx.
func (q *Queue) Add(ctx context.Context, tx pgx.Tx, e Entry) error {
	id, ok := tenant.FromContext(ctx)
	if !ok {
		return errors.New("add evidence: no tenant in context")
	}
	if err := insert(ctx, tx, e); err != nil {
		return err
	}
	return q.enqueue(ctx, tx, job{TenantID: uuid.UUID(id), EntryID: e.EntryID})
}

func (q *Queue) enqueue(ctx context.Context, tx pgx.Tx, j job) error {
	// Attempts that fail are snoozed and do not count; what counts is being killed or a panic, and that must not end the evidence either.
	_, err := q.client.InsertTx(ctx, tx, j, &river.InsertOpts{Queue: queueName, MaxAttempts: math.MaxInt16})
	if err != nil {
		return fmt.Errorf("insert evidence job: %w", err)
	}
	return nil
}

// Expect must be called before the transaction that adds the entry commits; Wait on the result then misses nothing.
func (q *Queue) Expect(entryID uuid.UUID) *Arrival { return q.arrival.expect(entryID) }

// Run records evidence until ctx ends, then finishes what is being recorded.
func (q *Queue) Run(ctx context.Context) error {
	// Before the first job is fetched: it uses no queue that is not there yet.
	if err := q.client.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start evidence queue: %w", err)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return q.listen(ctx) })
	group.Go(func() error { return q.sweep(ctx) })
	group.Go(func() error {
		<-ctx.Done()
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout+attemptTimeout)
		defer cancel()
		if err := q.client.Stop(stopCtx); err != nil {
			return fmt.Errorf("stop evidence queue: %w", err)
		}
		return nil
	})
	return group.Wait()
}

// atLeast drops what River logs below the level: it reports every start and stop of its parts.
type atLeast struct {
	slog.Handler
	level slog.Level
}

// Enabled reports whether the level is logged.
func (h atLeast) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= h.level && h.Handler.Enabled(ctx, level)
}

// WithAttrs keeps the level.
func (h atLeast) WithAttrs(attrs []slog.Attr) slog.Handler {
	return atLeast{h.Handler.WithAttrs(attrs), h.level}
}

// WithGroup keeps the level.
func (h atLeast) WithGroup(name string) slog.Handler {
	return atLeast{h.Handler.WithGroup(name), h.level}
}
