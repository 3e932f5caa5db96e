package rego

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Config bounds the engine. Zero values mean the defaults.
type Config struct {
	// Deadline is when a caller gets its answer, whatever the policy does: 200 ms. A `test_` rule has five times that.
	Deadline time.Duration
	// Rest is how many times as long as it works a long evaluation rests, after each millisecond: 0. Rests are added to the deadline.
	Rest int
	// CompileDeadline is the same for compilations: 2 s.
	CompileDeadline time.Duration
	// TenantSlots is the number of evaluations of one tenant at the same time: 4, or the number of processors if larger.
	TenantSlots int
	// Slots is the number of evaluations at the same time: 16 for each processor.
	Slots int
	// Quarantined hears of each version that overran its deadline once too often, and after how many overruns; it does not wait for anything. The engine
	// itself holds the version back only here, and while the process lives. nil: nobody hears.
	Quarantined func(id tenant.ID, t Tenure, overruns int)
	Log         *slog.Logger
	// Beside is the engine with which this one shares the turns of what takes long; nil: none.
	Beside *Engine
}

func (c Config) withDefaults() Config {
	processors := runtime.GOMAXPROCS(0)
	if c.Deadline == 0 {
		c.Deadline = 200 * time.Millisecond
	}
	if c.CompileDeadline == 0 {
		c.CompileDeadline = 2 * time.Second
	}
	if c.TenantSlots == 0 {
		c.TenantSlots = max(4, processors)
	}
	if c.Slots == 0 {
		c.Slots = max(16*processors, c.TenantSlots)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Engine runs compilations and evaluations in goroutines that it owns, so that callers get their answers in time.
type Engine struct {
	config      Config
	evaluations *slots
	compiles    *slots
	trials      *slots
	runs        *slots
	turns       turns
	wall        bool // stints count all the time that passes as the policy's
	workers     *workers
	quarantine  *quarantine
	metrics     metrics
	asked       sync.Pool     // of *asked
	verifying   chan struct{} // holds one comparison
}

// NewEngine makes an engine. The caller calls Close when nobody uses it any more.
func NewEngine(c Config) *Engine {
	c = c.withDefaults()
	e := &Engine{
		config:      c,
		evaluations: newSlots(c.Slots, c.TenantSlots),
		compiles:    newSlots(max(4, 2*runtime.GOMAXPROCS(0)), 1), // most of them wait for their turn
		trials:      newSlots(max(2, runtime.GOMAXPROCS(0)), 1),
		runs:        newSlots(maxRuns, maxTenantRuns),
		turns:       newTurns(runtime.GOMAXPROCS(0)),
		wall:        !threadsHaveClocks(),
		workers:     newWorkers(),
		quarantine:  newQuarantine(),
		verifying:   make(chan struct{}, 1),
	}
	if c.Beside != nil {
		e.turns = c.Beside.turns
	}
	e.metrics = newMetrics(e)
	e.asked.New = func() any { return e.newAsked() }
	return e
}

// Close waits until ctx ends for the goroutines that still work, and reports those that are left: they end with the process.
func (e *Engine) Close(ctx context.Context) error {
	if left := e.evaluations.close(ctx) + e.compiles.close(ctx) + e.trials.close(ctx); left > 0 {
		e.workers.dismiss()
		return fmt.Errorf("close policy engine: %d goroutines still work on policies", left)
	}
	e.workers.dismiss()
	e.workers.wait()
	return nil
}

// Compile is the function Compile with a deadline and within the tenant's share. It fails with REGO_INVALID also when the deadline passes.
func (e *Engine) Compile(ctx context.Context, id tenant.ID, source Source) (*Compiled, error) {
	c, err := e.compile(ctx, id, source)
	if errors.Is(err, errLate) {
		return nil, errs.New(errs.InvalidArgument, errs.ReasonRegoInvalid, "the Rego does not compile in time: make it simpler").
			Field("modules", "not compiled within %s", e.config.CompileDeadline)
	}
	return c, err
}

// CompileStored is Compile for a version that was compiled when it was stored. When the deadline passes now, that says something of the machine and nothing of the
// version: OVERLOADED.
func (e *Engine) CompileStored(ctx context.Context, id tenant.ID, source Source) (*Compiled, error) {
	c, err := e.compile(ctx, id, source)
	if errors.Is(err, errLate) {
		return nil, errs.New(errs.ResourceExhausted, errs.ReasonOverloaded, "the version was not compiled in time, as it was before: retry later").After(time.Second)
	}
	return c, err
}

func (e *Engine) compile(ctx context.Context, id tenant.ID, source Source) (*Compiled, error) {
	c, err := pooled(ctx, e, id, func(s *stint) (*Compiled, error) { return compileSource(source, s) })
	if p, ok := errors.AsType[panicked](err); ok {
		return nil, errs.New(errs.InvalidArgument, errs.ReasonRegoInvalid, "the Rego does not compile: the compiler fails on it").
			Field("modules", "%s", compilerFails).Because(p)
	}
	return c, err
}

// errLate is that work on modules was not done at the deadline.
var errLate = errors.New("not done at the deadline")

// panicked is that work on modules panicked: the fault of the modules, which stays with their author.
type panicked struct{ value any }

func (p panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

const compilerFails = "the compiler fails on these modules"

// pooled does work on modules in a goroutine of the pool of compilations, within the tenant's share. It fails with errLate when the deadline
// passes; the goroutine keeps its slot until it ends. Where most of the time went by waiting for turns that is nothing to say of the modules: OVERLOADED.
func pooled[T any](ctx context.Context, e *Engine, id tenant.ID, work func(*stint) (T, error)) (T, error) {
	var none T
	timer := time.NewTimer(e.config.CompileDeadline)
	defer timer.Stop()
	held, err := e.compiles.acquire(ctx, id, timer.C)
	if err != nil {
		return none, err
	}
	type outcome struct {
		result T
		err    error
	}
	s := e.newCompilation()
	done := make(chan outcome, 1)
	e.workers.do(func() {
		defer held.release()
		var o outcome
		defer func() {
			if p := recover(); p != nil {
				o = outcome{err: panicked{p}}
			}
			s.end()
			done <- o
		}()
		s.takeUp()
		o.result, o.err = work(s)
	})
	select {
	case o := <-done:
		return o.result, o.err
	case <-timer.C:
		s.Cancel()
		if s.ran() < e.config.CompileDeadline/2 {
			return none, overloaded()
		}
		return none, errLate
	case <-ctx.Done():
		s.Cancel()
		return none, context.Cause(ctx)
	}
}

// Evaluation is one question to one policy.
type Evaluation struct {
	Tenant tenant.ID
	Tenure Tenure
	Policy *Compiled
	Input  Input
	// Now is the policy's clock and Seed its source of randomness. With the same two, input and policy the result is the same.
	Now  time.Time
	Seed Seed
}

// Evaluate answers at the engine's deadline at the latest. It returns an error only when there was no evaluation to speak of: OVERLOADED
// when the tenant's share is used up, or that of ctx. Everything that the policy does wrong is a Result.
func (e *Engine) Evaluate(ctx context.Context, ev Evaluation) (Result, error) {
	if e.quarantine.holds(ev.Tenure) {
		return Failed(Quarantined), nil
	}
	if ev.Policy.program != nil && ev.Policy.doubt.due() {
		e.verify(ev)
	}
	if e.config.Rest == 0 {
		if r, took, ok := ev.Policy.evaluateBriefly(options{input: ev.Input, now: ev.Now, seed: ev.Seed}); ok {
			e.metrics.duration.Observe(took.Seconds())
			e.quarantine.pass(ev.Tenure)
			return r, nil
		}
	}
	a := e.asked.Get().(*asked) //nolint:forcetypeassert // nothing else is put there
	a.timer.Reset(e.deadline())
	held, err := e.evaluations.acquire(ctx, ev.Tenant, a.timer.C)
	if err != nil {
		e.answered(a)
		return Result{}, err
	}
	s := e.newStint()
	a.ctx, a.evaluation, a.slot, a.stint = ctx, ev, held, s
	e.workers.do(a.work)
	select {
	case r := <-a.done:
		return e.inTime(a, r), nil
	case <-a.timer.C:
		select {
		case r := <-a.done: // it was the caller who had no processor
			return e.inTime(a, r), nil
		default:
		}
		s.Cancel()
		return e.overrun(ctx, ev, time.Since(s.start), s.ran())
	case <-ctx.Done():
		a.timer.Stop()
		s.Cancel()
		return Result{}, context.Cause(ctx)
	}
}

func (e *Engine) inTime(a *asked, r Result) Result {
	e.quarantine.pass(a.evaluation.Tenure)
	e.answered(a)
	return r
}

// deadline is that of an evaluation, rests included.
func (e *Engine) deadline() time.Duration { return e.config.Deadline * time.Duration(1+e.config.Rest) }

// overrun decides what an evaluation that was not done at the deadline says about the policy.
func (e *Engine) overrun(ctx context.Context, ev Evaluation, took, ran time.Duration) (Result, error) {
	if took < e.deadline()*9/10 || hardly(ran, e.config.Deadline) {
		return Result{}, overloaded() // most of the time went by waiting for a slot, or nearly all of it for a turn or a processor
	}
	e.metrics.overruns.Inc()
	if took > 2*e.deadline() {
		return Failed(Deadline), nil // the caller itself was woken far too late: the machine stalled, not the policy
	}
	overruns, quarantined := e.quarantine.strike(ev.Tenure, time.Now())
	if quarantined {
		e.config.Log.LogAttrs(ctx, slog.LevelWarn, "policy version quarantined: it overran its deadline repeatedly",
			slog.String("policy_version_id", ev.Tenure.Version.String()), slog.String("tenant_id", ev.Tenant.String()))
		if e.config.Quarantined != nil {
			e.config.Quarantined(ev.Tenant, ev.Tenure, overruns)
		}
	}
	return Failed(Deadline), nil
}

// hardly is whether what ran for so long until the deadline has not had the time in which it could have overrun it.
func hardly(ran, deadline time.Duration) bool { return ran < deadline/10 }

// ended observes an evaluation, also one that nobody waits for any more.
func (e *Engine) ended(ctx context.Context, ev *Evaluation, took time.Duration, defect any) {
	e.metrics.duration.Observe(took.Seconds())
	if defect != nil {
		e.config.Log.LogAttrs(ctx, slog.LevelError, "policy evaluation panicked",
			slog.String("policy_version_id", ev.Tenure.Version.String()), slog.Any("panic", defect))
	}
}
