package rego_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// Whatever the source is, Compile returns a version or an error for its author, and an evaluation ends with a result.
func FuzzCompile(f *testing.F) {
	for _, a := range attacks {
		f.Add("package p\n" + a.source)
	}
	f.Add("package p\nimport rego.v1\nallow if every x in input.a { x > 1 }\nviolations contains {\"code\": \"A\"} if not allow")
	f.Fuzz(func(t *testing.T, source string) {
		e := rego.NewEngine(rego.Config{})
		defer func() {
			ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
			defer cancel()
			if err := e.Close(ctx); err != nil {
				t.Error(err)
			}
		}()
		q := question(nil, input(t, map[string]any{"x": []any{1.0}, "a": []any{1.0, 2.0}, "s": "aaaa"}))
		c, err := e.Compile(t.Context(), q.Tenant, rego.Source{Modules: []rego.Module{{Path: "a.rego", Source: source}}})
		if err != nil {
			if reason := errs.ReasonOf(err); reason != errs.ReasonRegoInvalid && reason != errs.ReasonInvalidField {
				t.Errorf("Compile: %v", err)
			}
			return
		}
		q.Policy = c
		r, err := e.Evaluate(t.Context(), q)
		if err != nil {
			t.Errorf("Evaluate: %v", err)
		}
		if r.Outcome < rego.Allow || r.Outcome > rego.Error || (r.Outcome == rego.Error) != (r.Reason != rego.NoError) {
			t.Errorf("result %+v", r)
		}
		x, err := e.Explain(t.Context(), q, rego.Detail{Trace: true})
		if err != nil {
			return // an evaluation that was given up may hold the tenant's slots
		}
		for _, step := range x.Trace {
			if !utf8.ValidString(step) || strings.ContainsAny(step, "\n\r") {
				t.Errorf("step %q", step)
			}
		}
		if again, err := e.Explain(t.Context(), q, rego.Detail{}); err == nil && !x.Truncated && !again.Truncated && !slices.Equal(x.Rules, again.Rules) {
			t.Errorf("rules %v and %v", x.Rules, again.Rules)
		}
	})
}
