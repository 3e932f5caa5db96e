package rego

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/aumos-enterprise/platform/governance/internal/rego/machine"
)

// Who answers where the machine and topdown could come apart: the machine only where both say the same.
func TestWhoAnswers(t *testing.T) {
	t.Parallel()
	const (
		byMachine = iota // answers
		unusual          // begins, and leaves it to topdown
		noProgram        // the version has none
	)
	seven := map[string]any{"n": 7.0, "list": []any{"1", "x"}, "key": "a", "twice": []any{1.0, 1.0}}
	for _, tt := range []struct {
		name, source string
		who          int
		want         Result
	}{
		{"a loop is left at its first success", `allow if { some x in input.list; to_number(x) > 0 }`, byMachine, Result{Outcome: Allow}},
		{"the error comes first", `allow if { some i in [1, 0]; to_number(input.list[i]) > 0 }`, unusual, Failed(BuiltinError)},
		{"a loop of another rule goes on", `allow if r > 0
r := 1 if { some x in input.list; to_number(x) > 0 }
r := 2 if input.n == 8`, unusual, Result{Outcome: Allow}},
		{"two values", "allow if r > 0\nr := 1 if input.n\nr := 2 if input.key", unusual, Failed(Conflict)},
		{"two keys", "allow if r.a > 0\nr[k] := v if { k := input.key; some v in [1, 2] }", unusual, Failed(Conflict)},
		{"two ways to write a number", `allow if { x := {1.0, 2}; some y in x; y == 1 }`, unusual, Result{Outcome: Allow}},
		{"a number in plain digits", `allow if { input.n == 7; 7 in {7, 8} }`, byMachine, Result{Outcome: Allow}},
		{"one number twice", `allow if count({x | some x in input.twice}) == 1`, byMachine, Result{Outcome: Allow}},
		{"composite keys that come again", `allow if count({[x, y]: 1 | some x in input.twice; some y in input.list}) == 2`, unusual, Result{Outcome: Allow}},
		{"false is not undefined", "allow if { not r; not s }\nr := false\ns if input.missing", byMachine, Result{Outcome: Allow}},
		{"every of nothing", `allow if every x in [] { x > 1 }`, byMachine, Result{Outcome: Allow}},
		{"every of what is no collection", `allow if every x in input.n { x > 1 }`, byMachine, Failed(Undefined)},
		{"allow undefined", `allow if input.missing`, byMachine, Failed(Undefined)},
		{"allow is no boolean", `allow := input.n`, byMachine, Failed(AllowNotBoolean)},
		{"data as a store", `allow if data.names[1] == "one"`, unusual, Result{Outcome: Allow}},
		{"data", `allow if { some k, v in data.names; data.names[k] == v; data.list[0] == "zero" }`, byMachine, Result{Outcome: Allow}},
		{"the time", `allow if time.now_ns() == 1700000000000000000`, byMachine, Result{Outcome: Allow}},
		{"with", "allow if r with input.n as 8\nr if input.n == 8", noProgram, Result{Outcome: Allow}},
		{"random values", `allow if rand.intn("x", 1) == 0`, noProgram, Result{Outcome: Allow}},
		{"a literal with variables out of order", `allow if [x | some x in {"b", input.n}] == ["b", 7]`, unusual, Result{Outcome: Allow}},
		{"a comprehension that nobody looks at", `allow if { {1: x | some x in input.list} }`, noProgram, Failed(Conflict)},
		{"walk", `allow if { walk(input, [_, v]); v == 7 }`, noProgram, Result{Outcome: Allow}},
		{"a package by a variable", "allow if { some n in [\"r\"]; count(data.p[n]) > 0 }\nr := [1]", noProgram, Result{Outcome: Allow}},
		{"not two literals that cannot be equal", `allow if not {input.key: 1} == {"b": 1, "c": 2}`, noProgram, Result{Outcome: Allow}},
		{"a call for one value, which the default has", "allow if r(1, 2)\nr(x) := 1 if x == 1\ndefault r(_) := 2", noProgram, Result{Outcome: Allow}},
		{"a call for one value, which the else has", "allow if { y := input.n; r(1, y) }\nr(x) := 1 if x == 1 else := 7", noProgram, Result{Outcome: Allow}},
		{"a call for any value", "allow if { r(1, y); y == 1 }\nr(x) := 1 if x == 1 else := 7", byMachine, Result{Outcome: Allow}},
		{"what a body left behind", "allow if { x := input.n; z := 5; y := [z, x]; y[0] == 6 }\nallow if { [x, y] = [y, 1]; x == 1 }", noProgram, Result{Outcome: Allow}},
		{"zero below zero", `allow if count({[to_number(s)] | some s in ["-0", "0"]}) == 1`, unusual, Result{Outcome: Allow}},
		{"a rule with two ways to write a number", "allow if count(r) == 1\nr contains 1.0 if input.n\nr contains 1", unusual, Result{Outcome: Allow}},
		{"a table", rows(`allow if input.key == "%d"`) + `allow if input.key == "a"`, byMachine, Result{Outcome: Allow}},
		{"a table without the value", "default allow := false\n" + rows(`allow if input.key == "%d"`), byMachine, Result{Outcome: Deny}},
		{"only the rows of the value run", rows(`allow if { input.n == 7.0; input.key == "%d" }`) + `allow if input.key`, byMachine, Result{Outcome: Allow}},
		{"nor others after what cannot fail", rows(`allow if { input.n > 5; is_number(input.n); input.n != "x"; input.n == 7.0; input.key == "%d" }`) + `allow if input.key`, byMachine, Result{Outcome: Allow}},
		{"only the branches of the value run", "allow if r > 0\nr := 0 if input.key == \"z\"\n" + rows(`else := 2 if { input.n == 7.0; input.key == "%d" }`) + "else := 1", byMachine, Result{Outcome: Allow}},
		{"a branch of a value after the row of another", "allow if r > 0\n" + rows("r := 9 if input.n == 10%d") + "r := 1 if input.n == 7\nr := 3 if input.n == 0\nelse := 2 if input.key", unusual, Failed(Conflict)},
		{"the branch of a value before all others", "allow if r == 3\nr := 3 if input.n == 7\n" + rows("else := %[1]d if input.n == %[1]d"), byMachine, Result{Outcome: Allow}},
		{"what fails before the value", rows(`allow if { to_number(input.key) > 0; x := input.n; x == 10%d }`), unusual, Failed(Undefined)},
		{"two rows of the value", rows("r := %[1]d if input.n == %[1]d") + "allow if r > 0\nr := 1 if input.n == 7", unusual, Failed(Conflict)},
		{"rows with numbers written in two ways", rows("allow if input.n == %d.0"), unusual, Result{Outcome: Allow}},
		{"rows for a number written in two ways", "allow if r(7.0)\n" + rows("r(%d)"), unusual, Result{Outcome: Allow}},
		{"a row for what is no scalar", rows(`allow if input.twice == %d`) + "allow if input.twice == [1, 1]", byMachine, Result{Outcome: Allow}},
		{"a row that is false", rows(`r(x) := "%[1]d" if x == %[1]d`) + "r(x) := \"f\" if x == false\nallow if r(input.n == 8) == \"f\"", byMachine, Result{Outcome: Allow}},
		{"a value over the limits", doublingSource, unusual, Failed(BuiltinError)},
		{"a builtin that refuses", `allow if count(numbers.range(1, 1000000)) > 0`, unusual, Failed(BuiltinError)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			data, err := NewData(map[string]any{"names": map[string]any{"1": "one"}, "list": []any{"zero"}})
			if err != nil {
				t.Fatal(err)
			}
			c, err := Compile(Source{Modules: []Module{{Path: "p.rego", Source: "package p\n" + tt.source}}, Data: data})
			if err != nil {
				t.Fatal(err)
			}
			in, err := NewInput(seven)
			if err != nil {
				t.Fatal(err)
			}
			o := options{input: in, now: time.Unix(1_700_000_000, 0)}
			who := byMachine
			_, err = c.ask(o, topdown.NewCancel())
			switch {
			case errors.Is(err, machine.ErrUnusual):
				who = unusual
			case errors.Is(err, errNoProgram):
				who = noProgram
			case err != nil:
				t.Fatal(err)
			}
			if who != tt.who {
				t.Errorf("%d answers, want %d", who, tt.who)
			}
			if got, _ := c.evaluate(o, topdown.NewCancel()); got.Outcome != tt.want.Outcome || got.Reason != tt.want.Reason {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// rows is a definition for each number up to 9.
func rows(definition string) string {
	var b strings.Builder
	for i := range 10 {
		fmt.Fprintf(&b, definition+"\n", i)
	}
	return b.String()
}

// A large literal has no program, and to find that out takes no time: the planner cannot be interrupted.
func TestLargeLiteralHasNoProgram(t *testing.T) {
	t.Parallel()
	for _, element := range []string{"0", "[0]", "[input.x]"} {
		literal := "[" + strings.Repeat(element+",", 9_000) + "1]"
		parsed, err := parse([]Module{{Path: "p.rego", Source: "package p\nallow if { x := " + literal + "; x != input.x }"}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		compiler := newCompiler(1, nil)
		if compiler.Compile(parsed.byName()); compiler.Failed() {
			t.Fatal(compiler.Errors)
		}
		if programOf(compiler, []ast.Ref{entryRef(parsed[0].Package, allowVar)}) != nil {
			t.Errorf("a literal of %s has a program", element)
		}
	}
}

// What a program takes grows with the literals in it.
func TestSizeCountsLiterals(t *testing.T) {
	t.Parallel()
	sizes := make([]int64, 2)
	for i, n := range []int{10, 3_010} {
		c, err := Compile(Source{Modules: []Module{{Path: "p.rego", Source: "package p\nallow if { x := [" + strings.Repeat("0,", n) + "1]; x != input.x }"}}})
		if err != nil || c.program == nil {
			t.Fatal(err)
		}
		sizes[i] = c.program.Size()
	}
	if per := (sizes[1] - sizes[0]) / 3_000; per < 16 {
		t.Errorf("%d bytes for each element", per)
	}
}

const doublingSource = `allow if count(x4) > 0
x0 := numbers.range(1, 30000)
x1 := [x0, x0]
x2 := [x1, x1]
x3 := [x2, x2]
x4 := [x3, x3]`

// Without an input everything that asks for it is undefined, also where the input itself is passed on.
func TestMachineWithoutInput(t *testing.T) {
	t.Parallel()
	c, err := Compile(Source{Modules: []Module{{Path: "p.rego", Source: "package p\nallow if { not input; not input.x; not r; count(s) == 0; not t }\nr := object.get(input, \"a\", 1)\ns contains x if some x in input\n" + rows("t if input.x == %d")}}})
	if err != nil {
		t.Fatal(err)
	}
	a, err := c.ask(options{}, topdown.NewCancel())
	if err != nil || resultOf(a).Outcome != Allow {
		t.Errorf("got %v, %v", a, err)
	}
}

// A run ends when it is cancelled, and what comes of it is topdown's error of that: nobody begins again.
func TestMachineIsCancelled(t *testing.T) {
	t.Parallel()
	c, err := Compile(Source{Modules: []Module{{Path: "p.rego", Source: `package p
n := numbers.range(1, 10000)
allow if count([1 | some x in n; some y in n; x + y == 0]) == 0`}}})
	if err != nil {
		t.Fatal(err)
	}
	s := NewEngine(Config{}).newStint()
	timer := time.AfterFunc(20*time.Millisecond, s.Cancel)
	defer timer.Stop()
	start := time.Now()
	_, err = c.ask(options{}, s)
	s.end()
	if r := failureOf(err); err == nil || r.Reason != Deadline {
		t.Errorf("got %v, want the deadline", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("ended after %s", took)
	}
}
