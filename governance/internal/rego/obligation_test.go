package rego_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

func TestObligations(t *testing.T) {
	t.Parallel()
	ids := func(ids ...string) rego.Result {
		r := rego.Result{Outcome: rego.Allow}
		for _, id := range ids {
			r.Obligations = append(r.Obligations, rego.Obligation{ID: id})
		}
		return r
	}
	whole := func(parameters map[string]any) rego.Result {
		id, _ := parameters["id"].(string)
		return rego.Result{Outcome: rego.Allow, Obligations: []rego.Obligation{{ID: id, Parameters: parameters}}}
	}
	malformed := rego.Failed(rego.ObligationsMalformed)
	tests := []struct {
		name, source string
		want         rego.Result
	}{
		{"undefined", `obligations := input.none`, ids()},
		{"empty", `obligations := set()`, ids()},
		{"a set", `obligations := {"b", "a"}`, ids("a", "b")},
		{"a partial rule", "obligations contains \"b\"\nobligations contains \"a\" if input.none", ids("b")},
		{"an array with one twice", `obligations := ["b", "a", "b"]`, ids("a", "b")},
		{
			"objects", `obligations contains {"id": "notify", "to": {"risk"}, "n": 1.5, "big": 9007199254740993, "deep": {"x": [null, true, []]}}`,
			malformed, // the integer is no double
		},
		{
			"parameters", `obligations contains {"id": "notify", "to": {"risk", "audit"}, "n": 1.5, "big": 9007199254740992, "deep": {"x": [null, true, []]}}`,
			whole(map[string]any{
				"id": "notify", "to": []any{"audit", "risk"}, "n": 1.5, "big": float64(1 << 53), "deep": map[string]any{"x": []any{nil, true, []any{}}},
			}),
		},
		{"one id, several parameters", `obligations := [{"id": "a", "n": 2}, {"id": "a", "n": 1}, "a", {"n": 2, "id": "a"}]`, rego.Result{
			Outcome: rego.Allow, Obligations: []rego.Obligation{
				{ID: "a", Parameters: nil},
				{ID: "a", Parameters: map[string]any{"id": "a", "n": 1.0}},
				{ID: "a", Parameters: map[string]any{"id": "a", "n": 2.0}},
			},
		}},
		{"a string", `obligations := "a"`, malformed},
		{"an object", `obligations := {"id": "a"}`, malformed},
		{"numbers", `obligations := [1]`, malformed},
		{"no id", `obligations := [{"code": "a"}]`, malformed},
		{"empty id", `obligations := [""]`, malformed},
		{"empty id of an object", `obligations := [{"id": ""}]`, malformed},
		{"id of another type", `obligations := [{"id": 3}]`, malformed},
		{"a key that is no string", `obligations := [{"id": "a", "m": {1: 2}}]`, malformed},
		{"a number beyond doubles", `obligations := [{"id": "a", "n": 1e400}]`, malformed},
		{"not UTF-8", `obligations := [hex.decode("ff")]`, malformed},
		{"not UTF-8 within", `obligations := [{"id": "a", "x": [hex.decode("ff")]}]`, malformed},
		{"a key that is not UTF-8", `obligations := [{"id": "a", hex.decode("ff"): 1}]`, malformed},
		{"deep", `obligations := [{"id": "a", "x": ` + strings.Repeat("[", 16) + strings.Repeat("]", 16) + `}]`, malformed},
		{"too many", `obligations := [sprintf("%d", [i]) | some i in numbers.range(1, 101)]`, rego.Failed(rego.ResultTooLarge)},
		{"too long", `obligations := [concat("", ["x" | some i in numbers.range(1, 33000)])]`, rego.Failed(rego.ResultTooLarge)},
		{"too many numbers", `obligations := [{"id": "a", "n": numbers.range(1, 3000)}]`, rego.Failed(rego.ResultTooLarge)},
		{
			"too long together with violations",
			"obligations := [concat(\"\", [\"x\" | some i in numbers.range(1, 17000)])]\nviolations := obligations", rego.Failed(rego.ResultTooLarge),
		},
		{"a builtin fails", `obligations := [to_number("x")]`, rego.Failed(rego.BuiltinError)},
		{"two values", "obligations := [\"a\"] if true\nobligations := [\"b\"] if true", rego.Failed(rego.Conflict)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := compile(t, "package p\nallow := true\n"+tt.source)
			if diff := cmp.Diff(tt.want, evaluate(t, c, map[string]any{})); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
		})
	}
}

// Obligations come with a permission; a policy that denies has none, but ill-typed ones are no answer whatever it says.
func TestObligationsOfDenials(t *testing.T) {
	t.Parallel()
	r := evaluate(t, compile(t, "package p\nallow := false\nobligations := [\"a\"]"), nil)
	if r.Outcome != rego.Deny || r.Obligations != nil {
		t.Errorf("%+v", r)
	}
	if r := evaluate(t, compile(t, "package p\nallow := false\nobligations := 3"), nil); r.Reason != rego.ObligationsMalformed {
		t.Errorf("ill-typed: %+v", r)
	}
	if _, err := tryCompile("package p\nallow := true\nobligations(x) := x"); err == nil {
		t.Error("a function is taken for obligations")
	}
}
