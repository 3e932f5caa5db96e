package rego

import (
	"github.com/open-policy-agent/opa/v1/ast"
)

// extent counts what makes compilation and evaluation of a version expensive.
type extent struct {
	rules, operations int
}

// add counts a module and reports where a limit is passed.
func (x *extent) add(m *ast.Module) *ast.Error {
	var err *ast.Error
	fail := func(at *ast.Location, format string, args ...any) {
		if err == nil {
			err = ast.NewError(ast.CompileErr, at, format, args...)
		}
	}
	vis := ast.NewGenericVisitor(func(node any) bool {
		switch n := node.(type) {
		case *ast.Rule:
			x.rules++
			if x.rules > maxRules {
				fail(n.Loc(), "a version has at most %d rules, each definition and each else counted: keep a long list in the data document, and let one rule look into it", maxRules)
			}
		case *ast.Expr:
			x.operations++
			if x.operations > maxOperations {
				fail(n.Loc(), "a version has at most %d expressions and calls: keep long lists in the data document, or in a set that one expression looks into", maxOperations)
			}
		case *ast.Term:
			switch v := n.Value.(type) {
			case ast.Call:
				x.operations++
			case ast.Number:
				if !numberFits(v) {
					fail(n.Loc(), "a number has at most %d digits and an exponent of at most %d", maxDigits, maxExponent)
				}
			}
		}
		return err != nil
	})
	vis.Walk(m)
	return err
}
