package bundle_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aumos-enterprise/platform/governance/internal/library"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

// rules are policies of one module, by what is special about them. Each answers input.x in its own way.
var rules = map[string]string{
	"boolean":                 `allow := input.x`,
	"undefined":               `allow if input.x == 1`,
	"default":                 "default allow := false\nallow if input.x == 1",
	"builtin error":           `allow if to_number(input.x) == 1`,
	"negated builtin error":   "default allow := false\nallow if not to_number(input.x) == 1",
	"conflict":                "allow := true if input.x\nallow := false if input.x == 1",
	"strings":                 "allow := false\nviolations contains input.x",
	"a list":                  "allow := true\nviolations := input.x",
	"objects":                 "allow := true\nviolations contains {\"code\": \"C\", \"message\": \"m\", \"severity\": \"high\", \"control\": input.x}",
	"no message":              "allow := true\nviolations contains {\"severity\": input.x}",
	"another key":             "allow := true\nviolations contains {\"code\": \"C\", \"also\": input.x}",
	"sorted":                  "allow := false\nviolations := [{\"message\": \"b\", \"code\": \"B\"}, \"a\", {\"code\": \"A\"}, \"a\", {\"code\": \"A\", \"control\": \"1\"}]",
	"not UTF-8":               "allow := true\nviolations contains base64.decode(\"/w==\") if input.x == 1",
	"100 violations":          "allow := true\nviolations contains sprintf(\"%d\", [n]) if some n in numbers.range(1, 100)",
	"101 violations":          "allow := true\nviolations contains sprintf(\"%d\", [n]) if some n in numbers.range(1, 101)",
	"a large violation":       "allow := true\nviolations contains concat(\"\", [\"ä\" | some n in numbers.range(1, 16384)])",
	"too large a violation":   "allow := true\nviolations contains concat(\"\", [\"ä\" | some n in numbers.range(1, 16385)])",
	"violations an object":    "allow := true\nviolations[\"x\"] := 1",
	"violations below":        "allow := true\nviolations.x.y := 1",
	"duty":                    "allow := true\nobligations contains input.x",
	"duties":                  "allow := true\nobligations := input.x",
	"duty of a denial":        "allow := false\nobligations := input.x",
	"duty with parameters":    "allow := true\nobligations contains {\"id\": \"log\", \"more\": input.x, \"set\": {3, 1, 2}}",
	"duty without id":         "allow := true\nobligations contains {\"name\": input.x}",
	"duties sorted":           "allow := true\nobligations := [{\"id\": \"b\"}, \"c\", \"b\", {\"id\": \"b\", \"x\": 1}, \"b\", {\"id\": \"a\"}]",
	"100 duties":              "allow := true\nobligations contains sprintf(\"%d\", [n]) if some n in numbers.range(1, 100)",
	"101 duties":              "allow := true\nobligations contains sprintf(\"%d\", [n]) if some n in numbers.range(1, 101)",
	"a large duty":            "allow := true\nobligations contains {\"id\": \"x\", \"n\": numbers.range(1, 2518)}",
	"too large a duty":        "allow := true\nobligations contains {\"id\": \"x\", \"n\": numbers.range(1, 2519)}",
	"large together":          "allow := true\nviolations contains concat(\"\", [\"x\" | some n in numbers.range(1, 16384)])\nobligations contains concat(\"\", [\"x\" | some n in numbers.range(1, 16376)])",
	"too large together":      "allow := true\nviolations contains concat(\"\", [\"x\" | some n in numbers.range(1, 16384)])\nobligations contains concat(\"\", [\"x\" | some n in numbers.range(1, 16377)])",
	"large denial":            "allow := false\nviolations contains concat(\"\", [\"x\" | some n in numbers.range(1, 16384)])\nobligations contains concat(\"\", [\"x\" | some n in numbers.range(1, 16377)])",
	"duty key no string":      "allow := true\nobligations contains {\"id\": \"x\", 1: input.x}",
	"duty deep":               "allow := true\nobligations contains {\"id\": \"x\", \"n\": [[[[[[[[[[[[[[[input.x]]]]]]]]]]]]]]]}",
	"duty too deep":           "allow := true\nobligations contains {\"id\": \"x\", \"n\": [[[[[[[[[[[[[[[[input.x]]]]]]]]]]]]]]]]}",
	"data":                    "allow := data.allowed[input.x]\nviolations contains data.words[_]",
	"a part of data":          "allow if count(data.allowed) == 2\nviolations contains key if some key, _ in data[\"allowed\"]",
	"data by key":             "allow if data.deep[input.x].r == 1",
	"data replaced":           "allow if q with data.allowed as {\"z\": input.x}\nq if data.allowed.z == 1",
	"another package":         "import data.lib\nallow if lib.one(input.x)\nviolations contains m if some m in data.lib.messages",
	"another package mocked":  "allow if data.lib.one(input.x) with data.lib.limit as 2 with data.lib.two as data.lib.three",
	"nested in":               "allow if \"foo\", input.x in {\"foo\": 1}\nviolations contains $\"x {1} {input.x}\"",
	"numbers":                 "allow if input.x * 3 == 0.3\nviolations contains sprintf(\"%v\", [input.x / 3])",
	"text that looks like it": "allow if input.x == \"data.allowed\"\nviolations contains \"data.p.allow\"",
	"function named like it":  "allow if violation(input.x)\nviolation(x) if x == 1\nobligation := 5",
}

// inputs are what the rules are asked about as input.x; nil is an empty input too.
var inputs = []any{
	nil, true, false, 0, 1, 2, 3, 0.1, "", "1", "a", "data.allowed", "ä", "\u0000",
	[]any{},
	[]any{"a", "b", "a"},
	[]any{1},
	map[string]any{},
	map[string]any{"id": "x"},
	[]any{map[string]any{"id": "x", "n": []any{1, nil, "ä"}}},
	[]any{"a", map[string]any{"id": "a"}},
	[]any{map[string]any{"id": ""}},
	[]any{map[string]any{"id": 1}},
	[]any{map[string]any{"code": "C", "message": "m"}},
	[]any{map[string]any{"code": 1}},
	[]any{map[string]any{"code": ""}},
	[]any{map[string]any{"code": "", "message": "m"}},
	[]any{[]any{"a"}},
	"x",
}

// addRules makes a policy of each of the rules.
func (p *tenantPolicies) addRules() {
	p.t.Helper()
	for name, source := range rules {
		modules := []rego.Module{{Path: "p.rego", Source: "package p\n" + source}}
		var data map[string]any
		if strings.Contains(name, "data") {
			data = map[string]any{"allowed": map[string]any{"a": true, "1": false}, "words": []any{"u", "v"}, "deep": map[string]any{"a": map[string]any{"r": 1.0}}}
		}
		if name == "another package" || name == "another package mocked" {
			modules = append(modules,
				rego.Module{Path: "lib/a.rego", Source: "package lib\none(x) if { x >= limit; two(x) }\ntwo(x) if x == 1\nthree(x) if x > 1\nlimit := 1"},
				rego.Module{Path: "lib/b.rego", Source: "package lib\nmessages := {\"m\", \"n\"}"})
		}
		p.add(name, modules, data)
	}
}

// A sidecar answers as we do.
func TestSidecarAnswersAsWeDo(t *testing.T) {
	t.Parallel()
	p := newTenant(t)
	p.addRules()
	opa := p.runOPA()
	outcomes := make(map[rego.Outcome]int)
	for name, source := range rules {
		outcomes[p.compare(opa, name, map[string]any{})]++
		if !strings.Contains(source, "input") {
			continue
		}
		for _, x := range inputs {
			if n, ok := x.(int); ok {
				x = float64(n)
			}
			outcomes[p.compare(opa, name, map[string]any{"x": plain(x)})]++
		}
	}
	t.Logf("outcomes %v", outcomes)
}

// plain returns the value as JSON gives it.
func plain(x any) any {
	text, err := json.Marshal(x)
	if err != nil {
		panic(err)
	}
	var out any
	if err := json.Unmarshal(text, &out); err != nil {
		panic(err)
	}
	return out
}

// The library's policies answer random changes of their examples alike.
func TestSidecarAnswersLibrary(t *testing.T) {
	t.Parallel()
	p := newTenant(t)
	for _, template := range library.Templates() {
		i, err := template.Instantiate(template.Example.Parameters)
		if err != nil {
			t.Fatal(err)
		}
		p.add(template.Name, rego.Modules(i.Modules), nil, template.DecisionPoint)
	}
	opa := p.runOPA()
	outcomes := make(map[rego.Outcome]int)
	for _, template := range library.Templates() {
		outcomes[p.compare(opa, template.Name, template.Example.Input)]++
		rapid.Check(t, func(rt *rapid.T) {
			input, _ := plain(template.Example.Input).(map[string]any)
			for range rapid.IntRange(1, 4).Draw(rt, "changes") {
				change(rt, input)
			}
			outcomes[p.compare(opa, template.Name, input)]++
			if t.Failed() {
				rt.FailNow()
			}
		})
	}
	t.Logf("outcomes %v", outcomes)
}

// change replaces or removes something in the document.
func change(rt *rapid.T, document map[string]any) {
	keys := make([]string, 0, len(document))
	for key := range document {
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return
	}
	key := rapid.SampledFrom(slices.Sorted(slices.Values(keys))).Draw(rt, "key")
	if inner, ok := document[key].(map[string]any); ok && rapid.IntRange(0, 3).Draw(rt, "go on") > 0 {
		change(rt, inner)
		return
	}
	if rapid.Bool().Draw(rt, "remove") {
		delete(document, key)
		return
	}
	document[key] = plain(rapid.SampledFrom(inputs).Draw(rt, "new "+key))
}
