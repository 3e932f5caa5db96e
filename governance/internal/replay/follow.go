package replay

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// followEvery is how often a replay that is followed is read.
const followEvery = 500 * time.Millisecond

// Followers look at replays until they are done. They end before the port does, which waits for its streams.
type Followers struct {
	pool    *pgxpool.Pool
	closing chan struct{}
}

// NewFollowers returns followers of the replays in the governance database.
func NewFollowers(pool *pgxpool.Pool) *Followers {
	return &Followers{pool: pool, closing: make(chan struct{})}
}

// Run ends every follower when ctx ends.
func (f *Followers) Run(ctx context.Context) error {
	<-ctx.Done()
	close(f.closing)
	return nil
}

// Follow shows the replay of the tenant in ctx at once and whenever it has got further, until it is done or show fails; the last one it shows is done.
func (f *Followers) Follow(ctx context.Context, id uuid.UUID, show func(Replay) error) error {
	ticker := time.NewTicker(followEvery)
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
		case <-ticker.C:
		}
	}
}
