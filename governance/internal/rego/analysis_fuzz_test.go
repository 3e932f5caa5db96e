package rego_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

func addSources(f *testing.F) {
	f.Helper()
	for _, a := range attacks {
		f.Add("package p\n"+a.source, `{"type":"object","properties":{"x":{"type":"string"}}}`)
	}
	f.Add("package p\ndefault allow := false\nallow if every x in input.a { x > 1 }\nviolations contains {\"code\": \"A\"} if not allow", `{"$ref":"#"}`)
	f.Add("package p\nimport data.q as r\nallow if r.f(input.x[_])\nelse := $\"{input.y}\"", `{"anyOf":[{"type":"object"},{"items":{"type":["null","array"]}}]}`)
	f.Add("package p.q[\"r s\"]\nlimits[x].y := 1 if some x in input\ntest_a if allow with data.z as input", `{"properties":{"a":{"allOf":[{"type":"array","items":{"$ref":"#/properties/a"}}]}}}`)
}

// Whatever modules and schema are, Validate answers, within its limits, and agrees with Compile.
func FuzzValidate(f *testing.F) {
	addSources(f)
	f.Fuzz(func(t *testing.T, source, schema string) {
		e := rego.NewEngine(rego.Config{CompileDeadline: 20 * time.Second})
		defer func() {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			if err := e.Close(ctx); err != nil {
				t.Error(err)
			}
		}()
		var parsed map[string]any
		if json.Unmarshal([]byte(schema), &parsed) != nil {
			parsed = nil
		}
		id := question(nil, rego.Input{}).Tenant
		_, err := e.Compile(t.Context(), id, rego.Source{Modules: modulesOf(source)})
		report, contract := e.Validate(t.Context(), id, rego.Source{Modules: modulesOf(source)}, parsed)
		if reason := errs.ReasonOf(err); reason == errs.ReasonInvalidField != (contract != nil) {
			t.Fatalf("Compile says %v, Validate %v", err, contract)
		}
		if contract != nil {
			return
		}
		if (err == nil) != (len(report.Errors) == 0) {
			t.Errorf("Compile says %v, Validate %v", err, lines(report.Errors))
		}
		if len(report.Errors) > 20 || len(report.Warnings) > 100 || len(report.Modules) != 1 {
			t.Errorf("%d errors, %d warnings, %d modules", len(report.Errors), len(report.Warnings), len(report.Modules))
		}
		for _, found := range append(report.Errors, report.Warnings...) {
			if found.Code == "" || len(found.Message) > 1000 || !utf8.ValidString(found.Message) || found.Module > 0 || found.Code == "aumos_compiler_failure" {
				t.Errorf("finding %+v", found)
			}
		}
		for _, r := range report.Modules[0].Rules {
			if !utf8.ValidString(r.Name) || r.Kind == 0 {
				t.Errorf("rule %+v", r)
			}
		}
	})
}

// A version does not differ from itself, nor from itself with comments and white space; comparing back is comparing forth the other way round.
func FuzzCompare(f *testing.F) {
	addSources(f)
	f.Fuzz(func(t *testing.T, a, b string) {
		if d := rego.Compare(modulesOf(a), modulesOf(a)); len(d.Rules)+len(d.PackagesAdded)+len(d.PackagesRemoved) > 0 {
			t.Errorf("a module differs from itself: %+v", d)
		}
		commented := "# comment\n\n" + a + "\n\n# comment\n"
		if d := rego.Compare(modulesOf(a), modulesOf(commented)); len(d.Rules) > 0 {
			t.Errorf("comments differ: %v", changes(d))
		}
		forth, back := rego.Compare(modulesOf(a), modulesOf(b)), rego.Compare(modulesOf(b), modulesOf(a))
		if forth.Compared != back.Compared || forth.Added != back.Removed || forth.Removed != back.Added || forth.Changed != back.Changed {
			t.Errorf("forth %+v, back %+v", forth, back)
		}
	})
}
