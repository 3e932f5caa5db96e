package library_test

import (
	"encoding/json"
	"errors"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
	"pgregory.net/rapid"

	"github.com/aumos-enterprise/platform/governance/internal/library"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// matches asks the validator that OPA embeds, which is not ours.
func matches(t testing.TB, document any, schema json.RawMessage) bool {
	t.Helper()
	parsed, err := ast.ValueFromReader(strings.NewReader(string(schema)))
	if err != nil {
		t.Fatal(err)
	}
	value, err := ast.InterfaceToValue(document)
	if err != nil {
		t.Fatal(err)
	}
	valid := false
	err = topdown.GetBuiltin(ast.JSONMatchSchema.Name)(topdown.BuiltinContext{Capabilities: ast.CapabilitiesForThisVersion()},
		[]*ast.Term{ast.NewTerm(value), ast.NewTerm(parsed)}, func(out *ast.Term) error {
			valid = out.Value.(*ast.Array).Elem(0).Equal(ast.BooleanTerm(true))
			return nil
		})
	if err != nil {
		t.Fatalf("%v: %s", err, schema)
	}
	return valid
}

func TestExamplesMatchTheirSchemas(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, template *library.Template) {
		t.Helper()
		if !matches(t, template.Example.Input, template.InputSchema) {
			t.Error("the input does not match its schema")
		}
		if !matches(t, template.Example.Parameters, template.ParametersSchema) {
			t.Error("the parameters do not match their schema")
		}
		for _, key := range sorted(template.Example.Input) {
			if without := replaced(template.Example.Input, leaf{key}, nil, true); !ignored[key] && matches(t, without, template.InputSchema) != (key == "approval" || key == "explainability") {
				t.Errorf("the schema does not ask for %s", key)
			}
		}
	})
}

// described draws values around what a schema describes: mostly valid ones.
func described(rt *rapid.T, schema map[string]any, label string) any {
	if enum, ok := schema["enum"].([]any); ok {
		return rapid.SampledFrom(enum).Draw(rt, label)
	}
	number := func(key string, otherwise float64) float64 {
		if n, ok := schema[key].(float64); ok {
			return n
		}
		return otherwise
	}
	switch schema["type"] {
	case "object":
		out := map[string]any{}
		properties, _ := schema["properties"].(map[string]any)
		required, _ := schema["required"].([]any)
		for _, key := range sorted(properties) {
			if slices.Contains(required, any(key)) || rapid.Bool().Draw(rt, label+key+"?") {
				out[key] = described(rt, properties[key].(map[string]any), label+key)
			}
		}
		return out
	case "array":
		items := schema["items"].(map[string]any)
		n := rapid.IntRange(int(number("minItems", 0)), min(int(number("maxItems", 5)), 5)).Draw(rt, label+"n")
		out := []any{}
		for range n {
			item := described(rt, items, label+"[]")
			if !slices.ContainsFunc(out, func(other any) bool { return equal(item, other) }) {
				out = append(out, item)
			}
		}
		return out
	case "boolean":
		return rapid.Bool().Draw(rt, label)
	case "integer":
		return math.Floor(rapid.Float64Range(number("minimum", 0), number("maximum", 9)).Draw(rt, label))
	case "number":
		return rapid.Float64Range(number("minimum", 0), number("maximum", 9)).Draw(rt, label)
	}
	if pattern, ok := schema["pattern"].(string); ok {
		return rapid.StringMatching(strings.ReplaceAll(pattern, "*$", "{0,20}$")).Draw(rt, label)
	}
	return rapid.StringN(int(number("minLength", 0)), int(number("maxLength", 40)), -1).Draw(rt, label)
}

func equal(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

// Valid parameters always make a version that compiles under the platform's profile and denies the empty input; and both validators agree on what is valid.
func TestValidParametersCompile(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, template *library.Template) {
		t.Helper()
		var schema map[string]any
		if err := json.Unmarshal(template.ParametersSchema, &schema); err != nil {
			t.Fatal(err)
		}
		rapid.Check(t, func(rt *rapid.T) {
			parameters := described(rt, schema, "").(map[string]any)
			i, err := template.Instantiate(parameters)
			if valid := matches(t, parameters, template.ParametersSchema); valid != (err == nil) {
				rt.Fatalf("ours: %v, OPA's: valid %t: %v", err, valid, parameters)
			}
			if err != nil {
				return
			}
			again, err := template.Instantiate(copied(t, parameters))
			if err != nil || !slices.Equal(i.Modules, again.Modules) {
				rt.Fatalf("the same parameters make other modules: %v", err)
			}
			compiled(t, i)
		})
	})
}

// Values that are not what the schema describes are refused by both validators.
func TestInvalidParameters(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, template *library.Template) {
		t.Helper()
		whole := instance(t, template, template.Example.Parameters).Parameters
		for _, at := range places(nil, whole) {
			for _, value := range wrong() {
				changed := replaced(whole, at, value, false).(map[string]any)
				_, err := template.Instantiate(changed)
				if valid := matches(t, changed, template.ParametersSchema); valid != (err == nil) {
					t.Errorf("%s is %.40v: ours: %v, OPA's: valid %t", at, value, err, valid)
				}
				if reason := errs.ReasonOf(err); err != nil && reason != errs.ReasonInvalidField {
					t.Errorf("%s is %.40v: %v", at, value, err)
				}
			}
		}
		if _, err := template.Instantiate(replaced(map[string]any{"x": 1}, leaf{"x"}, math.NaN(), false).(map[string]any)); err == nil {
			t.Error("an unknown parameter is accepted")
		}
	})
}

func TestProblemsNameTheirFields(t *testing.T) {
	t.Parallel()
	template, err := library.Find("agent-action")
	if err != nil {
		t.Fatal(err)
	}
	_, err = template.Instantiate(map[string]any{
		"tools": []any{map[string]any{"name": "a b", "approval": "no"}}, "data_classes": []any{}, "max_amount": math.NaN(), "max_depth": 0.5, "unknown\n": 1.0,
	})
	var e *errs.Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	var got []string
	for _, v := range e.Violations {
		got = append(got, v.Field)
	}
	want := []string{
		"parameters.approvers", "parameters.data_classes", "parameters.max_amount", "parameters.max_depth", "parameters.tools[0].approval",
		"parameters.tools[0].name", "parameters",
	}
	if !slices.Equal(got, want) {
		t.Errorf("fields %v, want %v", got, want)
	}
}

// Each control that a policy names is in its references with words of our own, and each reference is named.
func TestReferences(t *testing.T) {
	t.Parallel()
	literal := regexp.MustCompile(`"((?:EU-AI-ACT|NIST-AI-RMF|ISO-42001|GDPR|OWASP-LLM):[A-Z0-9.-]+)"`)
	built := regexp.MustCompile(`sprintf\("([A-Z0-9-]+):%s"`)
	row := regexp.MustCompile(`(?m)^\t"([A-Z0-9.-]+)": ["{]`)
	each(t, func(t *testing.T, template *library.Template) {
		t.Helper()
		named := map[string]bool{}
		source := template.Modules[0].Source
		for _, found := range literal.FindAllStringSubmatch(source, -1) {
			named[found[1]] = true
		}
		if prefix := built.FindStringSubmatch(source); prefix != nil {
			for _, found := range row.FindAllStringSubmatch(source, -1) {
				named[prefix[1]+":"+found[1]] = true
			}
		}
		for _, r := range template.References {
			if !named[r.Control] || len(r.Paraphrase) < 10 || r.Regulation == "" || r.Edition == "" || !strings.HasPrefix(r.Source, "https://") {
				t.Errorf("reference %+v, named: %t", r, named[r.Control])
			}
			delete(named, r.Control)
		}
		if len(named) > 0 {
			t.Errorf("not in the references: %v", sorted(named))
		}
	})
}
