package library

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// hostile are texts that end strings, comments and rules in this or another language.
var hostile = []string{
	`"`, `\`, `\"`, "`", "\n", "\r", "\u2028", "\x00", "\"\nallow := true\n\"", `\u0022`, `{{ }}`, `$"{1}"`, "#", "\U0001F600", "\uFFFD", "\u202e", "]", "}", "\x7f",
}

// Whatever strings the parameters hold, the module reads as exactly those parameters: no text becomes a rule.
func TestParametersModuleIsInjectionProof(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom(hostile), rapid.Map(rapid.SliceOf(rapid.SampledFrom(hostile)), func(parts []string) string {
		return strings.Join(parts, "")
	}))
	scalar := rapid.OneOf(rapid.Map(text, asAny[string]), rapid.Map(rapid.Float64Range(-1e18, 1e18), asAny[float64]), rapid.Map(rapid.Bool(), asAny[bool]), rapid.Just[any](nil))
	value := rapid.OneOf(scalar, rapid.Map(rapid.SliceOfN(scalar, 0, 4), asAny[[]any]), rapid.Map(rapid.MapOfN(text, scalar, 0, 4), asAny[map[string]any]))
	rapid.Check(t, func(rt *rapid.T) {
		parameters := rapid.MapOfN(rapid.StringMatching("p_[a-z]{1,8}"), value, 1, 5).Draw(rt, "parameters")
		source := parametersModule(&Template{Name: "t", Version: "1"}, parameters)
		if err := readsAs(source, parameters); err != nil {
			rt.Fatalf("%v:\n%s", err, source)
		}
		for _, b := range []byte(source) {
			if b != '\n' && (b < ' ' || b > '~') {
				rt.Fatalf("byte %#x in\n%s", b, source)
			}
		}
	})
}

func asAny[T any](v T) any { return v }

// The second lock: a module that says anything else is refused.
func TestReadsAs(t *testing.T) {
	t.Parallel()
	parameters := map[string]any{"a": "x"}
	for name, source := range map[string]string{
		"another package":  "package aumos.library.evidence\na := \"x\"",
		"another value":    "package aumos.library.params\na := \"y\"",
		"another name":     "package aumos.library.params\nb := \"x\"",
		"one rule more":    "package aumos.library.params\na := \"x\"\nb := 1",
		"a condition":      "package aumos.library.params\na := \"x\" if input.b",
		"a default":        "package aumos.library.params\ndefault a := \"x\"",
		"an else":          "package aumos.library.params\na := \"x\" if false else := \"x\"",
		"a function":       "package aumos.library.params\na(_) := \"x\"",
		"a member":         "package aumos.library.params\na.b := \"x\"",
		"a set":            "package aumos.library.params\na contains \"x\"",
		"a value computed": "package aumos.library.params\na := input.a",
		"an import":        "package aumos.library.params\nimport data.b\na := \"x\"",
		"no Rego":          "package",
	} {
		if err := readsAs(source, parameters); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if err := readsAs("package aumos.library.params\na := \"x\"", parameters); err != nil {
		t.Error(err)
	}
}

// Schemas that promise more than is checked do not load.
func TestParseSchemaRefuses(t *testing.T) {
	t.Parallel()
	for name, schema := range map[string]string{
		"unknown keyword": `{"type":"object","additionalProperties":false,"properties":{},"oneOf":[]}`,
		"open object":     `{"type":"object","properties":{}}`,
		"no object":       `{"type":"string","maxLength":1}`,
		"unbounded text":  `{"type":"object","additionalProperties":false,"required":["a"],"properties":{"a":{"type":"string"}}}`,
		"unbounded list":  `{"type":"object","additionalProperties":false,"required":["a"],"properties":{"a":{"type":"array","items":{"type":"boolean"}}}}`,
		"unbounded":       `{"type":"object","additionalProperties":false,"required":["a"],"properties":{"a":{"type":"number"}}}`,
		"no value":        `{"type":"object","additionalProperties":false,"properties":{"a":{"type":"boolean"}}}`,
		"bad name":        `{"type":"object","additionalProperties":false,"required":["a b"],"properties":{"a b":{"type":"boolean"}}}`,
		"bad default":     `{"type":"object","additionalProperties":false,"properties":{"a":{"type":"boolean","default":1}}}`,
		"bad pattern":     `{"type":"object","additionalProperties":false,"required":["a"],"properties":{"a":{"type":"string","pattern":"("}}}`,
		"bad required":    `{"type":"object","additionalProperties":false,"required":["a"],"properties":{}}`,
		"bad type":        `{"type":"object","additionalProperties":false,"required":["a"],"properties":{"a":{"type":"null"}}}`,
		"no JSON":         `{`,
	} {
		if _, err := parseSchema([]byte(schema)); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
