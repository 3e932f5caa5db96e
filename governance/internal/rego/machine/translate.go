package machine

import (
	"fmt"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/ir"
)

// Translate makes a program out of a plan. Its entries are the rules with these paths, for example {"aumos", "retrain", "allow"}; one that the plan does
// not have is always undefined. It fails with ErrUnsupported.
func Translate(plan *ir.Policy, entries [][]string, around *Surroundings) (*Program, error) {
	t := translator{
		plan: plan, program: &Program{around: around},
		functions: make(map[string]int), strings: make(map[int]operand), numbers: make(map[int]operand), builtins: make(map[string]*Builtin),
		known: make(map[*ast.Term]operand),
	}
	for i, fn := range plan.Funcs.Funcs {
		t.functions[fn.Name] = i
	}
	for _, path := range entries {
		i := slices.IndexFunc(plan.Funcs.Funcs, func(fn *ir.Func) bool { return len(fn.Path) > 0 && slices.Equal(fn.Path[1:], path) })
		if i < 0 || len(plan.Funcs.Funcs[i].Params) != 2 {
			return nil, fmt.Errorf("%w: no rule %v", ErrUnsupported, path)
		}
		t.program.entries = append(t.program.entries, i)
	}
	for _, fn := range plan.Funcs.Funcs {
		translated, err := t.function(fn)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", fn.Name, err)
		}
		t.program.functions = append(t.program.functions, translated)
	}
	return t.program, nil
}

// translator is the work on one plan.
type translator struct {
	plan      *ir.Policy
	program   *Program
	functions map[string]int
	strings   map[int]operand // by the index of the constant
	numbers   map[int]operand
	builtins  map[string]*Builtin
	known     map[*ast.Term]operand // the constants

	// Of the function at work:
	registers operand
	uniform   ir.Local // the result of its bodies, if all that it can be is one and the same constant; else 0
	scope     scope
	constants map[ir.Local]operand // registers that hold a constant where the plan is being read
	literals  map[ir.Local]*literal
	stored    map[ir.Local]bool // registers that hold parts of the data document, on the way of a reference
}

func (t *translator) function(fn *ir.Func) (function, error) {
	if len(fn.Params) < 2 || fn.Params[0] != ir.Input || fn.Params[1] != ir.Data {
		return function{}, fmt.Errorf("%w: parameters %v", ErrUnsupported, fn.Params)
	}
	var f function
	t.registers = dataRegister + 1
	for _, p := range fn.Params[2:] {
		f.parameters = append(f.parameters, t.register(p))
	}
	t.uniform = uniform(fn)
	t.constants, t.literals, t.stored = make(map[ir.Local]operand), make(map[ir.Local]*literal), map[ir.Local]bool{ir.Data: true}
	t.scope = scope{written: make(map[ir.Local]bool)}
	result := fn.Return // and behind it and the parameters, where the planner has the result of a body
	for _, l := range fn.Params {
		t.scope.write(l)
		result = max(result, l)
	}
	t.scope.write(fn.Return)
	t.scope.write(result + 1)
	var blocks []code
	for _, b := range fn.Blocks {
		for _, branch := range branches(b) {
			c, err := t.body(branch)
			if err != nil {
				return function{}, err
			}
			blocks = append(blocks, c)
		}
	}
	f.registers = int(t.registers)
	t.index(&f, blocks)
	return f, nil
}

// branches returns the blocks of a definition with else one by one, so that each gets tests of its own: the first forgets the result of the definition
// before, also where the tests of the second, which is as the plan has it, fail; the others look themselves whether there is a result.
func branches(b *ir.Block) []*ir.Block {
	if len(b.Stmts) != 1 {
		return []*ir.Block{b}
	}
	chain, ok := b.Stmts[0].(*ir.BlockStmt)
	if !ok || len(chain.Blocks) < 2 || len(chain.Blocks[0].Stmts) == 0 {
		return []*ir.Block{b}
	}
	first := chain.Blocks[0].Stmts[:1]
	reset, ok := first[0].(*ir.ResetLocalStmt)
	if !ok {
		return []*ir.Block{b}
	}
	for _, each := range chain.Blocks[1:] {
		if !continues(each, reset.Target) {
			return []*ir.Block{b}
		}
	}
	return append([]*ir.Block{{Stmts: first}}, chain.Blocks...)
}

// continues reports whether the block is for an else, or the end of a definition with one, which hands on the result.
func continues(b *ir.Block, result ir.Local) bool {
	if len(b.Stmts) == 0 {
		return false
	}
	switch s := b.Stmts[0].(type) {
	case *ir.IsUndefinedStmt:
		return s.Source == result
	case *ir.IsDefinedStmt:
		return s.Source == result
	}
	return false
}

// body translates one of the function's bodies.
func (t *translator) body(b *ir.Block) (code, error) {
	defer t.enter(b)()
	return t.block(b, 1)
}

func (t *translator) register(l ir.Local) operand {
	t.registers = max(t.registers, operand(l)+1)
	return operand(l)
}

// operand is a constant where the plan has one, or makes a register one and never changes it.
func (t *translator) operand(o ir.Operand) (operand, error) {
	switch v := o.Value.(type) {
	case ir.Local:
		if !t.scope.written[v] {
			return 0, unwritten(v)
		}
		if c, ok := t.constants[v]; ok {
			return c, nil
		}
		return t.register(v), nil
	case ir.StringIndex:
		return t.text(int(v)), nil
	case ir.Bool:
		return t.constant(ast.InternedTerm(bool(v))), nil
	}
	return 0, fmt.Errorf("%w: operand %v", ErrUnsupported, o)
}

func (t *translator) constant(term *ast.Term) operand {
	o, ok := t.known[term]
	if !ok {
		t.program.constants = append(t.program.constants, term)
		o = ^operand(len(t.program.constants) - 1)
		t.known[term] = o
	}
	return o
}

func (t *translator) text(index int) operand {
	return cached(t, t.strings, index, func(s string) *ast.Term { return ast.StringTerm(s) })
}

func (t *translator) number(index int) operand {
	return cached(t, t.numbers, index, func(s string) *ast.Term { return ast.NewTerm(ast.Number(s)) })
}

func cached(t *translator, known map[int]operand, index int, term func(string) *ast.Term) operand {
	o, ok := known[index]
	if !ok {
		t.program.constants = append(t.program.constants, term(t.plan.Static.Strings[index].Value))
		o = ^operand(len(t.program.constants) - 1)
		known[index] = o
	}
	return o
}

// builtin returns what the surroundings know under the name.
func (t *translator) builtin(name string) (*Builtin, error) {
	b, ok := t.builtins[name]
	if !ok {
		if b, ok = t.program.around.Builtin(name); !ok {
			return nil, fmt.Errorf("%w: call of %s", ErrUnsupported, name)
		}
		t.builtins[name] = b
		t.program.clock = t.program.clock || b.Clock
	}
	return b, nil
}

// nest keeps code that others run and returns where.
func (t *translator) nest(c code) int32 {
	t.program.nested = append(t.program.nested, c)
	return int32(len(t.program.nested) - 1) //nolint:gosec // as many as a source of a megabyte can have
}

func (t *translator) list(l []operand) int32 {
	t.program.lists = append(t.program.lists, l)
	return int32(len(t.program.lists) - 1) //nolint:gosec // as above
}

// uniform returns the register for the result of the function's bodies when every body that comes to its end assigns the same constant. Then a body may
// be left at its first result, which is what topdown does: the others would be no news.
func uniform(fn *ir.Func) ir.Local {
	var target ir.Local
	var value ir.Val
	for _, b := range fn.Blocks {
		if len(b.Stmts) == 0 {
			return 0
		}
		reset, ok := b.Stmts[0].(*ir.ResetLocalStmt)
		if !ok { // the ends of bodies, defaults and the return are short; bodies with an else are not for this
			if _, nested := b.Stmts[0].(*ir.BlockStmt); nested {
				return 0
			}
			continue
		}
		if target != 0 && reset.Target != target {
			return 0
		}
		target = reset.Target
		agree := true
		visit(b, func(s ir.Stmt) {
			if once, ok := s.(*ir.AssignVarOnceStmt); ok && once.Target == target {
				_, local := once.Source.Value.(ir.Local)
				agree = agree && !local && (value == nil || value == once.Source.Value)
				value = once.Source.Value
			}
		})
		if !agree {
			return 0
		}
	}
	return target
}

// visit calls f with each statement of the block, also of those within.
func visit(b *ir.Block, f func(ir.Stmt)) {
	for _, s := range b.Stmts {
		f(s)
		for _, inner := range within(s) {
			visit(inner, f)
		}
	}
}

func within(s ir.Stmt) []*ir.Block {
	switch s := s.(type) {
	case *ir.BlockStmt:
		return s.Blocks
	case *ir.NotStmt:
		return []*ir.Block{s.Block}
	case *ir.ScanStmt:
		return []*ir.Block{s.Block}
	case *ir.WithStmt:
		return []*ir.Block{s.Block}
	}
	return nil
}
