package rego_test

import (
	"fmt"
	"strings"
)

// attack is a policy that tries to run for ever, to take all memory, to exhaust the stack or to reach out. None may get an answer.
type attack struct {
	name, source string
	input        map[string]any
	// want is a part of the compiler's message or the reason of the ERROR; both reasons where the speed of the machine decides.
	want string
}

const (
	undefined = "undefined function "
	costly    = "BUILTIN_ERROR"
	slow      = "DEADLINE"
	types     = "makes the type of"
)

var (
	letters = map[string]any{"s": strings.Repeat("a", 100_000)}
	leaf    = map[string]any{"x": []any{1.0}}
)

// attacks starts with what a deadline alone is known not to bound.
var attacks = []attack{
	{"bits.lsh", `allow if bits.lsh(1, 100000000) > 0`, nil, undefined + "bits.lsh"},
	{"product", `allow if product([n | some i in numbers.range(1, 200000); n := 1000000000000000000000 + i]) > 0`, nil, undefined + "product"},
	{"json.patch", `allow if json.patch({}, [{"op": "add", "path": sprintf("/%d", [i]), "value": i} | some i in numbers.range(1, 20000)])`, nil, undefined + "json.patch"},
	{"regex.find_n", `allow if count(regex.find_n("a|b", input.s, -1)) > 0`, letters, undefined + "regex.find_n"},
	{"indexof_n", `allow if count(indexof_n(input.s, "a")) > 0`, letters, undefined + "indexof_n"},
	{"graph.reachable", `allow if count(graph.reachable({"a": ["b"], "b": []}, ["a"])) > 0`, nil, undefined + "graph.reachable"},
	{"graph.reachable_paths", `allow if count(graph.reachable_paths({"a": ["b"], "b": []}, ["a"])) > 0`, nil, undefined + "graph.reachable_paths"},
	{"net.cidr_expand", `allow if count(net.cidr_expand("10.0.0.0/8")) > 0`, nil, undefined + "net.cidr_expand"},
	{"http.send", `allow if http.send({"method": "get", "url": "http://127.0.0.1:1"}).status_code == 200`, nil, undefined + "http.send"},
	{"with function as http.send", "f(x) := x\nallow if f({}) with f as http.send", nil, "must not be unsafe"},
	{"with http.send as function", "f(x) := x\nallow if f({}) with http.send as f", nil, "must not be unsafe"},
	{"opa.runtime", `allow if opa.runtime().env.PATH`, nil, undefined + "opa.runtime"},
	{"json.match_schema", `allow if json.match_schema({}, {"$ref": "http://127.0.0.1:1"})[0]`, nil, undefined + "json.match_schema"},
	{"json.verify_schema", `allow if json.verify_schema({"$ref": "http://127.0.0.1:1"})[0]`, nil, undefined + "json.verify_schema"},
	{"rego.parse_module", `allow if rego.parse_module("a.rego", "package a")`, nil, undefined + "rego.parse_module"},
	{"numbers.range", `allow if count(numbers.range(1, 1000000000)) > 0`, nil, costly},
	{"numbers.range_step", `allow if count(numbers.range_step(1, 1000000000, 2)) > 0`, nil, costly},
	{"nested comprehensions", `allow if count([1 | some i in numbers.range(1, 30000); some j in numbers.range(1, 30000); i == j + 1000000]) > 0`, nil, slow},
	{"set of pairs", `allow if count({[i, j] | some i in numbers.range(1, 3000); some j in numbers.range(1, 3000)}) > 0`, nil, slow + costly},
	{"concat doubling", doubling("x", `"aaaaaaaa"`, `concat("", [X, X])`, 40) + `allow if count(x40) > 0`, nil, costly},
	{"sprintf doubling", doubling("x", `"aaaaaaaa"`, `sprintf("%s%s", [X, X])`, 40) + `allow if count(x40) > 0`, nil, costly},
	{"template doubling", doubling("x", `"aaaaaaaa"`, `$"{X}{X}"`, 40) + `allow if count(x40) > 0`, nil, costly},
	{"sprintf loop", `allow if count([s | some i in numbers.range(1, 100000); some j in numbers.range(1, 100000); s := sprintf("%d-%d", [i, j]); s == "x"]) > 0`, nil, slow},
	{"split", doubling("x", `"aaaaaaaa"`, `concat("", [X, X])`, 17) + `allow if count(split(x17, "")) > 0`, nil, costly + slow},

	// Text that multiplies.
	{"sprintf width", `allow if count(sprintf(concat("", [x | some i in numbers.range(1, 5000); x := "%9999d"]), [1])) > 0`, nil, costly},
	{"sprintf one width", `allow if count(sprintf("%999999d", [1])) > 100`, nil, costly},
	{"sprintf width by operand", `allow if count(sprintf("%*d", [100000000, 1])) > 100`, nil, costly},
	{"sprintf one operand many times", `allow if count(sprintf(concat("", [x | some i in numbers.range(1, 50000); x := "%[1]s"]), [input.s])) > 0`, letters, costly},
	{"one string many times", `allow if count(concat(input.s, [input.s | some i in numbers.range(1, 50000)])) > 0`, letters, costly + slow},
	{"separator many times", `allow if count(concat(input.s, ["" | some i in numbers.range(1, 50000)])) > 0`, letters, costly},
	{"replace", `allow if count(replace(input.s, "a", input.s)) > 0`, letters, costly},
	{"replace nothing", `allow if count(replace(input.s, "", input.s)) > 0`, letters, costly},
	{"strings.replace_n", `allow if count(strings.replace_n({"a": input.s}, input.s)) > 0`, letters, costly},
	{"strings.render_template", `allow if strings.render_template("{{range .a}}{{range $.a}}x{{end}}{{end}}", {"a": [1]})`, nil, undefined + "strings.render_template"},
	{"regex.replace", `allow if count(regex.replace(input.s, "a", concat("", ["$0" | some i in numbers.range(1, 50000)]))) > 0`, letters, costly},
	{"regex.match", `allow if regex.match("(x+x+)+y{1,900}[a-z]{1,900}", input.s)`, letters, costly},
	{"regex by operand", `allow if regex.match(input.p, input.s)`, map[string]any{"s": "aaa", "p": strings.Repeat("a{1000}?", 15_000)}, costly},
	{"glob", `allow if glob.match(input.p, [], input.s)`, map[string]any{"s": strings.Repeat("a", 100_000), "p": strings.Repeat("*a", 500) + "b"}, costly},
	{"trim", `allow if trim(input.s, concat("", [input.c, "b"])) == "x"`, map[string]any{"s": strings.Repeat("é", 60_000), "c": strings.Repeat("ü", 50_000)}, costly},
	{"indexof", `allow if indexof(input.s, input.c) == 7`, map[string]any{"s": strings.Repeat("é", 60_000), "c": strings.Repeat("é", 30_000) + "x"}, costly},
	{"object.subset of arrays", `allow if object.subset([1 | some i in numbers.range(1, 30000)], array.concat([1 | some i in numbers.range(1, 20000)], [2]))`, nil, costly + slow},
	{"json.marshal_with_options", `allow if json.marshal_with_options([1], {"prefix": input.s})`, letters, undefined + "json.marshal_with_options"},
	{"yaml aliases", `allow if yaml.unmarshal("a: &a [x, x]\nb: &b [*a, *a]")`, nil, undefined + "yaml.unmarshal"},

	// Values that are small in memory and endless when walked as trees.
	{"rules compared", both(`array.concat([], [1])`, `array.concat([X], [X])`, 40) + `allow if x40 == y40`, nil, costly},
	{"literals of the input compared", both(`input.x`, `[X, X]`, 40) + `allow if x40 == y40`, leaf, types},
	{"objects compared", both(`input.x`, `object.union({"a": X}, {"b": X})`, 40) + `allow if x40 == y40`, map[string]any{"x": map[string]any{}}, costly},
	{"locals compared", "allow if {\n" + both(`input.x`, `array.concat([X], [X])`, 60) + "x60 == y60\n}", leaf, costly},
	{"locals unified", "allow if {\n" + strings.ReplaceAll(both(`input.x`, `array.concat([X], [X])`, 60), ":=", "=") + "x60 = y60\n}", leaf, costly},
	{"comprehensions compared", both(`input.x`, `[X | some i in [1, 2]]`, 14) + both2(14, 20) + `allow if x20 == y20`, leaf, costly + slow},
	{"arguments compared", functions(40) + `allow if f0(input.x, input.x)`, leaf, costly + slow},
	{"results compared", "f(x) := [x, x]\n" + both(`input.x`, `f(X)`, 40) + `allow if x40 == y40`, leaf, costly + slow + types},
	{"input by with", inputs(40) + `allow if r0`, leaf, costly},
	{"array many times", "big := [1 | some i in numbers.range(1, 50000)]\nhuge := [big | some i in numbers.range(1, 50000)]\nallow if json.marshal(huge) != \"\"", nil, costly + slow},
	{"array many times in a set", "big := numbers.range(1, 50000)\nhuge contains [i, big] if some i in numbers.range(1, 5000)\nallow if json.marshal(huge) != \"\"", nil, costly + slow},
	{"array many times in an object", "big := numbers.range(1, 50000)\nhuge[i] := big if some i in numbers.range(1, 5000)\nallow if json.marshal(huge) != \"\"", nil, costly + slow},
	{"array many times, flattened", "big := numbers.range(1, 50000)\nallow if count(array.flatten([big | some i in numbers.range(1, 5000)])) > 0", nil, costly + slow},
	{"walk", doubling("x", `input.x`, `array.concat([X], [X])`, 40) + `allow if count([1 | walk(x40, [["none"], _])]) == 0`, leaf, costly},
	{"json.unmarshal", `allow if json.unmarshal(concat("", [input.s, input.s]))`, map[string]any{"s": strings.Repeat("[", 100_000)}, costly},
	{"obligations", doubling("x", `input.x`, `array.concat([X], [X])`, 40) + "obligations := x40\nallow := true", leaf, costly},
	{"obligations in one literal", "allow := true\nobligations := [{\"id\": \"a\", \"x\": [i, i, i]} | some i in numbers.range(1, 100000)]", nil, costly + slow + "RESULT_TOO_LARGE"},
	{"an obligation that is large", "allow := true\nobligations contains {\"id\": \"a\", \"x\": numbers.range(1, 100000)}", nil, costly + "RESULT_TOO_LARGE"},
	{"violations", doubling("x", `input.x`, `array.concat([X], [X])`, 40) + "violations := x40\nallow := false", leaf, costly},

	// Numbers, whose arithmetic is exact.
	{"squares", doubling("x", "12345678901234567890", "X * X", 60) + `allow if x60 > 0`, nil, costly},
	{"to_number", `allow if to_number("1e1000000000") + 1 > 0`, nil, costly},
	{"json.unmarshal of a number", `allow if json.unmarshal("1e1000000000") % 7 == 1`, nil, costly},
	{"json.unmarshal of two numbers", `allow if json.unmarshal("[1e1000000000]") == json.unmarshal("[1e999999999]")`, nil, costly},
	{"units.parse", `allow if units.parse("1e1000000000K") > 0`, nil, costly},
	{"range to a large number", `allow if count(numbers.range(1, to_number("1e300"))) > 0`, nil, costly},

	// Types that the compiler would compare for ever, and modules that it would compile for ever.
	{"types of arrays", both("[1]", "[X, X]", 40) + `allow if x40 == y40`, nil, types},
	{"types of objects", both(`{"k": 1}`, `{"l": X, "r": X}`, 40) + `allow if x40 == y40`, nil, types},
	{"types of literals", "a := " + strings.Repeat("[", 60) + strings.Repeat("]", 60) + "\nb := " + strings.Repeat("[", 60) + strings.Repeat("]", 60) + "\nallow if a == b", nil, types},
	{"long sum", "allow if 1" + strings.Repeat("+1", 100_000) + " > 0", nil, "rego_"},

	// The evaluator itself.
	{"functions that multiply", multiplying(12) + `allow if f0(1)`, nil, slow},
}

// doubling defines <name>0 to <name>n, each made of the one before it twice.
func doubling(name, first, next string, n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s0 := %s\n", name, first)
	for i := range n {
		fmt.Fprintf(&b, "%s%d := %s\n", name, i+1, strings.ReplaceAll(next, "X", fmt.Sprintf("%s%d", name, i)))
	}
	return b.String()
}

// both makes two equal values that share nothing, x and y.
func both(first, next string, n int) string {
	return doubling("x", first, next, n) + doubling("y", first, next, n)
}

// both2 goes on with x and y by comprehensions from one number to another.
func both2(from, to int) string {
	var b strings.Builder
	for _, name := range []string{"x", "y"} {
		for i := from; i < to; i++ {
			fmt.Fprintf(&b, "%s%d := [%s%d | some i in [1, 2]]\n", name, i+1, name, i)
		}
	}
	return b.String()
}

func functions(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "f%d(x, y) if f%d([x, x], [y, y])\n", i, i+1)
	}
	fmt.Fprintf(&b, "f%d(x, y) if x == y\n", n)
	return b.String()
}

func inputs(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "r%d if r%d with input as {\"x\": [input.x, input.x]}\n", i, i+1)
	}
	fmt.Fprintf(&b, "r%d if json.marshal(input) != \"\"\n", n)
	return b.String()
}

func multiplying(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "f%d(x) if {\n\tsome i in numbers.range(1, 10)\n\tf%d((10 * x) + i)\n}\n", i, i+1)
	}
	fmt.Fprintf(&b, "f%d(x) if x < 0\n", n)
	return b.String()
}
