package replay

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// followEvery is how often a replay that is followed is read when nothing is heard of it: another replica may work on it.
const followEvery = time.Second

// Followers look at replays until they are done. They end before the port does, which waits for its streams.
type Followers struct {
	pool    *pgxpool.Pool
	every   time.Duration
	closing chan struct{}

	mu    sync.Mutex
	wakes map[uuid.UUID][]chan struct{} // of the followers of each replay; guarded by mu
}

// NewFollowers returns followers of the replays in the governance database.
func NewFollowers(pool *pgxpool.Pool) *Followers {
	return &Followers{pool: pool, every: followEvery, closing: make(chan struct{}), wakes: make(map[uuid.UUID][]chan struct{})}
}

// Wake says that the replay has got further. It does not wait.
func (f *Followers) Wake(id uuid.UUID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, wake := range f.wakes[id] {
		select {
		case wake <- struct{}{}:
		default: // it is about to look
		}
	}
}

// listen returns what Wake fills, until leave is called.
func (f *Followers) listen(id uuid.UUID) (wake chan struct{}, leave func()) {
	wake = make(chan struct{}, 1)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wakes[id] = append(f.wakes[id], wake)
	return wake, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.wakes[id] = slices.DeleteFunc(f.wakes[id], func(w chan struct{}) bool { return w == wake })
		if len(f.wakes[id]) == 0 {
			delete(f.wakes, id)
		}
	}
}

// Run ends every follower when ctx ends.
func (f *Followers) Run(ctx context.Context) error {
	<-ctx.Done()
	close(f.closing)
	return nil
}

// Follow shows the replay of the tenant in ctx at once and whenever it has got further, until it is done or show fails; the last one it shows is done.
func (f *Followers) Follow(ctx context.Context, id uuid.UUID, show func(Replay) error) error {
	wake, leave := f.listen(id)
	defer leave()
	ticker := time.NewTicker(f.every)
	defer ticker.Stop()
	var shown Replay
	for {
		var r Replay
		err := postgres.ReadTenantTx(ctx, f.pool, func(ctx context.Context, tx pgx.Tx) (err error) {
			r, err = Get(ctx, tx, id)
			return err
		})
		if err != nil {
			return err
		}
		if r.State != shown.State || r.NextIndex != shown.NextIndex {
			if err := show(r); err != nil {
				return err
			}
			shown = r
		}
		if r.State.Done() {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-f.closing:
			return errs.Down("this replica", nil)
		case <-wake:
		case <-ticker.C:
		}
	}
}
