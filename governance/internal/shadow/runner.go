package shadow

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/aumos-enterprise/platform/governance/internal/difference"
	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	// maxCandidates is the number of compiled candidates that are kept.
	maxCandidates = 256
	// storeTimeout bounds the storing of what was found.
	storeTimeout = 5 * time.Second
	// restFactor leaves a worker a quarter of a processor: candidates that take long rest after each millisecond, by themselves, and the worker after them.
	// Its rests are put together up to minRest, as timers are not that exact, and are no longer than maxRest.
	restFactor = 3
	minRest    = time.Millisecond
	maxRest    = 20 * time.Millisecond
)

// Config says what a runner works with.
type Config struct {
	Pool *pgxpool.Pool // the governance database, as its application role
	// Engine asks the candidates: another one than that of the decisions, see [EngineConfig].
	Engine *rego.Engine
	// Workers is the number of candidates that are asked at the same time: 1 for every 4 processors.
	Workers int
	// StoreEvery is how often what was found is stored: 1 s.
	StoreEvery time.Duration
	Log        *slog.Logger
}

func workers() int { return max(1, runtime.GOMAXPROCS(0)/4) }

// EngineConfig returns what the engine of candidates may use, given that of the decisions: the same deadlines, without rests, so that a candidate that is too slow is
// found to be so, and few slots, of which a tenant gets one: a candidate that does not come to an end takes one processor from nobody but others like it.
func EngineConfig(live rego.Config) rego.Config {
	return rego.Config{
		Deadline: live.Deadline, CompileDeadline: live.CompileDeadline, Log: live.Log, Beside: live.Beside, Rest: restFactor,
		TenantSlots: 1, Slots: workers() + 1, // one more than there are workers, for an evaluation that nobody waits for any more
	}
}

// Runner asks candidates and stores what it finds.
type Runner struct {
	config     Config
	candidates *lru.Cache[candidateKey, *rego.Compiled] // nil: does not compile; safe for concurrent use
	wake       chan struct{}
	metrics    *metrics

	storing sync.Mutex // held while what was found is stored

	mu           sync.Mutex
	lanes        map[uuid.UUID]*lane // by shadow; guarded by mu
	ready        []*lane             // those with questions that no worker is at, in the order of their turns; guarded by mu
	waiting      int                 // bytes of questions; guarded by mu
	pending      int                 // differences to store; guarded by mu
	pendingBytes int                 // of them; guarded by mu
	closed       bool                // guarded by mu
}

// candidateKey names a compiled candidate. The tenant is part of it, although ids are unique, so that no mistake elsewhere can cross tenants.
type candidateKey struct {
	tenant  tenant.ID
	version uuid.UUID
}

// New makes a runner. Until Run it only collects.
func New(c Config) (*Runner, error) {
	if c.Workers == 0 {
		c.Workers = workers()
	}
	if c.StoreEvery == 0 {
		c.StoreEvery = time.Second
	}
	candidates, err := lru.New[candidateKey, *rego.Compiled](maxCandidates)
	if err != nil {
		return nil, err
	}
	r := &Runner{config: c, candidates: candidates, wake: make(chan struct{}, c.Workers), lanes: make(map[uuid.UUID]*lane)}
	r.metrics = newMetrics(r)
	return r, nil
}

// Run asks and stores until ctx ends; then it counts what waits as skipped and stores what it has.
func (r *Runner) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for range r.config.Workers {
		group.Go(func() error {
			r.work(ctx)
			return nil
		})
	}
	group.Go(func() error {
		ticker := time.NewTicker(r.config.StoreEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-ticker.C:
				r.store(ctx)
			}
		}
	})
	err := group.Wait()
	r.shut()
	r.store(ctx)
	return err
}

// work asks one question after the other, and rests restFactor times as long as that takes, or maxRest: what decisions need is theirs.
func (r *Runner) work(ctx context.Context) {
	var rest time.Duration
	for {
		if rest > minRest {
			wait(ctx, rest)
			rest = 0
		}
		l, q, ok := r.next()
		if !ok {
			select {
			case <-ctx.Done():
				return
			case <-r.wake:
			}
			continue
		}
		start := time.Now()
		d, err := r.ask(ctx, q)
		rest += min(restFactor*time.Since(start), maxRest)
		if err != nil && ctx.Err() == nil {
			r.config.Log.LogAttrs(ctx, slog.LevelWarn, "a shadow was not asked", slog.String("shadow_id", q.Sample.ShadowID.String()), slog.Any("error", err))
		}
		pending, err := r.done(l, d)
		if err != nil {
			r.config.Log.LogAttrs(ctx, slog.LevelError, "a difference is not kept", slog.Any("error", err))
		}
		r.metrics.observe(d)
		if pending { // the questions wait, and are skipped if they have to wait for too long
			r.store(ctx)
		}
		if ctx.Err() != nil {
			return
		}
	}
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// ask compares what the candidate would have answered with what was answered; nil when it could not be asked.
func (r *Runner) ask(ctx context.Context, q Question) (*Difference, error) {
	candidate, err := r.candidate(tenant.NewContext(ctx, q.Tenant), q)
	if err != nil {
		return nil, err
	}
	result := rego.Failed(rego.BuiltinError) // as decisions answer with a version that does not compile
	if candidate != nil {
		input := q.Input
		if q.Masked != nil {
			if input, err = rego.ParseInput(q.Masked); err != nil {
				return nil, err
			}
		}
		result, err = r.config.Engine.Evaluate(ctx, rego.Evaluation{
			Tenant: q.Tenant, Policy: candidate, Input: input, Now: q.DecideTime, Seed: q.Seed,
			Tenure: rego.Tenure{Version: q.Sample.ShadowID}, // overruns are this shadow's, not its version's
		})
		if errs.ReasonOf(err) == errs.ReasonOverloaded || err == nil && result.Reason == rego.Quarantined {
			return nil, nil // it cannot keep up
		}
		if err != nil {
			return nil, err
		}
	}
	return &Difference{
		DecisionID: q.DecisionID, DecideTime: q.DecideTime, VersionID: q.VersionID, Resource: q.Resource,
		Change: difference.Between(q.Answer, difference.AnswerOf(result)),
	}, nil
}

// candidate returns the compiled candidate, or nil when it does not compile any more.
func (r *Runner) candidate(ctx context.Context, q Question) (*rego.Compiled, error) {
	key := candidateKey{q.Tenant, q.Sample.VersionID}
	if c, ok := r.candidates.Get(key); ok {
		return c, nil
	}
	var v policy.Version
	err := postgres.ReadTenantTx(ctx, r.config.Pool, func(ctx context.Context, tx pgx.Tx) (err error) {
		v, err = policy.GetVersion(ctx, tx, q.Sample.VersionID)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read candidate: %w", err)
	}
	source, err := rego.StoredSource(v.Modules, v.Data)
	if err != nil {
		return nil, fmt.Errorf("read candidate: %w", err)
	}
	c, err := r.config.Engine.CompileStored(ctx, q.Tenant, source)
	if reason := errs.ReasonOf(err); err != nil && reason != errs.ReasonRegoInvalid && reason != errs.ReasonInvalidField {
		return nil, fmt.Errorf("compile candidate: %w", err)
	}
	r.candidates.Add(key, c)
	return c, nil
}

// store adds what was found to the shadows. What cannot be stored is kept for the next time: the counts, and the newest differences.
func (r *Runner) store(ctx context.Context) {
	r.storing.Lock()
	defer r.storing.Unlock()
	// The end of ctx does not interrupt: whether a commit that it cut short took place could not be known, and its counts would be added twice.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	for _, l := range r.take() {
		err := postgres.TenantTx(tenant.NewContext(ctx, l.tenant), r.config.Pool, func(ctx context.Context, tx pgx.Tx) error {
			return save(ctx, tx, l.shadow, l.found)
		})
		if err == nil {
			continue
		}
		r.config.Log.LogAttrs(ctx, slog.LevelWarn, "what a shadow found could not be stored; it is kept",
			slog.String("shadow_id", l.shadow.String()), slog.Any("error", err))
		r.giveBack(l)
	}
}
