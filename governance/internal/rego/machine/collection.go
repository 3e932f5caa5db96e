package machine

import "github.com/open-policy-agent/opa/v1/ast"

// collection runs the instructions that look at collections or make them. A collection that grows belongs to its register until it is complete.
func (m *machine) collection(f []*ast.Term, in *instruction) signal {
	switch in.op {
	case opLen, opIsArray, opIsObject, opIsSet:
		t := m.value(f, in.a)
		if t == nil {
			return m.unusual()
		}
		return look(f, in, t)
	case opMakeArray:
		f[in.to] = ast.NewTerm(ast.NewArrayWithCapacity(0))
		return finished
	case opMakeObject:
		f[in.to] = ast.NewTerm(ast.NewObject())
		return finished
	case opMakeSet:
		f[in.to] = ast.NewTerm(ast.NewSet())
		return finished
	case opArray, opObject, opSet, opWeigh:
		list := m.values(f, m.program.lists[in.at])
		if list == nil {
			return m.unusual()
		}
		return m.literal(f, in, list)
	default:
		return m.grow(f, in)
	}
}

// look says what kind of collection t is.
func look(f []*ast.Term, in *instruction, t *ast.Term) signal {
	var ok bool
	switch in.op {
	case opLen:
		var n int
		if n, ok = length(t); ok {
			f[in.to] = ast.InternedTerm(n)
		}
	case opIsArray:
		_, ok = t.Value.(*ast.Array)
	case opIsObject:
		_, ok = t.Value.(ast.Object)
	default: // opIsSet
		_, ok = t.Value.(ast.Set)
	}
	if !ok {
		return undefined
	}
	return finished
}

// values returns the values of a list that is not empty, nil where one is undefined.
func (m *machine) values(f []*ast.Term, list []operand) []*ast.Term {
	values := make([]*ast.Term, len(list))
	for i, o := range list {
		if values[i] = m.value(f, o); values[i] == nil {
			return nil
		}
	}
	return values
}

// literal makes a collection whose elements are all there.
func (m *machine) literal(f []*ast.Term, in *instruction, list []*ast.Term) signal {
	switch in.op {
	case opArray:
		f[in.to] = ast.ArrayTerm(list...)
	case opObject:
		o := ast.NewObjectWithCapacity(len(list) / 2)
		for i := 0; i < len(list); i += 2 {
			o.Insert(list[i], list[i+1])
		}
		if o.Len() < len(list)/2 {
			return m.unusual()
		}
		f[in.to] = ast.NewTerm(o)
		m.ordered(o, list, 2)
	case opSet:
		s := ast.NewSet(list...)
		if s.Len() < len(list) {
			for _, t := range list {
				if !plain(t) {
					return m.unusual()
				}
			}
		}
		f[in.to] = ast.NewTerm(s)
		m.ordered(s, list, 1)
	default: // opWeigh
		for _, t := range list {
			if !m.light(t) {
				return failed
			}
		}
	}
	return finished
}

// ordered notes a literal whose elements, in the order in which it is written, are not in that of their values: topdown goes through the elements of a
// literal with variables as they are written, and through one twice that is written twice.
func (m *machine) ordered(literal ast.Value, list []*ast.Term, step int) {
	for i := step; i < len(list); i += step {
		if list[i-step].Value.Compare(list[i].Value) < 0 {
			continue
		}
		if m.loose == nil {
			m.loose = make(map[ast.Value]bool)
		}
		m.loose[literal] = true
		return
	}
}

// grow adds an element. Of two ways to write a number the first one stays, and topdown may have the bodies of a rule in another order.
func (m *machine) grow(f []*ast.Term, in *instruction) signal {
	a, target := m.value(f, in.a), f[in.to]
	if a == nil || target == nil {
		return m.unusual()
	}
	switch v := target.Value.(type) {
	case *ast.Array:
		if v.Len() >= m.program.around.MaxNodes {
			return m.unusual()
		}
		target.Value = v.Append(a)
	case ast.Set:
		if v.Len() >= m.program.around.MaxNodes || !plain(a) {
			return m.unusual()
		}
		v.Add(a)
	case ast.Object:
		b := m.value(f, in.b)
		if b == nil || v.Len() >= m.program.around.MaxNodes || !plain(a) {
			return m.unusual()
		}
		before := v.Get(a)
		if before == nil {
			v.Insert(a, b)
			return finished
		}
		if eq, same := equal(before, b); in.op == opInsert || !eq || !same || composite(a) {
			return m.unusual()
		}
	default:
		return m.unusual()
	}
	return finished
}
