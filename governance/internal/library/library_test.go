package library_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/library"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// each runs a test for every template.
func each(t *testing.T, f func(t *testing.T, template *library.Template)) {
	t.Helper()
	for _, template := range library.Templates() {
		t.Run(template.Name, func(t *testing.T) {
			t.Parallel()
			f(t, template)
		})
	}
}

// instance instantiates the template.
func instance(t testing.TB, template *library.Template, parameters map[string]any) library.Instance {
	t.Helper()
	i, err := template.Instantiate(parameters)
	if err != nil {
		t.Fatalf("instantiate %s with %v: %v", template.Name, parameters, err)
	}
	return i
}

// compiled compiles the instance as CreatePolicyVersion does: under the platform's profile, in strict mode.
func compiled(t testing.TB, i library.Instance) *rego.Compiled {
	t.Helper()
	c, err := rego.Compile(rego.Source{Modules: rego.Modules(i.Modules)})
	if err != nil {
		t.Fatalf("compile %s with %v: %v", i.Template.Name, i.Parameters, err)
	}
	return c
}

// asker asks one policy in the platform's engine, at the time of the template's example.
type asker struct {
	t      testing.TB
	engine *rego.Engine
	policy *rego.Compiled
	now    time.Time
}

// newAsker compiles the instance. The deadline is far off, so that a busy machine decides nothing; TestWithinTheDeadline is about time.
func newAsker(t testing.TB, i library.Instance) asker {
	t.Helper()
	now, err := time.Parse(time.RFC3339, i.Template.Example.Now)
	if err != nil {
		t.Fatal(err)
	}
	engine := rego.NewEngine(rego.Config{Deadline: time.Minute})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := engine.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return asker{t, engine, compiled(t, i), now}
}

var tenantID = tenant.ID(uuid.MustParse("0189aaaa-0000-7000-8000-00000000000a"))

func (a asker) ask(input map[string]any) rego.Result {
	a.t.Helper()
	in, err := rego.NewInput(input)
	if err != nil {
		a.t.Fatalf("input: %v", err)
	}
	r, err := a.engine.Evaluate(a.t.Context(), rego.Evaluation{
		Tenant: tenantID, Tenure: rego.Tenure{Version: uuid.New()}, Policy: a.policy, Input: in, Now: a.now,
	})
	if err != nil {
		a.t.Fatalf("Evaluate: %v", err)
	}
	return r
}

// copied returns a deep copy, as JSON gives it.
func copied(t testing.TB, v map[string]any) map[string]any {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestLibraryIsWhole(t *testing.T) {
	t.Parallel()
	var names []string
	for _, template := range library.Templates() {
		names = append(names, template.Name)
	}
	want := []string{
		"agent-action", "consent", "data-residency", "drift-retraining", "eu-ai-act-high-risk", "iso-42001", "model-promotion", "nist-ai-rmf",
	}
	if !slices.Equal(names, want) {
		t.Errorf("templates %v, want %v", names, want)
	}
	if _, err := library.Find("model-promotion"); err != nil {
		t.Errorf("Find: %v", err)
	}
	if template, err := library.Find("none"); err == nil {
		t.Errorf("Find of none: %v", template)
	}
}

// The example is what the documentation shows: it is allowed, for the right reason, in the platform's engine.
func TestExampleIsAllowed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, template *library.Template) {
		t.Helper()
		if r := newAsker(t, instance(t, template, template.Example.Parameters)).ask(template.Example.Input); r.Outcome != rego.Allow || len(r.Violations) > 0 {
			t.Errorf("got %+v", r)
		}
	})
}
