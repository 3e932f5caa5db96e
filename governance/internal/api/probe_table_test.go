package api_test

import (
	"fmt"
	"strings"
)

// probe is a policy that tries to run for ever, to take all memory or to exhaust the stack.
type probe struct {
	name, rules string
	input, data map[string]any
	// refused is a part of what the compiler says; empty when the version can be made, and nobody may get an answer from it.
	refused string
}

// probes are those that a deadline alone was measured not to bound, then others of each kind of thing that a version may be made of. More of them, at the
// engine itself, are in the package rego.
var probes = []probe{
	{name: "bits.lsh", rules: `allow if bits.lsh(1, 100000000) > 0`, refused: "bits.lsh"},
	{name: "product", rules: `allow if product(numbers.range(1, 200000)) > 0`, refused: "product"},
	{name: "json.patch", rules: `allow if json.patch({}, [{"op": "add", "path": sprintf("/%d", [i]), "value": i} | some i in numbers.range(1, 20000)])`, refused: "json.patch"},
	{name: "regex.find_n", rules: `allow if count(regex.find_n("a|b", input.s, -1)) > 0`, refused: "regex.find_n"},
	{name: "indexof_n", rules: `allow if count(indexof_n(input.s, "a")) > 0`, refused: "indexof_n"},
	{name: "graph.reachable_paths", rules: `allow if count(graph.reachable_paths({"a": ["b"], "b": []}, ["a"])) > 0`, refused: "graph.reachable_paths"},
	{name: "net.cidr_expand", rules: `allow if count(net.cidr_expand("10.0.0.0/8")) > 0`, refused: "net.cidr_expand"},
	{name: "yaml aliases", rules: `allow if yaml.unmarshal("a: &a [x, x]\nb: [*a, *a]")`, refused: "yaml.unmarshal"},
	{name: "numbers.range", rules: `allow if count(numbers.range(1, 1000000000)) > 0`},
	{name: "nested comprehensions", rules: endless},
	{name: "set of pairs", rules: `allow if count({[i, j] | some i in numbers.range(1, 3000); some j in numbers.range(1, 3000)}) > 0`},
	{name: "sprintf loop", rules: `allow if count([s | some i in numbers.range(1, 100000); some j in numbers.range(1, 100000); s := sprintf("%d-%d", [i, j]); s == "x"]) > 0`},
	{name: "concat doubling", rules: twice("x", `"aaaaaaaa"`, `concat("", [X, X])`, 40) + `allow if count(x40) > 0`},
	{name: "concat of many", rules: `allow if count(concat(input.s, [input.s | some i in numbers.range(1, 50000)])) > 0`, input: long},
	{name: "split", rules: twice("x", `"aaaaaaaa"`, `concat("", [X, X])`, 17) + `allow if count(split(x17, "")) > 0`},
	{name: "sprintf width", rules: `allow if count(sprintf("%999999999d", [1])) > 0`},
	{name: "regexp", rules: `allow if regex.match("(x+x+)+y{1,900}[a-z]{1,900}", input.s)`, input: long},
	{name: "regexp by input", rules: `allow if regex.match(input.p, "aaa")`, input: map[string]any{"p": "(a{1,1000}){1,1000}"}},
	{name: "glob", rules: `allow if glob.match(input.p, [], input.s)`, input: map[string]any{"s": strings.Repeat("a", 100_000), "p": strings.Repeat("*a", 500) + "b"}},
	{name: "json depth", rules: `allow if json.unmarshal(concat("", [input.s, input.s]))`, input: map[string]any{"s": strings.Repeat("[", 100_000)}},
	{name: "too many rules", rules: chain(2_500) + `allow if f0(1)`, refused: "rules"},
	{name: "deep calls", rules: chain(200) + `allow if count([1 | some i in numbers.range(1, 100000); f0(i)]) > 0`},
	{name: "calls that multiply", rules: multiplied(12) + `allow if f0(1)`},
	{name: "shared values compared", rules: twice("x", `input.x`, `array.concat([X], [X])`, 40) + twice("y", `input.x`, `array.concat([X], [X])`, 40) + `allow if x40 == y40`, input: map[string]any{"x": []any{1.0}}},
	{name: "types compared", rules: twice("x", `[1]`, `[X, X]`, 40) + twice("y", `[1]`, `[X, X]`, 40) + `allow if x40 == y40`, refused: "type"},
	{name: "squares", rules: twice("x", "12345678901234567890", "X * X", 60) + `allow if x60 > 0`},
	{name: "data document walked", rules: `allow if count([1 | walk(data.d, [p, _]); walk(data.d, [q, _]); p == ["none", q]]) > 0`, data: map[string]any{"d": wide(2_000)}},
	{name: "data document joined", rules: `allow if count([1 | some a in data.d; some b in data.d; some c in data.d; a.id + b.id == c.id + 0.5]) > 0`, data: map[string]any{"d": wide(5_000)}},
	{name: "obligations", rules: "allow := true\nobligations := [{\"id\": \"a\", \"x\": [i, i, i]} | some i in numbers.range(1, 100000)]"},
	{name: "large obligations", rules: twice("x", `input.x`, `array.concat([X], [X])`, 40) + "allow := true\nobligations := x40", input: map[string]any{"x": []any{1.0}}},
	{name: "violations", rules: "allow := false\nviolations contains sprintf(\"%d\", [i]) if some i in numbers.range(1, 100000)"},
}

// endless does not come to an end in time, whatever the input is.
const endless = `allow if count([1 | some i in numbers.range(1, 30000); some j in numbers.range(1, 30000); i == j + 1000000]) > 0`

var long = map[string]any{"s": strings.Repeat("a", 100_000)}

// twice defines <name>0 to <name>n, each made of the one before it twice.
func twice(name, first, next string, n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s0 := %s\n", name, first)
	for i := range n {
		fmt.Fprintf(&b, "%s%d := %s\n", name, i+1, strings.ReplaceAll(next, "X", fmt.Sprintf("%s%d", name, i)))
	}
	return b.String()
}

// chain defines functions that call each other, n deep.
func chain(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "f%d(x) if f%d(x + 1)\n", i, i+1)
	}
	fmt.Fprintf(&b, "f%d(x) if x < 0\n", n)
	return b.String()
}

// multiplied defines functions each of which calls the next ten times.
func multiplied(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "f%d(x) if {\n\tsome i in numbers.range(1, 10)\n\tf%d(x + i)\n}\n", i, i+1)
	}
	fmt.Fprintf(&b, "f%d(x) if x < 0\n", n)
	return b.String()
}

// wide is a list of n objects.
func wide(n int) []any {
	all := make([]any, n)
	for i := range all {
		all[i] = map[string]any{"id": float64(i), "of": []any{float64(i)}}
	}
	return all
}
