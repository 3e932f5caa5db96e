package rego

import (
	"cmp"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// RuleTest is a `test_` rule of a version: a question that the modules ask themselves.
type RuleTest struct {
	Path   string // for example "data.aumos.retrain_test.test_denies", at most maxName bytes
	Module int    // index of the module
	Row    int    // of its first definition
	ref    ast.Ref
}

// RuleTests returns the `test_` rules of all packages by place. One with several definitions is one test, and functions are none.
func (c *Compiled) RuleTests() []RuleTest {
	var rules []RuleTest
	seen := make(map[string]bool)
	for file, m := range c.compiler.Modules {
		module, _ := moduleOf(&ast.Location{File: file})
		for _, r := range m.Rules {
			if !isTest(r) || len(r.Head.Args) > 0 {
				continue
			}
			ref := r.Ref().GroundPrefix()
			rules = append(rules, RuleTest{Path: clip(ref.String(), maxName), Module: module, Row: r.Loc().Row, ref: ref})
		}
	}
	slices.SortFunc(rules, func(a, b RuleTest) int {
		return cmp.Or(cmp.Compare(a.Module, b.Module), cmp.Compare(a.Row, b.Row), cmp.Compare(a.Path, b.Path))
	})
	return slices.DeleteFunc(rules, func(r RuleTest) bool {
		key := r.ref.String()
		known := seen[key]
		seen[key] = true
		return known
	})
}

// testQuery builds `allow = [x | x = <the rule>]`, which is empty where the rule is undefined.
func (c *Compiled) testQuery(r RuleTest) (ast.Body, error) {
	x := ast.VarTerm("x")
	values := ast.ArrayComprehensionTerm(x, ast.NewBody(ast.Equality.Expr(x, ast.NewTerm(r.ref))))
	// A query compiler of its own: the version's remembers what it compiled, and evaluations read that.
	return c.compiler.QueryCompiler().Compile(ast.NewBody(ast.Equality.Expr(ast.NewTerm(allowVar), values)))
}

// verdictOn reads the value of a test: true, or an object of such values, which is a test for each of its keys. It names what is otherwise.
func verdictOn(value *ast.Term) (passed bool, why string) {
	switch v := value.Value.(type) {
	case ast.Boolean:
		if v {
			return true, ""
		}
		return false, "the rule is false"
	case ast.Object:
		passed, why = v.Len() > 0, "the rule is an empty object"
		v.Until(func(key, e *ast.Term) bool {
			var inner string
			if passed, inner = verdictOn(e); !passed {
				why = clip(key.String(), maxName) + ": " + inner
			}
			return !passed
		})
		if passed {
			why = ""
		}
		return passed, why
	}
	return false, "the rule is " + clip(value.String(), maxName) + ", not true"
}
