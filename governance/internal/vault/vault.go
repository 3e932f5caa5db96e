// Package vault keeps the inputs of decisions, encrypted, for as long as the tenant says, so that the decisions can be replayed. It owns the tenants'
// keys, their wrapping, the queue of what is to be kept, and what removes it: retention and erasure.
package vault

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
)

// Config says what a vault works with. Numbers that are zero mean the defaults.
type Config struct {
	Pool     *pgxpool.Pool // the governance database, as its application role
	Wrapping Wrapping
	Log      *slog.Logger
	// Timeout is how long a decision waits for its input to be kept: 1 s.
	Timeout time.Duration
	// UpkeepEvery is the pause between two passes of the upkeep: 1 minute.
	UpkeepEvery time.Duration
}

func (c Config) withDefaults() Config {
	if c.Timeout == 0 {
		c.Timeout = time.Second
	}
	if c.UpkeepEvery == 0 {
		c.UpkeepEvery = time.Minute
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Vault keeps inputs. It keeps none without Run.
type Vault struct {
	config  Config
	metrics *metrics
	queue   chan *waiting
	room    *semaphore.Weighted // of queueBytes, for what waits or is being written
	paused  atomic.Int64        // until when nothing is tried, in nanoseconds since 1970
	wake    chan struct{}
}

const (
	// queueLength and queueBytes bound what waits to be written.
	queueLength = 1024
	queueBytes  = 32 << 20
)

// New makes a vault.
func New(c Config) *Vault {
	return &Vault{
		config: c.withDefaults(), metrics: newMetrics(), queue: make(chan *waiting, queueLength), room: semaphore.NewWeighted(queueBytes),
		wake: make(chan struct{}, 1),
	}
}

// CanKeep reports whether the installation has a key that wraps the tenants' keys for inputs.
func (v *Vault) CanKeep() bool { return v.config.Wrapping.Present() }

// Collectors returns the vault's metrics for the registry of the process.
func (v *Vault) Collectors() []prometheus.Collector { return v.metrics.all() }

// Run writes what is to be kept and deletes what is to go, until ctx ends. What waits then is written first.
func (v *Vault) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		v.write(ctx)
		return nil
	})
	group.Go(func() error {
		v.rounds().Run(ctx)
		return nil
	})
	return group.Wait()
}
