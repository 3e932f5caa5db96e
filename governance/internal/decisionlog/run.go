package decisionlog

import (
	"context"
	"log/slog"
	"time"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// turn is the most decisions that are counted at once in the background: what it costs is not to be felt by who decides meanwhile.
const turn = 1_000

// Run counts what this replica decides until ctx ends, log by log. It spreads what waits over CountEvery, and when that is too much for it works half the time.
// What a replica leaves uncounted when it stops is counted with the log's next decision, or when somebody asks.
func (l *Log) Run(ctx context.Context) error {
	rest := time.NewTimer(l.cfg.CountEvery)
	defer rest.Stop()
	for turns := 1; ; { // that what waited at the last round takes
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
		logs, next := l.growth.Take(), 0
		if len(logs) == 0 { // they were taken just before the wake-up came
			rest.Reset(l.cfg.CountEvery)
		}
		for i, id := range logs {
			started := time.Now()
			next += l.count(ctx, id)
			rest.Reset(max(time.Since(started), l.cfg.CountEvery/time.Duration(max(turns, next, len(logs)))))
			if i == len(logs)-1 {
				break
			}
			select {
			case <-ctx.Done():
				return nil
			case <-rest.C:
			}
		}
		turns = next
	}
}

// count takes a turn at a log and returns how many it would have needed, and needs then. Between those the other logs have theirs.
func (l *Log) count(ctx context.Context, id tenant.ID) (turns int) {
	if id == auditlog.PlatformTenant { // nobody decides there
		return 0
	}
	p, err := l.fold(tenant.NewContext(ctx, id), min(l.cfg.Batch, turn), skip)
	if err != nil && ctx.Err() == nil {
		l.metrics.failures.Inc()
		l.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "decisions could not be counted",
			slog.String("tenant_id", id.String()), slog.Any("error", err))
	}
	// What is damaged waits until its log grows or somebody asks.
	if p.left > 0 || p.busy || errs.ReasonOf(err) == errs.ReasonUnavailable {
		l.growth.Add(id)
	}
	return 1 + int(p.left/turn)
}
