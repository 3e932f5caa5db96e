package machine

import (
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/ir"
)

// literal is a collection of which the plan adds every element in the block that makes it. It is made when all are there, or, where all are constants,
// never.
type literal struct {
	op   opcode
	list []operand // keys and values in turns for an object
	left int       // how many additions are still to come
}

// begin begins a collection. It is a literal if something is added, and only by statements of its own block.
func (t *translator) begin(c code, op opcode, target ir.Local, here additions) (code, error) {
	register := t.target(target)
	delete(t.literals, target)
	if here[target] == 0 {
		return append(c, instruction{op: op, to: register}), nil
	}
	if here[target] != t.scope.all[target] {
		return nil, fmt.Errorf("%w: a literal in pieces", ErrUnsupported)
	}
	literals := map[opcode]opcode{opMakeArray: opArray, opMakeObject: opObject, opMakeSet: opSet}
	t.literals[target] = &literal{op: literals[op], left: here[target]}
	return c, nil
}

// additions is how often the plan adds to each collection.
type additions map[ir.Local]int

// count counts the statement, if it adds to a collection.
func (n additions) count(s ir.Stmt) {
	switch s := s.(type) {
	case *ir.ArrayAppendStmt:
		n[s.Array]++
	case *ir.SetAddStmt:
		n[s.Set]++
	case *ir.ObjectInsertStmt:
		n[s.Object]++
	case *ir.ObjectInsertOnceStmt:
		n[s.Object]++
	}
}

// add adds to a literal, or to a collection that grows while the program runs.
func (t *translator) add(c code, op opcode, target ir.Local, parts ...ir.Operand) (code, error) {
	operands := make([]operand, 2)
	for i, p := range parts {
		var err error
		if operands[i], err = t.operand(p); err != nil {
			return nil, err
		}
	}
	l := t.literals[target]
	if l == nil {
		if !t.scope.written[target] {
			return nil, unwritten(target)
		}
		return append(c, instruction{op: op, to: t.register(target), a: operands[0], b: operands[1]}), nil
	}
	l.list = append(l.list, operands[:len(parts)]...)
	if l.left--; l.left > 0 {
		return c, nil
	}
	delete(t.literals, target)
	if term := t.ground(l); term != nil {
		t.program.elements += len(l.list)
		t.constants[target] = t.constant(term)
		return c, nil
	}
	return append(c, instruction{op: l.op, to: t.target(target), at: t.list(l.list)}), nil
}

// ground returns the literal as a constant, nil if it is none.
func (t *translator) ground(l *literal) *ast.Term {
	terms := make([]*ast.Term, len(l.list))
	for i, o := range l.list {
		if o >= 0 {
			return nil
		}
		terms[i] = t.program.constants[^o]
	}
	switch l.op {
	case opArray:
		return ast.ArrayTerm(terms...)
	case opSet:
		return ast.SetTerm(terms...)
	default: // opObject
		o := ast.NewObjectWithCapacity(len(terms) / 2)
		for i := 0; i < len(terms); i += 2 {
			o.Insert(terms[i], terms[i+1])
		}
		return ast.NewTerm(o)
	}
}
