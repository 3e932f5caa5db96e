package machine

import "github.com/open-policy-agent/opa/v1/ast"

// signal is how a sequence of instructions ended: at its end, or, from 0 upwards, by leaving so many blocks beyond its own. To be undefined is to leave
// its own.
type signal int

const (
	finished  signal = -1
	undefined signal = 0
)

// Signals that no block in between takes for its own.
const (
	returned signal = 1<<20 + iota // from the function, with machine.out
	left                           // the body of the rule
	failed                         // with machine.err
)

// outward is the signal that a sequence gives when one within it ended with s > undefined.
func outward(s signal) signal {
	if s >= returned {
		return s
	}
	return s - 1
}

// run runs the instructions with the registers f.
func (m *machine) run(f []*ast.Term, c code) signal {
	for i := range c {
		in := &c[i]
		switch in.op {
		case opMove:
			t := m.seen(f, in.a)
			if t == nil {
				return m.unusual()
			}
			f[in.to] = t
		case opReset:
			f[in.to] = nil
		case opAssignOnce, opAssignAndLeave:
			t := m.value(f, in.a)
			if t == nil {
				return m.unusual()
			}
			if before := m.value(f, in.to); before == nil {
				f[in.to] = t
			} else if eq, same := equal(before, t); !eq || !same {
				return m.unusual()
			}
			if in.op == opAssignAndLeave {
				return left
			}
		case opDot:
			source, key := m.seen(f, in.a), m.value(f, in.b)
			if source == nil && in.a == inputRegister {
				return undefined
			}
			if source == nil || key == nil {
				return m.unusual()
			}
			t := dot(source, key)
			if t == nil {
				return undefined
			}
			f[in.to] = t
		case opDotData:
			source, key := m.value(f, in.a), m.value(f, in.b)
			if source == nil || key == nil || !stored(source, key) {
				return m.unusual()
			}
			t := dot(source, key)
			if t == nil {
				return undefined
			}
			f[in.to] = t
		case opEqual, opNotEqual:
			a, b := m.value(f, in.a), m.value(f, in.b)
			if a == nil || b == nil {
				return m.unusual()
			}
			eq, same := equal(a, b)
			if eq && !same {
				return m.unusual()
			}
			if eq != (in.op == opEqual) {
				return undefined
			}
		case opIsDefined:
			if m.seen(f, in.a) == nil {
				return undefined
			}
		case opIsUndefined:
			if m.seen(f, in.a) != nil {
				return undefined
			}
		case opCall:
			call := &m.program.calls[in.at]
			var arguments []*ast.Term
			if len(call.arguments) > 0 {
				if arguments = m.arguments(f, call); m.err != nil {
					return failed
				}
			}
			t := m.call(call.function, arguments)
			if m.err != nil {
				return failed
			}
			if t == nil {
				return undefined
			}
			f[in.to] = t
		case opCallBuiltin:
			t := m.callBuiltin(f, &m.program.calls[in.at])
			if m.err != nil {
				return failed
			}
			if t == nil {
				return undefined
			}
			f[in.to] = t
		case opNot:
			switch s := m.run(f, m.program.nested[in.at]); {
			case s == finished:
				return undefined
			case s > undefined:
				return outward(s)
			}
		case opBlocks:
			for _, at := range m.program.lists[in.at] {
				if s := m.run(f, m.program.nested[at]); s > undefined {
					return outward(s)
				}
			}
		case opScan:
			if s := m.scan(f, in); s > undefined {
				return s
			}
		case opBreak:
			return signal(in.at)
		case opReturn:
			m.out = m.value(f, in.a)
			return returned
		default:
			if s := m.collection(f, in); s != finished {
				return s
			}
		}
	}
	return finished
}

// scan runs the nested code for each element. What is no collection has none.
func (m *machine) scan(f []*ast.Term, in *instruction) signal {
	source := m.value(f, in.to)
	if source == nil && in.to == inputRegister {
		return undefined
	}
	if source == nil {
		return m.unusual()
	}
	if m.loose != nil && m.loose[source.Value] {
		return m.unusual()
	}
	body, s := m.program.nested[in.at], undefined
	each := func(k, v *ast.Term) bool {
		if m.cancelled() {
			s = failed
			return true
		}
		f[in.a], f[in.b] = k, v
		s = m.run(f, body)
		return s > undefined
	}
	switch v := source.Value.(type) {
	case *ast.Array:
		for i := range v.Len() {
			if each(ast.InternedTerm(i), v.Elem(i)) {
				break
			}
		}
	case ast.Object:
		v.Until(each)
	case ast.Set:
		v.Until(func(e *ast.Term) bool { return each(e, e) })
	}
	if s > undefined {
		return outward(s)
	}
	return undefined
}

func (m *machine) unusual() signal {
	m.err = ErrUnusual
	return failed
}
