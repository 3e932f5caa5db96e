package rego

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Limits on sets of trials at the same time, each of which may hold megabytes of questions.
const (
	maxRuns       = 32
	maxTenantRuns = 2
)

// ruleDeadlines is how many deadlines of an evaluation a `test_` rule has: one may ask the policy many times.
const ruleDeadlines = 5

// Turn waits until the tenant may run another set of trials, or ctx ends. The caller calls release exactly once.
func (e *Engine) Turn(ctx context.Context, id tenant.ID) (release func(), err error) {
	held, err := e.runs.acquire(ctx, id, nil)
	if err != nil {
		return nil, err
	}
	return held.release, nil
}

// Trial is a question to a version that is no decision: nothing follows from the answer, and overrunning the deadline puts no version into quarantine.
type Trial struct {
	Tenant   tenant.ID
	Policy   *Compiled
	Input    Input // the zero value: undefined
	Now      time.Time
	Seed     Seed
	Coverage *Coverage // of the policy; nil records nothing
}

// Answer is what came of a trial.
type Answer struct {
	Result
	// Problem is what the evaluator says of an outcome Error, for the version's author; nil when the reason says everything.
	Problem *Finding
	Took    time.Duration
}

// Try asks what decisions ask. It answers at the engine's deadline at the latest, counted from when there is room: trials have a share of their own, one of
// each tenant at a time, so that they take none of the tenant's decisions. It fails only when ctx ends or the engine is closed.
func (e *Engine) Try(ctx context.Context, t Trial) (Answer, error) {
	a, took, late, err := attempt(ctx, e, t, e.config.Deadline, func(cancel topdown.Cancel) Answer {
		set, err := t.Policy.run(t.options(), cancel)
		if err != nil {
			return Answer{Result: failureOf(err), Problem: e.problemOf(ctx, t.Tenant, err)}
		}
		return Answer{Result: resultOf(t.Policy.answersOf(set))}
	})
	if late {
		a.Result = Failed(Deadline)
	}
	a.Took = took
	return a, err
}

// Verdict is what came of a `test_` rule.
type Verdict struct {
	Passed  bool
	Late    bool     // no answer at the deadline
	Why     string   // it did not pass
	Problem *Finding // the evaluator failed on it
	Took    time.Duration
}

// TryRule asks a `test_` rule of the policy, in the way of Try but with five times its deadline: it passes when it is true.
func (e *Engine) TryRule(ctx context.Context, t Trial, rule RuleTest) (Verdict, error) {
	v, took, late, err := attempt(ctx, e, t, ruleDeadlines*e.config.Deadline, func(cancel topdown.Cancel) Verdict {
		o := t.options()
		var err error
		if o.query, err = t.Policy.testQuery(rule); err != nil {
			return Verdict{Problem: e.problemOf(ctx, t.Tenant, err)}
		}
		set, err := t.Policy.run(o, cancel)
		if err != nil {
			return Verdict{Problem: e.problemOf(ctx, t.Tenant, err)}
		}
		if len(set) == 1 {
			if value, ok := only(set[0][allowVar]); ok {
				passed, why := verdictOn(value)
				return Verdict{Passed: passed, Why: why}
			}
		}
		return Verdict{Why: "the rule is undefined"}
	})
	v.Late, v.Took = late, took
	return v, err
}

func (t Trial) options() options {
	o := options{input: t.Input, now: t.Now, seed: t.Seed}
	if t.Coverage != nil {
		o.tracers = []topdown.QueryTracer{tracer{t.Coverage}}
	}
	return o
}

// attempt does the work of a trial in a goroutine of the pool of trials. At the deadline it is late. Where it hardly ran until then that says nothing of the
// policy: it is done again until there is something to say, or ctx ends.
func attempt[T any](ctx context.Context, e *Engine, t Trial, deadline time.Duration, work func(topdown.Cancel) T) (
	result T, took time.Duration, late bool, err error,
) {
	for {
		var ran time.Duration
		if result, took, ran, late, err = attemptOnce(ctx, e, t, deadline, work); !late || !hardly(ran, deadline) {
			return result, took, late, err
		}
	}
}

// attemptOnce reports also how long the work had a processor. When it is late, the goroutine keeps its tenant's slot until it ends.
func attemptOnce[T any](ctx context.Context, e *Engine, t Trial, deadline time.Duration, work func(topdown.Cancel) T) (
	result T, took, ran time.Duration, late bool, err error,
) {
	if err := context.Cause(ctx); err != nil { // free slots are taken without a look at it
		return result, 0, 0, false, err
	}
	held, err := e.trials.acquire(ctx, t.Tenant, nil)
	if err != nil {
		return result, 0, 0, false, err
	}
	timer := time.NewTimer(deadline)
	defer timer.Stop()
	s := e.newStint()
	done := make(chan T, 1)
	e.workers.do(func() {
		defer held.release()
		defer s.end()
		s.takeUp()
		done <- work(s)
	})
	select {
	case result = <-done:
	case <-timer.C:
		s.Cancel()
		late = true
	case <-ctx.Done():
		s.Cancel()
		err = context.Cause(ctx)
	}
	return result, time.Since(s.start), s.ran(), late, err
}

// problemOf says where and why an evaluation failed. The defects of the evaluator are for the log.
func (e *Engine) problemOf(ctx context.Context, id tenant.ID, err error) *Finding {
	if p, ok := errors.AsType[panicked](err); ok {
		e.config.Log.LogAttrs(ctx, slog.LevelError, "policy trial panicked", slog.String("tenant_id", id.String()), slog.Any("panic", p.value))
		return nil
	}
	found := newFinding(nil, topdown.InternalErr, "%s", err)
	if t, ok := errors.AsType[*topdown.Error](err); ok {
		found = newFinding(t.Location, t.Code, "%s", t.Message)
	}
	return &found
}
