package posture

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

const (
	// freshFor is for how long a posture is answered again: asking must not be a way to load the database.
	freshFor = 10 * time.Second
	// lookTimeout bounds one look.
	lookTimeout = 30 * time.Second
	// recordRetry is when an entry about the posture is tried again that could not be appended.
	recordRetry = 10 * time.Second
)

// Watch looks at the posture of a running wall every now and then and puts it on the platform's log: at the start, and whenever it differs from
// what was recorded last. A required check that fails now is an alarm (an ERROR in the log, a metric, an entry) and stops nothing: whoever can weaken
// the database could otherwise stop every decision at will, and end the record when it matters most. What is appended meanwhile is as verifiable
// as ever, and the next start refuses.
type Watch struct {
	look     func(ctx context.Context) ([]Check, error)
	record   func(ctx context.Context, eventType, action string, details map[string]any) error
	log      *slog.Logger
	interval time.Duration

	failed, warned, looked prometheus.Gauge
	changes                prometheus.Counter

	turn chan struct{} // held by who looks
	news chan struct{} // holds a token while last may differ from what is recorded

	mu   sync.Mutex
	last Report
}

// NewWatch returns a watch that begins with a posture that was looked at just now. look is Look with everything filled in.
func NewWatch(
	wall *audit.Wall, start Report, interval time.Duration, look func(ctx context.Context) ([]Check, error), log *slog.Logger,
) *Watch {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "aumos", Subsystem: "audit", Name: name, Help: help})
	}
	w := &Watch{
		look: look, record: wall.RecordPlatform, log: log, interval: interval,
		failed: gauge("posture_failed_checks", "Required checks of the wall's posture that fail: look into each at once."),
		warned: gauge("posture_warnings", "Checks of the wall's posture that name a missing layer."),
		looked: gauge("posture_check_timestamp_seconds", "When the posture was looked at last, in Unix time."),
		changes: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "aumos", Subsystem: "audit", Name: "posture_changes_total", Help: "Postures that differed from the one recorded before.",
		}),
		turn: make(chan struct{}, 1), news: make(chan struct{}, 1),
	}
	w.keep(start)
	return w
}

// Collectors returns the watch's metrics.
func (w *Watch) Collectors() []prometheus.Collector {
	return []prometheus.Collector{w.failed, w.warned, w.looked, w.changes}
}

// Report returns the posture as it is, or was a few seconds ago. Callers share one look.
func (w *Watch) Report(ctx context.Context) (Report, error) {
	return w.report(ctx, freshFor)
}

func (w *Watch) report(ctx context.Context, fresh time.Duration) (Report, error) {
	if r := w.current(); time.Since(r.CheckTime) < fresh {
		return r, nil
	}
	select {
	case w.turn <- struct{}{}:
	case <-ctx.Done():
		return Report{}, context.Cause(ctx)
	}
	defer func() { <-w.turn }()
	if r := w.current(); time.Since(r.CheckTime) < fresh { // somebody looked meanwhile
		return r, nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	checks, err := w.look(ctx)
	switch {
	case errors.Is(err, context.Canceled):
		return Report{}, err
	case err != nil: // whatever it is: whoever asks may ask again
		return Report{}, errs.Down("the audit wall", err)
	}
	r := Report{Checks: checks, CheckTime: time.Now().UTC()}
	w.keep(r)
	w.alarm(ctx, r)
	return r, nil
}

// alarm tells the operators. It must not fall silent: it is raised at every look until all is well again.
func (w *Watch) alarm(ctx context.Context, r Report) {
	for _, c := range r.Checks {
		if c.Verdict() == VerdictFailed {
			w.log.LogAttrs(ctx, slog.LevelError, "the audit wall is less protected than it was when the service started",
				slog.String("check", c.Name), slog.String("problems", strings.Join(c.Problems, "; ")), slog.String("remedy", c.Remedy))
		}
	}
}

func (w *Watch) current() Report {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// keep remembers a posture and wakes Run.
func (w *Watch) keep(r Report) {
	w.mu.Lock()
	w.last = r
	w.mu.Unlock()
	w.failed.Set(float64(r.Count(VerdictFailed)))
	w.warned.Set(float64(r.Count(VerdictWarning)))
	w.looked.Set(float64(r.CheckTime.Unix()))
	select {
	case w.news <- struct{}{}:
	default:
	}
}

// Run records the posture that the watch began with, looks again at every interval, and records each change, until ctx ends. It runs while the wall does.
func (w *Watch) Run(ctx context.Context) error {
	ticker := time.NewTicker(w.interval)
	defer ticker.Stop()
	retry := time.NewTimer(0)
	<-retry.C // the first try is the news of the start
	defer retry.Stop()
	var recorded *Report
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			w.again(ctx)
			continue
		case <-w.news:
		case <-retry.C:
		}
		now := w.current()
		if recorded != nil && recorded.SHA256() == now.SHA256() {
			continue
		}
		if err := w.write(ctx, recorded, now); err != nil {
			if ctx.Err() == nil {
				w.log.LogAttrs(ctx, slog.LevelWarn, "the audit wall's posture could not be recorded", slog.Any("error", err))
				retry.Reset(recordRetry)
			}
			continue
		}
		recorded = &now
	}
}

// again looks once more.
func (w *Watch) again(ctx context.Context) {
	if _, err := w.report(ctx, 0); err != nil && ctx.Err() == nil {
		w.log.LogAttrs(ctx, slog.LevelWarn, "cannot check the audit wall's posture", slog.Any("error", err))
	}
}

// write puts a posture on the platform's log: the first as the start, any other as a change.
func (w *Watch) write(ctx context.Context, before *Report, now Report) error {
	details := now.details()
	if before == nil {
		if err := w.record(ctx, "audit.wall_started", "audit.start", details); err != nil {
			return fmt.Errorf("record start: %w", err)
		}
		return nil
	}
	sum := before.SHA256()
	details["posture_sha256_before"] = hex.EncodeToString(sum[:])
	if err := w.record(ctx, "audit.posture_changed", "audit.watch", details); err != nil {
		return fmt.Errorf("record change: %w", err)
	}
	w.changes.Inc()
	return nil
}
