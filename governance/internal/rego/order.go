package rego

import (
	"maps"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// maxOrderCost bounds what the compiler may take to put the expressions of a version's bodies in order, in steps of about 50 ns: more than any version takes
// that compiles within the deadline.
const maxOrderCost = 1 << 25

// ordering adds up what it will cost to put bodies in order. The compiler (reorderBodyForSafety in OPA's ast package) goes over a body again and again, and takes
// what has values for all its variables, until nothing is left. Each look at an expression goes through all variables that have values by then, and where
// there is a comprehension in it, through all that was taken, too. A thousand lines in reverse order took more than a minute, the time grows with the cube at least,
// and nothing can interrupt that. Here, an expression is looked at again only when one of its own variables got a value.
type ordering struct {
	compiler *ast.Compiler
	cost     int
}

// boundOrder refuses what takes too long to be put in order. It is a stage of the compiler, before the one that does it.
func boundOrder(c *ast.Compiler) (found *ast.Error) {
	o := &ordering{compiler: c}
	for _, name := range slices.Sorted(maps.Keys(c.Modules)) {
		ast.WalkRules(c.Modules[name], func(r *ast.Rule) bool {
			known := &scope{vars: ast.ReservedVars.Copy()}
			known.vars.Update(varsOf(ast.VarVisitorParams{}, r.Head.Args))
			if _, fits := o.order(r.Body, known); !fits && found == nil {
				found = ast.NewError(ast.CompileErr, r.Loc(), "the expressions of the bodies up to here take too long to be put in order: "+
					"write each after those that give its variables their values, and split bodies of hundreds of expressions into rules")
			}
			return found != nil
		})
	}
	return found
}

// order returns the lines of a body in the order in which the compiler will have them, without those for which there is none, and whether the bound holds, also
// with all bodies in it.
func (o *ordering) order(b ast.Body, known *scope) (ordered []*line, fits bool) {
	lines, inner := o.lines(b, known)
	values := 0 // variables that have one
	for placed := -1; placed < len(ordered); {
		placed = len(ordered)
		for _, l := range lines {
			o.cost += len(ordered)/8 + 1 // to find out whether it was taken
			if l.placed {
				continue
			}
			if o.cost += l.size + values; len(l.closes) > 0 {
				o.cost += len(ordered) * (values + 1)
			}
			if o.cost > maxOrderCost {
				return ordered, false
			}
			if outputs, ready := o.look(l, inner); ready {
				l.placed = true
				ordered = append(ordered, l)
				values += len(outputs)
				inner.give(outputs)
			}
		}
	}
	for _, l := range ordered {
		for _, nested := range l.nested {
			o.cost += inner.size()
			if _, fits := o.order(nested, &scope{outer: inner, vars: l.given}); !fits {
				return ordered, false
			}
		}
	}
	return ordered, true
}

// look reports whether the line can be taken now, and which variables it gives values. It is the compiler's rule, quirks included.
func (o *ordering) look(l *line, inner *scope) (outputs ast.VarSet, ready bool) {
	if !l.stirred {
		return nil, false
	}
	l.stirred = false
	values := ast.NewVarSet()
	for v := range l.vars {
		if inner.has(v) {
			values.Add(v)
		}
	}
	outputs = ast.OutputVarsFromExpr(o.compiler, l.expr, values)
	wants := l.wants
	if len(l.closes) > 0 {
		if wants = l.closes; wants.Equal(outputs) {
			return nil, false
		}
	}
	for v := range wants {
		if !outputs.Contains(v) && !inner.has(v) {
			return nil, false
		}
	}
	return outputs.Diff(values), true
}
