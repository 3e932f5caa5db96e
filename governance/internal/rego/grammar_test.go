package rego

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// grammar writes modules: rules of every kind, each of which asks those after it. Most of them compile.
type grammar struct {
	*rand.Rand
	at    int      // the rule at work
	vars  []string // bound where the next expression stands
	names int
	depth int
}

const grammarRules = 10

func (g *grammar) module() string {
	var b strings.Builder
	b.WriteString("package p\n\nimport data.q\n\ndefault allow := false\n\n")
	g.at = -1
	fmt.Fprintf(&b, "allow if {\n%s}\n\n", g.body())
	fmt.Fprintf(&b, "violations contains x if {\n%s\tx := %s\n}\n\n", g.body(), g.term())
	for g.at = 0; g.at < grammarRules; g.at++ {
		b.WriteString(g.rule())
	}
	return b.String()
}

// other is a module beside the one of the grammar.
const other = `package q

import data.limits as l

r := l.a if l.b > 1
f(x) := 1.0 if x == l.a
f(x) := x if x != l.a
s contains x if some x in data.list
o[k] := v if some k, v in l
`

// The kinds of rules by their number, so that those before know how to ask.
func kind(rule int) string {
	return [...]string{"complete", "set", "function", "object", "else", "many", "pattern", "chain", "word", "order"}[rule%10]
}

func (g *grammar) rule() string {
	r := fmt.Sprint("r", g.at)
	switch kind(g.at) {
	case "set":
		return fmt.Sprintf("%s contains x if {\n%s\tx := %s\n}\n\n%s contains %s\n\n", r, g.body(), g.term(), r, g.constant())
	case "function":
		return fmt.Sprintf("%s(a) := x if {\n%s\tx := %s\n}\n\n", r, g.body("a"), g.term("a"))
	case "object":
		return fmt.Sprintf("%s[k] := v if {\n%s\tsome k, v in %s\n}\n\n", r, g.body(), g.collection())
	case "else":
		return fmt.Sprintf("%s := %s if {\n%s} else := %s if {\n%s}\n\n", r, g.constant(), g.body(), g.constant(), g.body())
	case "many":
		return fmt.Sprintf("%s if {\n%s}\n\n%s if {\n%s}\n\n", r, g.body(), r, g.body())
	case "chain":
		return fmt.Sprintf("default %s(_) := %s\n\n%s(a) := %s if {\n%s} else := x if {\n%s\tx := %s\n}\n\n",
			r, g.constant(), r, g.constant(), g.body("a"), g.body("a"), g.term("a"))
	case "word":
		return fmt.Sprintf("%s := \"w\" if {\n%s}\n\n%s := \"w\" if {\n%s} else := %s if {\n%s}\n\n",
			r, g.body(), r, g.body(), g.pick(`"w"`, g.constant()), g.body())
	case "order":
		return fmt.Sprintf("%s contains %s if {\n%s}\n\n%s contains %s if {\n%s}\n\n", r, g.constant(), g.body(), r, g.constant(), g.body())
	case "pattern":
		return fmt.Sprintf("%s(%s, b) := b if {\n%s}\n\n%s([a, _], _) := a\n\n", r, g.constant(), g.body("b"), r)
	}
	return fmt.Sprintf("%s := x if {\n%s\tx := %s\n}\n\ndefault %s := %s\n\n", r, g.body(), g.term(), r, g.constant())
}

func (g *grammar) pick(options ...string) string { return options[g.IntN(len(options))] }

func (g *grammar) fresh() string {
	g.names++
	return fmt.Sprint("x", g.names)
}

// body is a few expressions; the variables stay bound until the next one.
func (g *grammar) body(parameters ...string) string {
	g.vars = append([]string(nil), parameters...)
	var b strings.Builder
	for range 1 + g.IntN(4) {
		fmt.Fprintf(&b, "\t%s\n", g.expression())
	}
	return b.String()
}

func (g *grammar) expression() string {
	g.depth++
	defer func() { g.depth-- }()
	switch g.IntN(16) {
	case 0, 1:
		t, v := g.term(), g.fresh()
		g.vars = append(g.vars, v)
		return fmt.Sprintf("%s := %s", v, t)
	case 2, 3:
		c, v := g.collection(), g.fresh()
		g.vars = append(g.vars, v)
		return fmt.Sprintf("some %s in %s", v, c)
	case 4:
		c, k, v := g.collection(), g.fresh(), g.fresh()
		g.vars = append(g.vars, k, v)
		return fmt.Sprintf("some %s, %s in %s", k, v, c)
	case 5:
		return fmt.Sprintf("%s %s %s", g.term(), g.pick("==", "!=", "<", ">="), g.term())
	case 6:
		return "not " + g.test()
	case 7:
		c, v := g.collection(), g.fresh()
		return fmt.Sprintf("every %s in %s { %s != %s }", v, c, v, g.term())
	case 8:
		a, b, v, w := g.term(), g.term(), g.fresh(), g.fresh()
		g.vars = append(g.vars, v, w)
		return fmt.Sprintf("[%s, %s] = [%s, %s]", v, w, a, b)
	case 9:
		v, c := g.fresh(), g.constant()
		g.vars = append(g.vars, v)
		return fmt.Sprintf("[%s, %s] = input.pairs[_]", g.pick(v, v, "_"), c) + fmt.Sprintf("; %s = %s", v, c)
	case 10:
		v, c := g.fresh(), g.collection()
		g.vars = append(g.vars, v)
		return fmt.Sprintf("%s = %s[_]", v, c)
	case 11:
		return fmt.Sprintf("%s in %s", g.term(), g.collection())
	}
	if e := g.unification(); e != "" {
		return e
	}
	return g.test()
}

// unification is an expression in which terms of several sorts meet.
func (g *grammar) unification() string {
	v, w := g.fresh(), g.fresh()
	bind := func(format string, args ...any) string {
		g.vars = append(g.vars, v)
		return fmt.Sprintf(format, args...)
	}
	kind := 4 + g.IntN(6)
	if g.IntN(12) == 0 { // one that the machine leaves to topdown
		kind = g.IntN(4)
	}
	switch kind {
	case 0:
		return fmt.Sprintf("not {%s: input.a} == {input.key: %s, %s: input.b}", g.reference(), g.reference(), g.reference())
	case 1:
		return fmt.Sprintf("not [%s, %s] = [input.a, %s]", g.plain(), g.reference(), g.reference())
	case 4:
		return bind("{\"a\": %s, \"k\": %s} = {\"a\": %s, \"k\": %s}", v, g.reference(), g.leaf(), g.reference())
	case 3:
		return bind("[%s, %s] = [%s, %s]", v, w, w, g.leaf())
	case 2:
		if g.at < 7 {
			return fmt.Sprintf("r7(%s, %s)", g.reference(), g.reference())
		}
	case 8:
		return bind("some {\"a\": %s} in %s", v, g.pick("input.deep", "[input.o, {\"a\": 2}]"))
	case 5:
		return bind("some [%s, %s] in %s", v, g.pick(g.constant(), "_"), g.pick("input.pairs", "{[1, 2], [1, input.a]}"))
	case 6:
		return bind("%s[%s] = %s", g.pick("input.o", "input", "data.limits", "{1: 2, \"a\": 3}"), v, g.leaf())
	case 7:
		return bind("{[%s, 2], [3, input.one]}[[%s, %s]]", g.plain(), v, g.pick("2", "1", "input.a"))
	case 9:
		return fmt.Sprintf("every %s, %s in %s { %s == %s; %s }", v, w, g.collection(), v, w, g.test())
	}
	return ""
}

// plain binds nothing and asks nothing in turn.
func (g *grammar) plain() string {
	if len(g.vars) > 0 && g.IntN(2) == 0 {
		return g.vars[g.IntN(len(g.vars))]
	}
	return g.pick(g.constant(), g.reference())
}

func (g *grammar) test() string {
	return g.pick(g.reference(), g.reference(), g.quiet(), fmt.Sprintf("%s == %s", g.reference(), g.constant()), "is_string("+g.quiet()+")")
}

// quiet binds nothing, as what stands in a negation.
func (g *grammar) quiet() string {
	return g.pick(g.reference(), fmt.Sprintf("[%s, %s]", g.reference(), g.constant()), fmt.Sprintf("count({%s, %s})", g.reference(), g.reference()),
		fmt.Sprintf("count({z | z := input.list[_]; z != %s})", g.reference()))
}

func (g *grammar) constant() string {
	return g.pick("0", "1", "1.0", "2", "true", "false", "null", `"a"`, `"b"`, `""`, `[1, 2]`, `{"a": 1}`, `{1, 2}`, "1e1", "10")
}

func (g *grammar) reference() string {
	return g.pick("input.a", "input.b", "input.list[0]", "input.o.a", "input.o[input.key]", "input.missing", "data.limits.a", "data.list[input.b]", "data.names[input.key]",
		"input.one", "input.ten", "input.set", `object.get(input.o, "a", 1.0)`)
}

func (g *grammar) collection() string {
	switch g.IntN(8) {
	case 0:
		return "input.list"
	case 1:
		return "input.o"
	case 2:
		return g.pick("data.limits", "data.list", "input.deep", "input.pairs")
	case 3:
		return fmt.Sprintf("[%s, %s]", g.term(), g.constant())
	case 4:
		return fmt.Sprintf("{%s, %s, %s}", g.constant(), g.constant(), g.term())
	case 5:
		if g.at < 0 {
			return "data.p.r1"
		}
		return "{" + g.constant() + ": " + g.term() + "}"
	case 6:
		if g.at < 3 {
			return "r3"
		}
		return "input.o"
	}
	return g.comprehension()
}

func (g *grammar) comprehension() string {
	if g.depth > 3 {
		return "input.list"
	}
	outer := g.vars
	defer func() { g.vars = outer }()
	body := g.expression() + "; " + g.expression()
	switch g.IntN(3) {
	case 0:
		return fmt.Sprintf("[%s | %s]", g.term(), body)
	case 1:
		return fmt.Sprintf("{%s | %s}", g.term(), body)
	}
	return fmt.Sprintf("{%s: %s | %s}", g.term(), g.term(), body)
}

func (g *grammar) call() string {
	a, b := g.reference(), g.reference()
	if len(g.vars) > 0 && g.IntN(4) == 0 {
		a = g.vars[g.IntN(len(g.vars))]
	}
	return g.pick("count("+g.pick("input.list", "input.o", a)+")", "sum(input.list)", "max(input.list)", fmt.Sprintf("object.get(input.o, %s, %s)", a, b),
		fmt.Sprintf("sprintf(\"%%v-%%v\", [%s, %s])", a, b), "to_number("+a+")", "json.marshal("+a+")", fmt.Sprintf("%s + %s", a, b), "lower("+a+")",
		fmt.Sprintf("array.concat([%s], [%s])", a, b), fmt.Sprintf("{%s} | {%s}", a, b), "type_name("+a+")", fmt.Sprintf("startswith(%s, %s)", a, b),
		"sort("+a+")", "abs("+a+")", fmt.Sprintf("object.union({\"a\": %s}, input.o)", a), "object.keys(input.o)", "split("+a+", \"a\")", "upper("+a+")",
		fmt.Sprintf("%s - %s", a, b), fmt.Sprintf("%s / %s", a, b), "{"+a+", 1} & {"+b+", 1}", "json.unmarshal(\"{\\\"a\\\": 1.0}\")", "time.now_ns() > 0",
		fmt.Sprintf("$\"t {%s} {%s}\"", g.reference(), g.reference()), "round("+a+")", "concat(\",\", ["+a+", \"z\"])", fmt.Sprintf("numbers.range(0, %s)", a), "data.q.r", "data.q.f("+a+")", "data.q.s", "q.o.a")
}

func (g *grammar) leaf() string {
	if len(g.vars) > 0 && g.IntN(2) == 0 {
		return g.vars[g.IntN(len(g.vars))]
	}
	return g.pick(g.constant(), g.reference(), g.reference(), g.reference(), "input.deep[_].a", "data.list[_]")
}

// term is any term of what is bound.
func (g *grammar) term(bound ...string) string {
	g.depth++
	defer func() { g.depth-- }()
	if g.depth > 4 {
		return g.leaf()
	}
	if len(bound) > 0 && g.IntN(3) == 0 {
		return bound[0]
	}
	switch g.IntN(10) {
	case 0:
		return g.call()
	case 1:
		return g.comprehension()
	case 2:
		return fmt.Sprintf("[%s, %s]", g.term(), g.leaf())
	case 3:
		return fmt.Sprintf("{%s: %s}", g.pick(`"a"`, `"k"`, g.leaf()), g.leaf())
	case 4, 5, 6:
		next := g.at + 1 + g.IntN(grammarRules)
		if next >= grammarRules {
			return g.leaf()
		}
		switch name := fmt.Sprint("r", next); kind(next) {
		case "function", "chain":
			return fmt.Sprintf("%s(%s)", name, g.leaf())
		case "pattern":
			return fmt.Sprintf("%s(%s, %s)", name, g.leaf(), g.leaf())
		case "object", "set", "order":
			return g.pick(name, fmt.Sprintf("%s[%s]", name, g.leaf()))
		default:
			return name
		}
	}
	return g.leaf()
}
