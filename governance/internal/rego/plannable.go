package rego

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// plannable reports whether the plan of the references is one for the machine: no larger than the rules behind them, and with topdown's meaning. OPA's
// planner plans what follows an expression once for each way to go on, and the rules below a `with` once more, so that a short policy can have a plan
// that does not end; and it is at its edges where documents are made of rules and data together. large is the rule with which they are too large.
func plannable(compiler *ast.Compiler, refs []ast.Ref) (ok bool, large *ast.Rule) {
	w := planWalk{compiler: compiler, seen: make(map[*ast.Rule]bool)}
	for _, ref := range refs {
		if !w.resolve(ref) {
			return false, nil
		}
	}
	for len(w.todo) > 0 {
		r := w.todo[len(w.todo)-1]
		w.todo = w.todo[:len(w.todo)-1]
		ok := w.rule(r)
		if w.terms > maxPlanned || w.read > maxRead {
			return false, r
		}
		if !ok {
			return false, nil
		}
	}
	return true, nil
}

// planWalk follows references from rule to rule.
type planWalk struct {
	compiler *ast.Compiler
	seen     map[*ast.Rule]bool
	todo     []*ast.Rule
	terms    int // in the rules so far
	read     int // bytes of text
}

// Bounds on what is planned. The planner cannot be interrupted and calls itself for each term, with half a kilobyte of stack; and for each of its
// statements it reads the text of the expression that it is at.
const (
	maxPlanned = 1 << 15 // terms together
	maxRead    = 1 << 26 // bytes: a few hundredths of a second
)

// ofParts reports whether the term is an array or an object. Where two of them in one expression cannot be equal, for example by their lengths, the planner
// plans nothing instead of what fails, and not nothing is false.
func ofParts(t *ast.Term) bool {
	switch t.Value.(type) {
	case *ast.Array, ast.Object:
		return true
	}
	return false
}

// rule looks at a rule with everything in it, its else branches too.
func (w *planWalk) rule(r *ast.Rule) bool {
	ok, before, longest := true, w.terms, 0
	at := func(l *ast.Location) {
		if l != nil {
			longest = max(longest, len(l.Text))
		}
	}
	ast.NewGenericVisitor(func(x any) bool {
		switch x := x.(type) {
		case *ast.Head:
			// its reference names the rule itself; the values in it come below
			at(x.Location)
			w.walkHead(x, &ok)
			return true
		case *ast.Expr:
			at(x.Location)
			ok = ok && len(x.With) == 0
			switch terms := x.Terms.(type) {
			case *ast.Not, *ast.LogicalAnd, *ast.LogicalOr:
				ok = false
			case []*ast.Term:
				ok = ok && (!x.Negated || !x.IsEquality() || !ofParts(terms[1]) || !ofParts(terms[2]))
			case *ast.Term: // the planner leaves out what is never false, also where to evaluate it can fail
				ok = ok && !ast.IsComprehension(terms.Value)
			}
		case *ast.Term:
			ok = ok && w.term(x)
		}
		return !ok
	}).Walk(r)
	w.read += (w.terms - before) * longest
	return ok
}

func (w *planWalk) walkHead(h *ast.Head, ok *bool) {
	for _, t := range slices.Concat([]*ast.Term{h.Key, h.Value}, []*ast.Term(h.Args), []*ast.Term(h.Reference[1:])) {
		if t != nil {
			ast.WalkTerms(t, func(t *ast.Term) bool {
				*ok = *ok && w.term(t)
				return !*ok
			})
		}
	}
}

func (w *planWalk) term(t *ast.Term) bool {
	if w.terms++; w.terms > maxPlanned {
		return false
	}
	switch v := t.Value.(type) {
	case ast.Ref:
		return w.resolve(v)
	case *ast.ArrayComprehension, *ast.SetComprehension, *ast.ObjectComprehension:
		return w.compiler.ComprehensionIndex(t) == nil // with its index topdown is faster by far
	}
	return true
}

// resolve notes the rules behind the reference. It must lead to one of them, or past all of them into the data document.
func (w *planWalk) resolve(ref ast.Ref) bool {
	if !ref[0].Equal(ast.DefaultRootDocument) {
		return true
	}
	node := w.compiler.RuleTree
	for i, t := range ref {
		if i > 0 {
			if _, ok := t.Value.(ast.String); !ok {
				return false
			}
		}
		if node = node.Child(t.Value); node == nil {
			return true
		}
		if len(node.Values) > 0 {
			return w.note(node, i+1)
		}
	}
	return false
}

// note notes the rules of a node, which must all be of one kind: with the reference of the node, or partial objects with one key more.
func (w *planWalk) note(node *ast.TreeNode, length int) bool {
	if len(node.Children) > 0 {
		return false
	}
	first := node.Values[0]
	for _, r := range node.Values {
		n := len(r.Ref())
		if n != len(first.Ref()) || n > length+1 || n > length && (r.Head.RuleKind() != ast.SingleValue || r.Default || len(r.Head.Args) > 0) {
			return false
		}
		if !w.seen[r] {
			w.seen[r] = true
			w.todo = append(w.todo, r)
		}
	}
	return true
}
