package rego_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

func data(t testing.TB, v map[string]any) rego.Data {
	t.Helper()
	d, err := rego.NewData(v)
	if err != nil {
		t.Fatalf("NewData: %v", describe(err))
	}
	return d
}

func source(d rego.Data, sources ...string) rego.Source {
	s := rego.Source{Data: d}
	for i, text := range sources {
		s.Modules = append(s.Modules, rego.Module{Path: string(rune('a'+i)) + ".rego", Source: text})
	}
	return s
}

func TestData(t *testing.T) {
	t.Parallel()
	const limits = "package a.b\nallow := input.n <= data.limits.n\nviolations contains v if some v in data.a.notes"
	c, err := rego.Compile(source(data(t, map[string]any{"limits": map[string]any{"n": 3.0}, "a": map[string]any{"notes": []any{"x"}}}), limits))
	if err != nil {
		t.Fatal(describe(err))
	}
	want := rego.Result{Outcome: rego.Allow, Violations: []rego.Violation{{Message: "x"}}}
	if diff := cmp.Diff(want, evaluate(t, c, map[string]any{"n": 3.0})); diff != "" {
		t.Error(diff)
	}
	other, err := c.WithData(data(t, map[string]any{"limits": map[string]any{"n": 2.0}}))
	if err != nil {
		t.Fatal(describe(err))
	}
	if r := evaluate(t, other, map[string]any{"n": 3.0}); r.Outcome != rego.Deny || r.Violations != nil {
		t.Errorf("with other data: %+v", r)
	}
	none, err := c.WithData(rego.Data{})
	if err != nil {
		t.Fatal(describe(err))
	}
	if r := evaluate(t, none, map[string]any{"n": 3.0}); r.Reason != rego.Undefined {
		t.Errorf("without data: %+v", r)
	}
	if r := evaluate(t, c, map[string]any{"n": 3.0}); r.Outcome != rego.Allow {
		t.Errorf("its own data afterwards: %+v", r)
	}
}

func TestDataConflicts(t *testing.T) {
	t.Parallel()
	const module = "package a.b\nallow := true\np[x] := 1 if some x in [\"k\"]\nq.r := 1\n"
	for name, document := range map[string]map[string]any{
		"a rule":                 {"a": map[string]any{"b": map[string]any{"allow": false}}},
		"a rule of many keys":    {"a": map[string]any{"b": map[string]any{"p": map[string]any{"other": 1.0}}}},
		"a nested rule":          {"a": map[string]any{"b": map[string]any{"q": map[string]any{"r": 1.0}}}},
		"no object on the way":   {"a": map[string]any{"b": 3.0}},
		"null at the root of it": {"a": nil},
	} {
		_, err := rego.Compile(source(data(t, document), module))
		text := "no error"
		if err != nil {
			text = describe(err)
		}
		if errs.ReasonOf(err) != errs.ReasonRegoInvalid || !strings.Contains(text, "\n  data: ") || !strings.Contains(text, "modules[0].source ") {
			t.Errorf("%s: %s", name, text)
		}
		report, err := validateSource(t, source(data(t, document), module), nil)
		if err != nil || len(report.Errors) == 0 || report.Errors[0].Module != 0 || report.Errors[0].Row < 2 || report.Errors[0].Code != "aumos_data_conflict" {
			t.Errorf("%s is validated as %+v, %v", name, report.Errors, err)
		}
		c := compile(t, module)
		if _, err := c.WithData(data(t, document)); errs.ReasonOf(err) != errs.ReasonRegoInvalid {
			t.Errorf("WithData, %s: %v", name, err)
		}
	}
	beside := map[string]any{"a": map[string]any{"b": map[string]any{"other": 1.0, "q": map[string]any{"s": 1.0}}, "allow": 1.0}}
	if _, err := rego.Compile(source(data(t, beside), module)); err != nil {
		t.Error(describe(err))
	}
}

func TestDataLimitsAndText(t *testing.T) {
	t.Parallel()
	deep := map[string]any{}
	for range rego.MaxInputDepth {
		deep = map[string]any{"x": deep}
	}
	for name, document := range map[string]map[string]any{"deep": deep, "long": {"x": strings.Repeat("x", rego.MaxInputBytes)}, "no JSON": {"x": 3}} {
		_, err := rego.NewData(document)
		if errs.ReasonOf(err) != errs.ReasonInvalidField || !strings.Contains(describe(err), "\n  data: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	d := data(t, map[string]any{"b": 1.50, "a": []any{"é\u2028\n", nil, true, 1e21}})
	if got, want := string(d.JSON()), `{"a":["é`+"\u2028"+`\n",null,true,1e+21],"b":1.5}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	again, err := rego.ParseData(d.JSON())
	if err != nil || string(again.JSON()) != string(d.JSON()) {
		t.Errorf("parsed: %s, %v", again.JSON(), err)
	}
	if none, err := rego.ParseData(nil); err != nil || none.JSON() != nil {
		t.Errorf("none: %s, %v", none.JSON(), err)
	}
	if empty := data(t, map[string]any{}); string(empty.JSON()) != "{}" {
		t.Errorf("empty: %s", empty.JSON())
	}
	for _, text := range []string{`{"b":1,"a":1}`, `{"a":1 }`, `[]`, `{"a":1.0}`, `{"a":1`, `null`} {
		if _, err := rego.ParseData([]byte(text)); err == nil {
			t.Errorf("%s is taken for canonical", text)
		}
	}
}

// What the document has is defined; what neither it nor a module has is not.
func TestValidateKnowsTheData(t *testing.T) {
	t.Parallel()
	data, err := rego.NewData(map[string]any{"limits": map[string]any{"amount": 10.0, "of": []any{1.0}}})
	if err != nil {
		t.Fatal(err)
	}
	source := "package p\ndefault allow := false\nallow if input.n < data.limits.amount\nallow if data.limits.of[0]\nallow if data.limits[input.x]\nallow if data.limits.no\nallow if data.other"
	report, err := validateSource(t, rego.Source{Modules: modulesOf(source), Data: data}, nil)
	if err != nil || len(report.Errors) > 0 {
		t.Fatal(report, err)
	}
	want := []string{
		"0:6:10 undefined_data: data.limits.no is defined by no module of the version, nor by its data document",
		"0:7:10 undefined_data: data.other is defined by no module of the version, nor by its data document",
	}
	if diff := cmp.Diff(want, lines(report.Warnings)); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}
