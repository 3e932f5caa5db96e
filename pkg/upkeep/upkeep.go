// Package upkeep does what nobody asks for and has to be done again and again: it makes rounds, and finds the tenants for whom there is something to do.
package upkeep

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Rounds are those of one duty.
type Rounds struct {
	Every time.Duration               // from the beginning of one round to that of the next
	Round func(context.Context) error // is made again after a failure: what it left undone is due the next time
	// Wake begins the next round at once. nil: none before its time.
	Wake <-chan struct{}
	// Overdue is 1 while the last round has failed.
	Overdue prometheus.Gauge
	Log     *slog.Logger
	// Complaint is what the log says of a round that failed.
	Complaint string
}

// Run makes a round at once and then regularly, until ctx ends.
func (r Rounds) Run(ctx context.Context) {
	ticker := time.NewTicker(r.Every)
	defer ticker.Stop()
	for {
		err := r.Round(ctx)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			r.Overdue.Set(0)
		} else {
			r.Overdue.Set(1)
			r.Log.LogAttrs(ctx, slog.LevelWarn, r.Complaint, slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-r.Wake:
		}
	}
}
