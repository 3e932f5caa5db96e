package rego_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

func modulesOf(sources ...string) []rego.Module {
	modules := make([]rego.Module, len(sources))
	for i, s := range sources {
		modules[i] = rego.Module{Path: fmt.Sprintf("m%d.rego", i), Source: s}
	}
	return modules
}

func validate(t testing.TB, schema string, sources ...string) rego.Report {
	t.Helper()
	var parsed map[string]any
	if schema != "" {
		if err := json.Unmarshal([]byte(schema), &parsed); err != nil {
			t.Fatal(err)
		}
	}
	report, err := validateSource(t, rego.Source{Modules: modulesOf(sources...)}, parsed)
	if err != nil {
		t.Fatalf("Validate: %v", describe(err))
	}
	return report
}

// validateSource gives a busy machine time that tenants do not have.
func validateSource(t testing.TB, source rego.Source, schema map[string]any) (rego.Report, error) {
	t.Helper()
	return engine(t, rego.Config{CompileDeadline: time.Minute}).Validate(t.Context(), question(nil, rego.Input{}).Tenant, source, schema)
}

// lines writes findings as "module:row:column code: message".
func lines(findings []rego.Finding) []string {
	list := make([]string, len(findings))
	for i, f := range findings {
		list[i] = fmt.Sprintf("%d:%d:%d %s: %s", f.Module, f.Row, f.Column, f.Code, f.Message)
	}
	return list
}

func TestValidateErrors(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		sources []string
		want    []string
	}{
		"two modules do not parse": {[]string{"package p\nallow if {", "package q\nx := := 1", "package r\n"}, []string{
			"0:2:10 rego_parse_error: unexpected eof token", "1:2:6 rego_parse_error: unexpected assign token",
			"1:2:6 rego_parse_error: unexpected assign token: expected rule value term (e.g., x := <VALUE> { ... })",
		}},
		"builtin outside the profile": {[]string{"package p\ndefault allow := false\nallow if http.send({})"}, []string{
			"0:3:10 rego_type_error: undefined function http.send, which the capability profile leaves out: reaches out of the process: a policy is a function of its input, the time and a seed",
		}},
		"a deprecated builtin": {[]string{"package p\ndefault allow := false\nallow if any([true])"}, []string{
			"0:3:10 rego_type_error: undefined function any, which the capability profile leaves out: deprecated, and refused by Rego v1",
		}},
		"an empty module":   {[]string{"package p\nallow := true", "# nothing"}, []string{"1:1:1 rego_parse_error: empty module"}},
		"said once":         {[]string{"package p\nallow := \x00true"}, []string{"0:2:9 rego_parse_error: illegal null character", "0:2:9 rego_parse_error: illegal token"}},
		"builtin of nobody": {[]string{"package p\ndefault allow := false\nallow if nope(1)"}, []string{"0:3:10 rego_type_error: undefined function nope"}},
		"type error":        {[]string{"package p\ndefault allow := false\nallow if 1 == \"a\""}, []string{"0:3:10 rego_type_error: match error"}},
		"wrong argument":    {[]string{"package p\ndefault allow := false\nallow if count(1) == 1"}, []string{"0:3:10 rego_type_error: count: invalid argument(s): have: (number, ???), want: (collection: any<...>, n: number)"}},
		"unused import": {[]string{"package p\nimport data.q\ndefault allow := false", "package q\nx := 1"}, []string{
			"0:2:1 rego_compile_error: import data.q unused",
		}},
		"unused local": {[]string{"package p\ndefault allow := false\nallow if { x := 1 }"}, []string{
			"0:3:12 rego_compile_error: assigned var x unused",
		}},
		"no allow":    {[]string{"package p\nx := 1"}, []string{"0:1:1 rego_compile_error: package p must define the rule allow"}},
		"odd package": {[]string{"package p[\"a b\"]\nallow := true"}, []string{"0:1:1 rego_compile_error: the package must be a path of plain words, like aumos.retrain"}},
		"recursion":   {[]string{"package p\nallow if allow"}, []string{"0:2:1 rego_recursion_error: rule data.p.allow is recursive: data.p.allow -> data.p.allow"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := validate(t, "", test.sources...)
			if diff := cmp.Diff(test.want, lines(report.Errors)); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			if len(report.EntryPoints) != 0 || len(report.Modules) != len(test.sources) {
				t.Errorf("report %+v", report)
			}
			if _, err := rego.Compile(rego.Source{Modules: modulesOf(test.sources...)}); errs.ReasonOf(err) != errs.ReasonRegoInvalid {
				t.Errorf("Compile says %v", err)
			}
		})
	}
}

func TestValidateWarnings(t *testing.T) {
	t.Parallel()
	const head = "package p\ndefault allow := false\n"
	for name, test := range map[string]struct {
		sources []string
		want    []string
	}{
		"nothing": {[]string{head + "allow if input.x\nviolations contains \"no\" if not input.x"}, []string{}},
		"unused rules and functions": {[]string{head + "allow if used(input.x)\nused(x) if deep == x\ndeep := 1\nlost := 2 if input.a\nlost := 3 if input.b\nf(x) := lost + x", "package q\nother contains 1\nof_a_library(x) := x\n"}, []string{
			"0:6:1 unused_rule: rule lost is used by no decision and no test", "0:8:1 unused_rule: function f is used by no decision and no test",
			"1:2:1 unused_rule: rule other is used by no decision and no test",
		}},
		"else, dynamic references and packages as values are uses": {[]string{
			head + "allow if limit > 1\nlimit := 1 if input.a\nelse := h(2) if input.b\nh(x) := x\nviolations contains x if some x in data.q[input.k]\nviolations contains x if x := sprintf(\"%v\", [data.r])",
			"package q\na contains \"1\"\n", "package r\nb := 1\n",
		}, []string{}},
		"tests are uses": {[]string{head + "test_a if helper with input as {}\nhelper if not allow"}, []string{}},
		"deprecated": {[]string{"package p\nimport rego.v1\nimport future.keywords.if\ndefault allow = false\nallow = true if f(1)\nf(x) = x if x > 1\nelse = 2\nallow if input.y"}, []string{
			"0:2:1 deprecated_import: import rego.v1 does nothing in Rego v1: leave it out",
			"0:3:1 deprecated_import: import future.keywords[\"if\"] does nothing in Rego v1: leave it out",
			"0:4:1 deprecated_assignment: allow is defined with =: write :=", "0:5:1 deprecated_assignment: allow is defined with =: write :=",
			"0:6:1 deprecated_assignment: f is defined with =: write :=", "0:7:1 deprecated_assignment: f is defined with =: write :=",
		}},
		"what a reviewer does not see": {[]string{head + "allow if input.role == \"adm\u200bin\" # not \u200byet\nallow if input.x == \"\\u200b\" # \u202e, a joiner: \u200d\n", "package q\n# \u200b"}, []string{
			"0:3:28 invisible_character: U+200B is invisible, or changes the order in which the line is shown: leave it out, or write it as an escape",
			"0:4:32 invisible_character: U+202E is invisible, or changes the order in which the line is shown: leave it out, or write it as an escape",
			"1:2:3 invisible_character: U+200B is invisible, or changes the order in which the line is shown: leave it out, or write it as an escape",
		}},
		"two values at once": {[]string{"package p\nallow := true\nlimit := 1\nviolations contains \"a\" if limit > 2", "package p\nallow := false\nlimit := 1"}, []string{
			"1:2:1 always_conflicts: allow is true and false whatever the input is: whoever asks for it gets ERROR",
		}},
		"two values that conditions tell apart": {[]string{head + "allow if input.x\nallow := false if input.y"}, []string{}},
		"a package without rules":               {[]string{head + "allow if input.x", "package q"}, []string{}},
		"no default":                            {[]string{"package p\nallow if input.x"}, []string{"0:2:1 missing_default_allow: allow has no default: where no definition holds, the outcome is ERROR and not DENY; add default allow := false"}},
		"default in a second module":            {[]string{"package p\nallow if input.x", "package p\ndefault allow := false"}, []string{}},
		"constant allow":                        {[]string{"package p\nallow := true"}, []string{}},
		"allow is never boolean":                {[]string{"package p\nallow contains 1"}, []string{"0:2:1 allow_not_boolean: allow is never a boolean: the outcome of every decision is ERROR"}},
		"allow is not always boolean":           {[]string{"package p\ndefault allow := \"no\"\nallow if input.x"}, []string{"0:2:1 allow_not_boolean: allow is not always a boolean: the outcome of a decision is ERROR then"}},
		"violations is an object":               {[]string{head + "violations[x] := 1 if some x in input.l"}, []string{"0:3:1 violations_not_a_set: violations is never a set or an array of strings and objects: the outcome of every decision is ERROR"}},
		"violations of numbers":                 {[]string{head + "violations contains 1"}, []string{"0:3:1 violations_not_a_set: violations is never a set or an array of strings and objects: the outcome of every decision is ERROR"}},
		"undefined data": {[]string{head + "import data.lib\nallow if lib.f\nallow if data.q.y\nallow if data.q.x", "package q\nx := 1"}, []string{
			"0:4:10 undefined_data: data.lib.f is defined by no module of the version", "0:5:10 undefined_data: data.q.y is defined by no module of the version",
		}},
		"a literal that is large": {[]string{head + "allow if input.x in names\nnames := [" + strings.Repeat("0, ", 9_000) + "1]"}, []string{
			"0:4:1 large_rules: with names the rules are too large to be decided fast: put tables and long lists into the data document",
		}},
		"data given by with": {[]string{head + "allow if data.users[input.u]\ntest_a if allow with data.users as {\"a\"}"}, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := validate(t, "", test.sources...)
			if len(report.Errors) > 0 {
				t.Fatalf("errors %v", lines(report.Errors))
			}
			if diff := cmp.Diff(test.want, lines(report.Warnings)); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			compile(t, test.sources...)
		})
	}
}

func TestValidateSchema(t *testing.T) {
	t.Parallel()
	const head = "package p\ndefault allow := false\n"
	const schema = `{
		"$defs": {
			"user": {"type": "object", "properties": {"name": {"type": "string"}, "roles": {"type": "array", "items": {"$ref": "#/$defs/role"}}, "boss": {"$ref": "#/$defs/user"}}},
			"role": {"type": "object", "properties": {"id": {"type": "string"}}, "additionalProperties": false}
		},
		"type": "object",
		"properties": {
			"user": {"$ref": "#/$defs/user"},
			"free": {"type": "object", "additionalProperties": true, "properties": {"a": {}}},
			"any": {},
			"maybe": {"type": ["object", "null"], "properties": {"x": {"type": "number"}}},
			"either": {"oneOf": [{"type": "object", "properties": {"a": {"type": "string"}}}, {"type": "object", "properties": {"b": {"type": "string"}}}]},
			"both": {"type": "object", "allOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"b": {"type": "string"}}}]},
			"cond": {"type": "object", "properties": {"a": {}}, "if": {}, "then": {"properties": {"z": {}}}},
			"map": {"type": "object", "patternProperties": {"^x": {"type": "string"}}},
			"tuple": {"type": "array", "prefixItems": [{"type": "string"}]},
			"remote": {"$ref": "http://127.0.0.1:1/schema"},
			"file": {"$ref": "file:///etc/passwd"}
		}
	}`
	for name, test := range map[string]struct {
		rules string
		want  []string
	}{
		"all described": {`allow if {
			input.user.name == "a"
			input.user.roles[0].id == "b"
			input.user.boss.boss.name
			input.free.whatever.deep
			input.any.x.y
			input.maybe.x > 1
			input.maybe != null
			input.either.a
			input.either.b
			input.both.a == input.both.b
			input.cond.z
			input.map.x1
			input.tuple[3]
			input.remote.x
			input.file.x
			input.user.name == 1
		}`, []string{}},
		"misspelled": {"allow if input.user.nme == \"a\"", []string{
			"0:3:10 undefined_input: input.user.nme is not described by the schema of the input, which has [\"boss\" \"name\" \"roles\"]",
		}},
		"below a scalar":    {"allow if input.user.name.first", []string{"0:3:10 undefined_input: input.user.name has no parts by the schema of the input"}},
		"in items":          {"allow if { some r in input.user.roles; r.name }", []string{"0:3:40 undefined_input: r.name is not described by the schema of the input, which has [\"id\"]"}},
		"through a rule":    {"u := input.user\nallow if u.boss.nam", []string{"0:4:10 undefined_input: data.p.u.boss.nam is not described by the schema of the input, which has [\"boss\" \"name\" \"roles\"]"}},
		"in an alternative": {"allow if input.either.c", []string{"0:3:10 undefined_input: input.either.c is not described by the schema of the input, which has [\"a\" \"b\"]"}},
		"in both":           {"allow if input.both.c", []string{"0:3:10 undefined_input: input.both.c is not described by the schema of the input, which has [\"a\" \"b\"]"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := validate(t, schema, head+test.rules)
			if len(report.Errors) > 0 {
				t.Fatalf("errors %v", lines(report.Errors))
			}
			if diff := cmp.Diff(test.want, lines(report.Warnings)); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

// What a schema says wrongly would otherwise be a check that nobody misses.
func TestValidateWrongSchemas(t *testing.T) {
	t.Parallel()
	const wrong = "-1:0:0 schema_unchecked: the schema of the input is not checked where it is wrong: "
	for name, test := range map[string]struct {
		schema string
		want   []string
	}{
		"a type": {`{"properties": {"a": {"type": "objct"}, "b": {"type": ["string", "nul"]}}}`, []string{
			wrong + `"nul" is no type of JSON Schema`, wrong + `"objct" is no type of JSON Schema`,
		}},
		"a reference":         {`{"properties": {"a": {"$ref": "#/$defs/nope"}, "b": {}}}`, []string{wrong + `$ref "#/$defs/nope" leads to nothing in it`}},
		"references to other": {`{"properties": {"a": {"$ref": "https://example.com/a.json"}, "b": {"$ref": "#anchor"}}}`, nil},
		"every type":          {`{"properties": {"a": {"type": ["array", "boolean", "integer", "null", "number", "object", "string"]}, "b": {"properties": {"type": {}, "$ref": {}}}}}`, nil},
	} {
		report := validate(t, test.schema, "package p\ndefault allow := false\nallow if input.a\nallow if input.b")
		if diff := cmp.Diff(test.want, lines(report.Warnings), cmpopts.EquateEmpty()); diff != "" || len(report.Errors) > 0 {
			t.Errorf("%s: errors %v, warnings (-want +got):\n%s", name, report.Errors, diff)
		}
	}
}

// Schemas that would keep a type checker or a resolver of references busy for ever.
func TestValidateHostileSchemas(t *testing.T) {
	t.Parallel()
	var doubling strings.Builder
	doubling.WriteString(`{"$ref": "#/$defs/d0", "$defs": {`)
	for i := range 40 {
		fmt.Fprintf(&doubling, `"d%d": {"type": "object", "properties": {"a": {"$ref": "#/$defs/d%d"}, "b": {"$ref": "#/$defs/d%d"}}},`, i, i+1, i+1)
	}
	doubling.WriteString(`"d40": {}}}`)
	wide := make([]string, 15)
	for i := range wide {
		wide[i] = `{"$ref": "#/$defs/w"}`
	}
	for name, schema := range map[string]string{
		"doubling":        doubling.String(),
		"circle":          `{"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}`,
		"self":            `{"$ref": "#"}`,
		"allOf itself":    `{"allOf": [{"$ref": "#"}, {"$ref": "#"}]}`,
		"wide and deep":   `{"$ref": "#/$defs/w", "$defs": {"w": {"anyOf": [` + strings.Join(wide, ",") + `]}}}`,
		"nested items":    strings.Repeat(`{"type":"array","items":`, 3000) + `{}` + strings.Repeat(`}`, 3000),
		"wrong types":     `{"type": 3, "properties": [], "items": 4, "$defs": 5, "allOf": 6, "anyOf": {}, "additionalProperties": []}`,
		"ref of no text":  `{"$ref": {"a": 1}}`,
		"pointer astray":  `{"$ref": "#/properties/x/~1/0", "properties": {"x": [1]}}`,
		"property named":  `{"type":"object","properties": {"$ref": {"type": "string"}, "$id": {"type":"string"}, "type": {"type":"object","properties":{"type":{"type":"string"}}}}}`,
		"boolean schemas": `{"type":"object","properties":{"a": true, "b": false}, "additionalProperties": false}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			report := validate(t, schema, "package p\ndefault allow := false\nallow if input.a.b.a.b == input.b.a.b.a\nallow if { some x in input; x == input }\nallow if input.type.type == input[\"$ref\"]")
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("took %s", took)
			}
			if len(report.Errors) > 0 {
				t.Errorf("errors %v", lines(report.Errors))
			}
			t.Log(lines(report.Warnings))
		})
	}
}

func TestValidateSummary(t *testing.T) {
	t.Parallel()
	report := validate(t, "",
		"package aumos.p\n\ndefault allow := false\n\nallow if input.x\n\nviolations contains \"v\" if not limits.eu\n\nlimits.eu := 1\n\nlimits[r] := 2 if some r in input.l\n\nf(x) := x\n\ntest_f if f(1) == 1\n",
		"package lib[\"a b\"]\nx := 1\n")
	want := []rego.Summary{
		{Package: "aumos.p", Rules: []rego.Rule{
			{Name: "allow", Kind: rego.CompleteRule, Default: true, Row: 3, Column: 1},
			{Name: "allow", Kind: rego.CompleteRule, Row: 5, Column: 1},
			{Name: "violations", Kind: rego.SetRule, Row: 7, Column: 1},
			{Name: "limits.eu", Kind: rego.CompleteRule, Row: 9, Column: 1},
			{Name: "limits[r]", Kind: rego.ObjectRule, Row: 11, Column: 1},
			{Name: "f", Kind: rego.FunctionRule, Row: 13, Column: 1},
			{Name: "test_f", Kind: rego.TestRule, Row: 15, Column: 1},
		}},
		{Package: `lib["a b"]`, Rules: []rego.Rule{{Name: "x", Kind: rego.CompleteRule, Row: 2, Column: 1}}},
	}
	if diff := cmp.Diff(want, report.Modules); diff != "" {
		t.Errorf("modules (-want +got):\n%s", diff)
	}
	if report.Package != "aumos.p" || !slices.Equal(report.EntryPoints, []string{"data.aumos.p.allow", "data.aumos.p.violations"}) {
		t.Errorf("package %q, entry points %v", report.Package, report.EntryPoints)
	}
}

func TestValidateBounds(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100_000)
	report := validate(t, "", "package p\nallow if "+long+"(1)")
	if len(report.Errors) != 1 || len(report.Errors[0].Message) > 1000 {
		t.Errorf("%d errors, the first of %d bytes", len(report.Errors), len(report.Errors[0].Message))
	}
	report = validate(t, "", "package p\ndefault allow := false\n"+long+" := 1\n"+strings.Repeat("a", 300)+" := 1")
	for _, r := range report.Modules[0].Rules {
		if len(r.Name) > 256 {
			t.Errorf("a name of %d bytes", len(r.Name))
		}
	}
	var many strings.Builder
	many.WriteString("package p\ndefault allow := false\n")
	for i := range 250 {
		fmt.Fprintf(&many, "r%d := 1\n", i)
	}
	if report = validate(t, "", many.String()); len(report.Warnings) != 100 || report.Omitted != 150 {
		t.Errorf("%d warnings and %d omitted", len(report.Warnings), report.Omitted)
	}
	many.Reset()
	many.WriteString("package p\n")
	for i := range 50 {
		fmt.Fprintf(&many, "allow if nope%d(1)\n", i)
	}
	if report = validate(t, "", many.String()); len(report.Errors) != 20 {
		t.Errorf("%d errors", len(report.Errors))
	}
	for _, modules := range [][]rego.Module{
		nil, modulesOf(make([]string, 17)...), {{Path: "a.rego", Source: "package p"}, {Path: "a.rego", Source: "package q"}}, modulesOf(strings.Repeat("#", 256<<10+1)),
	} {
		if _, err := validateSource(t, rego.Source{Modules: modules}, nil); errs.ReasonOf(err) != errs.ReasonInvalidField {
			t.Errorf("%d modules that break the contract: %v", len(modules), err)
		}
	}
}

func TestValidateIsBoundedInTime(t *testing.T) {
	t.Parallel()
	e := engine(t, rego.Config{CompileDeadline: time.Millisecond})
	var slow strings.Builder
	slow.WriteString("package p\ndefault allow := false\n")
	for i := range 1900 {
		fmt.Fprintf(&slow, "r%d if input.x[_].y == %d\n", i, i)
	}
	q := question(nil, rego.Input{})
	report, err := e.Validate(t.Context(), q.Tenant, rego.Source{Modules: modulesOf(slow.String())}, nil)
	if err != nil || len(report.Errors) != 1 || report.Errors[0].Code != "aumos_deadline" || len(report.Modules) != 1 {
		t.Errorf("report %+v, %v", report, err)
	}
}

func TestValidateShippedPolicies(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../../../examples/policies/retrain.rego")
	if err != nil {
		t.Fatal(err)
	}
	if report := validate(t, "", string(source)); len(report.Errors)+len(report.Warnings) > 0 {
		t.Errorf("errors %v, warnings %v", lines(report.Errors), lines(report.Warnings))
	}
}
