package machine

import (
	"fmt"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/ir"
)

// block translates the statements of a block. depth is how many blocks a break may leave.
func (t *translator) block(b *ir.Block, depth int) (code, error) {
	c := make(code, 0, len(b.Stmts))
	for i, s := range b.Stmts {
		var err error
		if c, err = t.statement(c, s, b.Stmts[i+1:], depth); err != nil {
			return nil, err
		}
	}
	return slices.Clip(c), nil
}

// statement appends what the statement becomes. The statements after it in the block say whether a collection is a literal.
func (t *translator) statement(c code, s ir.Stmt, after []ir.Stmt, depth int) (code, error) {
	switch s := s.(type) {
	case *ir.NopStmt:
		return c, nil
	case *ir.MakeNullStmt:
		t.constants[s.Target] = t.constant(ast.InternedNullTerm)
		return c, nil
	case *ir.MakeNumberIntStmt:
		t.constants[s.Target] = t.constant(ast.InternedTerm(int(s.Value)))
		return c, nil
	case *ir.AssignIntStmt:
		t.constants[s.Target] = t.constant(ast.InternedTerm(int(s.Value)))
		return c, nil
	case *ir.MakeNumberRefStmt:
		t.constants[s.Target] = t.number(s.Index)
		return c, nil
	case *ir.MakeArrayStmt:
		return t.begin(c, opMakeArray, s.Target, after)
	case *ir.MakeObjectStmt:
		return t.begin(c, opMakeObject, s.Target, after)
	case *ir.MakeSetStmt:
		return t.begin(c, opMakeSet, s.Target, after)
	case *ir.ArrayAppendStmt:
		return t.add(c, opAppend, s.Array, s.Value)
	case *ir.SetAddStmt:
		return t.add(c, opAdd, s.Set, s.Value)
	case *ir.ObjectInsertStmt:
		return t.add(c, opInsert, s.Object, s.Key, s.Value)
	case *ir.ObjectInsertOnceStmt:
		return t.add(c, opInsertOnce, s.Object, s.Key, s.Value)
	case *ir.CallStmt:
		return t.call(c, s)
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
	return t.register(l)
}

// call translates calls of functions and builtins. A check of values that have just become a literal needs no literal.
func (t *translator) call(c code, s *ir.CallStmt) (code, error) {
	arguments := make([]operand, len(s.Args))
	for i, a := range s.Args {
		var err error
		if arguments[i], err = t.operand(a); err != nil {
			return nil, err
		}
	}
	if s.Func == t.program.around.Check && len(arguments) == 1 {
		t.constants[s.Result] = t.constant(ast.InternedTerm(true))
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

// flow translates what runs other blocks or leaves its own.
func (t *translator) flow(s ir.Stmt, depth int) (in instruction, err error) {
	switch s := s.(type) {
	case *ir.BreakStmt:
		if int(s.Index) >= depth {
			return in, fmt.Errorf("%w: break out of a loop", ErrUnsupported)
		}
		return instruction{op: opBreak, at: int32(s.Index)}, nil //nolint:gosec // less than depth
	case *ir.ReturnLocalStmt:
		return instruction{op: opReturn, a: t.register(s.Source)}, nil
	case *ir.NotStmt:
		inner, err := t.block(s.Block, 1)
		return instruction{op: opNot, at: t.nest(inner)}, err
	case *ir.ScanStmt:
		source, ok := t.constants[s.Source]
		in = instruction{op: opScan, to: source}
		if !ok {
			in.to = t.register(s.Source)
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
			inner, err := t.block(b, depth+1)
			if err != nil {
				return in, err
			}
			blocks = append(blocks, operand(t.nest(inner)))
		}
		return instruction{op: opBlocks, at: t.list(blocks)}, nil
	}
	return in, fmt.Errorf("%w: %T", ErrUnsupported, s)
}
