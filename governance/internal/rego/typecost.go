package rego

import (
	"maps"

	"github.com/open-policy-agent/opa/v1/ast"
)

// boundTypes refuses modules on which the type checker would not come to an end: it compares static types as trees, each level of nesting
// twice, so that thirty rules of the form `a1 := [a0, a0]` are enough. The cost of a rule's type is estimated from above: 1 for a
// scalar or anything dynamic, 1 + 2·(cost of the parts) for a literal, that of what is referred to for a variable or a reference.
//
// It runs before the type checker and after the check for recursion, so following references ends.
func boundTypes(c *ast.Compiler, inputCost int) *ast.Error {
	e := typeEstimate{compiler: c, rules: make(map[*ast.Rule]int), input: inputCost}
	for _, m := range c.Modules {
		for _, r := range m.Rules {
			if e.rule(r); e.worst > maxTypeCost {
				return ast.NewError(ast.CompileErr, r.Loc(), "the nesting of values makes the type of %s too large to check", r.Head.Ref())
			}
			if e.total > maxTypesCost {
				return ast.NewError(ast.CompileErr, r.Loc(), "the references up to here lead to too many rules, each for itself, to be checked: "+
					"keep large tables in the data document, or refer to them in one rule that others ask")
			}
		}
	}
	return nil
}

type typeEstimate struct {
	compiler *ast.Compiler
	rules    map[*ast.Rule]int // what the value of a rule costs
	input    int               // what the input, or any part of it, costs at most
	worst    int               // the dearest term seen anywhere
	total    int               // what all references cost
}

// add is a saturating sum: what is over the limit stays over it.
func add(a, b int) int { return min(a+b, 2*maxTypeCost) }

func (e *typeEstimate) rule(r *ast.Rule) int {
	if cost, ok := e.rules[r]; ok {
		return cost
	}
	e.rules[r] = 1 // a rule that is being estimated: recursion was refused before
	cost := 0
	for each := r; each != nil; each = each.Else {
		vars := make(map[ast.Var]int)
		e.body(each.Body, vars)
		own := 0
		for _, t := range []*ast.Term{each.Head.Key, each.Head.Value} {
			if t != nil {
				own = add(own, e.term(t, vars))
			}
		}
		if each.Head.Key != nil {
			own = add(1, 2*own)
		}
		cost = add(cost, own)
		e.worst = max(e.worst, cost)
	}
	e.rules[r] = cost
	return cost
}

// body records the cost of every variable that the body binds.
func (e *typeEstimate) body(body ast.Body, vars map[ast.Var]int) {
	for _, expr := range body {
		switch terms := expr.Terms.(type) {
		case *ast.Term:
			e.term(terms, vars)
		case *ast.Every:
			domain := e.term(terms.Domain, vars)
			inner := maps.Clone(vars)
			bind(terms.Key, domain, inner)
			bind(terms.Value, domain, inner)
			e.body(terms.Body, inner)
		case []*ast.Term:
			if expr.IsEquality() {
				a, b := e.term(terms[1], vars), e.term(terms[2], vars)
				bind(terms[1], b, vars)
				bind(terms[2], a, vars)
				continue
			}
			for _, t := range terms[1:] {
				e.term(t, vars)
			}
			if isRuleCall(expr) {
				bind(terms[len(terms)-1], e.term(terms[0], vars), vars)
			}
		}
	}
}

// bind gives every variable of a pattern the cost of what it is unified with.
func bind(pattern *ast.Term, cost int, vars map[ast.Var]int) {
	if pattern == nil {
		return
	}
	found := ast.NewVarSet()
	addVars(found, pattern)
	for v := range found {
		vars[v] = max(vars[v], cost)
	}
}

func (e *typeEstimate) term(t *ast.Term, vars map[ast.Var]int) int {
	if t == nil {
		return 0
	}
	parts := 0
	switch v := t.Value.(type) {
	case ast.Var:
		return max(1, vars[v])
	case ast.Ref:
		return e.ref(v, vars)
	case *ast.Array:
		v.Foreach(func(x *ast.Term) { parts = add(parts, e.term(x, vars)) })
	case ast.Set:
		v.Foreach(func(x *ast.Term) { parts = add(parts, e.term(x, vars)) })
	case ast.Object:
		v.Foreach(func(k, x *ast.Term) { parts = add(parts, add(e.term(k, vars), e.term(x, vars))) })
	case *ast.ArrayComprehension:
		parts = e.closure(v.Body, vars, v.Term)
	case *ast.SetComprehension:
		parts = e.closure(v.Body, vars, v.Term)
	case *ast.ObjectComprehension:
		parts = e.closure(v.Body, vars, v.Key, v.Value)
	default:
		return 1
	}
	cost := add(1, 2*parts)
	e.worst = max(e.worst, cost)
	return cost
}

func (e *typeEstimate) closure(body ast.Body, vars map[ast.Var]int, heads ...*ast.Term) int {
	inner := maps.Clone(vars)
	e.body(body, inner)
	cost := 0
	for _, h := range heads {
		cost = add(cost, e.term(h, inner))
	}
	return cost
}

// ref costs what all rules together cost that the reference may lead to.
func (e *typeEstimate) ref(ref ast.Ref, vars map[ast.Var]int) int {
	if !ref[0].Equal(ast.DefaultRootDocument) {
		if ref[0].Equal(ast.InputRootDocument) {
			return e.input
		}
		if v, ok := ref[0].Value.(ast.Var); ok {
			return max(1, vars[v])
		}
		return 1
	}
	cost := 1
	for _, r := range e.compiler.GetRulesDynamicWithOpts(ref, ast.RulesOptions{IncludeHiddenModules: true}) {
		cost = add(cost, e.rule(r))
	}
	e.total += cost
	return cost
}
