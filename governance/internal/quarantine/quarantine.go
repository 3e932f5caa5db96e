// Package quarantine makes quarantines last. What the engine of one replica found, that a version overruns its deadline again and again, is stored, stands on
// the Audit Wall, and holds on every replica and after every restart until an operator lifts it.
package quarantine

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/outbox"
	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	// maxWaiting bounds the versions that wait to be stored. The engine holds back those for which there is no room, but only in this process.
	maxWaiting = 10_000
	// storeAgain is the pause after the database did not answer.
	storeAgain = time.Second
	// lastTimeout bounds the last try when the service stops.
	lastTimeout = 5 * time.Second

	eventType = "policy.version_quarantined"
	action    = "policy.quarantine"
)

// Config says what a keeper works with.
type Config struct {
	Pool     *pgxpool.Pool // the governance database, as its application role
	Recorder *outbox.Recorder
	// Describe returns a version as entries hold it.
	Describe func(policy.Policy, policy.Version) auditlog.Resource
	Log      *slog.Logger
}

// version is one that overran, in one tenant.
type version struct {
	tenant tenant.ID
	id     uuid.UUID
}

// overruns are those that put a version into quarantine.
type overruns struct {
	count int
	lifts int64 // how often its quarantine had been lifted
}

// Keeper stores quarantines.
type Keeper struct {
	config  Config
	wake    chan struct{}
	stored  prometheus.Counter
	backlog prometheus.GaugeFunc

	mu      sync.Mutex
	waiting map[version]overruns // guarded by mu
}

// New makes a keeper. It stores nothing without Run.
func New(c Config) *Keeper {
	k := &Keeper{config: c, wake: make(chan struct{}, 1), waiting: make(map[version]overruns)}
	k.stored = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "aumos_policy_quarantines_total", Help: "Quarantines that this process began for every replica.",
	})
	k.backlog = prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "aumos_policy_quarantines_waiting", Help: "Quarantines that hold in this process and are not stored yet.",
	}, func() float64 {
		k.mu.Lock()
		defer k.mu.Unlock()
		return float64(len(k.waiting))
	})
	return k
}

// Collectors returns the keeper's metrics for the registry of the process.
func (k *Keeper) Collectors() []prometheus.Collector {
	return []prometheus.Collector{k.stored, k.backlog}
}

// Quarantined takes note of what an engine found. It does not wait.
func (k *Keeper) Quarantined(id tenant.ID, t rego.Tenure, count int) {
	k.mu.Lock()
	v := version{id, t.Version}
	if _, known := k.waiting[v]; known || len(k.waiting) < maxWaiting {
		k.waiting[v] = overruns{count: count, lifts: t.Lifts}
	}
	k.mu.Unlock()
	select {
	case k.wake <- struct{}{}:
	default: // it is awake
	}
}

// Run stores what engines find until ctx ends, and then what still waits. While the database does not answer it tries again.
func (k *Keeper) Run(ctx context.Context) error {
	again := time.NewTimer(storeAgain)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTimeout)
			defer cancel()
			k.storeAll(last)
			return nil
		case <-k.wake:
		case <-again.C:
		}
		again.Stop()
		if !k.storeAll(ctx) {
			again.Reset(storeAgain)
		}
	}
}

// storeAll reports whether nothing waits any more.
func (k *Keeper) storeAll(ctx context.Context) bool {
	k.mu.Lock()
	waiting := maps.Clone(k.waiting)
	k.mu.Unlock()
	done := true
	for v, o := range waiting {
		err := k.store(tenant.NewContext(ctx, v.tenant), v, o)
		if err != nil && ctx.Err() == nil {
			k.config.Log.LogAttrs(ctx, slog.LevelWarn, "a quarantine holds in this process only: it could not be stored",
				slog.String("policy_version_id", v.id.String()), slog.String("tenant_id", v.tenant.String()), slog.Any("error", err))
		}
		if err != nil && errs.ReasonOf(err) != errs.ReasonNotFound {
			done = false
			continue
		}
		k.mu.Lock()
		if k.waiting[v] == o { // else there is something new to store
			delete(k.waiting, v)
		}
		k.mu.Unlock()
	}
	return done
}

// store quarantines the version, unless another replica did so before, and brings the entry to the wall. When the wall does not answer the entry follows.
func (k *Keeper) store(ctx context.Context, v version, o overruns) error {
	var entry uuid.UUID
	var changed bool
	err := postgres.TenantTx(ctx, k.config.Pool, func(ctx context.Context, tx pgx.Tx) error {
		c, err := policy.Hold(ctx, tx, v.id, o.lifts, o.count)
		if err != nil || !c.Changed {
			return err
		}
		changed = true
		if entry, err = uuid.NewV7(); err != nil {
			return fmt.Errorf("make entry id: %w", err)
		}
		return outbox.Add(ctx, tx, auditlog.Entry{
			EntryID: entry, TenantID: v.tenant, EventType: eventType, Action: action, Outcome: auditlog.Success,
			Actor: auditlog.Actor{Kind: auditlog.ActorSystem, ID: audit.Source}, Resource: k.config.Describe(c.Policy, c.Version), SourceService: audit.Source,
			Details: map[string]any{"overruns": float64(o.count)},
		})
	})
	if err != nil || !changed {
		return err
	}
	k.stored.Inc()
	if _, err := k.config.Recorder.Settle(ctx, entry); err != nil {
		k.config.Log.LogAttrs(ctx, slog.LevelWarn, "the entry of a quarantine is not on the wall yet; it follows", slog.Any("error", err))
	}
	return nil
}
