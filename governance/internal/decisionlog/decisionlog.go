// Package decisionlog reads decisions back from the Audit Wall: one, a list, and statistics. The wall alone says what was decided. Statistics rest on rollups
// in the primary database, counts by hour, which are a pure function of the wall: they can be thrown away and made again.
package decisionlog

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/decision"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// Config says what a log works with. Zero values mean the defaults.
type Config struct {
	Pool *pgxpool.Pool // the governance database, as its application role
	Wall *audit.Wall
	Log  *slog.Logger
	// CountEvery is the shortest time between two rounds of counting what was decided: 2 s. Statistics do not wait for it.
	CountEvery time.Duration
	// CatchUp bounds how long an answer waits for what is not counted yet: 2 s. It says how far it got.
	CatchUp time.Duration
	// Batch is the most decisions that are counted in one transaction: 2,000.
	Batch int
	// Scan is the most decisions that one page of a list looks at: 10,000.
	Scan int
}

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.CountEvery == 0 {
		c.CountEvery = 2 * time.Second
	}
	if c.CatchUp == 0 {
		c.CatchUp = 2 * time.Second
	}
	if c.Batch == 0 {
		c.Batch = 2_000
	}
	if c.Scan == 0 {
		c.Scan = 10_000
	}
	return c
}

// Log is the decision log of every tenant.
type Log struct {
	cfg     Config
	growth  *audit.Growth
	metrics *metrics
}

// New makes a log. It works without Run, but then counts only when it is asked.
func New(cfg Config) *Log {
	return &Log{cfg: cfg.withDefaults(), growth: cfg.Wall.Growth(), metrics: newMetrics()}
}

// Collectors returns the log's metrics for the registry of the process.
func (l *Log) Collectors() []prometheus.Collector { return l.metrics.all() }

// Get returns a decision.
func (l *Log) Get(ctx context.Context, id uuid.UUID) (decision.Decision, error) {
	notFound := errs.ResourceNotFound("decision", id.String())
	e, err := l.cfg.Wall.Get(ctx, id)
	if errs.ReasonOf(err) == errs.ReasonNotFound {
		return decision.Decision{}, notFound
	}
	if err != nil {
		return decision.Decision{}, err
	}
	if err := e.Intact(); err != nil {
		return decision.Decision{}, err
	}
	lean, err := auditlog.UnmarshalLean(e.Leaf)
	if err != nil {
		return decision.Decision{}, err
	}
	d, err := decisionOf(&audit.Scanned{Lean: lean, LeafHash: auditlog.LeafHash(e.Leaf)})
	if errors.Is(err, decision.ErrNotDecision) {
		return decision.Decision{}, notFound
	}
	return d, err
}

// decisionOf returns the decision with its whole position.
func decisionOf(e *audit.Scanned) (decision.Decision, error) {
	d, err := decision.FromLean(&e.Lean)
	d.Position = audit.Position{EntryID: e.EntryID, LeafIndex: e.LeafIndex, LeafHash: e.LeafHash}
	return d, err
}
