package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/test/cases"
	"github.com/open-policy-agent/opa/v1/test/cases/testdata"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/util"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

// The engine's own compliance cases give the same answers when modules, data and query are moved under a root.
func TestMovedModulesConform(t *testing.T) {
	t.Parallel()
	run, skipped := 0, make(map[string]int)
	err := fs.WalkDir(testdata.V1, "v1", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(testdata.V1, path)
		if err != nil {
			return err
		}
		var set cases.Set
		if err := util.Unmarshal(raw, &set); err != nil {
			return err
		}
		for _, tc := range set.Cases {
			reason, err := conform(t, tc)
			switch {
			case reason != "":
				skipped[reason]++
			case err != nil:
				t.Errorf("%s: %v", tc.Note, err)
			default:
				run++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d cases run; left out: %v", run, skipped)
	if run < 1200 {
		t.Errorf("only %d cases ran", run)
	}
}

// conform asks the case before and after the move. It returns why the case does not apply, or what is different.
func conform(t *testing.T, tc cases.TestCase) (skip string, err error) {
	t.Helper()
	switch kind, _, _ := strings.Cut(tc.Note, "/"); {
	case strings.Contains(tc.Note, "http.send"), strings.Contains(tc.Note, "netlookup"):
		return "network", nil
	case kind == "regometadatachain", kind == "regometadatarule":
		return "reads annotations, which stay behind: the profile leaves it out", nil
	}
	root := rootOf(uuid.MustParse("0190aaaa-0000-7000-8000-000000000001"))
	var modules, moved []*ast.Module
	for _, source := range tc.Modules {
		m, parseErr := ast.ParseModuleWithOpts("", source, parserOptions())
		if parseErr != nil {
			return "does not parse as Rego v1", nil //nolint:nilerr // so the case does not apply
		}
		_, there, err := move(m, root)
		if err != nil {
			return "", err
		}
		modules, moved = append(modules, m), append(moved, there)
	}
	query, parseErr := ast.ParseBodyWithOpts(tc.Query, ast.ParserOptions{RegoVersion: ast.RegoV1, SkipRules: true})
	if parseErr != nil {
		return "the query does not parse as Rego v1", nil //nolint:nilerr // so the case does not apply
	}
	document := map[string]any{}
	if tc.Data != nil {
		document = *tc.Data
	}
	before, err := answer(t, tc, modules, query, document)
	if errors.Is(err, errCompile) {
		return "does not compile", nil
	}
	if err != nil {
		return "", err
	}
	there := query.Copy()
	if _, err := ast.Transform(ast.NewGenericTransformer(mover{root}.transform), there); err != nil {
		return "", err
	}
	name, _ := root[3].Value.(ast.String)
	after, err := answer(t, tc, moved, there, map[string]any{rootPackage: map[string]any{versionsPackage: map[string]any{string(name): document}}})
	if err != nil {
		return "", err
	}
	if before != after {
		return "", fmt.Errorf("moved, it answers\n%s\nnot\n%s", after, before)
	}
	return "", nil
}

var errCompile = errors.New("does not compile")

// answer evaluates a case and returns what came of it as text.
func answer(t *testing.T, tc cases.TestCase, modules []*ast.Module, query ast.Body, document map[string]any) (string, error) {
	t.Helper()
	named := make(map[string]*ast.Module, len(modules))
	for i, m := range modules {
		named[fmt.Sprintf("m%d.rego", i)] = m.Copy()
	}
	compiler := ast.NewCompiler().WithDefaultRegoVersion(ast.RegoV1)
	if compiler.Compile(named); compiler.Failed() {
		return "", fmt.Errorf("%w: %w", errCompile, compiler.Errors)
	}
	compiled, err := compiler.QueryCompiler().Compile(query.Copy())
	if err != nil {
		return "", fmt.Errorf("%w: %w", errCompile, err)
	}
	store := inmem.NewFromObject(document)
	txn, err := store.NewTransaction(t.Context())
	if err != nil {
		return "", err
	}
	defer store.Abort(t.Context(), txn)
	q := topdown.NewQuery(compiled).WithCompiler(compiler).WithStore(store).WithTransaction(txn).WithStrictBuiltinErrors(tc.StrictError)
	if tc.InputTerm != nil {
		q = q.WithInput(ast.MustParseTerm(*tc.InputTerm))
	} else if tc.Input != nil {
		q = q.WithInput(ast.NewTerm(ast.MustInterfaceToValue(*tc.Input)))
	}
	got, err := q.Run(t.Context())
	if e, ok := errors.AsType[*topdown.Error](err); ok {
		return "error " + e.Code, nil
	}
	if err != nil {
		return "", err
	}
	lines := make([]string, 0, len(got))
	for _, bindings := range got {
		object := ast.NewObject()
		for name, value := range bindings {
			object.Insert(ast.StringTerm(string(name)), value)
		}
		lines = append(lines, object.String())
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n"), nil
}

// Every way to write a reference to `data` is moved, and nothing else is.
func TestMove(t *testing.T) {
	t.Parallel()
	version := uuid.MustParse("0190aaaa-0000-7000-8000-000000000001")
	const at = "data.aumos.versions.v0190aaaa000070008000000000000001"
	for from, want := range map[string]string{
		`p := data`:                            `p := ROOT`,
		`p := data.x`:                          `p := ROOT.x`,
		`p := data["x y"][input.data]`:         `p := ROOT["x y"][input.data]`,
		`p := data[data.x]`:                    `p := ROOT[ROOT.x]`,
		`p := input.data.x`:                    `p := input.data.x`,
		`p := "data.x"`:                        `p := "data.x"`,
		`p := $"{data.x} data.y"`:              `p := $"{ROOT.x} data.y"`,
		`p := {data.x, {data.y: [data.z]}}`:    `p := {ROOT.x, {ROOT.y: [ROOT.z]}}`,
		`p := [x | some x in data.y]`:          `p := [x | some x in ROOT.y]`,
		`p := {x: y | some x, y in data.z}`:    `p := {x: y | some x, y in ROOT.z}`,
		`p if data.x in data.y`:                `p if ROOT.x in ROOT.y`,
		`p if every x in data.y { data.z[x] }`: `p if every x in ROOT.y { ROOT.z[x] }`,
		`p if not data.x`:                      `p if not ROOT.x`,
		`p if data.f(data.x) with data.x as data.y with input as data.z`: `p if ROOT.f(ROOT.x) with ROOT.x as ROOT.y with input as ROOT.z`,
		`p if data.x with data as {"x": 1}`:                              `p if ROOT.x with ROOT as {"x": 1}`,
		`p if q with data.f as data.g with count as data.h`:              `p if q with ROOT.f as ROOT.g with count as ROOT.h`,
		`p[data.x] := data.y`:                                            `p[ROOT.x] := ROOT.y`,
		`p contains data.x`:                                              `p contains ROOT.x`,
		`p(data.x) := data.y`:                                            `p(ROOT.x) := ROOT.y`,
		`p := 1 if { data.x } else := data.y if { data.z } else := data`: `p := 1 if { ROOT.x } else := ROOT.y if { ROOT.z } else := ROOT`,
		"import data\np := data.x":                                       `p := ROOT.x`,
		"import data.lib\np := lib.x":                                    "import ROOT.lib\np := lib.x",
		"import data as lib\np := lib.x":                                 "import ROOT as lib\np := lib.x",
		"import input.data\np := 1":                                      "import input.data\np := 1",
		"# METADATA\n# scope: [\np := data.x # data.y":                   `p := ROOT.x`,
	} {
		part, err := NewPart(version, []rego.Module{{Path: "p.rego", Source: "package p\n" + from}}, nil)
		if err != nil {
			t.Errorf("%s: %v", from, err)
			continue
		}
		got, err := ast.ParseModuleWithOpts("", string(part.files[0].body), parserOptions())
		if err != nil {
			t.Errorf("%s: %v", from, err)
			continue
		}
		expected, err := ast.ParseModuleWithOpts("", "package "+at[len("data."):]+".p\n"+strings.ReplaceAll(want, "ROOT", at), parserOptions())
		if err != nil {
			t.Fatalf("%s: %v", want, err)
		}
		if !got.Equal(expected) {
			t.Errorf("%s became\n%s", from, part.files[0].body)
		}
	}
}
