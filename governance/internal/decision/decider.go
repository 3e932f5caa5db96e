package decision

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/shadow"
	"github.com/aumos-enterprise/platform/governance/internal/vault"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Config says what a decider works with. Numbers that are zero mean the defaults.
type Config struct {
	Pool   *pgxpool.Pool // the governance database, as its application role
	Engine *rego.Engine
	Wall   *audit.Wall
	Vault  *vault.Vault
	// Shadows asks candidates beside the active versions; nil: nobody does.
	Shadows *shadow.Runner
	Log     *slog.Logger
	// CachedTargets is the number of policies and decision points that are remembered: 20,000.
	CachedTargets int
	// VersionBytes is the memory for compiled versions, which take about 180 KiB each for a small policy: 512 MiB.
	VersionBytes int64
	// Lease is how long after a change something older may still be used, if the announcement of the change does not arrive: 3 s.
	Lease time.Duration
	// RefreshAfter is when a remembered policy is read again although no change was announced: 30 s.
	RefreshAfter time.Duration
	// BatchShare is the number of questions of one batch that are evaluated at the same time: half the processors, at least 2.
	BatchShare int
}

func (c Config) withDefaults() Config {
	if c.CachedTargets == 0 {
		c.CachedTargets = 20_000
	}
	if c.VersionBytes == 0 {
		c.VersionBytes = 512 << 20
	}
	if c.Lease == 0 {
		c.Lease = 3 * time.Second
	}
	if c.RefreshAfter == 0 {
		c.RefreshAfter = 30 * time.Second
	}
	if c.BatchShare == 0 {
		c.BatchShare = max(2, runtime.GOMAXPROCS(0)/2)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Decider decides.
type Decider struct {
	config   Config
	engine   string // its version
	cache    *cache
	versions *versions
	metrics  *metrics
}

// New makes a decider. It works without Run, but then remembers nothing.
func New(c Config) (*Decider, error) {
	c = c.withDefaults()
	d := &Decider{config: c, engine: rego.EngineVersion(), metrics: newMetrics()}
	var err error
	if d.versions, err = newVersions(c.VersionBytes); err != nil {
		return nil, err
	}
	if d.cache, err = newCache(c.CachedTargets, c.RefreshAfter, c.Lease, d.metrics, d.read); err != nil {
		return nil, err
	}
	d.metrics.remembered(d.cache.size)
	d.metrics.kept(d.versions.size)
	return d, nil
}

// Collectors returns the decider's metrics for the registry of the process.
func (d *Decider) Collectors() []prometheus.Collector { return d.metrics.all() }

// Run listens for changes of what is active and reads old entries again, until ctx ends; then it waits for reads under way.
func (d *Decider) Run(ctx context.Context) error {
	defer d.cache.close()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return d.listen(ctx) })
	group.Go(func() error {
		d.refresh(ctx)
		return nil
	})
	return group.Wait()
}

func (d *Decider) refresh(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case t := <-d.cache.refresh:
			if _, err := d.cache.reload(ctx, t); err != nil && ctx.Err() == nil {
				d.config.Log.LogAttrs(ctx, slog.LevelWarn, "active policies could not be read again", slog.Any("error", err))
			}
		}
	}
}

// Changed forgets what is active in a tenant. Whoever changes it calls this after the commit, so that the next decision here sees the change
// at once; other replicas hear of it from the database.
func (d *Decider) Changed(id tenant.ID) { d.cache.drop(id) }

// Everywhere waits until no replica uses what was changed by a commit before the call: until the longest lease that any may have has ended. The
// replicas' clocks need not agree, only run equally fast.
func (d *Decider) Everywhere(ctx context.Context) error {
	timer := time.NewTimer(d.config.Lease)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// Evaluate decides and returns once the decision is on the wall. It fails closed: without a tenant, without the wall, without a policy to ask, or
// with the tenant's share of the engine used up there is no decision. That a policy gives no answer is a decision: ERROR.
func (d *Decider) Evaluate(ctx context.Context, q Question) (Decision, error) {
	started := time.Now()
	decision, err := d.evaluate(ctx, q)
	d.metrics.observe(decision.Outcome, err, time.Since(started))
	return decision, err
}

func (d *Decider) evaluate(ctx context.Context, q Question) (Decision, error) {
	id, ok := tenant.FromContext(ctx)
	if !ok {
		return Decision{}, errors.New("decide: no tenant in context")
	}
	if err := d.config.Wall.Ready(); err != nil {
		return Decision{}, err
	}
	entryID, err := newID(id, q.Request)
	if err != nil {
		return Decision{}, err
	}
	decision, in, recorded, err := d.decide(ctx, id, entryID, q)
	if err != nil || recorded {
		return decision, err
	}
	decision.InputKept = d.keep(ctx, in, decision)
	return d.record(ctx, q, in, decision)
}

// decide asks the policies. What it returns is not on the wall yet, unless it says so: then it is the first decision of a request that is repeated.
func (d *Decider) decide(ctx context.Context, id tenant.ID, entryID uuid.UUID, q Question) (
	decision Decision, in seen, recorded bool, err error,
) {
	if err := q.turn.take(ctx); err != nil {
		return Decision{}, seen{}, false, err
	}
	defer q.turn.leave()
	found, err := d.find(ctx, target{tenant: id, policy: q.Policy, point: q.DecisionPoint})
	if err != nil {
		decision, err = d.orRepeat(ctx, q, entryID, err)
		return decision, seen{}, true, err
	}
	decision = Decision{
		ID: entryID, DecisionPoint: q.DecisionPoint, Resource: q.Resource, Subject: q.Actor.ID, CorrelationID: q.CorrelationID,
		EngineVersion: d.engine,
		Time:          time.Now().UTC().Truncate(time.Microsecond), // what the wall keeps
	}
	ev := rego.Evaluation{Tenant: id, Input: q.Input, Now: decision.Time, Seed: SeedOf(entryID)}
	started := time.Now()
	if decision.Results, err = d.ask(ctx, found, ev); err != nil {
		return Decision{}, seen{}, false, err
	}
	decision.Duration = time.Since(started).Truncate(time.Microsecond)
	fit(decision.Results)
	decision.Outcome = combine(decision.Results)
	in = found.inputs.see(q.Input, &decision)
	if q.Explain != nil {
		if decision.Explanations, err = d.explain(ctx, found, ev, *q.Explain); err != nil {
			return Decision{}, seen{}, false, err
		}
	}
	return decision, in, false, nil
}

// ask evaluates all policies, each with the engine's own deadline, at the same time if there are several.
func (d *Decider) ask(ctx context.Context, found resolved, ev rego.Evaluation) ([]Result, error) {
	if len(found.policies) == 1 { // mostly: what several share would be on the heap
		result, err := d.answer(ctx, found, 0, ev)
		return []Result{result}, err
	}
	return d.askAll(ctx, found, ev)
}

func (d *Decider) askAll(ctx context.Context, found resolved, ev rego.Evaluation) ([]Result, error) {
	results := make([]Result, len(found.policies))
	failures := make([]error, len(found.policies))
	each(found.policies, func(i int, _ active) { results[i], failures[i] = d.answer(ctx, found, i, ev) })
	return results, errors.Join(failures...)
}

// answer is what one of the policies says.
func (d *Decider) answer(ctx context.Context, found resolved, policy int, ev rego.Evaluation) (r Result, err error) {
	p := &found.policies[policy]
	r = Result{PolicyID: p.policyID, PolicyName: p.policyName, VersionID: p.tenure.Version, ContentSHA256: p.content, Shadow: p.shadow}
	switch {
	case p.quarantined:
		r.Result = rego.Failed(rego.Quarantined)
	case p.broken:
		r.Result = rego.Failed(rego.BuiltinError)
	default:
		r.Result, err = d.config.Engine.Evaluate(ctx, found.put(ev, policy))
	}
	return r, err
}

// put is the question, put to one of the policies.
func (r resolved) put(ev rego.Evaluation, policy int) rego.Evaluation {
	ev.Tenure, ev.Policy = r.policies[policy].tenure, r.compiled[policy]
	return ev
}

// each calls f for all policies, at the same time if there are several.
func each(policies []active, f func(i int, p active)) {
	if len(policies) == 1 {
		f(0, policies[0])
		return
	}
	var asked sync.WaitGroup
	for i, p := range policies {
		asked.Go(func() { f(i, p) })
	}
	asked.Wait()
}

// maxAnswerBytes bounds the violations and obligations of one decision, each violation counted with what its place in the entry costs. One policy's
// always fit.
const (
	maxAnswerBytes = rego.MaxResultBytes + rego.MaxViolations*violationCost
	violationCost  = 80
)

// fit makes the results of several policies fit into one entry. What does not is no answer; the order of names decides who comes first.
func fit(results []Result) {
	size := 0
	for i, r := range results {
		size += r.Size() + len(r.Violations)*violationCost
		if size > maxAnswerBytes {
			size -= r.Size() + len(r.Violations)*violationCost
			results[i].Result = rego.Failed(rego.ResultTooLarge)
		}
	}
}

// orRepeat returns the first decision of a request that is repeated, when it could not be decided any more, and else the reason why.
func (d *Decider) orRepeat(ctx context.Context, q Question, id uuid.UUID, reason error) (Decision, error) {
	if q.Request == uuid.Nil || errs.ReasonOf(reason) == errs.ReasonUnavailable {
		return Decision{}, reason
	}
	first, err := d.repeat(ctx, q, id)
	if errs.ReasonOf(err) == errs.ReasonNotFound {
		return Decision{}, reason
	}
	return first, err
}
