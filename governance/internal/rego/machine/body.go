package machine

import (
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// body is what runs together: the blocks of one definition of a rule, or blocks that always run. Without its tests it would do the same, later.
type body struct {
	tests  []test
	blocks []code
}

// test is a comparison with a constant that a body begins with. Where it fails, the body does nothing.
type test struct {
	at   operand // the register with what the path found
	want *ast.Term
}

// path leads to what many bodies compare with constants, for example to input.subject.role. It is followed once for all of them: so a rule with a
// definition for each of a thousand roles takes little longer than one with a few.
type path struct {
	place
	to        operand // the register for what it finds
	constants map[ast.Value]*ast.Term
	tests     int
}

// place is where a path leads.
type place struct {
	from operand // the input or a parameter
	keys []*ast.Term
}

// perhaps is found where the bodies have to look themselves.
var perhaps = new(ast.Term) //nolint:gochecknoglobals // a constant

// find returns the constant that the path leads to, nil if to none.
func (p *path) find(f []*ast.Term) *ast.Term {
	t := f[p.from]
	if t == nil {
		return perhaps
	}
	for _, k := range p.keys {
		if t = dot(t, k); t == nil {
			return nil
		}
	}
	if !exact(t) {
		return perhaps
	}
	return p.constants[t.Value]
}

// fails reports that the body would do nothing.
func (b *body) fails(f []*ast.Term) bool {
	for i := range b.tests {
		if found := f[b.tests[i].at]; found != b.tests[i].want && found != perhaps {
			return true
		}
	}
	return false
}

// exact reports whether the term equals what is written like it and nothing else. OPA compares large numbers and fractions in several ways; small whole
// numbers are beyond doubt.
func exact(t *ast.Term) bool {
	switch v := t.Value.(type) {
	case ast.String, ast.Boolean:
		return true
	case ast.Number:
		return len(v) <= 15 && !strings.Contains(string(v), ".") && plainNumber(string(v))
	}
	return false
}
