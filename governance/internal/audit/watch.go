package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	// watchPage is how many entries a watch reads at a time.
	watchPage = 200
	// watchPause is the shortest time between two looks of a watch that has caught up, so that a busy log costs a few queries and not one for each batch.
	watchPause = 20 * time.Millisecond
	// watchReport is how many entries a watch passes over in silence.
	watchReport = 10_000
	// maxWatch is how long a watch lasts, however long its token is good: whoever goes on shows the right to read again.
	maxWatch = time.Hour
)

// Watch follows a log: what is there, then what is appended by whichever replica.
//
// It holds no connection while it waits, nor entries that its caller has not asked for: a caller that is slow costs nothing.
type Watch struct {
	wall   *Wall
	id     tenant.ID
	filter Filter
	wake   chan struct{} // holds one token when the log may have grown
	looks  chan struct{} // the log's
	until  time.Time

	next   int64 // everything before has been looked at
	told   int64 // as far as the caller knows
	size   int64 // the largest size seen
	looked time.Time
}

// Watch begins to follow the log of the tenant in ctx from an index on. It fails with OVERLOADED when too many follow it on this replica, and with
// UNAVAILABLE once RunWatches has ended. Close must be called.
func (w *Wall) Watch(ctx context.Context, f Filter, from int64) (*Watch, error) {
	id, ok := tenant.FromContext(ctx)
	if !ok {
		return nil, errors.New("watch audit log: no tenant in context")
	}
	x := &Watch{
		wall: w, id: id, filter: f, wake: make(chan struct{}, 1), next: from, told: from, until: time.Now().Add(maxWatch),
	}
	if err := w.watches.add(x); err != nil {
		return nil, err
	}
	return x, nil
}

// Close ends the watch.
func (x *Watch) Close() { x.wall.watches.remove(x) }

// Next returns the next entries that match, in order, each once over all calls, and how far it has looked. It returns none when patience is over, or
// when it has passed many that do not match. Its error ends the watch: UNAVAILABLE asks the client to go on elsewhere, from where it is.
func (x *Watch) Next(ctx context.Context, patience time.Duration) (entries []LogEntry, next int64, err error) {
	heartbeat := time.NewTimer(patience)
	defer heartbeat.Stop()
	for {
		if err := x.over(ctx); err != nil {
			return nil, x.next, err
		}
		entries, more, err := x.look(ctx)
		if err != nil {
			return nil, x.next, err
		}
		if len(entries) > 0 || x.next-x.told >= watchReport {
			x.told = x.next
			return entries, x.next, nil
		}
		if more {
			continue
		}
		pause := time.NewTimer(watchPause - time.Since(x.looked))
		silent, err := x.wait(ctx, heartbeat, pause)
		pause.Stop()
		if err != nil {
			return nil, x.next, err
		}
		if silent {
			x.told = x.next
			return nil, x.next, nil
		}
	}
}

// over fails when the watch has to end.
func (x *Watch) over(ctx context.Context) error {
	select {
	case <-x.wall.watches.stopping:
		return errs.Down("the watch", errClosed)
	case <-ctx.Done():
		return fmt.Errorf("watch audit log: %w", context.Cause(ctx))
	default:
	}
	if time.Now().After(x.until) {
		return errs.New(errs.Unavailable, errs.ReasonUnavailable, "a watch lasts %s at most: go on with another from the next index", maxWatch)
	}
	return nil
}

// wait returns when the log may have grown, but not before the pause is over, or when the heartbeat is due.
func (x *Watch) wait(ctx context.Context, heartbeat, pause *time.Timer) (silent bool, err error) {
	woken, ready := false, false
	for !woken || !ready {
		select {
		case <-x.wake:
			woken = true
		case <-pause.C:
			ready = true
		case <-heartbeat.C:
			return true, nil
		case <-x.wall.watches.stopping:
			return false, errs.Down("the watch", errClosed)
		case <-ctx.Done():
			return false, fmt.Errorf("watch audit log: %w", context.Cause(ctx))
		}
	}
	return false, nil
}

// look reads a page after what it has looked at. One snapshot says what matches and how far that is all: entries become visible in the order of their
// index, since whoever takes an index has seen the one before it.
func (x *Watch) look(ctx context.Context) (entries []LogEntry, more bool, err error) {
	select {
	case x.looks <- struct{}{}:
		defer func() { <-x.looks }()
	case <-x.wall.watches.stopping:
		return nil, false, errs.Down("the watch", errClosed)
	case <-ctx.Done():
		return nil, false, fmt.Errorf("watch audit log: %w", context.Cause(ctx))
	}
	x.looked = time.Now()
	var size int64
	err = x.wall.read(ctx, func(ctx context.Context, tx pgx.Tx, id tenant.ID) error {
		if size, err = StoredSize(ctx, tx, id); err != nil || size <= x.next {
			return err
		}
		f := x.filter
		f.MinIndex, f.EndIndex = x.next, size
		if entries, more, err = list(ctx, tx, id, f, -1, watchPage); err != nil {
			return err
		}
		cut, err := withCorrections(ctx, tx, id, entries)
		entries, more = entries[:cut], more || cut < len(entries)
		return err
	})
	switch {
	case err != nil:
		return nil, false, err
	case size < x.size:
		return nil, false, inconsistent("the log of %s had %d entries and has %d", x.id, x.size, size)
	}
	x.size = size
	switch {
	case more:
		x.next = entries[len(entries)-1].LeafIndex + 1
	case size > x.next:
		x.next = size
	}
	return entries, more, nil
}

// moved tells who has to know that a log grew by this replica's doing.
func (w *Wall) moved(id tenant.ID) {
	w.signer.moved(id)
	w.watches.moved(id)
	w.growths.moved(id)
}

// RunWatches lets watches run until ctx ends; then all end with UNAVAILABLE, so that their callers go on with another replica. It has to end before the
// ports do, which wait for their streams.
func (w *Wall) RunWatches(ctx context.Context) error {
	<-ctx.Done()
	w.watches.stop()
	return nil
}

// pollWatched looks every now and then whether other replicas have appended to watched logs: one query, however many they are. This replica's own appends
// wake the watches at once.
func (w *Wall) pollWatched(ctx context.Context) {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		tenants := w.watches.tenants()
		if len(tenants) == 0 {
			continue
		}
		looking, cancel := context.WithTimeout(ctx, w.cfg.FlushTimeout)
		found, err := readNewest(looking, w.db.Writer, tenants)
		cancel()
		if err != nil {
			w.log.LogAttrs(ctx, slog.LevelDebug, "cannot look for entries of other replicas", slog.Any("error", err))
			continue
		}
		for _, n := range found {
			w.watches.saw(tenant.ID(n.TenantID), n.LeafIndex+1)
		}
	}
}
