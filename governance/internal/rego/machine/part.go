package machine

import (
	"sync/atomic"

	"github.com/open-policy-agent/opa/v1/ast"
)

// MaxMembers is how many members a Part may have, of which one is found by looking at all.
const MaxMembers = 16

// Part is an object of the input that is read member by member: OPA's objects have tables that cost more than all that most policies ask of them. As a
// whole it is made for the first who needs that: topdown, builtins, comparisons and loops. It is immutable, and no more than the machine knows it.
type Part struct {
	ast.Value // nil: who would take it for one of OPA's values panics, and has it left to topdown

	term    ast.Term
	members [][2]*ast.Term
	whole   atomic.Pointer[ast.Term]
}

// NewPart returns an object of the members: different texts, and values, of which some may be parts again.
func NewPart(members [][2]*ast.Term) *ast.Term {
	p := &Part{members: members}
	p.term.Value = p
	return &p.term
}

// Whole is the term as OPA knows it.
func Whole(t *ast.Term) *ast.Term {
	if t == nil {
		return nil
	}
	p, ok := t.Value.(*Part)
	if !ok {
		return t
	}
	if made := p.whole.Load(); made != nil {
		return made
	}
	members := make([][2]*ast.Term, len(p.members))
	for i, m := range p.members {
		members[i] = [2]*ast.Term{m[0], Whole(m[1])}
	}
	p.whole.CompareAndSwap(nil, ast.NewTerm(ast.NewObject(members...)))
	return p.whole.Load()
}

// get returns the member, nil if there is none. The key is whole.
func (p *Part) get(key *ast.Term) *ast.Term {
	name, ok := key.Value.(ast.String)
	if !ok {
		return nil
	}
	for _, m := range p.members {
		if m[0] == key || m[0].Value == name {
			return m[1]
		}
	}
	return nil
}

// Look is what a builtin asks of an object that the machine sees in a part of it.
type Look int

// The looks.
const (
	NoLook Look = iota
	LookUp      // object.get
	LookAt      // is_object
)

// ofPart does what the builtin does for a part of the input; done is false for anything else.
func (m *machine) ofPart(f []*ast.Term, c *call) (t *ast.Term, done bool) {
	if c.builtin.Look == NoLook {
		return nil, false
	}
	p := m.seen(f, c.arguments[0])
	if p == nil {
		return nil, false
	}
	if _, part := p.Value.(*Part); !part {
		return nil, false
	}
	if c.builtin.Look == LookAt {
		return ast.InternedTerm(true), true
	}
	key, fallback := m.value(f, c.arguments[1]), m.value(f, c.arguments[2])
	if key == nil || fallback == nil {
		return nil, false
	}
	if path, ok := key.Value.(*ast.Array); ok {
		for i := 0; i < path.Len() && p != nil; i++ {
			p = dot(p, path.Elem(i))
		}
	} else {
		p = dot(p, key)
	}
	if p == nil {
		return fallback, true
	}
	return p, true
}
