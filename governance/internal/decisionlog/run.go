package decisionlog

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Run counts what this replica decides until ctx ends, in rounds: after some rest it takes each log that has grown once. What a replica leaves uncounted when it
// stops is counted with the log's next decision, or when somebody asks.
func (l *Log) Run(ctx context.Context) error {
	rest := time.NewTimer(l.cfg.CountEvery)
	defer rest.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-rest.C:
		}
		select {
		case <-ctx.Done():
			return nil
		case <-l.growth.Wake():
		}
		next := l.cfg.CountEvery
		for _, id := range l.growth.Take() {
			if ctx.Err() != nil {
				return nil
			}
			if l.count(ctx, id) {
				next = 0
			}
		}
		rest.Reset(next)
	}
}

// count counts one batch of a log and reports whether there is more. That waits until the other logs had their turn.
func (l *Log) count(ctx context.Context, id tenant.ID) (more bool) {
	if id == auditlog.PlatformTenant { // nobody decides there
		return false
	}
	p, err := l.next(tenant.NewContext(ctx, id))
	if err != nil && ctx.Err() == nil {
		l.metrics.failures.Inc()
		l.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "decisions could not be counted",
			slog.String("tenant_id", id.String()), slog.Any("error", err))
	}
	// What is damaged waits until its log grows or somebody asks.
	if p.more || p.busy || errs.ReasonOf(err) == errs.ReasonUnavailable {
		l.growth.Add(id)
	}
	return p.more
}

// next counts a batch of decisions when some wait. Logs grow by other entries, too, and to look costs far less than to lock and move a cursor.
func (l *Log) next(ctx context.Context) (progress, error) {
	ctx, cancel := context.WithTimeout(ctx, foldTimeout)
	defer cancel()
	f := decisions
	err := postgres.ReadTenantTx(ctx, l.cfg.Pool, func(ctx context.Context, tx pgx.Tx) (err error) {
		f.MinIndex, err = position(ctx, tx)
		return err
	})
	if err != nil {
		return progress{}, err
	}
	waiting, err := l.cfg.Wall.Scan(ctx, f, -1, 1)
	if err != nil || len(waiting.Entries) == 0 {
		return progress{}, err
	}
	return l.fold(ctx, skip)
}
