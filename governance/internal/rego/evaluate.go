package rego

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// Seed makes an evaluation reproducible: builtins that draw random values draw them from it.
type Seed = [32]byte

// evaluate runs the policy on the calling goroutine. It returns soon after cancel is called, but not at once: see the package comment. A
// defect of the evaluator is an answer like any other error: not an allow.
func (c *Compiled) evaluate(in Input, now time.Time, seed Seed, cancel topdown.Cancel) (r Result, panicked any) {
	defer func() {
		if p := recover(); p != nil {
			r = Failed(BuiltinError)
			if _, ours := p.(heavyValue); !ours {
				panicked = p
			}
		}
	}()
	ctx := context.Background() // nothing that the profile allows looks at it; cancel is what ends the evaluation
	txn, err := c.store.NewTransaction(ctx)
	if err != nil {
		return Failed(BuiltinError), err
	}
	defer c.store.Abort(ctx, txn)
	set, err := c.newQuery(txn).
		WithCancel(cancel).
		WithInput(ast.NewTerm(in.value)).
		WithTime(now).
		WithSeed(rand.NewChaCha8(seed)).
		WithStrictBuiltinErrors(true).
		Run(ctx)
	if err != nil {
		return failureOf(err), nil
	}
	return resultOf(set), nil
}

func (c *Compiled) newQuery(txn storage.Transaction) *topdown.Query {
	return topdown.NewQuery(c.query).
		WithQueryCompiler(c.queryCompiler).
		WithCompiler(c.compiler).
		WithStore(c.store).
		WithTransaction(txn).
		WithBuiltins(shared().builtins).
		WithVirtualCache(weighingCache{topdown.NewVirtualCache()})
}
