package rego_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aumos-enterprise/platform/governance/internal/library"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

// The machine answers for every policy that ships, and gives topdown's answers: to the input that is allowed, and to each that has another value, or none,
// in one place.
func TestMachineOnShippedPolicies(t *testing.T) {
	t.Parallel()
	for _, template := range library.Templates() {
		t.Run(template.Name, func(t *testing.T) {
			t.Parallel()
			i, err := template.Instantiate(template.Example.Parameters)
			if err != nil {
				t.Fatal(err)
			}
			now, err := time.Parse(time.RFC3339, template.Example.Now)
			if err != nil {
				t.Fatal(err)
			}
			onBoth(t, rego.Source{Modules: rego.Modules(i.Modules)}, template.Example.Input, now)
		})
	}
	files, err := filepath.Glob("../../../examples/refunds/*/refunds.rego")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	refund := map[string]any{"refund": map[string]any{"amount": 500.0, "currency": "EUR", "country": "DE"}, "customer": map[string]any{"country": "DE"}}
	for file, in := range map[string]map[string]any{"../../../examples/policies/retrain.rego": retrainInput(), files[0]: refund, files[len(files)-1]: refund} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		onBoth(t, rego.Source{Modules: []rego.Module{{Path: "p.rego", Source: string(source)}}}, in, time.Unix(1_700_000_000, 0))
	}
}

func onBoth(t *testing.T, source rego.Source, example map[string]any, now time.Time) {
	t.Helper()
	c, err := rego.Compile(source)
	if err != nil {
		t.Fatal(err)
	}
	asked, answers := 0, 0
	ask := func() {
		in := input(t, example)
		asked++
		answered, got, want := rego.OnBoth(c, in, now)
		if !answered {
			return
		}
		if answers++; got != want {
			t.Errorf("input %s: got %s, want %s", in.JSON(), got, want)
		}
	}
	ask()
	if answers == 0 {
		t.Errorf("%s: the machine does not answer", c.Package())
	}
	every := 1 // of the variants, when they are many: large examples are asked of large policies
	variants := 0
	vary(example, func() { variants++ })
	every += variants / 150
	variants = 0
	vary(example, func() {
		if variants++; variants%every == 0 {
			ask()
		}
	})
	t.Logf("%s: %d of %d inputs", c.Package(), answers, asked)
	if answers < asked*9/10 {
		t.Errorf("%s: the machine answers %d of %d inputs", c.Package(), answers, asked)
	}
}

// vary calls f with each value within the object left out, and replaced by values of all types.
func vary(object map[string]any, f func()) {
	for _, key := range slices.Sorted(maps.Keys(object)) {
		value := object[key]
		if inner, ok := value.(map[string]any); ok {
			vary(inner, f)
		}
		if list, ok := value.([]any); ok && len(list) > 0 {
			if inner, ok := list[0].(map[string]any); ok {
				vary(inner, f)
			}
			object[key] = append(slices.Clip(list), list...)
			f()
		}
		delete(object, key)
		f()
		for _, other := range []any{nil, true, false, 0.0, 1.5, -7.0, "", "x", "2031-01-01T00:00:00Z", []any{}, []any{"x", 1.0}, map[string]any{}} {
			object[key] = other
			f()
		}
		object[key] = value
	}
}
