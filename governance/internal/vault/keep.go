package vault

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Item is an input to keep.
type Item struct {
	Decision  uuid.UUID
	DecidedAt time.Time
	// JSON is canonical and masked: what is masked is not kept. SHA256 is its digest, which stands on the wall.
	JSON   []byte
	SHA256 [sha256.Size]byte
}

// waiting is an item on its way into the database.
type waiting struct {
	tenant    tenant.ID
	key       uuid.UUID
	item      Item // without JSON
	sealed    []byte
	abandoned atomic.Bool // nobody waits any more: it need not be written
	done      chan error
}

var (
	errNoKey   = errors.New("the tenant has no key for inputs")
	errKeyGone = errors.New("the tenant's key was destroyed")
	errTooMany = errors.New("too many inputs wait to be kept")
	errPaused  = errors.New("the store of inputs has just failed")
)

// Keep encrypts the input under the tenant's key and returns once it is durably stored. It waits a second at most, and not at all while the
// store fails: decisions go on without it. To keep the same input of the same decision again does nothing.
func (v *Vault) Keep(ctx context.Context, key *InputKey, item Item) error {
	err := v.keep(ctx, key, item)
	if errors.Is(err, errKeyGone) { // the tenant has erased its inputs, and this replica has not heard of it yet
		if key, err = v.freshKey(ctx); err == nil {
			err = v.keep(ctx, key, item)
		}
	}
	v.metrics.observe(err)
	return err
}

func (v *Vault) keep(ctx context.Context, key *InputKey, item Item) error {
	if key == nil {
		return errNoKey
	}
	if time.Now().UnixNano() < v.paused.Load() {
		return errPaused
	}
	ctx, cancel := context.WithTimeout(ctx, v.config.Timeout)
	defer cancel()
	sealed, err := key.sealer.seal(item.JSON, itemBound(key.tenant, item.Decision))
	if err != nil {
		return err
	}
	item.JSON = nil
	w := &waiting{tenant: key.tenant, key: key.id, item: item, sealed: sealed, done: make(chan error, 1)}
	if !v.room.TryAcquire(int64(len(sealed))) {
		return errTooMany
	}
	select {
	case v.queue <- w:
	default:
		v.room.Release(int64(len(sealed)))
		return errTooMany
	}
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		w.abandoned.Store(true)
		return context.Cause(ctx)
	}
}

// itemBound ties what is sealed to its tenant and decision: a row cannot be put into another's place.
func itemBound(id tenant.ID, decision uuid.UUID) []byte {
	b := append([]byte("aumos governance input v1\x00"), id[:]...)
	return append(b, decision[:]...)
}

// freshKey reads the tenant's key for inputs.
func (v *Vault) freshKey(ctx context.Context) (*InputKey, error) {
	var keys Keys
	err := postgres.ReadTenantTx(ctx, v.config.Pool, func(ctx context.Context, tx pgx.Tx) error {
		var err error
		keys, err = v.ReadKeys(ctx, tx)
		return err
	})
	if err == nil && keys.Inputs == nil {
		err = errNoKey
	}
	return keys.Inputs, err
}
