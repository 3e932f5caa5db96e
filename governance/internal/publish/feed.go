package publish

import (
	"context"
	"log/slog"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	// publishAtOnce is how many heads one sink is given at the same time.
	publishAtOnce = 16
	// publishTimeout bounds the publication of one head.
	publishTimeout = 10 * time.Second
	// publishRetryFirst and publishRetryMost bound the pause after a round with failures; it doubles in between.
	publishRetryFirst = time.Second
	publishRetryMost  = time.Minute
	// publishLast bounds what is published after the last signing round.
	publishLast = 5 * time.Second
)

// feed holds what one sink has not taken: of each log the newest head only, so that an outage, however long, costs one head a log.
type feed struct {
	sink Sink
	log  *slog.Logger
	// wake holds one token while there are heads that were not tried.
	wake chan struct{}

	published, failures atomic.Int64

	mu     sync.Mutex
	unsent map[tenant.ID]unsent
}

// unsent is a log's newest head that the sink has not taken.
type unsent struct {
	head auditlog.SignedHead
	// since is when the log came to have a head that is not published, offered when this one came.
	since, offered time.Time
}

func newFeed(sink Sink, log *slog.Logger) *feed {
	return &feed{
		sink: sink, log: log.With(slog.String("sink", sink.Name())),
		wake: make(chan struct{}, 1), unsent: map[tenant.ID]unsent{},
	}
}

// offer takes a head unless a newer one is there: what was on file when the process started may come after what it signed since.
func (f *feed) offer(id tenant.ID, head auditlog.SignedHead, now time.Time) {
	f.mu.Lock()
	before, waits := f.unsent[id]
	switch {
	case !waits:
		f.unsent[id] = unsent{head: head, since: now, offered: now}
	case !head.SignedTime.Before(before.head.SignedTime):
		f.unsent[id] = unsent{head: head, since: before.since, offered: now}
	}
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// run works until ctx ends, and then tries once more what is left. Attempts under way go on until sending ends.
func (f *feed) run(ctx, sending context.Context) {
	for {
		select {
		case <-f.wake:
		case <-ctx.Done():
			f.flush(sending)
			return
		}
		for pause := publishRetryFirst; !f.flush(sending) && ctx.Err() == nil; pause = min(2*pause, publishRetryMost) {
			wait(ctx, pause+rand.N(pause/4)) // replicas do not come back all at once
		}
	}
}

// wait returns after a time, or when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// flush gives the sink what waits and reports whether it took all of it. A sink that refuses too much is not asked for the rest.
func (f *feed) flush(ctx context.Context) bool {
	var g errgroup.Group
	g.SetLimit(publishAtOnce)
	var failed atomic.Int64
	var example atomic.Pointer[error]
	for id, u := range f.waiting() {
		if failed.Load() >= publishAtOnce {
			break
		}
		g.Go(func() error {
			if err := f.publish(ctx, id, u); err != nil {
				failed.Add(1)
				example.CompareAndSwap(nil, &err)
			}
			return nil
		})
	}
	_ = g.Wait() // failures are counted
	if failed.Load() == 0 {
		return true
	}
	f.log.LogAttrs(ctx, slog.LevelWarn, "signed heads could not be published and are kept to be tried again", slog.Int("logs", f.count()),
		slog.Any("error", *example.Load()))
	return false
}

func (f *feed) publish(ctx context.Context, id tenant.ID, u unsent) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	if err := f.sink.Publish(ctx, id, u.head); err != nil {
		f.failures.Add(1)
		return err
	}
	f.published.Add(1)
	f.sent(id, u)
	return nil
}

// waiting returns what there is to publish.
func (f *feed) waiting() map[tenant.ID]unsent {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.unsent)
}

// sent forgets a head that the sink took, unless a newer one came meanwhile.
func (f *feed) sent(id tenant.ID, u unsent) {
	f.mu.Lock()
	defer f.mu.Unlock()
	newest := f.unsent[id]
	if newest.head.Note == u.head.Note {
		delete(f.unsent, id)
		return
	}
	newest.since = newest.offered
	f.unsent[id] = newest
}

func (f *feed) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.unsent)
}

// oldest returns how long the sink has owed some log's head; 0 when it owes none.
func (f *feed) oldest(now time.Time) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	var age time.Duration
	for _, u := range f.unsent {
		age = max(age, now.Sub(u.since))
	}
	return age
}
