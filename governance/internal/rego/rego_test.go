package rego_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// decideTime is the clock of the evaluations in tests.
var decideTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func compile(t testing.TB, sources ...string) *rego.Compiled {
	t.Helper()
	c, err := tryCompile(sources...)
	if err != nil {
		t.Fatalf("Compile: %v", describe(err))
	}
	return c
}

func tryCompile(sources ...string) (*rego.Compiled, error) {
	modules := make([]rego.Module, len(sources))
	for i, s := range sources {
		modules[i] = rego.Module{Path: string(rune('a'+i)) + ".rego", Source: s}
	}
	return rego.Compile(rego.Source{Modules: modules})
}

// describe shows what a client would see of an error.
func describe(err error) string {
	var e *errs.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	var b strings.Builder
	b.WriteString(string(e.Reason) + ": " + e.Message)
	for _, v := range e.Violations {
		b.WriteString("\n  " + v.Field + ": " + v.Description)
	}
	return b.String()
}

func input(t testing.TB, v map[string]any) rego.Input {
	t.Helper()
	in, err := rego.NewInput(v)
	if err != nil {
		t.Fatalf("NewInput: %v", describe(err))
	}
	return in
}

// evaluate runs the policy in a new engine, with time enough also for a slow machine.
func evaluate(t testing.TB, c *rego.Compiled, in map[string]any) rego.Result {
	t.Helper()
	r, err := engine(t, rego.Config{Deadline: 10 * time.Second}).Evaluate(t.Context(), question(c, input(t, in)))
	if err != nil {
		t.Fatalf("Evaluate: %v", err)
	}
	return r
}

func question(c *rego.Compiled, in rego.Input) rego.Evaluation {
	return rego.Evaluation{
		Tenant: tenant.ID(uuid.MustParse("01890000-0000-7000-8000-00000000000a")),
		Tenure: rego.Tenure{Version: uuid.MustParse("01890000-0000-7000-8000-00000000000b")},
		Policy: c, Input: in, Now: decideTime, Seed: rego.Seed{1},
	}
}

func TestEvaluateOutcomes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		source string
		input  map[string]any
		want   rego.Result
	}{
		{"allow", `allow := true`, nil, rego.Result{Outcome: rego.Allow}},
		{"deny", `allow := false`, nil, rego.Result{Outcome: rego.Deny}},
		{"allow from input", `allow if input.n > 3`, map[string]any{"n": 4.0}, rego.Result{Outcome: rego.Allow}},
		{"undefined", `allow if input.n > 3`, map[string]any{"n": 3.0}, rego.Failed(rego.Undefined)},
		{"default deny", "default allow := false\nallow if input.n > 3", map[string]any{}, rego.Result{Outcome: rego.Deny}},
		{"string", `allow := "yes"`, nil, rego.Failed(rego.AllowNotBoolean)},
		{"null", `allow := null`, nil, rego.Failed(rego.AllowNotBoolean)},
		{"set", `allow contains "yes"`, nil, rego.Failed(rego.AllowNotBoolean)},
		{"object", `allow[k] := k if some k in ["a"]`, nil, rego.Failed(rego.AllowNotBoolean)},
		{"builtin error", `allow if to_number(input.s) > 1`, map[string]any{"s": "x"}, rego.Failed(rego.BuiltinError)},
		{"builtin error in a rule of violations", "allow := true\nviolations contains \"v\" if 1 / input.n > 0", map[string]any{"n": 0.0}, rego.Failed(rego.BuiltinError)},
		{"builtin type error", `allow if count(input.n) > 1`, map[string]any{"n": 1.0}, rego.Failed(rego.BuiltinError)},
		{"conflict", "allow if input.a\nallow := false if input.b", map[string]any{"a": true, "b": true}, rego.Failed(rego.Conflict)},
		{"violations malformed: number", "allow := false\nviolations contains 3", nil, rego.Failed(rego.ViolationsMalformed)},
		{"violations malformed: object", "allow := false\nviolations := {\"code\": \"X\"}", nil, rego.Failed(rego.ViolationsMalformed)},
		{"violations malformed: string", "allow := false\nviolations := \"no\"", nil, rego.Failed(rego.ViolationsMalformed)},
		{"violations malformed: key", "allow := false\nviolations contains {\"code\": \"X\", \"extra\": \"y\"}", nil, rego.Failed(rego.ViolationsMalformed)},
		{"violations malformed: value", "allow := false\nviolations contains {\"code\": 7}", nil, rego.Failed(rego.ViolationsMalformed)},
		{"violations malformed: empty", "allow := false\nviolations contains {\"severity\": \"high\"}", nil, rego.Failed(rego.ViolationsMalformed)},
		{"too many violations", "allow := false\nviolations := [$\"v{i}\" | some i in numbers.range(1, 101)]", nil, rego.Failed(rego.ResultTooLarge)},
		{"too large violations", "allow := false\nviolations contains concat(\"\", [\"x\" | some i in numbers.range(1, 33000)])", nil, rego.Failed(rego.ResultTooLarge)},
		{
			"violations sorted",
			`allow := false
			violations := [{"code": "B"}, "free text", {"code": "A", "message": "m", "severity": "high", "control": "C-1"}, {"code": "A", "message": "l"}]`,
			nil,
			rego.Result{Outcome: rego.Deny, Violations: []rego.Violation{
				{Message: "free text"}, {Code: "A", Message: "l"}, {Code: "A", Message: "m", Severity: "high", Control: "C-1"}, {Code: "B"},
			}},
		},
		{"allow decides, violations are reported", "allow := true\nviolations contains \"note\"", nil, rego.Result{Outcome: rego.Allow, Violations: []rego.Violation{{Message: "note"}}}},
		{"violations undefined", "allow := true\nviolations := [] if input.x", nil, rego.Result{Outcome: rego.Allow}},
		{"clock", `allow if time.now_ns() == 1772366400000000000`, nil, rego.Result{Outcome: rego.Allow}},
		{"seed", `allow if rand.intn("x", 1000) == rand.intn("x", 1000)`, nil, rego.Result{Outcome: rego.Allow}},
		{"input by with", "allow if p with input as {\"n\": 1}\np if input.n == 1", nil, rego.Result{Outcome: rego.Allow}},
		{"print is erased", "allow if {\n\tprint(\"x\", input)\n\ttrue\n}", nil, rego.Result{Outcome: rego.Allow}},
		{"import rego.v1", "import rego.v1\nallow if true", nil, rego.Result{Outcome: rego.Allow}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := evaluate(t, compile(t, "package p\n"+tt.source), tt.input)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		sources []string
		want    string // a part of what the client sees
	}{
		{"no package", []string{"allow := true"}, "modules[0].source: 1:1 rego_parse_error"},
		{"syntax in the second module", []string{"package p\nallow := true", "package q\n\nx := ]"}, "modules[1].source: 3:6 rego_parse_error"},
		{"type error", []string{"package p\nallow if \"a\" == 1"}, "modules[0].source: 2:10 rego_type_error"},
		{"unsafe variable", []string{"package p\nallow if x"}, "modules[0].source: 2:10 rego_unsafe_var_error"},
		{"unused local: strict mode", []string{"package p\nallow if {\n\tx := 1\n\ttrue\n}"}, "modules[0].source: 3:2"},
		{"rego v0", []string{"package p\nallow { true }"}, "`if` keyword is required"},
		{"recursion", []string{"package p\nallow if b\nb if allow"}, "recursive"},
		{"no allow", []string{"package p\npermit := true"}, "package p must define the rule allow"},
		{"allow is a function", []string{"package p\nallow(x) := x"}, "package p must define the rule allow"},
		{"allow in another package", []string{"package p\nx := 1", "package q\nallow := true"}, "package p must define the rule allow"},
		{"violations is a function", []string{"package p\nallow := true\nviolations(x) := x"}, "must not be a function"},
		{"odd package", []string{"package p[\"a b\"]\nallow := true"}, "plain words"},
		{"empty", []string{""}, "modules[0].source"},
		{"http.send", []string{`package p` + "\n" + `allow if http.send({"method": "get", "url": "http://127.0.0.1"}).status_code == 200`}, "undefined function http.send"},
		{"with builtin as http.send", []string{"package p\nf(x) := x\nallow if f({}) with f as http.send"}, "modules[0].source: 3"},
		{"with http.send as function", []string{"package p\nf(x) := x\nallow if true with http.send as f"}, "modules[0].source: 3"},
		{"with count as opa.runtime", []string{"package p\nallow if count([]) == 0 with count as opa.runtime"}, "modules[0].source: 2"},
		{"future keyword not ready", []string{"package p\nimport future.keywords.not\nallow := true"}, "modules[0].source: 2"},
		{"deep nesting", []string{"package p\nallow := " + strings.Repeat("[", 200) + strings.Repeat("]", 200)}, "recursion depth exceeded"},
		{"number too long", []string{"package p\nallow if 1e500 > input.x"}, "a number has at most"},
		{"too many rules", []string{"package p\nallow := true\n" + repeat(2001, func(i string) string { return "r" + i + " := 1\n" })}, "at most 2000 rules"},
		{"too many definitions", []string{"package p\n" + repeat(3000, func(i string) string { return "allow if input.role == \"r" + i + "\"\n" })}, "modules[0].source: 2002:1 rego_compile_error: a version has at most 2000 rules, each definition and each else counted: keep a long list in the data document"},
		{"too many branches", []string{"package p\nallow if input.x\n" + repeat(2000, func(i string) string { return "else if input.role == \"r" + i + "\"\n" })}, "at most 2000 rules"},
		{"too many expressions", []string{"package p\nallow if {\n" + strings.Repeat("1 < 2\n", 10_001) + "}"}, "at most 10000 expressions"},
		{"module too large", []string{"package p\nallow := true\n#" + strings.Repeat("x", rego.MaxModuleBytes)}, "modules[0].source: 262"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := tryCompile(tt.sources...)
			if err == nil {
				t.Fatal("compiled")
			}
			if got := describe(err); !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want it to contain %q", got, tt.want)
			}
		})
	}
}

// repeat concatenates what f makes of 0 to n-1.
func repeat(n int, f func(i string) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(f(itoa(i)))
	}
	return b.String()
}

func TestCompileSizes(t *testing.T) {
	t.Parallel()
	module := func(path string, size int) rego.Module {
		head := "package p\nallow := true\n#"
		return rego.Module{Path: path, Source: head + strings.Repeat("x", size-len(head))}
	}
	if _, err := rego.Compile(rego.Source{Modules: []rego.Module{module("a.rego", rego.MaxModuleBytes)}}); err != nil {
		t.Errorf("a module of the largest size: %v", describe(err))
	}
	var many []rego.Module
	for i := range 5 {
		many = append(many, module(itoa(i)+".rego", rego.MaxModuleBytes))
	}
	if _, err := rego.Compile(rego.Source{Modules: many}); errs.ReasonOf(err) != errs.ReasonInvalidField {
		t.Errorf("five modules of the largest size: %v, want %s", err, errs.ReasonInvalidField)
	}
	if _, err := rego.Compile(rego.Source{Modules: []rego.Module{module("a.rego", 100), module("a.rego", 100)}}); errs.ReasonOf(err) != errs.ReasonInvalidField {
		t.Errorf("the same path twice: %v, want %s", err, errs.ReasonInvalidField)
	}
	if _, err := rego.Compile(rego.Source{}); errs.ReasonOf(err) != errs.ReasonInvalidField {
		t.Errorf("no modules: %v, want %s", err, errs.ReasonInvalidField)
	}
}

func TestPackages(t *testing.T) {
	t.Parallel()
	c := compile(t, "package aumos.retrain\nimport data.lib.math\nallow if math.two == 2", "package lib.math\ntwo := 2")
	if got, want := c.Package(), "aumos.retrain"; got != want {
		t.Errorf("Package() = %q, want %q", got, want)
	}
	if got := evaluate(t, c, nil); got.Outcome != rego.Allow {
		t.Errorf("outcome %v, want ALLOW", got.Outcome)
	}
}

// Two versions with the same package see nothing of each other.
func TestVersionsAreIsolated(t *testing.T) {
	t.Parallel()
	a := compile(t, "package p\nallow if secret == 1\nsecret := 1")
	b := compile(t, "package p\ndefault allow := false\nallow if data.p.secret == 1\nallow if data.q\nallow if some k, _ in data.lib")
	for range 2 {
		if got := evaluate(t, a, nil); got.Outcome != rego.Allow {
			t.Errorf("a: %v, want ALLOW", got)
		}
		if got := evaluate(t, b, nil); got.Outcome != rego.Deny {
			t.Errorf("b: %v, want DENY", got)
		}
	}
}
