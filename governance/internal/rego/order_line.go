package rego

import "github.com/open-policy-agent/opa/v1/ast"

// line is an expression of a body that is put in order.
type line struct {
	expr    *ast.Expr
	size    int        // nodes
	vars    ast.VarSet // all of them
	wants   ast.VarSet // those that must have values
	closes  ast.VarSet // the body's that are in bodies within it
	nested  []ast.Body // those bodies
	given   ast.VarSet // the key and the value of its every
	stirred bool       // to be looked at: one of its variables got a value
	placed  bool
}

// scope holds the variables that have values at some point of a body.
type scope struct {
	outer *scope
	vars  ast.VarSet
	users map[ast.Var][]*line // of the body, for each of its variables
}

func (s *scope) has(v ast.Var) bool {
	for ; s != nil; s = s.outer {
		if s.vars.Contains(v) {
			return true
		}
	}
	return false
}

// size is how many variables there are, with those of the bodies around.
func (s *scope) size() (n int) {
	for ; s != nil; s = s.outer {
		n += len(s.vars)
	}
	return n
}

// give gives variables their values.
func (s *scope) give(vars ast.VarSet) {
	for v := range vars {
		s.vars.Add(v)
		for _, l := range s.users[v] {
			l.stirred = true
		}
	}
}

// lines prepares a body, in whose scope nothing has a value yet but what had before.
func (o *ordering) lines(b ast.Body, known *scope) ([]*line, *scope) {
	params := ast.SafetyCheckVisitorParamsWithArity(o.compiler.GetArity)
	own := varsOf(params, b)
	inner := &scope{outer: known, vars: ast.NewVarSet(), users: make(map[ast.Var][]*line)}
	lines := make([]*line, len(b))
	for i, e := range b {
		l := &line{expr: e, vars: varsOf(ast.VarVisitorParams{}, e), wants: varsOf(params, e), closes: ast.NewVarSet(), stirred: true}
		ast.WalkNodes(e, func(ast.Node) bool { l.size++; return false })
		ast.WalkClosures(e, func(x any) bool {
			for v := range l.nest(x) {
				if own.Contains(v) && !known.has(v) {
					l.closes.Add(v)
				}
			}
			return true
		})
		for v := range l.vars {
			inner.users[v] = append(inner.users[v], l)
		}
		lines[i] = l
	}
	return lines, inner
}

// nest adds what is within the expression and has bodies of its own, and returns the variables in it.
func (l *line) nest(closure any) ast.VarSet {
	bodies, _ := bodiesOf(closure)
	l.nested = append(l.nested, bodies...)
	if every, ok := closure.(*ast.Every); ok {
		l.given, closure = every.KeyValueVars(), every.Body
	}
	return varsOf(ast.VarVisitorParams{}, closure)
}

// bodiesOf returns the bodies of what ast.WalkClosures visits.
func bodiesOf(closure any) (bodies []ast.Body, comprehension bool) {
	switch x := closure.(type) {
	case *ast.ArrayComprehension:
		return []ast.Body{x.Body}, true
	case *ast.SetComprehension:
		return []ast.Body{x.Body}, true
	case *ast.ObjectComprehension:
		return []ast.Body{x.Body}, true
	case *ast.Every:
		return []ast.Body{x.Body}, false
	case *ast.Not:
		return []ast.Body{x.Body}, false
	case *ast.LogicalAnd:
		return []ast.Body{x.Lhs, x.Rhs}, false
	case *ast.LogicalOr:
		return []ast.Body{x.Lhs, x.Rhs}, false
	}
	return nil, false
}

func varsOf(params ast.VarVisitorParams, x any) ast.VarSet {
	vis := ast.NewVarVisitor().WithParams(params)
	vis.Walk(x)
	return vis.Vars()
}
