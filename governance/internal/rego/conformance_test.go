package rego

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/test/cases"
	"github.com/open-policy-agent/opa/v1/test/cases/testdata"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/util"
)

// The engine's own compliance cases give the same answers with our compiler stages, guards and checks, except where the profile leaves
// something out. docs/rego-conformance.md names those; UPDATE_CONFORMANCE=1 writes it anew.
func TestConformance(t *testing.T) {
	t.Parallel()
	var run int
	left := make(map[string][]string) // the notes of the cases that are left out, by what they use
	for _, tc := range allCases(t) {
		uses, err := conform(t, tc)
		switch {
		case uses != "":
			left[uses] = append(left[uses], tc.Note)
		case err != nil:
			t.Errorf("%s: %v", tc.Note, err)
		default:
			run++
		}
	}
	document, unexplained := conformance(run, left)
	for _, uses := range unexplained {
		t.Errorf("%d cases are left out because of %s, for which there is no reason: decide", len(left[uses]), uses)
	}
	t.Log("\n" + document)
	if os.Getenv("UPDATE_CONFORMANCE") != "" {
		if err := os.WriteFile(conformancePath, []byte(document), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	written, err := os.ReadFile(conformancePath)
	if err != nil || string(written) != document {
		t.Errorf("docs/rego-conformance.md is not what the cases came to (%v): make conformance writes it anew", err)
	}
}

func allCases(t *testing.T) (all []cases.TestCase) {
	t.Helper()
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
		all = append(all, set.Cases...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// conform runs one case. It returns what the case uses that the profile leaves out, or what is wrong.
func conform(t *testing.T, tc cases.TestCase) (uses string, err error) {
	t.Helper()
	c, _, uses, err := compileCase(tc)
	if uses != "" || err != nil {
		return uses, err
	}
	got, err := runCase(t, c, tc, tc.StrictError)
	return "", compare(tc, got, err)
}

// compileCase returns the case as a version, and its query as it is written.
func compileCase(tc cases.TestCase) (c *Compiled, query ast.Body, uses string, err error) {
	if len(tc.Env) > 0 || tc.ExperimentalKeywords {
		return nil, nil, usesEnvironment, nil
	}
	outside := func(err error) (*Compiled, ast.Body, string, error) {
		uses, err := outside(err)
		return nil, nil, uses, err
	}
	modules := make(map[string]*ast.Module)
	for i, source := range tc.Modules {
		name := fmt.Sprintf("m%d.rego", i)
		m, err := ast.ParseModuleWithOpts(name, source, ast.ParserOptions{Capabilities: shared().capabilities, RegoVersion: ast.RegoV1})
		if err != nil {
			return outside(err)
		}
		modules[name] = m
	}
	c = &Compiled{compiler: newCompiler(1, nil), store: inmem.New(), data: ast.InternedEmptyObject}
	if tc.Data != nil {
		c.store, c.data = inmem.NewFromObject(*tc.Data), ast.NewTerm(ast.MustInterfaceToValue(*tc.Data))
	}
	if c.compiler.Compile(modules); c.compiler.Failed() {
		return outside(c.compiler.Errors)
	}
	body, err := ast.ParseBodyWithOpts(tc.Query, ast.ParserOptions{Capabilities: shared().capabilities, RegoVersion: ast.RegoV1, SkipRules: true})
	if err != nil {
		return outside(err)
	}
	c.queryCompiler = c.compiler.QueryCompiler()
	if c.query, err = c.queryCompiler.Compile(body); err != nil {
		return outside(err)
	}
	return c, body, "", nil
}

func runCase(t *testing.T, c *Compiled, tc cases.TestCase, strict bool) (topdown.QueryResultSet, error) {
	t.Helper()
	txn, err := c.store.NewTransaction(t.Context())
	if err != nil {
		return nil, err
	}
	return c.newQuery(c.query, txn).WithStrictBuiltinErrors(strict).WithInput(inputOf(tc)).Run(t.Context())
}

func inputOf(tc cases.TestCase) *ast.Term {
	switch {
	case tc.InputTerm != nil:
		return ast.MustParseTerm(*tc.InputTerm)
	case tc.Input != nil:
		return ast.NewTerm(ast.MustInterfaceToValue(*tc.Input))
	}
	return nil
}

func compare(tc cases.TestCase, got topdown.QueryResultSet, err error) error {
	if tc.WantErrorCode != nil || tc.WantError != nil {
		var e *topdown.Error
		if !errors.As(err, &e) {
			return fmt.Errorf("want an error of the evaluator: %w", err)
		}
		if tc.WantErrorCode != nil && e.Code != *tc.WantErrorCode {
			return fmt.Errorf("error code %s (%s), want %s", e.Code, e.Message, *tc.WantErrorCode)
		}
		return nil
	}
	if err != nil {
		return err
	}
	if tc.WantResult == nil {
		return nil
	}
	want := ast.NewSet()
	for _, b := range *tc.WantResult {
		o := ast.NewObject()
		for k, v := range b {
			o.Insert(ast.StringTerm(k), ast.NewTerm(ast.MustInterfaceToValue(v)))
		}
		want.Add(ast.NewTerm(o))
	}
	have := ast.NewSet()
	for _, b := range got {
		o := ast.NewObject()
		for k, term := range b {
			v, err := ast.JSON(term.Value)
			if err != nil {
				return err
			}
			if list, ok := v.([]any); ok && tc.SortBindings {
				slices.SortFunc(list, util.Compare)
			}
			if !tc.IgnoreGeneratedVars || !strings.HasPrefix(string(k), "__localq") {
				o.Insert(ast.StringTerm(string(k)), ast.NewTerm(ast.MustInterfaceToValue(v)))
			}
		}
		have.Add(ast.NewTerm(o))
	}
	if want.Compare(have) != 0 {
		return fmt.Errorf("got %v, want %v", have, want)
	}
	return nil
}
