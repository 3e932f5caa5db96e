package rego

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// Module is one Rego source.
type Module struct {
	Path   string
	Source string
}

// Compiled is one version, ready to be evaluated by any number of goroutines. It shares nothing that can change with another version: it
// has its own rules and its own empty store.
type Compiled struct {
	pkg           string
	compiler      *ast.Compiler
	queryCompiler ast.QueryCompiler
	query         ast.Body
	store         storage.Store
}

// Package returns the entry point: the package that is queried, for example "aumos.retrain".
func (c *Compiled) Package() string { return c.pkg }

// sandbox is what every compilation and evaluation shares, made once from the profile.
type sandbox struct {
	capabilities *ast.Capabilities
	unsafe       map[string]struct{}
	builtins     map[string]*topdown.Builtin
}

var shared = sync.OnceValue(func() sandbox { //nolint:gochecknoglobals // derived from the constant table
	return sandbox{capabilities: capabilities(), unsafe: unsafeBuiltins(), builtins: guards()}
})

// maxErrors bounds how many errors a compilation reports.
const maxErrors = 20

// Compile checks and compiles the modules of a version; the package of the first one is the entry point. It fails with REGO_INVALID, whose
// violations name module, row and column. It is a pure function of the modules, takes no more memory than they are worth, but can take
// seconds: [Engine.Compile] bounds that.
func Compile(modules []Module) (*Compiled, error) {
	if err := checkSizes(modules); err != nil {
		return nil, err
	}
	parsed := make(map[string]*ast.Module, len(modules))
	entry, err := parse(modules, parsed)
	if err != nil {
		return nil, err
	}
	pkg, err := packageName(entry)
	if err != nil {
		return nil, err
	}

	compiler := newCompiler().WithStrict(true)
	compiler.Compile(parsed)
	if compiler.Failed() {
		return nil, invalid(compiler.Errors)
	}
	c := &Compiled{pkg: pkg, compiler: compiler, queryCompiler: compiler.QueryCompiler(), store: inmem.NewFromObject(map[string]any{})}
	if c.query, err = c.entryQuery(entry.Package.Path); err != nil {
		return nil, err
	}
	return c, nil
}

// newCompiler returns a compiler with the profile and our own stages.
func newCompiler() *ast.Compiler {
	box := shared()
	c := ast.NewCompiler().
		WithCapabilities(box.capabilities).
		WithDefaultRegoVersion(ast.RegoV1).
		WithUseTypeCheckAnnotations(false).
		WithEnablePrintStatements(false).
		SetErrorLimit(maxErrors).
		WithStageAfterID(ast.StageCheckRecursion, ast.CompilerStageDefinition{
			Name: "BoundTypes", MetricName: "compile_stage_bound_types", Stage: boundTypes,
		}).
		WithStageAfterID(ast.StageBuildRequiredCapabilities, ast.CompilerStageDefinition{
			Name: "Instrument", MetricName: "compile_stage_instrument", Stage: func(c *ast.Compiler) *ast.Error { instrument(c.Modules); return nil },
		})
	return c.WithUnsafeBuiltins(box.unsafe) //nolint:staticcheck // deprecated for capabilities, beside which it is a second lock
}

func checkSizes(modules []Module) error {
	if n := len(modules); n == 0 || n > MaxModules {
		return errs.InvalidField("modules", "a version has 1 to %d modules, not %d", MaxModules, n)
	}
	total, paths := 0, make(map[string]bool, len(modules))
	for i, m := range modules {
		if len(m.Source) > MaxModuleBytes {
			return errs.InvalidField(sourceField(i), "%d bytes, at most %d", len(m.Source), MaxModuleBytes)
		}
		if paths[m.Path] {
			return errs.InvalidField(fmt.Sprintf("modules[%d].path", i), "used by another module of the version")
		}
		paths[m.Path] = true
		total += len(m.Source)
	}
	if total > MaxTotalBytes {
		return errs.InvalidField("modules", "%d bytes together, at most %d", total, MaxTotalBytes)
	}
	return nil
}

// parse fills parsed, by names that lead back to the index of the module, and returns the first module.
func parse(modules []Module, parsed map[string]*ast.Module) (entry *ast.Module, err error) {
	options := ast.ParserOptions{Capabilities: shared().capabilities, RegoVersion: ast.RegoV1}
	size := extent{}
	for i, m := range modules {
		// The parser of modules cannot be told how deep to recurse, so another one goes first.
		_, _, parseErrors := ast.NewParser().
			WithFilename(fileName(i)).
			WithReader(strings.NewReader(m.Source)).
			WithCapabilities(options.Capabilities).
			WithRegoVersion(options.RegoVersion).
			WithMaxRecursionDepth(maxNesting).
			Parse()
		if len(parseErrors) > 0 {
			return nil, invalid(parseErrors)
		}
		module, err := ast.ParseModuleWithOpts(fileName(i), m.Source, options)
		if err != nil {
			return nil, invalid(err)
		}
		if err := size.add(module); err != nil {
			return nil, invalid(err)
		}
		parsed[fileName(i)] = module
		if i == 0 {
			entry = module
		}
	}
	return entry, nil
}

// packageName returns the package's path without "data.". Only plain words are accepted, so that the name reads the same everywhere.
func packageName(m *ast.Module) (string, error) {
	var words []string
	for _, t := range m.Package.Path[1:] {
		word, ok := t.Value.(ast.String)
		if !ok || !ast.IsVarCompatibleString(string(word)) {
			return "", invalid(ast.NewError(ast.CompileErr, m.Package.Loc(), "the package must be a path of plain words, like aumos.retrain"))
		}
		words = append(words, string(word))
	}
	return strings.Join(words, "."), nil
}

// Variables of the query.
const (
	allowVar      = ast.Var("allow")
	violationsVar = ast.Var("violations")
)

// entryQuery builds `allow = [x | x = data.<package>.allow]; violations = [x | x = data.<package>.violations]`, from references and never from text.
// The arrays are empty where a rule is undefined, so one query answers both.
func (c *Compiled) entryQuery(path ast.Ref) (ast.Body, error) {
	rules := c.compiler.GetRulesExact(path.Append(ast.StringTerm(string(allowVar))))
	if len(rules) == 0 || len(rules[0].Head.Args) > 0 {
		return nil, errs.New(errs.InvalidArgument, errs.ReasonRegoInvalid, "the Rego cannot be used: see the field violations").
			Field(sourceField(0), "1:1 package %s must define the rule allow", c.pkg)
	}
	body := ast.NewBody(collect(allowVar, path))
	at := path.Append(ast.StringTerm(string(violationsVar)))
	if rules := c.compiler.GetRules(at); len(rules) > 0 {
		if len(rules[0].Head.Args) > 0 {
			return nil, errs.New(errs.InvalidArgument, errs.ReasonRegoInvalid, "the Rego cannot be used: see the field violations").
				Field(sourceField(0), "1:1 violations of package %s must not be a function", c.pkg)
		}
		body.Append(collect(violationsVar, path))
	}
	query, err := c.queryCompiler.Compile(body)
	if err != nil {
		return nil, invalid(err)
	}
	return query, nil
}

func collect(name ast.Var, path ast.Ref) *ast.Expr {
	x := ast.VarTerm("x")
	rule := ast.NewTerm(path.Append(ast.StringTerm(string(name))))
	return ast.Equality.Expr(ast.NewTerm(name), ast.ArrayComprehensionTerm(x, ast.NewBody(ast.Equality.Expr(x, rule))))
}

func fileName(i int) string    { return fmt.Sprintf("modules[%d]", i) }
func sourceField(i int) string { return fileName(i) + ".source" }

// invalid turns the errors of parser and compiler into violations of the request's fields. Sources never appear in them beyond the names that
// the messages mention.
func invalid(err error) error {
	var list ast.Errors
	var one *ast.Error
	switch {
	case errors.As(err, &list):
	case errors.As(err, &one):
		list = ast.Errors{one}
	default:
		list = ast.Errors{ast.NewError(ast.CompileErr, nil, "%s", err)}
	}
	e := errs.New(errs.InvalidArgument, errs.ReasonRegoInvalid, "the Rego does not compile: see the field violations")
	for _, each := range list[:min(len(list), maxErrors)] {
		if each.Location == nil || each.Location.File == "" {
			e = e.Field("modules", "%s: %s", each.Code, each.Message)
			continue
		}
		e = e.Field(each.Location.File+".source", "%d:%d %s: %s", each.Location.Row, each.Location.Col, each.Code, each.Message)
	}
	return e
}

// compileRecovered is Compile for a goroutine of its own: a panic of the compiler is the fault of the modules and stays with their author.
func compileRecovered(modules []Module) (c *Compiled, err error) {
	defer func() {
		if p := recover(); p != nil {
			c, err = nil, errs.New(errs.InvalidArgument, errs.ReasonRegoInvalid, "the Rego does not compile: the compiler fails on it").
				Field("modules", "the compiler fails on these modules").Because(fmt.Errorf("compiler panic: %v", p))
		}
	}()
	return Compile(modules)
}
