package rego

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// Limits of an explanation.
const (
	MaxFiredRules = 1_000
	MaxSteps      = 2_000
	MaxTraceBytes = 256 << 10
)

// Detail says how much of an evaluation is to be explained.
type Detail struct {
	Trace    bool // every step, besides the definitions that held
	MaxBytes int  // of the definitions and of the steps, each; at most MaxTraceBytes
}

// FiredRule is a definition of a rule that held.
type FiredRule struct {
	Path        string // with the package, for example "data.aumos.retrain.allow"
	Module      string // the module's path
	Row, Column int
}

// Explanation is why a policy said what it said.
type Explanation struct {
	Rules     []FiredRule // by place
	Trace     []string    // one step each, indented by depth
	Truncated bool        // rules or steps are left out
}

// Explain evaluates once more, with an eye on every step. It takes the tenant's share and the deadline of an evaluation, but neither counts as one that
// decides: a policy that ends in time only without being watched is not quarantined for that, and what was seen until the deadline is the answer.
func (e *Engine) Explain(ctx context.Context, ev Evaluation, d Detail) (Explanation, error) {
	if e.quarantine.holds(ev.Tenure) {
		return Explanation{}, nil
	}
	timer := time.NewTimer(e.config.Deadline)
	defer timer.Stop()
	held, err := e.evaluations.acquire(ctx, ev.Tenant, timer.C)
	if err != nil {
		return Explanation{}, err
	}
	w := newWatcher(ev.Policy, d)
	s := e.newStint()
	done := make(chan struct{})
	e.workers.do(func() {
		defer held.release()
		defer s.end()
		defer close(done)
		s.takeUp()
		o := options{input: ev.Input, now: ev.Now, seed: ev.Seed, tracers: []topdown.QueryTracer{w}}
		if _, defect := ev.Policy.evaluate(o, s); defect != nil {
			e.config.Log.LogAttrs(ctx, slog.LevelError, "explanation of a policy panicked",
				slog.String("policy_version_id", ev.Tenure.Version.String()), slog.Any("panic", defect))
		}
	})
	select {
	case <-done:
		return w.end(false), nil
	case <-timer.C:
		s.Cancel()
		return w.end(true), nil
	case <-ctx.Done():
		s.Cancel()
		return Explanation{}, context.Cause(ctx)
	}
}

// watcher is a tracer that keeps no more than the limits, however long the evaluation goes on.
type watcher struct {
	detail Detail
	paths  []string // of the modules

	mu        sync.Mutex // events come on the evaluation's goroutine, the end from the caller's
	ended     bool
	truncated bool
	fired     map[*ast.Rule]struct{}
	steps     *steps // nil: not asked for
}

func newWatcher(c *Compiled, d Detail) *watcher {
	if d.MaxBytes <= 0 || d.MaxBytes > MaxTraceBytes {
		d.MaxBytes = MaxTraceBytes
	}
	w := &watcher{detail: d, paths: c.paths, fired: make(map[*ast.Rule]struct{})}
	if d.Trace {
		w.steps = newSteps(c, d.MaxBytes)
	}
	return w
}

// Enabled implements topdown.QueryTracer.
func (w *watcher) Enabled() bool { return true }

// Config implements topdown.QueryTracer. Variables are looked up for the steps that are kept only.
func (w *watcher) Config() topdown.TraceConfig { return topdown.TraceConfig{} }

// TraceEvent implements topdown.QueryTracer.
func (w *watcher) TraceEvent(event topdown.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return
	}
	if rule, ok := event.Node.(*ast.Rule); ok && event.Op == topdown.ExitOp {
		w.fired[rule] = struct{}{} // a version has at most maxRules
	}
	if w.steps != nil && !w.steps.add(event) {
		w.truncated = true
	}
}

// end returns what was seen. Events that come later are not looked at.
func (w *watcher) end(late bool) Explanation {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	x := Explanation{Truncated: w.truncated || late}
	rules := make([]placedRule, 0, len(w.fired))
	for rule := range w.fired {
		at := rule.Loc()
		if i, ok := moduleOf(at); ok && i < len(w.paths) {
			rules = append(rules, placedRule{i, FiredRule{Path: clip(rule.Ref().GroundPrefix().String(), maxName), Module: w.paths[i], Row: at.Row, Column: at.Col}})
		}
	}
	slices.SortFunc(rules, func(a, b placedRule) int {
		return cmp.Or(cmp.Compare(a.module, b.module), cmp.Compare(a.Row, b.Row), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Path, b.Path))
	})
	size := 0
	for _, r := range slices.CompactFunc(rules, func(a, b placedRule) bool { return a == b }) {
		if size += len(r.Path) + len(r.Module); len(x.Rules) == MaxFiredRules || size > w.detail.MaxBytes {
			x.Truncated = true
			break
		}
		x.Rules = append(x.Rules, r.FiredRule)
	}
	if w.steps != nil {
		x.Trace = w.steps.lines
	}
	return x
}

type placedRule struct {
	module int
	FiredRule
}
