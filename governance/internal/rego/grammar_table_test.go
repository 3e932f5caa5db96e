package rego

import (
	"fmt"
	"strings"
)

// tables is a module of rules with many definitions each, which compare the same few things with constants.
func (g *grammar) tables() string {
	var b strings.Builder
	b.WriteString("package p\n\nimport data.q\n\n")
	g.at = -1
	for range 10 {
		fmt.Fprintf(&b, "allow if {\n%s}\n\nviolations contains %s if {\n%s}\n\n", g.row("input.a", "input.b"), g.constant(), g.row("input.o.a", "input.o.b"))
	}
	fmt.Fprintf(&b, "r0 := r%s(object.get({}, 0, %s))\n\n", g.pick("2", "7"), g.scalar())
	for g.at = 1; g.at < grammarRules; g.at++ {
		b.WriteString(g.table())
	}
	return b.String()
}

// table is a rule whose kind says how its definitions begin.
func (g *grammar) table() string {
	head, first, second := "r%d := VALUE", g.reference(), g.reference()
	switch kind(g.at) {
	case "set", "order":
		head = "r%d contains VALUE"
	case "object":
		head = "r%d[KEY] := VALUE"
	case "function", "chain":
		head, first = "r%d(a) := VALUE", g.pick("a", "a", "a.a", `a["b"]`, "a[0]")
	case "pattern":
		head, first = "r%d(a, KEY) := VALUE", "a"
	}
	head = fmt.Sprintf(head, g.at)
	var b strings.Builder
	usual := g.constant()
	for range 9 + g.IntN(8) {
		g.vars = nil
		each := strings.NewReplacer("VALUE", g.pick(usual, usual, usual, usual, g.constant()), "KEY", g.constant()).Replace(head)
		fmt.Fprintf(&b, "%s if {\n%s}\n", each, g.row(first, second))
		if kind(g.at) == "else" || kind(g.at) == "chain" {
			for range g.IntN(12) {
				g.vars = nil
				fmt.Fprintf(&b, "else := %s if {\n%s}\n", g.pick(usual, usual, g.constant()), g.row(first, second))
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// row is the body of a definition.
func (g *grammar) row(first, second string) string {
	lines := []string{
		fmt.Sprintf("%s == %s", first, g.scalar()),
		fmt.Sprintf("%s %s %s", second, g.pick("==", "=", "!="), g.scalar()),
		g.pick("true", "true", "q.r == 1", g.test(), g.total()),
	}
	if g.IntN(3) == 0 {
		lines[0], lines[1] = lines[1], lines[0]
	}
	if g.IntN(4) == 0 {
		lines[g.IntN(3)] = fmt.Sprintf("x := %s; %s == x", second, g.constant())
	}
	if next := g.at + 1 + g.IntN(3); next < grammarRules && g.IntN(2) == 0 {
		opaque := fmt.Sprintf("object.get({}, 0, %s)", g.scalar()) // the compiler looks at types
		switch kind(next) {
		case "function", "chain":
			lines[2] = fmt.Sprintf("r%d(%s) == %s", next, g.pick(g.reference(), opaque), g.reference())
		case "pattern":
			lines[2] = fmt.Sprintf("r%d(%s, %s)", next, g.pick(g.reference(), opaque), opaque)
		case "complete", "else", "many", "word":
			lines[2] = fmt.Sprintf("r%d == %s", next, g.reference())
		}
	}
	if g.IntN(4) == 0 { // what can fail before what is compared, too
		lines[0], lines[2] = lines[2], lines[0]
	}
	lines = lines[:1+g.IntN(3)]
	return "\t" + strings.Join(lines, "\n\t") + "\n"
}

// total is a test by a builtin that never fails.
func (g *grammar) total() string {
	return g.pick(fmt.Sprintf("%s %s %s", g.reference(), g.pick("<", ">=", "!="), g.scalar()), fmt.Sprintf("%s in %s", g.scalar(), g.reference()), "is_object(input.o)",
		fmt.Sprintf("type_name(%s) != %s", g.reference(), g.pick(`"string"`, `"number"`)))
}

// scalar is mostly one, and often a number that can be written in several ways.
func (g *grammar) scalar() string {
	return g.pick("1", "1.0", "1", "10", "1e1", "0", "-0", "2.5", "2.50", `"a"`, `"b"`, "true", "false", g.constant())
}
