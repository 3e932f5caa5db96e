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
		return nil
	})
	if err != nil {
		t.Fatal(err)
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

// conform runs one case. It returns what the case uses that the profile leaves out, or what is wrong.
func conform(t *testing.T, tc cases.TestCase) (uses string, err error) {
	t.Helper()
	if len(tc.Env) > 0 || tc.ExperimentalKeywords {
		return usesEnvironment, nil
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
	c := &Compiled{compiler: newCompiler(1, nil), store: inmem.New()}
	if tc.Data != nil {
		c.store = inmem.NewFromObject(*tc.Data)
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
	txn, err := c.store.NewTransaction(t.Context())
	if err != nil {
		return "", err
	}
	q := c.newQuery(c.query, txn).WithStrictBuiltinErrors(tc.StrictError)
	if tc.InputTerm != nil {
		q = q.WithInput(ast.MustParseTerm(*tc.InputTerm))
	} else if tc.Input != nil {
		q = q.WithInput(ast.NewTerm(ast.MustInterfaceToValue(*tc.Input)))
	}
	got, err := q.Run(t.Context())
	return "", compare(tc, got, err)
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
