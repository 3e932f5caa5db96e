package rego

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	opametrics "github.com/open-policy-agent/opa/v1/metrics"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/aumos-enterprise/platform/governance/internal/rego/machine"
)

// Seed makes an evaluation reproducible: builtins that draw random values draw them from it.
type Seed = [32]byte

// random is the source of randomness that a seed stands for. Few policies ask for any, and to set it up takes longer than to call a builtin.
type random struct {
	seed   Seed
	source *rand.ChaCha8
}

// Read implements io.Reader.
func (r *random) Read(p []byte) (int, error) {
	if r.source == nil {
		r.source = rand.NewChaCha8(r.seed)
	}
	return r.source.Read(p)
}

// options say how an evaluation runs.
type options struct {
	input   Input
	now     time.Time
	seed    Seed
	query   ast.Body              // compiled for the policy; nil: what decisions ask
	tracers []topdown.QueryTracer // see every step, on the goroutine of the evaluation
}

// evaluate asks the policy what decisions ask, on the calling goroutine.
func (c *Compiled) evaluate(o options, cancel topdown.Cancel) (r Result, defect any) {
	defer func() {
		if p := recover(); p != nil {
			r, defect = Failed(BuiltinError), p
		}
	}()
	a, err := c.ask(o, cancel)
	if errors.Is(err, errNoProgram) || errors.Is(err, machine.ErrUnusual) {
		var set topdown.QueryResultSet
		set, err = c.run(o, cancel)
		a = c.answersOf(set)
	}
	if p, ok := errors.AsType[panicked](err); ok {
		return Failed(BuiltinError), p.value
	}
	if err != nil {
		return failureOf(err), nil
	}
	return resultOf(a), nil
}

// run evaluates a query on the calling goroutine. It returns soon after cancel is called, but not at once: see the package comment. A
// defect of the evaluator is an error like any other.
func (c *Compiled) run(o options, cancel topdown.Cancel) (set topdown.QueryResultSet, err error) {
	defer func() {
		if p := recover(); p != nil {
			set, err = nil, panicked{p}
			if _, ours := p.(heavyValue); ours {
				err = errHeavy
			}
		}
	}()
	ctx := context.Background() // nothing that the profile allows looks at it; cancel is what ends the evaluation
	txn, err := c.store.NewTransaction(ctx)
	if err != nil {
		return nil, panicked{err}
	}
	defer c.store.Abort(ctx, txn)
	query := o.query
	if query == nil {
		query = c.query
	}
	q := c.newQuery(query, txn).
		WithCancel(cancel).
		WithTime(o.now).
		WithSeed(&random{seed: o.seed}).
		WithStrictBuiltinErrors(true)
	if o.input.term != nil { // else it is undefined
		q = q.WithInput(machine.Whole(o.input.term))
	}
	for _, t := range o.tracers {
		q = q.WithQueryTracer(t)
	}
	return q.Run(ctx)
}

func (c *Compiled) newQuery(query ast.Body, txn storage.Transaction) *topdown.Query {
	return topdown.NewQuery(query).
		WithQueryCompiler(c.queryCompiler).
		WithCompiler(c.compiler).
		WithStore(c.store).
		WithTransaction(txn).
		WithBuiltins(shared().builtins).
		WithMetrics(opametrics.NoOp()). // else each evaluation makes its own
		WithVirtualCache(newWeighingCache())
}
