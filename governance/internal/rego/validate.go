package rego

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// RuleKind says what kind of rule a definition is part of.
type RuleKind uint8

// The kinds.
const (
	CompleteRule RuleKind = iota + 1
	SetRule
	ObjectRule
	FunctionRule
	TestRule // whose name begins with "test_"
)

// Rule is one definition of a rule.
type Rule struct {
	Name        string // within its package, for example "limits.eu"
	Kind        RuleKind
	Default     bool
	Row, Column int
}

// Summary is what one module defines; empty when it does not parse.
type Summary struct {
	Package string
	Rules   []Rule
}

// Report is everything that is to be said of modules before they become a version.
type Report struct {
	Errors   []Finding // none when the modules could be a version; at most maxErrors
	Warnings []Finding // at most maxWarnings
	Omitted  int       // warnings over that
	// Package is what decisions would query, "" when the first module has none that they could.
	Package     string
	Modules     []Summary // in the order of the modules
	EntryPoints []string  // rules that decisions would ask for, none unless the modules compile
}

// Codes of errors that are not the engine's own.
const (
	codeLate   = "aumos_deadline"
	codePanics = "aumos_compiler_failure"
)

// Validate says whether the source could be a version, by the same function as Compile, and what is doubtful about it. The schema is a JSON Schema of
// the input, or nil. It has the deadline of a compilation and the tenant's share, the schema a deadline of its own, so that modules are valid with a
// schema when they are without. It fails only when the request breaks the contract, or there is no room for it.
func (e *Engine) Validate(ctx context.Context, id tenant.ID, source Source, schema map[string]any) (Report, error) {
	v, err := pooled(ctx, e, id, func(s *stint) (validation, error) { return examine(source, s) })
	if found, failed := e.failure(ctx, id, err); failed {
		return Report{Errors: []Finding{found}, Modules: make([]Summary, len(source.Modules))}, nil
	}
	if err != nil {
		return Report{}, err
	}
	if v.checksSchema(schema) {
		// What it finds is its own until it is done: past the deadline it goes on.
		found, err := pooled(ctx, e, id, func(s *stint) (linter, error) { return checkSchema(v.lint.parsed, schema, s), nil })
		if why, failed := e.failure(ctx, id, err); failed {
			v.lint.warn(nil, warnSchemaUnchecked, "the schema of the input is not checked: %s", why.Message)
		} else if err != nil {
			return Report{}, err
		}
		v.lint.merge(found)
	}
	return v.end(), nil
}

// failure says of work on modules that did not end in time, or panicked, what to tell their author.
func (e *Engine) failure(ctx context.Context, id tenant.ID, err error) (f Finding, failed bool) {
	if errors.Is(err, errLate) {
		return newFinding(nil, codeLate, "not compiled within %s: make it simpler", e.config.CompileDeadline), true
	}
	if p, ok := errors.AsType[panicked](err); ok {
		e.config.Log.LogAttrs(ctx, slog.LevelError, "policy validation panicked", slog.String("tenant_id", id.String()), slog.Any("panic", p.value))
		return newFinding(nil, codePanics, compilerFails), true
	}
	return Finding{}, false
}

// validation is a report in the making.
type validation struct {
	report Report
	lint   linter
}

// examine does all but look at the schema.
func examine(source Source, s *stint) (validation, error) {
	c, parsed, err := compile(source, s)
	found, invalid := errors.AsType[problems](err)
	if err != nil && !invalid {
		return validation{}, err
	}
	v := validation{report: Report{Errors: found, Modules: summaries(parsed)}, lint: newLinter(parsed)}
	if parsed[0] != nil {
		v.report.Package, _ = packageName(parsed[0]) // "" when it is not a path of plain words, which is among the errors
	}
	v.lint.text(source.Modules)
	v.lint.syntax()
	if c != nil {
		v.report.EntryPoints = v.lint.compiled(c, source.Data)
	}
	return v, nil
}

func (v validation) checksSchema(schema map[string]any) bool {
	return schema != nil && len(v.report.Errors) == 0
}

func (v validation) end() Report {
	v.report.Warnings, v.report.Omitted = v.lint.report()
	return v.report
}

func summaries(parsed parsedModules) []Summary {
	list := make([]Summary, len(parsed))
	for i, m := range parsed {
		if m == nil {
			continue
		}
		list[i] = Summary{Package: pathText(m.Package.Path), Rules: make([]Rule, len(m.Rules))}
		for j, r := range m.Rules {
			at := r.Loc()
			list[i].Rules[j] = Rule{Name: ruleName(r), Kind: kindOf(r), Default: r.Default, Row: at.Row, Column: at.Col}
		}
	}
	return list
}

// pathText is the package as it is written after the word package, as far as it is not too long.
func pathText(path ast.Ref) string {
	return clip(strings.TrimPrefix(path.String(), "data."), maxName)
}

func ruleName(r *ast.Rule) string { return clip(r.Head.Ref().String(), maxName) }

func isTest(r *ast.Rule) bool {
	ref := r.Head.Ref().GroundPrefix()
	switch last := ref[len(ref)-1].Value.(type) {
	case ast.Var:
		return strings.HasPrefix(string(last), "test_")
	case ast.String:
		return strings.HasPrefix(string(last), "test_")
	}
	return false
}

func kindOf(r *ast.Rule) RuleKind {
	switch {
	case isTest(r):
		return TestRule
	case len(r.Head.Args) > 0:
		return FunctionRule
	case r.Head.RuleKind() == ast.MultiValue:
		return SetRule
	case !r.Head.Ref().IsGround():
		return ObjectRule
	}
	return CompleteRule
}
