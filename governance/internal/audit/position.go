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
	// maxSizes bounds the sizes that are remembered, twice.
	maxSizes = 1 << 15
)

// AwaitPosition waits until reads of the log of the tenant in ctx show at least minPosition entries, so that a client that was answered with a
// position reads its own writes from any replica. It waits 5 seconds at most: POSITION_NOT_REACHED then says how many there are. A position
// that this replica has seen costs no query, and 0 nothing at all.
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
	timeout := time.NewTimer(maxAwait)
	defer timeout.Stop()
	for wait := firstLook; ; wait = min(2*wait, lastLook) {
		size, err := w.look(ctx, id)
		if err != nil || size >= minPosition {
			return err
		}
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
	}
}

// look reads how many entries a log has.
func (w *Wall) look(ctx context.Context, id tenant.ID) (size int64, err error) {
	err = w.read(ctx, func(ctx context.Context, tx pgx.Tx, id tenant.ID) error {
		size, err = logSize(ctx, tx, id)
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
