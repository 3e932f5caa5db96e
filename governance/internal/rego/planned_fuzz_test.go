package rego

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/aumos-enterprise/platform/governance/internal/rego/machine"
)

// What the machine answers, topdown answers to the letter: modules from a grammar, with inputs that meet them half way.
func TestMachineIsTopdown(t *testing.T) {
	t.Parallel()
	var seen tally
	for seed := range uint64(150) {
		differential(t, (&grammar{Rand: rand.New(rand.NewPCG(seed, 7))}).module(), &seen)
	}
	seen.enough(t)
}

// The same of rules with many definitions, of which the machine runs only those that can come to something.
func TestTablesAreTopdown(t *testing.T) {
	t.Parallel()
	var seen tally
	for seed := range uint64(60) {
		differential(t, (&grammar{Rand: rand.New(rand.NewPCG(seed, 7))}).tables(), &seen)
	}
	seen.enough(t)
}

func FuzzMachine(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) {
		differential(t, (&grammar{Rand: rand.New(rand.NewPCG(seed, 7))}).module(), new(tally))
		differential(t, (&grammar{Rand: rand.New(rand.NewPCG(seed, 7))}).tables(), new(tally))
	})
}

// tally counts modules, the questions that the machine answered, and the rules that had a value then.
type tally struct{ compiled, planned, answered, values int }

func (n tally) enough(t *testing.T) {
	t.Helper()
	t.Logf("%+v", n)
	if n.answered < 300 || n.values < 300 {
		t.Errorf("the grammar has come to say little: %+v", n)
	}
}

var grammarInputs = []map[string]any{
	{
		"a": 1.0, "b": 0.0, "key": "a", "one": 1.0, "ten": 10.0, "set": []any{1.0, 2.0}, "list": []any{1.0, 2.0, "a", 1.0},
		"o": map[string]any{"a": 1.0, "b": []any{1.0, 2.0}}, "pairs": []any{[]any{1.0, 2.0}, []any{"a", "b"}, []any{1.0, 1.0}},
		"deep": []any{map[string]any{"a": 1.0}, map[string]any{"a": "a"}, map[string]any{}},
	},
	{"a": "a", "b": 1.0, "key": "b", "list": []any{3.0, 10.0}, "o": map[string]any{}, "pairs": []any{}, "deep": map[string]any{"x": map[string]any{"a": true}}},
	{"a": false, "b": nil, "key": 1.0, "list": "ab", "o": map[string]any{"b": 2.5}},
	nil,
}

// differential asks a module for every rule that is no function, by the machine and by topdown.
func differential(t *testing.T, source string, seen *tally) {
	t.Helper()
	data, err := NewData(map[string]any{"limits": map[string]any{"a": 1.0, "b": 10.0}, "list": []any{1.0, "a", nil}, "names": map[string]any{"a": "x", "1": "y"}})
	if err != nil {
		t.Fatal(err)
	}
	c, refs, err := lenient(source, data)
	if err != nil {
		return
	}
	seen.compiled++
	if program := programOf(c.compiler, refs); program != nil {
		seen.planned++
		onBothForms(t, source, c, program, refs, seen)
		return
	}
	for _, ref := range refs { // some rule has what the machine does not do
		if program := programOf(c.compiler, []ast.Ref{ref}); program != nil {
			onBothForms(t, source, c, program, []ast.Ref{ref}, seen)
		}
	}
}

// onBothForms asks the program and topdown for the rules, with every input.
func onBothForms(t *testing.T, source string, c *Compiled, program *machine.Program, refs []ast.Ref, seen *tally) {
	t.Helper()
	for _, values := range grammarInputs {
		o := options{now: time.Unix(1_700_000_000, 0)}
		q := machine.Question{Data: c.data, Now: o.now}
		if values != nil {
			var err error
			if o.input, err = NewInput(values); err != nil {
				t.Fatal(err)
			}
			q.Input = o.input.term
		}
		got := make([]*ast.Term, len(refs))
		if err := program.Run(q, got); errors.Is(err, machine.ErrUnusual) {
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		seen.answered++
		for i, ref := range refs {
			if i > 0 && got[0] == nil {
				break // the machine asks for no more
			}
			if got[i] != nil {
				seen.values++
			}
			if want := byTopdown(t, c, ref, o); written(got[i]) != want {
				t.Fatalf("input %s:\n%s\n%v is %s, want %s", o.input.JSON(), source, ref, written(got[i]), want)
			}
		}
	}
}

// written is the term to the letter, number by number.
func written(t *ast.Term) string {
	if t == nil {
		return "undefined"
	}
	return t.String()
}

// byTopdown is the value of the rule as topdown finds it.
func byTopdown(t *testing.T, c *Compiled, ref ast.Ref, o options) string {
	t.Helper()
	var err error
	if o.query, err = c.queryCompiler.Compile(ast.NewBody(ast.Equality.Expr(ast.VarTerm("found"), ast.NewTerm(ref)))); err != nil {
		t.Fatal(err)
	}
	set, err := c.run(o, nil)
	switch {
	case err != nil:
		return err.Error()
	case len(set) == 0:
		return written(nil)
	}
	return written(set[0]["found"])
}

// lenient compiles like Compile, but lets variables be that nothing uses, and returns the rules that are no functions, allow first.
func lenient(source string, data Data) (*Compiled, []ast.Ref, error) {
	parsed, err := parse([]Module{{Path: "p.rego", Source: source}, {Path: "q.rego", Source: other}}, nil)
	if err != nil {
		return nil, nil, err
	}
	compiler := newCompiler(1, nil)
	if compiler.Compile(parsed.byName()); compiler.Failed() {
		return nil, nil, compiler.Errors
	}
	c := &Compiled{compiler: compiler, queryCompiler: compiler.QueryCompiler(), store: data.store(), data: data.term()}
	refs := []ast.Ref{entryRef(parsed[0].Package, allowVar), entryRef(parsed[0].Package, violationsVar)}
	for i := range grammarRules {
		if k := kind(i); k != "function" && k != "pattern" && k != "chain" {
			refs = append(refs, entryRef(parsed[0].Package, ast.Var(fmt.Sprint("r", i))))
		}
	}
	return c, refs, nil
}
