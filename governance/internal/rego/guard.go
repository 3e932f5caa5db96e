package rego

import (
	"errors"
	"math/big"
	"strings"
	"unicode/utf8"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// guard looks at the operands of a call and refuses it when its cost would be out of proportion. It is cheap against the call itself and
// leaves wrong types to the builtin.
type guard func(in []*ast.Term) error

var errCostly = errors.New("the call costs more than an evaluation may spend")

// maxWork bounds a call whose cost is a product of two sizes, in steps of a few nanoseconds.
const maxWork = 1 << 25

// guardBuiltin returns the builtin with the guard before it. A result that outgrows the limits, or holds a number that does, is refused too.
func guardBuiltin(decl *ast.Builtin, g guard) *topdown.Builtin {
	call, arity := topdown.GetBuiltin(decl.Name), decl.Decl.Arity()
	return &topdown.Builtin{
		Decl: guardedDecl(decl),
		Func: func(bctx topdown.BuiltinContext, operands []*ast.Term, iter func(*ast.Term) error) error {
			at := bctx.Location // all that the closure below keeps: the context is large
			if err := g.admit(bctx.Cancel, operands[:min(arity, len(operands))]); err != nil {
				return halt(at, decl.Name, err)
			}
			return call(bctx, operands, func(out *ast.Term) error {
				if err := bounded(out); err != nil {
					return halt(at, decl.Name, err)
				}
				return iter(out)
			})
		},
	}
}

// admit looks at the operands, and waits for the evaluation's turn when they are many.
func (g guard) admit(cancel topdown.Cancel, operands []*ast.Term) error {
	if err := g(operands); err != nil {
		return err
	}
	if large(operands) && ownTurn(cancel) {
		return errLate
	}
	return nil
}

// largeOperands is the size of operands, in bytes or elements, from which a call may take milliseconds.
const largeOperands = 16 << 10

// large reports whether a call may take long. A builtin is not interrupted, so that one must have its turn before it begins.
func large(operands []*ast.Term) bool {
	size := 0
	for _, t := range operands {
		switch v := t.Value.(type) {
		case ast.String:
			size += len(v)
		case *ast.Array:
			size += v.Len()
		case ast.Set:
			size += v.Len()
		case ast.Object:
			size += v.Len()
		}
	}
	return size > largeOperands
}

// ownTurn waits until the evaluation has its turn, and reports whether it is cancelled.
func ownTurn(cancel topdown.Cancel) (cancelled bool) {
	switch c := cancel.(type) {
	case *stint:
		return c.own()
	case *brief:
		c.over = true // those have none
		return true
	}
	return false
}

// halt ends the evaluation at once: in strict mode the error decides its outcome anyway.
func halt(at *ast.Location, name string, err error) error {
	return topdown.Halt{Err: &topdown.Error{Code: topdown.BuiltinErr, Message: name + ": " + err.Error(), Location: at}}
}

// bounded checks what a builtin returned. Scalars, the usual case, cost nothing.
func bounded(out *ast.Term) error {
	switch v := out.Value.(type) {
	case ast.Number:
		if len(v) > 2*maxDigits+maxExponent { // a product or a rounding of numbers that fit is still let through
			return errNumber
		}
	case *ast.Array, ast.Object, ast.Set:
		if err := weigh(out); err != nil {
			return err
		}
		if !numbersFit(out) {
			return errNumber
		}
	}
	return nil
}

// light lets operands through that are within the limits on values and whose numbers are short.
func light(in []*ast.Term) error {
	b := newBudget(maxNodes, maxText)
	defer b.giveBack()
	for _, t := range in {
		if n, ok := t.Value.(ast.Number); ok && !numberFits(n) {
			return errNumber
		}
		if !b.spend(t) {
			return errHeavy
		}
	}
	return nil
}

// text returns the operand as a string, or "".
func text(in []*ast.Term, i int) string {
	if i < 0 || i >= len(in) {
		return ""
	}
	s, _ := in[i].Value.(ast.String)
	return string(s)
}

// work refuses the product of two sizes when it is over the limit.
func work(a, b, limit int) error {
	if a > 0 && b > limit/a {
		return errCostly
	}
	return nil
}

func shortRange(in []*ast.Term) error {
	if err := light(in); err != nil {
		return err
	}
	var v [3]big.Float
	v[2].SetInt64(1)
	for i := range min(len(in), 3) {
		n, ok := in[i].Value.(ast.Number)
		if !ok {
			return nil
		}
		if _, ok := v[i].SetString(string(n)); !ok {
			return nil
		}
	}
	if v[2].Sign() <= 0 {
		return nil // the builtin says what is wrong
	}
	length := new(big.Float).Sub(&v[1], &v[0])
	length.Quo(length.Abs(length), &v[2])
	if length.Cmp(big.NewFloat(maxNodes)) >= 0 {
		return errHeavy
	}
	return nil
}

// shortNumber guards the builtins that read a number from a string.
func shortNumber(in []*ast.Term) error {
	s := text(in, 0)
	if len(s) > maxDigits {
		return errNumber
	}
	for i := range len(s) {
		if s[i] != 'e' && s[i] != 'E' {
			continue
		}
		digits := strings.TrimLeft(strings.TrimLeft(s[i+1:], "+-"), "0")
		if end := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
			digits = digits[:end]
		}
		if len(digits) > 3 || len(digits) == 3 && digits > "400" { // maxExponent
			return errNumber
		}
	}
	return light(in)
}

func shortSearch(in []*ast.Term) error {
	if err := light(in); err != nil {
		return err
	}
	if len(in) == 2 {
		a, ok1 := in[0].Value.(*ast.Array)
		b, ok2 := in[1].Value.(*ast.Array)
		if ok1 && ok2 {
			return work(a.Len(), b.Len(), maxWork/16)
		}
	}
	if s := text(in, 0); !ascii(s) || !ascii(text(in, 1)) {
		return work(len(s), len(text(in, 1)), maxWork)
	}
	return nil
}

func shortJoin(in []*ast.Term) error {
	if err := light(in); err != nil {
		return err
	}
	if len(in) < 2 {
		return nil
	}
	n := 0
	switch v := in[1].Value.(type) {
	case *ast.Array:
		n = v.Len()
	case ast.Set:
		n = v.Len()
	}
	return work(len(text(in, 0)), n, maxText)
}

// shortSplit bounds the parts before they are made: a term takes fifty times the memory of the letter that it may hold.
func shortSplit(in []*ast.Term) error {
	if err := light(in); err != nil {
		return err
	}
	if len(in) > 1 && strings.Count(text(in, 0), text(in, 1)) > maxNodes { // without a separator: one more than there are letters
		return errHeavy
	}
	return nil
}

func shortReplace(in []*ast.Term) error {
	if err := light(in); err != nil {
		return err
	}
	s, old, replacement := text(in, 0), text(in, 1), text(in, 2)
	if len(replacement) <= len(old) {
		return nil
	}
	return work(strings.Count(s, old), len(replacement), maxText)
}

func shortReplaceN(in []*ast.Term) error {
	if err := light(in); err != nil {
		return err
	}
	patterns, ok := in[0].Value.(ast.Object)
	if !ok {
		return nil
	}
	longest := 0
	patterns.Foreach(func(_, v *ast.Term) {
		if s, ok := v.Value.(ast.String); ok {
			longest = max(longest, len(s))
		}
	})
	return work(len(text(in, 1))+1, longest, 16*maxText)
}

func shortTrim(in []*ast.Term) error {
	if err := light(in); err != nil {
		return err
	}
	if ascii(text(in, 1)) {
		return nil
	}
	return work(len(text(in, 0)), len(text(in, 1)), maxWork)
}

// shortGlob bounds patterns, which backtrack.
func shortGlob(in []*ast.Term) error {
	if err := light(in); err != nil {
		return err
	}
	pattern, match := text(in, 0), text(in, 2)
	if len(pattern) > 1<<10 {
		return errCostly
	}
	stars := 1 + strings.Count(pattern, "*")
	return work(len(match)+1, stars*len(pattern), maxWork)
}

// shortToken bounds tokens and keys: verifying costs the cube of a key's size, and this still admits RSA with 16,384 bits.
func shortToken(in []*ast.Term) error {
	b := newBudget(256, 16<<10)
	defer b.giveBack()
	for _, t := range in {
		if !b.spend(t) || !numbersFit(t) {
			return errCostly
		}
	}
	return nil
}

// shortFormat bounds what a format string may ask for: widths and precisions pad without an operand that would have to be as large.
func shortFormat(in []*ast.Term) error {
	if err := light(in); err != nil {
		return err
	}
	format := text(in, 0)
	longest := 0
	if len(in) > 1 {
		if args, ok := in[1].Value.(*ast.Array); ok {
			args.Foreach(func(t *ast.Term) { longest = max(longest, printed(t)) })
		}
	}
	verbs := 0
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			continue
		}
		verbs++
		digits := 0
		for i++; i < len(format) && strings.IndexByte("0123456789.+-# []*", format[i]) >= 0; i++ {
			switch c := format[i]; {
			case c == '*':
				return errCostly // a width from the operands
			case c >= '0' && c <= '9':
				digits++
			default:
				digits = 0
			}
			if digits > 3 {
				return errCostly // a width of 10,000 or more
			}
		}
	}
	const widest = 2 * 999 // a width and a precision
	return work(verbs, longest+widest, maxText)
}

// printed is an upper bound of the length of a term's text. The term is within the limits already.
func printed(t *ast.Term) int {
	b := newBudget(maxNodes, maxText)
	defer b.giveBack()
	b.spend(t)
	return 6*(maxText-b.text) + 8*(maxNodes-b.nodes) // every byte may be escaped; punctuation and keywords
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
