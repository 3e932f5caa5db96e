package audit

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	// maxAwait is the longest that a read waits for its position.
	maxAwait = 5 * time.Second
	// firstLook and lastLook are the shortest and the longest time between two looks at the log.
	firstLook = 4 * time.Millisecond
	lastLook  = 256 * time.Millisecond
	// maxTenantWaits bounds the reads of one tenant that wait on a replica, maxWaits those of all: each looks at the log again and again. Who was answered with
	// a position finds it at the first look.
	maxTenantWaits = 64
	maxWaits       = 1024
	// maxSizes bounds the sizes that are remembered, twice.
	maxSizes = 1 << 15
)

// AwaitPosition waits until reads of the log of the tenant in ctx show at least minPosition entries, so that a client that was answered with a
// position reads its own writes from any replica. It waits 5 seconds at most: POSITION_NOT_REACHED then says how many there are; OVERLOADED, that too many
// wait. A position that this replica has seen costs no query, and 0 nothing at all.
func (w *Wall) AwaitPosition(ctx context.Context, minPosition int64) error {
	if minPosition <= 0 {
		return nil
	}
	id, ok := tenant.FromContext(ctx)
	if !ok {
		return errors.New("await position: no tenant in context")
	}
	if w.sizes.of(id) >= minPosition {
		return nil
	}
	size, err := w.look(ctx, id)
	if err != nil || size >= minPosition {
		return err
	}
	if err := w.waits.enter(id); err != nil {
		return err
	}
	defer w.waits.leave(id)
	return w.awaitPosition(ctx, id, minPosition, size)
}

// awaitPosition looks again and again, after a first look that found too few entries.
func (w *Wall) awaitPosition(ctx context.Context, id tenant.ID, minPosition, size int64) (err error) {
	timeout := time.NewTimer(maxAwait)
	defer timeout.Stop()
	for wait := firstLook; ; wait = min(2*wait, lastLook) {
		again := time.NewTimer(wait)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return fmt.Errorf("await position: %w", context.Cause(ctx))
		case <-timeout.C:
			again.Stop()
			return errs.New(errs.Unavailable, errs.ReasonPositionNotReached,
				"the log has %d entries and not yet %d: retry, or leave out min_position", size, minPosition).
				With("size", strconv.FormatInt(size, 10)).After(lastLook)
		}
		if size, err = w.look(ctx, id); err != nil || size >= minPosition {
			return err
		}
	}
}

// waits counts the reads that wait, by log.
type waits struct {
	mu    sync.Mutex
	logs  map[tenant.ID]int
	count int
}

func newWaits() *waits { return &waits{logs: make(map[tenant.ID]int)} }

func (w *waits) enter(id tenant.ID) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.count >= maxWaits || w.logs[id] >= maxTenantWaits {
		return errs.New(errs.ResourceExhausted, errs.ReasonOverloaded, "too many reads wait for a position: retry later, or leave out min_position").After(time.Second)
	}
	w.logs[id]++
	w.count++
	return nil
}

func (w *waits) leave(id tenant.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count--
	if w.logs[id]--; w.logs[id] == 0 {
		delete(w.logs, id)
	}
}

// look reads how many entries a log has.
func (w *Wall) look(ctx context.Context, id tenant.ID) (size int64, err error) {
	err = w.read(ctx, func(ctx context.Context, tx pgx.Tx, id tenant.ID) error {
		size, err = StoredSize(ctx, tx, id)
		return err
	})
	if err == nil {
		w.sizes.learn(map[tenant.ID]int64{id: size})
	}
	return size, err
}

// sizes remembers how many entries logs had when they were last seen. There are two generations: when the newer is full it becomes the older,
// which is dropped, so that what is in use stays.
type sizes struct {
	mu           sync.Mutex
	newer, older map[tenant.ID]int64
}

func newSizes() *sizes { return &sizes{newer: make(map[tenant.ID]int64)} }

// of returns the largest size seen, 0 if none is remembered.
func (s *sizes) of(id tenant.ID) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(s.newer[id], s.older[id])
}

func (s *sizes) learn(seen map[tenant.ID]int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, size := range seen {
		if len(s.newer) >= maxSizes {
			s.newer, s.older = make(map[tenant.ID]int64), s.newer
		}
		s.newer[id] = max(size, s.newer[id], s.older[id])
	}
}

// forget drops everything: the database may have become another one.
func (s *sizes) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.newer, s.older = make(map[tenant.ID]int64), nil
}
