package evidence

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// channel is what replicas tell each other on about recorded entries: the one that records may not be the one whose client waits.
const channel = "drf_evidence_recorded"

// relisten is the wait before the listener's lost connection is made anew.
const relisten = time.Second

// arrivals wakes those who wait for entries to be recorded.
type arrivals struct {
	mu      sync.Mutex
	waiting map[uuid.UUID]map[*Arrival]struct{}
}

// Arrival is one wait for an entry.
type Arrival struct {
	of    *arrivals
	id    uuid.UUID
	ready chan struct{}
}

func newArrivals() *arrivals { return &arrivals{waiting: make(map[uuid.UUID]map[*Arrival]struct{})} }

func (a *arrivals) expect(id uuid.UUID) *Arrival {
	w := &Arrival{of: a, id: id, ready: make(chan struct{}, 1)}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting[id] == nil {
		a.waiting[id] = make(map[*Arrival]struct{})
	}
	a.waiting[id][w] = struct{}{}
	return w
}

func (a *arrivals) announce(id uuid.UUID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for w := range a.waiting[id] {
		w.wake()
	}
}

// announceAll wakes everybody after announcements may have been missed; they look for themselves.
func (a *arrivals) announceAll() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, waiting := range a.waiting {
		for w := range waiting {
			w.wake()
		}
	}
}

func (w *Arrival) wake() {
	select {
	case w.ready <- struct{}{}:
	default: // already woken
	}
}

// Wait returns when the entry was probably recorded, when the limit has passed or when ctx ends.
func (w *Arrival) Wait(ctx context.Context, limit time.Duration) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-w.ready:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Close ends the wait. Every Arrival must be closed.
func (w *Arrival) Close() {
	w.of.mu.Lock()
	defer w.of.mu.Unlock()
	delete(w.of.waiting[w.id], w)
	if len(w.of.waiting[w.id]) == 0 {
		delete(w.of.waiting, w.id)
	}
}

// notify tells all replicas when tx commits.
func notify(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	if _, err := tx.Exec(ctx, `SELECT pg_notify($1, $2)`, channel, id.String()); err != nil {
		return fmt.Errorf("notify of evidence: %w", err)
	}
	return nil
}

// listen passes on what replicas tell each other until ctx ends.
func (q *Queue) listen(ctx context.Context) error {
	for {
		err := q.listenOnce(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // ctx has ended, which is how listening ends
		}
		q.log.LogAttrs(ctx, slog.LevelWarn, "the evidence listener lost its connection", slog.Any("error", err))
		timer := time.NewTimer(relisten)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

func (q *Queue) listenOnce(ctx context.Context) error {
	pooled, err := q.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	conn := pooled.Hijack() // it must not go back to the pool listening
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), relisten)
		defer cancel()
		_ = conn.Close(closing) // nothing is lost with it
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	q.arrival.announceAll()
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return fmt.Errorf("wait for notification: %w", err)
		}
		id, err := uuid.Parse(n.Payload)
		if err != nil {
			return errors.New("a notification is no entry id")
		}
		q.arrival.announce(id)
	}
}
