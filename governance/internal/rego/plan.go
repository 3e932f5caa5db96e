package rego

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/ir"
	oparego "github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/aumos-enterprise/platform/governance/internal/rego/machine"
)

// planTarget is the name under which OPA hands us the plans that it makes.
const planTarget = "aumos.machine"

// planner takes plans from OPA: it implements its TargetPlugin, and nothing is evaluated by way of it.
type planner struct{}

var registerPlanner = sync.OnceFunc(func() { oparego.RegisterPlugin(planTarget, planner{}) }) //nolint:gochecknoglobals // OPA has one registry of plugins

// IsTarget implements oparego.TargetPlugin.
func (planner) IsTarget(name string) bool { return name == planTarget }

type planKey struct{}

// PrepareForEval implements oparego.TargetPlugin.
func (planner) PrepareForEval(ctx context.Context, plan *ir.Policy, _ ...oparego.PrepareOption) (oparego.TargetPluginEval, error) {
	*ctx.Value(planKey{}).(**ir.Policy) = plan // only plan asks for this target
	return nil, nil                            //nolint:nilnil // nothing is evaluated
}

// plan asks OPA for the plan of the references. The compiler's modules have our guards and checks, and so has the plan.
func plan(compiler *ast.Compiler, refs []ast.Ref) (p *ir.Policy, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = panicked{fault}
		}
	}()
	registerPlanner()
	var query ast.Body
	for _, ref := range refs {
		query.Append(ast.NewExpr(ast.NewTerm(ref)))
	}
	options := append([]func(*oparego.Rego){
		oparego.Target(planTarget), oparego.Compiler(compiler), oparego.ParsedQuery(query), oparego.EvalMode(ast.EvalModeTopdown),
	}, declarations()...)
	_, err = oparego.New(options...).PrepareForEval(context.WithValue(context.Background(), planKey{}, &p))
	if err != nil {
		return nil, fmt.Errorf("plan policy: %w", err)
	}
	return p, nil
}

// declarations tells OPA's planner of the builtins that only compiled modules can name.
var declarations = sync.OnceValue(func() []func(*oparego.Rego) { //nolint:gochecknoglobals // derived from the constant table
	var list []func(*oparego.Rego)
	for name, b := range shared().builtins {
		list = append(list, oparego.FunctionDecl(&oparego.Function{Name: name, Decl: b.Decl.Decl}))
	}
	return list
})

// programOf returns the program for what decisions ask, nil where topdown has to answer.
func programOf(compiler *ast.Compiler, refs []ast.Ref) *machine.Program {
	if ok, _ := plannable(compiler, refs); !ok {
		return nil
	}
	p, err := plan(compiler, refs)
	if err != nil {
		return nil
	}
	entries := make([][]string, len(refs))
	for i, ref := range refs {
		for _, t := range ref[1:] {
			word, _ := t.Value.(ast.String)
			entries[i] = append(entries[i], string(word))
		}
	}
	program, err := machine.Translate(p, entries, surroundings())
	if err != nil {
		return nil
	}
	return program
}

var surroundings = sync.OnceValue(func() *machine.Surroundings { //nolint:gochecknoglobals // derived from the constant table
	byName := make(map[string]*machine.Builtin)
	for _, b := range ast.Builtins {
		r := profile[b.Name]
		if !allowed(r) || b.Relation || drawsFromSeed[b.Name] || b.Decl.Result() == nil {
			continue
		}
		m := &machine.Builtin{Arity: b.Decl.Arity(), Clock: b.Nondeterministic, Total: total[b.Name], Look: looks[b.Name], Call: topdown.GetBuiltin(b.Name)}
		name := b.Name
		if g := r.guard; g != nil {
			name = guardedName(b.Name)
			m.Bounded = bounded
			m.Guard = func(bctx *topdown.BuiltinContext, operands []*ast.Term) error { return g.admit(bctx.Cancel, operands) }
		}
		byName[name] = m
	}
	return &machine.Surroundings{
		Builtin:  func(name string) (*machine.Builtin, bool) { b, ok := byName[name]; return b, ok },
		Weigh:    func(t *ast.Term) error { return weigh(t) },
		Check:    checkName,
		MaxNodes: maxNodes,
	}
})

// looks are the builtins that most policies ask of objects of the input.
var looks = map[string]machine.Look{ast.ObjectGet.Name: machine.LookUp, ast.IsObject.Name: machine.LookAt} //nolint:gochecknoglobals // a constant table

// total are the builtins that have a result for all operands. Errors of the others are answers, and need to be come to.
var total = map[string]bool{ //nolint:gochecknoglobals // a constant table
	"equal": true, "neq": true, "lt": true, "lte": true, "gt": true, "gte": true, "internal.member_2": true, "internal.member_3": true, "type_name": true,
	"is_array": true, "is_boolean": true, "is_null": true, "is_number": true, "is_object": true, "is_set": true, "is_string": true,
}

// drawsFromSeed are the builtins whose results depend on how many were called before them, and in which order: the answers of a version would depend on
// who evaluates it.
var drawsFromSeed = map[string]bool{"rand.intn": true, "uuid.rfc4122": true} //nolint:gochecknoglobals // a constant table

// errNoProgram is that topdown has to answer.
var errNoProgram = errors.New("the version has no program")

// ask asks the program what decisions ask. It fails with machine.ErrUnusual, a panic included, when topdown has to answer.
func (c *Compiled) ask(o options, cancel topdown.Cancel) (a answers, err error) {
	if c.program == nil || o.query != nil || len(o.tracers) > 0 || c.doubt.justified.Load() {
		return answers{}, errNoProgram
	}
	defer func() {
		if recover() != nil {
			a, err = answers{}, machine.ErrUnusual
		}
	}()
	var values [3]*ast.Term
	if err := c.program.Run(machine.Question{Input: o.input.term, Data: c.data, Now: o.now, Cancel: cancel}, values[:]); err != nil {
		return answers{}, err
	}
	for i, name := range c.asked {
		*a.of(name) = values[i]
	}
	return a, nil
}
