package machine

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/metrics"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// Question is one run of a program.
type Question struct {
	Input  *ast.Term // nil: undefined; may be a part
	Data   *ast.Term
	Now    time.Time
	Cancel topdown.Cancel
}

// machine is the state of a run. Machines are used again, emptied.
type machine struct {
	program  *Program
	question Question
	context  topdown.BuiltinContext
	memos    []memo
	stack    []*ast.Term // the registers of the functions that run, one after the other
	top      int
	kept     []*ast.Term // the arguments that memos remember
	operands []*ast.Term
	loose    map[ast.Value]bool
	out      *ast.Term // what a builtin came to
	outs     int
	collect  func(*ast.Term) error
	err      error
}

// usualStack is how many registers most policies need; a machine that has grown beyond largeStack is not kept.
const (
	usualStack = 256
	largeStack = 1 << 14
)

// manyArguments is how many arguments are remembered of calls that are undefined. Topdown remembers none.
const manyArguments = 1 << 16

var machines = sync.Pool{New: func() any { //nolint:gochecknoglobals // machines keep nothing of a run
	m := &machine{stack: make([]*ast.Term, usualStack)}
	m.collect = func(t *ast.Term) error {
		m.out = t
		m.outs++
		return nil
	}
	return m
}}

// Run asks the entries in turn and puts their values into answers, nil where one is undefined; after the first one that is, it asks no more. It fails
// with topdown's error when it is cancelled, and with ErrUnusual.
func (p *Program) Run(q Question, answers []*ast.Term) error {
	if p.clock && q.Now.IsZero() {
		return ErrUnusual // topdown looks at the clock of the process then
	}
	m := machines.Get().(*machine)
	m.program, m.question = p, q
	m.context = topdown.BuiltinContext{Context: context.Background(), Metrics: metrics.NoOp(), Cancel: q.Cancel}
	if p.clock {
		m.context.Time = ast.NewTerm(ast.Number(strconv.FormatInt(q.Now.UnixNano(), 10)))
	}
	if n := len(p.functions); cap(m.memos) < n {
		m.memos = make([]memo, n)
	} else {
		m.memos = m.memos[:n]
	}
	defer m.release()
	for i, entry := range p.entries {
		answers[i] = m.call(entry, nil)
		if m.err != nil {
			return m.err
		}
		if answers[i] == nil && i == 0 {
			return nil
		}
	}
	return nil
}

// release empties the machine, so that no run sees anything of another.
func (m *machine) release() {
	if len(m.stack) > largeStack || cap(m.kept) > largeStack {
		return
	}
	for i := range m.memos {
		clear(m.memos[i].few)
		m.memos[i] = memo{few: m.memos[i].few[:0]}
	}
	clear(m.stack)
	clear(m.kept)
	clear(m.operands[:cap(m.operands)])
	m.program, m.question, m.context, m.out, m.err = nil, Question{}, topdown.BuiltinContext{}, nil, nil
	m.top, m.kept, m.loose = 0, m.kept[:0], nil
	machines.Put(m)
}

// frame returns n registers, all undefined. Those who still have registers of a smaller stack keep them.
func (m *machine) frame(n int) []*ast.Term {
	if m.top+n > len(m.stack) {
		m.stack, m.top = make([]*ast.Term, max(2*len(m.stack), n)), 0
	}
	f := m.stack[m.top : m.top+n : m.top+n]
	m.top += n
	return f
}

// call returns the function's result, nil if it is undefined or the run failed. The arguments are registers that may change afterwards.
func (m *machine) call(index int, arguments []*ast.Term) *ast.Term {
	memo := &m.memos[index]
	if arguments == nil {
		if memo.known {
			return memo.result
		}
	} else if result, found, err := memo.find(arguments); err != nil || found {
		m.err = err
		return result
	}
	if m.cancelled() {
		return nil
	}
	fn := &m.program.functions[index]
	base := m.top
	f := m.frame(fn.registers)
	f[inputRegister], f[dataRegister] = m.question.Input, m.question.Data
	for i, p := range fn.parameters {
		f[p] = arguments[i]
	}
	var key []*ast.Term
	if arguments != nil { // before the run, which uses the slice of arguments itself
		start := len(m.kept)
		m.kept = append(m.kept, arguments...)
		key = m.kept[start:len(m.kept):len(m.kept)]
	}
	for _, p := range fn.paths {
		f[p.to] = p.find(f)
	}
	result := m.runBodies(f, fn.bodies)
	clear(f)
	m.top = base
	if m.err != nil {
		return nil
	}
	if result != nil && !m.light(result) {
		return nil
	}
	switch {
	case arguments == nil:
		memo.known, memo.result = true, result
	case result != nil || len(m.kept) < manyArguments:
		memo.put(key, result)
	default:
		clear(key)
	}
	return result
}

// runBodies runs the bodies that do not fail their tests until one returns, and returns what it does.
func (m *machine) runBodies(f []*ast.Term, bodies []body) *ast.Term {
	for i := range bodies {
		if bodies[i].fails(f) {
			continue
		}
		for _, block := range bodies[i].blocks {
			switch m.run(f, block) {
			case returned:
				return m.out
			case failed:
				return nil
			default: // the next one
			}
		}
	}
	return nil
}

// light fails the run when the value is over the limits.
func (m *machine) light(t *ast.Term) bool {
	switch t.Value.(type) {
	case *ast.Array, ast.Object, ast.Set:
		if m.program.around.Weigh(t) != nil {
			m.err = ErrUnusual
		}
	}
	return m.err == nil
}

// callBuiltin returns the builtin's result, nil if it is undefined or the run failed.
func (m *machine) callBuiltin(f []*ast.Term, c *call) *ast.Term {
	if m.cancelled() {
		return nil
	}
	if t, done := m.ofPart(f, c); done {
		return t
	}
	b, operands := c.builtin, m.arguments(f, c)
	if m.err != nil {
		return nil
	}
	m.out, m.outs = nil, 0
	if b.Guard != nil && b.Guard(&m.context, operands) != nil || b.Call(m.context, operands, m.collect) != nil || m.outs > 1 {
		if !m.cancelled() { // which both also look for
			m.err = ErrUnusual
		}
		return nil
	}
	if m.out != nil && b.Bounded != nil && b.Bounded(m.out) != nil {
		m.err = ErrUnusual
		return nil
	}
	return m.out
}

// arguments gathers the arguments of a call, which are valid until the next one.
func (m *machine) arguments(f []*ast.Term, c *call) []*ast.Term {
	m.operands = m.operands[:0]
	for _, a := range c.arguments {
		t := m.value(f, a)
		if t == nil {
			m.err = ErrUnusual
		}
		m.operands = append(m.operands, t)
	}
	return m.operands
}

// value returns what OPA knows: everything but look-ups asks for that.
func (m *machine) value(f []*ast.Term, o operand) *ast.Term {
	if o < 0 {
		return m.program.constants[^o]
	}
	t := f[o]
	if t != nil {
		if _, part := t.Value.(*Part); part {
			t = Whole(t)
			f[o] = t
		}
	}
	return t
}

// seen returns what may be a part of the input, which is not made whole for that.
func (m *machine) seen(f []*ast.Term, o operand) *ast.Term {
	if o >= 0 {
		return f[o]
	}
	return m.program.constants[^o]
}

// cancelled asks whether to go on, which is also where a run waits for its turn.
func (m *machine) cancelled() bool {
	if m.question.Cancel == nil || !m.question.Cancel.Cancelled() {
		return false
	}
	m.err = errCancelled
	return true
}

var errCancelled = &topdown.Error{Code: topdown.CancelErr, Message: "caller cancelled query execution"}
