package decisionlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/upkeep"
)

// ExpiryConfig says what an expiry works with. Durations that are zero mean the defaults.
type ExpiryConfig struct {
	Pool  *pgxpool.Pool // the governance database, as its application role
	After time.Duration // how long names are kept: 400 days
	Every time.Duration // the time between two rounds: an hour
	Log   *slog.Logger
}

// Expiry removes what statistics know of denied resources and violations once it is old: callers and policies make up names without end, and counts, which
// stay, need none of them.
type Expiry struct {
	cfg     ExpiryConfig
	overdue prometheus.Gauge
}

// NewExpiry makes an expiry.
func NewExpiry(c ExpiryConfig) *Expiry {
	c.After, c.Every = cmp.Or(c.After, 400*24*time.Hour), cmp.Or(c.Every, time.Hour)
	return &Expiry{cfg: c, overdue: prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "aumos_decision_names_upkeep_failed", Help: "1 while the last removal of old names from the statistics has failed.",
	})}
}

// Collectors returns the expiry's metrics for the registry of the process.
func (e *Expiry) Collectors() []prometheus.Collector { return []prometheus.Collector{e.overdue} }

// expireBatch bounds one transaction.
const expireBatch = 5_000

// Run makes a round at once and then regularly, until ctx ends.
func (e *Expiry) Run(ctx context.Context) error {
	upkeep.Rounds{
		Every: e.cfg.Every, Round: e.Round, Overdue: e.overdue, Log: e.cfg.Log,
		Complaint: "old names of statistics could not be removed and will be later",
	}.Run(ctx)
	return nil
}

// Round removes what is due now of every tenant. Replicas may do so at the same time; a tenant that fails does not hold up the others.
func (e *Expiry) Round(ctx context.Context) error {
	before := time.Now().Add(-e.cfg.After)
	return upkeep.EachTenant(ctx, e.cfg.Pool, "gov_decision_cursors", func(ctx context.Context) error {
		return errors.Join(e.remove(ctx, "gov_decision_denials", before), e.remove(ctx, "gov_decision_violations", before))
	})
}

// remove deletes the table's rows of hours that were over before the time, batch by batch. What others are counting is left to the next round.
func (e *Expiry) remove(ctx context.Context, table string, before time.Time) error {
	for {
		var n int64
		err := postgres.TenantTx(ctx, e.cfg.Pool, func(ctx context.Context, tx pgx.Tx) error {
			tag, err := tx.Exec(ctx, `
				DELETE FROM `+table+`
				WHERE ctid = ANY (ARRAY(
					SELECT ctid
					FROM `+table+`
					WHERE hour <= @before::timestamptz - interval '1 hour'
					ORDER BY hour
					LIMIT @batch
					FOR UPDATE SKIP LOCKED
				))`, pgx.NamedArgs{"before": before, "batch": expireBatch})
			n = tag.RowsAffected()
			return err
		})
		if err != nil {
			return fmt.Errorf("delete from %s: %w", table, err)
		}
		if n < expireBatch {
			return nil
		}
	}
}
