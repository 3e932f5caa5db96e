package replay

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Step takes a replay that is due and works on it for a while.
func (w *Worker) Step(ctx context.Context) (bool, error) { return w.step(ctx) }

// Die takes the replay, compares a page, and is never heard of again. The returned function is the worker waking up after all: it goes on with what it
// remembers.
func (w *Worker) Die(ctx context.Context, id tenant.ID, replay uuid.UUID) (wake func() error, err error) {
	ctx = tenant.NewContext(ctx, id)
	var j job
	err = w.tx(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		j, _, err = take(ctx, tx, replay, w.id, w.config.Lease)
		return err
	})
	if err != nil {
		return nil, err
	}
	compiled, err := w.prepare(ctx, j)
	if err != nil {
		return nil, err
	}
	return func() error { return w.page(ctx, &j, compiled) }, w.page(ctx, &j, compiled)
}

// Take takes the replay and does nothing with it.
func (w *Worker) Take(ctx context.Context, id tenant.ID, replay uuid.UUID) (ok bool, err error) {
	err = w.tx(tenant.NewContext(ctx, id), func(ctx context.Context, tx pgx.Tx) (err error) {
		_, ok, err = take(ctx, tx, replay, w.id, w.config.Lease)
		return err
	})
	return ok, err
}

// MaxTakes is how often a replay is taken up without getting further.
const MaxTakes = maxTakes

// ErrLost is what a worker gets whose replay is another's.
var ErrLost = errLost

// Patient followers read a replay only when they hear of it.
func Patient(f *Followers) *Followers {
	f.every = time.Hour
	return f
}
