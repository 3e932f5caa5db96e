package rego

import (
	"errors"
	"strconv"
	"strings"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
)

var (
	errHeavy  = errors.New("a value is over the limits of an evaluation")
	errNumber = errors.New("a number has too many digits")
)

// budget is what is left of the limits on values while terms are weighed. Whoever takes one gives it back: evaluations weigh all the time.
type budget struct {
	nodes, text int
	element     func(e *ast.Term) (over bool) // spends
	member      func(k, e *ast.Term) (over bool)
}

var budgets = sync.Pool{New: func() any { //nolint:gochecknoglobals // budgets keep nothing of what was weighed
	b := new(budget)
	b.element = func(e *ast.Term) bool { return !b.spend(e) }
	b.member = func(k, e *ast.Term) bool { return !b.spend(k) || !b.spend(e) }
	return b
}}

func newBudget(nodes, text int) *budget {
	b := budgets.Get().(*budget) //nolint:forcetypeassert // nothing else is put there
	b.nodes, b.text = nodes, text
	return b
}

func (b *budget) giveBack() { budgets.Put(b) }

// weigh counts the terms as trees, a shared part once for each place, and fails as soon as the limits are passed: its cost is bounded by
// the limits, whatever the terms are.
func weigh(terms ...*ast.Term) error {
	b := newBudget(maxNodes, maxText)
	defer b.giveBack()
	for _, t := range terms {
		if !b.spend(t) {
			return errHeavy
		}
	}
	return nil
}

// spend takes t from the budget and reports whether it was enough.
func (b *budget) spend(t *ast.Term) bool {
	b.nodes--
	if b.nodes < 0 {
		return false
	}
	switch v := t.Value.(type) {
	case ast.String:
		b.text -= len(v)
		return b.text >= 0
	case ast.Number:
		b.text -= len(v)
		return b.text >= 0
	case *ast.Array:
		return !v.Until(b.element)
	case ast.Set:
		return !v.Until(b.element)
	case ast.Object:
		return !v.Until(b.member)
	}
	return true
}

// numberFits reports whether arithmetic with the number is cheap: exact arithmetic on 1e1000000000 is not.
func numberFits(n ast.Number) bool {
	s := string(n)
	if len(s) > maxDigits {
		return false
	}
	i := strings.IndexAny(s, "eE")
	if i < 0 {
		return true
	}
	e, err := strconv.Atoi(s[i+1:])
	return err == nil && -maxExponent <= e && e <= maxExponent
}

// numbersFit reports whether every number within the term fits. The term is within the limits already.
func numbersFit(t *ast.Term) bool {
	switch v := t.Value.(type) {
	case ast.Number:
		return numberFits(v)
	case *ast.Array:
		return !v.Until(func(e *ast.Term) bool { return !numbersFit(e) })
	case ast.Set:
		return !v.Until(func(e *ast.Term) bool { return !numbersFit(e) })
	case ast.Object:
		return !v.Until(func(k, e *ast.Term) bool { return !numbersFit(k) || !numbersFit(e) })
	}
	return true
}
