package machine

import "github.com/open-policy-agent/opa/v1/ast"

// memo is what is known of a function in one run. Without it a chain of rules that ask for one another twice would be run for ever.
type memo struct {
	known  bool // the result of a rule, which has no arguments
	result *ast.Term
	few    []remembered
	many   map[int][]remembered // by hash, when there are more
}

type remembered struct {
	arguments []*ast.Term
	result    *ast.Term // nil: undefined
}

// fewCalls is how many calls of a function are compared one by one.
const fewCalls = 8

// find returns the result of an earlier call with the same arguments. It fails where they are equal but written differently.
func (m *memo) find(arguments []*ast.Term) (result *ast.Term, found bool, err error) {
	if result, found, err = search(m.few, arguments); found || err != nil || m.many == nil {
		return result, found, err
	}
	return search(m.many[hash(arguments)], arguments)
}

func search(list []remembered, arguments []*ast.Term) (result *ast.Term, found bool, err error) {
	for i := range list {
		all, written := true, true
		for j, t := range list[i].arguments {
			eq, same := equal(t, arguments[j])
			if all = all && eq; !all {
				break
			}
			written = written && same
		}
		switch {
		case all && !written:
			return nil, false, ErrUnusual
		case all:
			return list[i].result, true, nil
		}
	}
	return nil, false, nil
}

func (m *memo) put(arguments []*ast.Term, result *ast.Term) {
	r := remembered{arguments: arguments, result: result}
	if len(m.few) < fewCalls {
		m.few = append(m.few, r)
		return
	}
	if m.many == nil {
		m.many = make(map[int][]remembered)
	}
	h := hash(arguments)
	m.many[h] = append(m.many[h], r)
}

func hash(arguments []*ast.Term) int {
	h := 0
	for _, t := range arguments {
		h = 31*h + t.Value.Hash()
	}
	return h
}
