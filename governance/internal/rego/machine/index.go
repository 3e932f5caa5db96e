package machine

import (
	"fmt"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// manyTests is for how many tests it pays to follow a path beforehand.
const manyTests = 8

// index makes bodies of the function's blocks. Those that begin with the same paths as many others get tests.
func (t *translator) index(f *function, blocks []code) {
	paths, begin := make(map[string]*path), make([][]comparison, len(blocks))
	for i, c := range blocks {
		begin[i] = t.beginning(f, c)
		for _, q := range begin[i] {
			name := q.name()
			if paths[name] == nil {
				paths[name] = &path{place: q.place, constants: make(map[ast.Value]*ast.Term)}
			}
			paths[name].tests++
		}
	}
	for i, c := range blocks {
		if last := len(f.bodies) - 1; last >= 0 && ends(f.bodies[last].blocks[0], c) {
			f.bodies[last].blocks = append(f.bodies[last].blocks, c)
			continue
		}
		b := body{blocks: []code{c}}
		for _, q := range begin[i] {
			if p := paths[q.name()]; p.tests >= manyTests {
				b.tests = append(b.tests, f.test(p, q.want))
			}
		}
		f.bodies = append(f.bodies, b)
	}
}

// ends reports whether the block hands on what the body that begins with the other has come to.
func ends(begin, c code) bool {
	return len(begin) > 0 && begin[0].op == opReset && len(c) > 0 && c[0].op == opIsDefined && c[0].a == begin[0].to
}

// test makes a test of what is at the end of the path.
func (f *function) test(p *path, want *ast.Term) test {
	if p.to == 0 {
		p.to = operand(f.registers) //nolint:gosec // few more than a plan has
		f.registers++
		f.paths = append(f.paths, p)
	}
	if known, ok := p.constants[want.Value]; ok {
		want = known
	}
	p.constants[want.Value] = want
	return test{at: p.to, want: want}
}

func (p place) name() string { return fmt.Sprint(p.from, p.keys) }

// comparison is one of a place with a constant.
type comparison struct {
	place
	want *ast.Term
}

// beginning returns the comparisons that the block begins with, up to the first instruction that can do anything but be undefined: what stands before them,
// or between them, would come to nothing.
func (t *translator) beginning(f *function, c code) (list []comparison) {
	at := map[operand]*place{inputRegister: {from: inputRegister}}
	for _, p := range f.parameters {
		at[p] = &place{from: p}
	}
	for _, in := range c {
		switch in.op {
		case opReset:
			at[in.to] = nil
		case opMove:
			at[in.to] = at[in.a]
		case opDot:
			if p := at[in.a]; p != nil && in.b < 0 {
				at[in.to] = &place{from: p.from, keys: slices.Concat(p.keys, []*ast.Term{t.program.constants[^in.b]})}
			} else {
				at[in.to] = nil
			}
		case opEqual:
			p, c := at[in.a], in.b
			if p == nil {
				p, c = at[in.b], in.a
			}
			if p != nil && c < 0 && exact(t.program.constants[^c]) {
				list = append(list, comparison{*p, t.program.constants[^c]})
			}
		default:
			if !t.pure(in) {
				return list
			}
			if in.op == opLen || in.op == opCallBuiltin { // the others are tests
				at[in.to] = nil
			}
		}
	}
	return list
}

// pure reports whether all that the instruction can do is to be undefined, or to write the register to. A call that can fail is not pure: where topdown comes
// to it, its error is the answer.
func (t *translator) pure(in instruction) bool {
	switch in.op {
	case opNotEqual, opIsArray, opIsObject, opIsSet, opIsDefined, opIsUndefined, opLen:
		return true
	case opCallBuiltin:
		return t.program.calls[in.at].builtin.Total
	default:
		return false
	}
}
