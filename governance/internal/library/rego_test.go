package library_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/format"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"

	"github.com/aumos-enterprise/platform/governance/internal/library"
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
		SetTimeout(time.Minute).
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
		runRego(t, template.Name+"/policy_test.rego", "policy.rego", instance(t, template, template.Example.Parameters).Modules, example)
	})
}

func TestEvidenceRego(t *testing.T) {
	t.Parallel()
	modules := library.Templates()[0].Modules
	runRego(t, "evidence_test.rego", "evidence.rego", modules[len(modules)-1:], map[string]any{})
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
