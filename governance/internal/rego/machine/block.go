package machine

import (
	"fmt"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/ir"
)

// block translates the statements of a block. depth is how many blocks a break may leave.
func (t *translator) block(b *ir.Block, depth int) (code, error) {
	c, here := make(code, 0, len(b.Stmts)), make(additions)
	for _, s := range b.Stmts {
		here.count(s)
	}
	for i, s := range b.Stmts {
		var err error
		if c, err = t.statement(c, s, b.Stmts[i+1:], here, depth); err != nil {
			return nil, err
		}
	}
	return slices.Clip(c), nil
}

// statement appends what the statement becomes. What its block adds to says whether a collection is a literal, and the statements after it who asks for
// the result of a call.
func (t *translator) statement(c code, s ir.Stmt, after []ir.Stmt, here additions, depth int) (code, error) {
	switch s := s.(type) {
	case *ir.NopStmt:
		return c, nil
	case *ir.MakeNullStmt:
		t.hold(s.Target, t.constant(ast.InternedNullTerm))
		return c, nil
	case *ir.MakeNumberIntStmt:
		t.hold(s.Target, t.constant(ast.InternedTerm(int(s.Value))))
		return c, nil
	case *ir.AssignIntStmt:
		t.hold(s.Target, t.constant(ast.InternedTerm(int(s.Value))))
		return c, nil
	case *ir.MakeNumberRefStmt:
		t.hold(s.Target, t.number(s.Index))
		return c, nil
	case *ir.MakeArrayStmt:
		return t.begin(c, opMakeArray, s.Target, here)
	case *ir.MakeObjectStmt:
		return t.begin(c, opMakeObject, s.Target, here)
	case *ir.MakeSetStmt:
		return t.begin(c, opMakeSet, s.Target, here)
	case *ir.ArrayAppendStmt:
		return t.add(c, opAppend, s.Array, s.Value)
	case *ir.SetAddStmt:
		return t.add(c, opAdd, s.Set, s.Value)
	case *ir.ObjectInsertStmt:
		return t.add(c, opInsert, s.Object, s.Key, s.Value)
	case *ir.ObjectInsertOnceStmt:
		return t.add(c, opInsertOnce, s.Object, s.Key, s.Value)
	case *ir.CallStmt:
		return t.call(c, s, after)
	case *ir.BlockStmt, *ir.NotStmt, *ir.ScanStmt, *ir.BreakStmt, *ir.ReturnLocalStmt:
		in, err := t.flow(s, depth)
		return append(c, in), err
	}
	return t.simple(c, s)
}

// simple translates what becomes one instruction with operands.
func (t *translator) simple(c code, s ir.Stmt) (code, error) {
	switch s := s.(type) {
	case *ir.ResetLocalStmt:
		return append(c, instruction{op: opReset, to: t.target(s.Target)}), nil
	case *ir.AssignVarStmt:
		return t.put(c, opMove, s.Target, s.Source)
	case *ir.AssignVarOnceStmt:
		op := opAssignOnce
		if s.Target == t.uniform {
			op = opAssignAndLeave
		}
		return t.put(c, op, s.Target, s.Source)
	case *ir.DotStmt:
		source, _ := s.Source.Value.(ir.Local)
		if !t.stored[source] {
			return t.put(c, opDot, s.Target, s.Source, s.Key)
		}
		c, err := t.put(c, opDotData, s.Target, s.Source, s.Key)
		t.stored[s.Target] = true
		return c, err
	case *ir.LenStmt:
		return t.put(c, opLen, s.Target, s.Source)
	case *ir.EqualStmt:
		return t.put(c, opEqual, ir.Unused, s.A, s.B)
	case *ir.NotEqualStmt:
		if t.differ(s) {
			return c, nil
		}
		return t.put(c, opNotEqual, ir.Unused, s.A, s.B)
	case *ir.IsArrayStmt:
		return t.put(c, opIsArray, ir.Unused, s.Source)
	case *ir.IsObjectStmt:
		return t.put(c, opIsObject, ir.Unused, s.Source)
	case *ir.IsSetStmt:
		return t.put(c, opIsSet, ir.Unused, s.Source)
	case *ir.IsDefinedStmt:
		return t.put(c, opIsDefined, ir.Unused, ir.Operand{Value: s.Source})
	case *ir.IsUndefinedStmt:
		return t.put(c, opIsUndefined, ir.Unused, ir.Operand{Value: s.Source})
	}
	return nil, fmt.Errorf("%w: %T", ErrUnsupported, s)
}

// differ reports that two constants do, as the result of a check and false.
func (t *translator) differ(s *ir.NotEqualStmt) bool {
	a, err1 := t.operand(s.A)
	b, err2 := t.operand(s.B)
	return err1 == nil && err2 == nil && a < 0 && b < 0 && !t.program.constants[^a].Equal(t.program.constants[^b])
}

// put appends an instruction with one or two operands. What tests has no target: ir.Unused stands for that.
func (t *translator) put(c code, op opcode, target ir.Local, operands ...ir.Operand) (code, error) {
	in := instruction{op: op}
	var err error
	if in.a, err = t.operand(operands[0]); err != nil {
		return nil, err
	}
	if len(operands) > 1 {
		if in.b, err = t.operand(operands[1]); err != nil {
			return nil, err
		}
	}
	switch op {
	case opMove, opAssignOnce, opAssignAndLeave, opDot, opDotData, opLen:
		in.to = t.target(target)
	default: // a test
	}
	return append(c, in), nil
}

// target is the register of what is written, which is no constant from here on.
func (t *translator) target(l ir.Local) operand {
	delete(t.constants, l)
	delete(t.stored, l)
	t.scope.write(l)
	return t.register(l)
}

// hold notes that a register is a constant from here on.
func (t *translator) hold(l ir.Local, c operand) {
	t.constants[l] = c
	t.scope.write(l)
}

// call translates calls of functions and builtins. A check of values that have just become a literal needs no literal.
func (t *translator) call(c code, s *ir.CallStmt, after []ir.Stmt) (code, error) {
	arguments := make([]operand, len(s.Args))
	for i, a := range s.Args {
		var err error
		if arguments[i], err = t.operand(a); err != nil {
			return nil, err
		}
	}
	if s.Func == t.program.around.Check && len(arguments) == 1 {
		t.hold(s.Result, t.constant(ast.InternedTerm(true)))
		if arguments[0] < 0 {
			return c, nil
		}
		if last := len(c) - 1; last >= 0 && c[last].op == opArray && c[last].to == arguments[0] {
			c[last] = instruction{op: opWeigh, at: c[last].at}
			return c, nil
		}
		return append(c, instruction{op: opWeigh, at: t.list(arguments)}), nil
	}
	in := instruction{op: opCall}
	target := call{arguments: arguments}
	if f, ok := t.functions[s.Func]; ok {
		if len(arguments) < 2 || arguments[0] != inputRegister || arguments[1] != dataRegister || len(arguments) != len(t.plan.Funcs.Funcs[f].Params) {
			return nil, fmt.Errorf("%w: call of %s with other documents", ErrUnsupported, s.Func)
		}
		if len(arguments) > 2 && !asked(s.Result, after) {
			return nil, fmt.Errorf("%w: call of %s for one value", ErrUnsupported, s.Func)
		}
		target.function, target.arguments = f, slices.Clip(arguments[2:])
	} else {
		var err error
		if target.builtin, err = t.builtin(s.Func); err != nil {
			return nil, err
		}
		if target.builtin.Arity != len(arguments) {
			return nil, fmt.Errorf("%w: %s of %d arguments", ErrUnsupported, s.Func, len(arguments))
		}
		in.op = opCallBuiltin
	}
	in.to, in.at = t.target(s.Result), int32(len(t.program.calls)) //nolint:gosec // as in nest
	t.program.calls = append(t.program.calls, target)
	return append(c, in), nil
}

// asked reports whether what follows a call of a function takes whatever the result is. Topdown unifies a result that the caller has already, as in
// f(1, 2), with the value of each definition before its body: where that fails, it goes on to the else and the default.
func asked(result ir.Local, after []ir.Stmt) bool {
	if len(after) == 0 {
		return false
	}
	switch s := after[0].(type) {
	case *ir.AssignVarStmt:
		return s.Source.Value == ir.Val(result)
	case *ir.NotEqualStmt:
		return s.A.Value == ir.Val(result) && s.B.Value == ir.Val(ir.Bool(false))
	}
	return false
}

// flow translates what runs other blocks or leaves its own.
func (t *translator) flow(s ir.Stmt, depth int) (in instruction, err error) {
	switch s := s.(type) {
	case *ir.BreakStmt:
		if int(s.Index) >= depth {
			return in, fmt.Errorf("%w: break out of a loop", ErrUnsupported)
		}
		return instruction{op: opBreak, at: int32(s.Index)}, nil //nolint:gosec // less than depth
	case *ir.ReturnLocalStmt:
		in.a, err = t.operand(ir.Operand{Value: s.Source})
		in.op = opReturn
		return in, err
	case *ir.NotStmt:
		inner, err := t.block(s.Block, 1)
		return instruction{op: opNot, at: t.nest(inner)}, err
	case *ir.ScanStmt:
		in.op = opScan
		if in.to, err = t.operand(ir.Operand{Value: s.Source}); err != nil {
			return in, err
		}
		in.a, in.b = t.target(s.Key), t.target(s.Value)
		if t.stored[s.Source] {
			t.stored[s.Value] = true
		}
		inner, err := t.block(s.Block, 1)
		in.at = t.nest(inner)
		return in, err
	case *ir.BlockStmt:
		var blocks []operand
		for _, b := range s.Blocks {
			inner, err := t.oneOf(s.Blocks, b, depth+1)
			if err != nil {
				return in, err
			}
			blocks = append(blocks, operand(t.nest(inner)))
		}
		return instruction{op: opBlocks, at: t.list(blocks)}, nil
	}
	return in, fmt.Errorf("%w: %T", ErrUnsupported, s)
}

// oneOf translates one of several blocks. When they are more than one they are alternatives, for example a body and its else.
func (t *translator) oneOf(blocks []*ir.Block, b *ir.Block, depth int) (code, error) {
	if len(blocks) > 1 {
		defer t.enter(b)()
	}
	return t.block(b, depth)
}
