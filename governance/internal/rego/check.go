package rego

import (
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/types"
)

// checkName is the operator of the expressions that the compiler adds. No module can name it: a variable cannot contain a colon.
const checkName = "check:value"

// checkBuiltin ends the evaluation when one of its operands is over the limits on values. It takes an array of operands, so that one
// declaration serves every number of them.
func checkBuiltin() *topdown.Builtin {
	return &topdown.Builtin{
		Decl: &ast.Builtin{
			Name:        checkName,
			Decl:        types.NewFunction(types.Args(types.NewArray(nil, types.A)), types.B),
			CanSkipBctx: true,
		},
		Func: func(bctx topdown.BuiltinContext, operands []*ast.Term, iter func(*ast.Term) error) error {
			if list, ok := operands[0].Value.(*ast.Array); ok {
				for i := range list.Len() {
					if err := weigh(list.Elem(i)); err != nil {
						return halt(bctx, "value", err)
					}
				}
			}
			return iter(ast.InternedTerm(true))
		},
	}
}

// weighingCache is the evaluator's cache of the values of rules. It refuses values over the limits: partial rules gather theirs without an
// expression that a check could follow.
type weighingCache struct {
	topdown.VirtualCache
}

// heavyValue is what Put panics with, since it cannot return an error; the evaluation recovers it.
type heavyValue struct{}

func (c weighingCache) Put(ref ast.Ref, value *ast.Term) {
	if value != nil {
		switch value.Value.(type) {
		case *ast.Array, ast.Object, ast.Set:
			if weigh(value) != nil {
				panic(heavyValue{})
			}
		}
	}
	c.VirtualCache.Put(ref, value)
}
