package library_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/format"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"
	"pgregory.net/rapid"

	"github.com/aumos-enterprise/platform/governance/internal/library"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

// runRego runs the test_ rules of a file against the modules with OPA's own runner, with data.example set, and requires that they pass and that every line of
// the module named by covered ran.
func runRego(t *testing.T, testFile, covered string, modules []library.Module, example map[string]any) {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("templates", testFile))
	if err != nil {
		t.Fatal(err)
	}
	parsed := make(map[string]*ast.Module)
	for _, m := range append(modules, library.Module{Path: testFile, Source: string(source)}) {
		if parsed[m.Path], err = ast.ParseModuleWithOpts(m.Path, m.Source, ast.ParserOptions{RegoVersion: ast.RegoV1}); err != nil {
			t.Fatal(err)
		}
	}
	store, coverage := inmem.NewFromObject(map[string]any{"example": example}), cover.New()
	txn, err := store.NewTransaction(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Abort(t.Context(), txn)
	results, err := tester.NewRunner().
		SetCompiler(ast.NewCompiler().WithStrict(true)).
		SetStore(store).
		SetModules(parsed).
		SetCoverageQueryTracer(coverage).
		RaiseBuiltinErrors(true).
		SetTimeout(time.Hour). // the machine may do much else
		RunTests(t.Context(), txn)
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for r := range results {
		ran++
		if !r.Pass() {
			t.Errorf("%s: %v", r.Name, r)
		}
	}
	if ran < 5 {
		t.Errorf("%d tests ran", ran)
	}
	report := coverage.Report(parsed).Files[covered]
	if report == nil {
		t.Fatalf("no coverage of %s", covered)
	}
	for _, r := range report.NotCovered {
		t.Errorf("%s: rows %d to %d were not evaluated", covered, r.Start.Row, r.End.Row)
	}
	if report.Coverage != 100 {
		t.Errorf("%s: %v %% of the lines covered", covered, report.Coverage)
	}
}

func TestRego(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, template *library.Template) {
		t.Helper()
		example := map[string]any{"input": copied(t, template.Example.Input), "now": template.Example.Now}
		modules := slices.DeleteFunc(instance(t, template, template.Example.Parameters).Modules, func(m library.Module) bool { return m.Path == "policy_test.rego" })
		runRego(t, template.Name+"/policy_test.rego", "policy.rego", modules, example)
	})
}

// A version brings tests along that pass in the platform's engine, whatever the tenant's parameters are, and reach most of the policy.
func TestVersionsBringTests(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, template *library.Template) {
		t.Helper()
		var schema map[string]any
		if err := json.Unmarshal(template.ParametersSchema, &schema); err != nil {
			t.Fatal(err)
		}
		drawn := rapid.Custom(func(rt *rapid.T) map[string]any { return described(rt, schema, "").(map[string]any) })
		instances := []library.Instance{instance(t, template, template.Example.Parameters)}
		for seed := range 10 {
			if i, err := template.Instantiate(drawn.Example(seed)); err == nil {
				instances = append(instances, i)
			}
		}
		if len(instances) == 1 {
			t.Error("no parameters were drawn that are valid")
		}
		for _, i := range instances {
			a := newAsker(t, i)
			for _, rule := range a.policy.RuleTests() {
				v, err := a.engine.TryRule(t.Context(), rego.Trial{Tenant: tenantID, Policy: a.policy, Now: a.now}, rule)
				if err != nil || !v.Passed {
					t.Errorf("%s fails with %v: %+v, %v", rule.Path, i.Parameters, v, err)
				}
			}
		}
	})
}

// A test of a version has one second on a machine that may do much else: none asks the policy more than a few times, which is 10 ms each for the dearest.
func TestVersionsBringShortTests(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, template *library.Template) {
		t.Helper()
		modules := instance(t, template, template.Example.Parameters).Modules
		suite := modules[slices.IndexFunc(modules, func(m library.Module) bool { return m.Path == "policy_test.rego" })]
		parsed, err := ast.ParseModuleWithOpts(suite.Path, suite.Source, ast.ParserOptions{RegoVersion: ast.RegoV1})
		if err != nil {
			t.Fatal(err)
		}
		asked := make(map[string]bool)
		for _, rule := range parsed.Rules {
			ast.WalkTerms(rule.Body, func(x *ast.Term) bool {
				paths, ok := x.Value.(*ast.Array)
				if !ok {
					return false
				}
				if paths.Len() > 8 {
					t.Errorf("%s asks the policy %d times", rule.Head.Name, paths.Len())
				}
				paths.Foreach(func(path *ast.Term) { asked[path.String()] = true })
				return true
			})
		}
		for member := range template.Example.Input {
			if path := ast.ArrayTerm(ast.StringTerm(member)).String(); !asked[path] {
				t.Errorf("nothing is asked without %s", path)
			}
		}
	})
}

func TestEvidenceRego(t *testing.T) {
	t.Parallel()
	modules := library.Templates()[0].Modules
	at := slices.IndexFunc(modules, func(m library.Module) bool { return m.Path == "evidence.rego" })
	runRego(t, "evidence_test.rego", "evidence.rego", slices.Clone(modules[at:at+1]), map[string]any{})
}

// Every file is as `opa fmt` leaves it, so that a later change shows as what it is.
func TestFormat(t *testing.T) {
	t.Parallel()
	var files []string
	for _, pattern := range []string{"templates/*.rego", "templates/*/*.rego"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) != 2*(len(library.Templates())+1) {
		t.Errorf("%d files", len(files))
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		formatted, err := format.SourceWithOpts(file, source, format.Opts{RegoVersion: ast.RegoV1})
		if err != nil {
			t.Fatal(err)
		}
		if string(formatted) == string(source) {
			continue
		}
		if os.Getenv("UPDATE_FORMAT") == "" {
			t.Errorf("%s is not formatted: run UPDATE_FORMAT=1 go test -run TestFormat", file)
		} else if err := os.WriteFile(file, formatted, 0o600); err != nil {
			t.Error(err)
		}
	}
}
