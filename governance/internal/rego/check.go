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
						return halt(bctx.Location, "value", err)
					}
				}
			}
			return iter(ast.InternedTerm(true))
		},
	}
}
