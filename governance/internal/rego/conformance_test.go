package rego

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
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

// outsideProfile matches what the compiler says about modules that use what the profile leaves out.
var outsideProfile = regexp.MustCompile(`undefined function|unexpected \w+ keyword|unexpected keyword|import must not|illegal .*import|not supported by current capabilities|target must not be unsafe|non-terminated set|missing required capability|deprecated built-in`)

// The engine's own compliance cases give the same answers with our compiler stages, guards and checks, except where the profile leaves
// something out.
func TestConformance(t *testing.T) {
	t.Parallel()
	var run int
	skipped := make(map[string]int)
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
	total := run
	for _, reason := range slices.Sorted(maps.Keys(skipped)) {
		t.Logf("%4d left out: %s", skipped[reason], reason)
		total += skipped[reason]
	}
	t.Logf("%d of %d cases run", run, total)
	if run < 1200 {
		t.Errorf("only %d cases ran", run)
	}
}

// conform runs one case. It returns why the case does not apply, or what is wrong.
func conform(t *testing.T, tc cases.TestCase) (skip string, err error) {
	t.Helper()
	if len(tc.Env) > 0 || tc.ExperimentalKeywords {
		return "environment or experimental keywords", nil
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
	c := &Compiled{compiler: newCompiler(1), store: inmem.New()}
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

func outside(err error) (string, error) {
	if match := outsideProfile.FindString(err.Error()); match != "" {
		if name := regexp.MustCompile(`undefined function ([\w.]+)`).FindStringSubmatch(err.Error()); name != nil {
			return name[1], nil
		}
		return match, nil
	}
	return "", err
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
