package rego

import (
	"github.com/open-policy-agent/opa/v1/ast"
)

// instrument is the last stage of the compiler. It sends calls of guarded builtins to their guards, and adds checks so that no value of an
// evaluation outgrows the limits. By induction over the ways to make a value:
//
//   - out of the input: it is within the limits;
//   - by a builtin: the guard weighs the result;
//   - by a rule or a function: the cache of their values weighs it ([weighingCache]);
//   - by a literal with variables or by a comprehension that is bound to a variable: a check of the variable follows the expression;
//   - by a literal with variables in the arguments of a function or in a `with`: a check of the literal precedes the expression.
//
// A literal adds at most its own length in the source to values that are within the limits, so nothing on the way to a check is far over.
func instrument(modules map[string]*ast.Module) {
	for _, m := range modules {
		for _, r := range m.Rules {
			for ; r != nil; r = r.Else {
				r.Body = instrumentRule(r)
			}
		}
	}
}

func instrumentRule(r *ast.Rule) ast.Body {
	seen := ast.ReservedVars.Copy() // input and data, the heads of references
	for _, a := range r.Head.Args {
		addVars(seen, a)
	}
	body := instrumentBody(r.Body, seen)
	var made []*ast.Term
	for _, t := range []*ast.Term{r.Head.Key, r.Head.Value} {
		if t != nil && grows(t) {
			made = append(made, t)
		}
	}
	return appendChecks(body, made)
}

// instrumentBody returns the body with checks. Variables in seen are bound before it; those that the body binds are added.
func instrumentBody(body ast.Body, seen ast.VarSet) ast.Body {
	out := make(ast.Body, 0, len(body)+2)
	for _, expr := range body {
		guardCalls(expr)
		inner := func(b ast.Body) ast.Body { return instrumentBody(b, seen.Copy()) }
		var before []*ast.Term
		for _, w := range expr.With {
			rewriteComprehensions(w.Value, inner)
			guardReplacement(w)
			if grows(w.Value) {
				before = append(before, w.Value)
			}
		}
		var after []*ast.Term
		switch terms := expr.Terms.(type) {
		case *ast.Term:
			rewriteComprehensions(terms, inner)
		case []*ast.Term:
			for _, t := range terms[1:] {
				rewriteComprehensions(t, inner)
			}
			switch {
			case expr.IsEquality() && !expr.Negated:
				if makes(terms[1]) || makes(terms[2]) {
					after = newVars(seen, terms[1:])
				}
			case isRuleCall(expr):
				for _, t := range terms[1:] {
					if grows(t) && bound(seen, t) {
						before = append(before, t)
					}
				}
			}
		case *ast.Every:
			rewriteComprehensions(terms.Domain, inner)
			within := seen.Copy()
			addVars(within, terms.Key)
			addVars(within, terms.Value)
			terms.Body = instrumentBody(terms.Body, within)
		}
		out = appendChecks(out, before)
		out.Append(expr)
		out = appendChecks(out, after)
		if !expr.Negated {
			addVars(seen, expr)
		}
	}
	return out
}

// grows reports whether the term makes a collection out of values that are not in the source.
func grows(t *ast.Term) bool {
	switch v := t.Value.(type) {
	case *ast.Array, ast.Object, ast.Set:
		return !v.IsGround()
	}
	return false
}

// makes reports whether unifying with the term can make a collection.
func makes(t *ast.Term) bool { return grows(t) || ast.IsComprehension(t.Value) }

// isRuleCall reports whether the expression calls a function that the modules define. Those that call builtins have guards.
func isRuleCall(expr *ast.Expr) bool {
	ref, ok := expr.Operator(), expr.IsCall()
	return ok && len(ref) > 0 && ref[0].Equal(ast.DefaultRootDocument)
}

// newVars returns the variables within the terms that are not in seen: those that unification binds.
func newVars(seen ast.VarSet, terms []*ast.Term) []*ast.Term {
	found := ast.NewVarSet()
	for _, t := range terms {
		addVars(found, t)
	}
	var vars []*ast.Term
	for _, v := range found.Diff(seen).Sorted() {
		vars = append(vars, ast.NewTerm(v))
	}
	return vars
}

// bound reports whether every variable of the term is in seen.
func bound(seen ast.VarSet, t *ast.Term) bool {
	all := true
	ast.WalkVars(t, func(v ast.Var) bool {
		all = all && seen.Contains(v)
		return !all
	})
	return all
}

// addVars adds the variables within x that its evaluation binds for what follows: all but those of comprehensions and `every`.
func addVars(to ast.VarSet, x any) {
	vis := ast.NewGenericVisitor(func(x any) bool {
		switch x := x.(type) {
		case *ast.Term:
			if x == nil {
				return true
			}
		case *ast.ArrayComprehension, *ast.SetComprehension, *ast.ObjectComprehension, *ast.Every:
			return true
		case ast.Var:
			to.Add(x)
		}
		return false
	})
	vis.Walk(x)
}

// rewriteComprehensions instruments the bodies of the comprehensions within the term, innermost ones by recursion.
func rewriteComprehensions(t *ast.Term, f func(ast.Body) ast.Body) {
	vis := ast.NewGenericVisitor(func(x any) bool {
		switch c := x.(type) {
		case *ast.ArrayComprehension:
			c.Body = f(c.Body)
			return true
		case *ast.SetComprehension:
			c.Body = f(c.Body)
			return true
		case *ast.ObjectComprehension:
			c.Body = f(c.Body)
			return true
		}
		return false
	})
	vis.Walk(t)
}

// guardCalls redirects the expression's operator, if it is a guarded builtin, to the guard.
func guardCalls(expr *ast.Expr) {
	terms, ok := expr.Terms.([]*ast.Term)
	if !ok {
		return
	}
	if to, ok := guardOf(terms[0]); ok {
		terms[0] = to
	}
}

// guardReplacement does the same for `with` that replaces a builtin, or replaces a function by one.
func guardReplacement(w *ast.With) {
	if to, ok := guardOf(w.Target); ok {
		w.Target = to
	}
	if to, ok := guardOf(w.Value); ok {
		w.Value = to
	}
}

func guardOf(operator *ast.Term) (*ast.Term, bool) {
	ref, ok := operator.Value.(ast.Ref)
	if !ok {
		return nil, false
	}
	name := ref.String()
	r, known := profile[name]
	if !known || !allowed(r) || r.guard == nil {
		return nil, false
	}
	return ast.NewTerm((&ast.Builtin{Name: guardedName(name)}).Ref()).SetLocation(operator.Location), true
}

// appendChecks appends one expression that checks the terms.
func appendChecks(body ast.Body, terms []*ast.Term) ast.Body {
	if len(terms) == 0 {
		return body
	}
	expr := ast.NewExpr([]*ast.Term{ast.NewTerm(ast.Ref{ast.NewTerm(ast.Var(checkName))}), ast.ArrayTerm(terms...)})
	expr.Generated = true
	if len(body) > 0 {
		expr.Location = body[len(body)-1].Location
	}
	body.Append(expr)
	return body
}
