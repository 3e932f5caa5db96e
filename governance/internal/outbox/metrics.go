package outbox

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
)

// metrics are those of the intents that requests have left, of every tenant and replica.
type metrics struct {
	waiting, failing, oldest, overdue prometheus.Gauge
}

func newMetrics() *metrics {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: "aumos_audit_intents_" + name, Help: help})
	}
	return &metrics{
		waiting: gauge("waiting", "Audit entries of committed changes that are not on the wall although their requests have had their time."),
		failing: gauge("failing", "Those of them that the wall has not taken when they were tried; they are tried again."),
		oldest:  gauge("oldest_seconds", "Age of the oldest of them; 0 when there is none."),
		overdue: gauge("drain_failed", "1 while the last pass over them has failed for want of the wall or the database."),
	}
}

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.waiting, m.failing, m.oldest, m.overdue}
}

// measure counts what is left.
func (r *Recorder) measure(ctx context.Context) error {
	var waiting, failing int64
	var oldest time.Duration
	err := r.beyondTenant(ctx, func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, `
			SELECT count(*), count(*) FILTER (WHERE failures > 0), coalesce(now() - min(created_at), '0')
			FROM gov_audit_intents
			WHERE created_at < now() - @settling::interval`, pgx.NamedArgs{"settling": settling}).Scan(&waiting, &failing, &oldest)
	})
	if err != nil {
		return fmt.Errorf("count audit intents: %w", err)
	}
	r.metrics.waiting.Set(float64(waiting))
	r.metrics.failing.Set(float64(failing))
	r.metrics.oldest.Set(oldest.Seconds())
	return nil
}
