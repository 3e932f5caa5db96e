package rego

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/aumos-enterprise/platform/governance/internal/rego/machine"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// Module is one Rego source.
type Module struct {
	Path   string
	Source string
}

// Source is the content of one version.
type Source struct {
	Modules []Module
	Data    Data
}

// Compiled is one version, ready to be evaluated by any number of goroutines. It shares nothing that can change with another version: it
// has its own rules and its own store.
type Compiled struct {
	pkg           string
	compiler      *ast.Compiler
	queryCompiler ast.QueryCompiler
	query         ast.Body
	collected     map[ast.Var]bool // variables of the query that hold an array: the value, or nothing where the rule is undefined
	store         storage.Store
	data          *ast.Term        // the same
	program       *machine.Program // what decisions ask; nil: topdown answers
	asked         []ast.Var        // of the program, in the order of its answers
	paths         []string         // of the modules
	size          int64            // in memory
	lasting       *lasting
	doubt         *doubt // in the program
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

// Compile checks and compiles a version; the package of its first module is the entry point. It fails with REGO_INVALID, whose violations name
// module, row and column, or the data document where that is in the way of a rule. It is a pure function of the source, takes no more memory than
// that is worth, but can take seconds: [Engine.Compile] bounds that.
func Compile(source Source) (*Compiled, error) {
	return compileSource(source, nil)
}

func compileSource(source Source, s *stint) (*Compiled, error) {
	c, _, err := compile(source, s)
	if p, ok := errors.AsType[problems](err); ok {
		return nil, invalid(p)
	}
	return c, err
}

// parsedModules is what the parser makes of the modules, by their indexes; nil where one does not parse.
type parsedModules []*ast.Module

// compile is the one way from sources to a version. It fails with problems when they are no version, and also returns what could be parsed
// then; it fails otherwise when they break the contract.
func compile(source Source, s *stint) (*Compiled, parsedModules, error) {
	if err := checkSizes(source.Modules); err != nil {
		return nil, nil, err
	}
	parsed, err := parse(source.Modules, s)
	if err != nil {
		return nil, parsed, err
	}
	pkg, err := packageName(parsed[0])
	if err != nil {
		return nil, parsed, err
	}
	compiler := newCompiler(1, s).WithStrict(true)
	compiler.Compile(parsed.byName())
	if compiler.Failed() {
		return nil, parsed, problemsOf(compiler.Errors)
	}
	if found := source.Data.conflicts(compiler); found != nil {
		return nil, parsed, found
	}
	c := &Compiled{pkg: pkg, compiler: compiler, queryCompiler: compiler.QueryCompiler(), store: source.Data.store(), size: footprint(source), lasting: new(lasting), doubt: new(doubt)}
	for _, m := range source.Modules {
		c.paths = append(c.paths, m.Path)
	}
	if c.query, err = c.entryQuery(parsed[0].Package); err != nil {
		return nil, parsed, err
	}
	c.data = source.Data.term()
	if c.program = programOf(compiler, c.asks(parsed[0].Package)); c.program != nil {
		c.size += c.program.Size()
	}
	return c, parsed, nil
}

// WithData returns the version with another data document in place of its own. It fails with REGO_INVALID where the document is in the way of a rule.
func (c *Compiled) WithData(d Data) (*Compiled, error) {
	if found := d.conflicts(c.compiler); found != nil {
		return nil, invalid(found)
	}
	other := *c
	other.store, other.data, other.size, other.lasting = d.store(), d.term(), c.size+d.footprint(), new(lasting)
	return &other, nil
}

// newCompiler returns a compiler with the profile and our own stages. inputCost is what the type of the input costs to compare, 1 when nothing is
// known of it. Between the stages it waits for the turns of the stint.
func newCompiler(inputCost int, s *stint) *ast.Compiler {
	box := shared()
	c := ast.NewCompiler().
		WithCapabilities(box.capabilities).
		WithDefaultRegoVersion(ast.RegoV1).
		WithUseTypeCheckAnnotations(false).
		WithEnablePrintStatements(false).
		SetErrorLimit(maxErrors).
		WithStageAfterID(ast.StageCheckSafetyRuleHeads, ast.CompilerStageDefinition{
			Name: "BoundOrder", MetricName: "compile_stage_bound_order", Stage: boundOrder,
		}).
		WithStageAfterID(ast.StageCheckRecursion, ast.CompilerStageDefinition{
			Name: "BoundClosures", MetricName: "compile_stage_bound_closures", Stage: boundClosures,
		}).
		WithStageAfterID(ast.StageCheckRecursion, ast.CompilerStageDefinition{
			Name: "BoundTypes", MetricName: "compile_stage_bound_types", Stage: func(c *ast.Compiler) *ast.Error { return boundTypes(c, inputCost) },
		}).
		WithStageAfterID(ast.StageBuildRequiredCapabilities, ast.CompilerStageDefinition{
			Name: "Instrument", MetricName: "compile_stage_instrument", Stage: func(c *ast.Compiler) *ast.Error { instrument(c.Modules); return nil },
		})
	s.betweenStages(c)
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

// parse parses every module, so that the author learns of all errors at once. Before each it waits for the turns of the stint.
func parse(modules []Module, s *stint) (parsedModules, error) {
	options := ast.ParserOptions{Capabilities: shared().capabilities, RegoVersion: ast.RegoV1}
	parsed := make(parsedModules, len(modules))
	size := extent{}
	var found problems
	s.expect(modules)
	for i, m := range modules {
		if s.look() {
			return parsed, errLate
		}
		// The parser of modules cannot be told how deep to recurse, so another one goes first.
		_, _, parseErrors := ast.NewParser().
			WithFilename(fileName(i)).
			WithReader(strings.NewReader(m.Source)).
			WithCapabilities(options.Capabilities).
			WithRegoVersion(options.RegoVersion).
			WithMaxRecursionDepth(maxNesting).
			Parse()
		if len(parseErrors) > 0 {
			found = append(found, problemsOf(parseErrors)...)
			continue
		}
		module, err := ast.ParseModuleWithOpts(fileName(i), m.Source, options)
		if err != nil {
			found = append(found, problemsOf(err)...)
			continue
		}
		if err := size.add(module); err != nil {
			found = append(found, problemsOf(err)...)
			continue
		}
		parsed[i] = module
	}
	if len(found) > 0 {
		return parsed, found.inOrder()
	}
	return parsed, nil
}

// byName returns the modules as the compiler wants them, by names that lead back to the index of the module.
func (s parsedModules) byName() map[string]*ast.Module {
	modules := make(map[string]*ast.Module, len(s))
	for i, m := range s {
		modules[fileName(i)] = m
	}
	return modules
}

// packageName returns the package's path without "data.". Only plain words are accepted, so that the name reads the same everywhere.
func packageName(m *ast.Module) (string, error) {
	var words []string
	for _, t := range m.Package.Path[1:] {
		word, ok := t.Value.(ast.String)
		if !ok || !ast.IsVarCompatibleString(string(word)) {
			return "", problems{newFinding(m.Package.Loc(), ast.CompileErr, "the package must be a path of plain words, like aumos.retrain")}
		}
		words = append(words, string(word))
	}
	return strings.Join(words, "."), nil
}

// Variables of the query.
const (
	allowVar       = ast.Var("allow")
	violationsVar  = ast.Var("violations")
	obligationsVar = ast.Var("obligations")
)

// entryQuery builds `allow = data.<package>.allow; violations = [x | x = data.<package>.violations]`, and so on for what else the package defines, from
// references and never from text. Without a value of allow there is no result. The arrays are empty where a rule is undefined, so one query answers
// all; a partial set is always defined, and asked for without the detour.
func (c *Compiled) entryQuery(pkg *ast.Package) (ast.Body, error) {
	rules := c.compiler.GetRulesExact(entryRef(pkg, allowVar))
	if len(rules) == 0 || len(rules[0].Head.Args) > 0 {
		return nil, problems{newFinding(pkg.Loc(), ast.CompileErr, "package %s must define the rule allow", c.pkg)}
	}
	body := ast.NewBody(refer(allowVar, pkg))
	c.collected, c.asked = make(map[ast.Var]bool), []ast.Var{allowVar}
	for _, name := range []ast.Var{violationsVar, obligationsVar} {
		rules := c.compiler.GetRules(entryRef(pkg, name))
		if len(rules) == 0 {
			continue
		}
		if len(rules[0].Head.Args) > 0 {
			return nil, problems{newFinding(pkg.Loc(), ast.CompileErr, "%s of package %s must not be a function", name, c.pkg)}
		}
		c.asked = append(c.asked, name)
		if slices.ContainsFunc(rules, func(r *ast.Rule) bool { return !isSetOf(r, entryRef(pkg, name)) }) {
			c.collected[name] = true
			body.Append(collect(name, pkg))
		} else {
			body.Append(refer(name, pkg))
		}
	}
	query, err := c.queryCompiler.Compile(body)
	if err != nil {
		return nil, problemsOf(err)
	}
	return query, nil
}

// asks returns references to what the query asks, in its order.
func (c *Compiled) asks(pkg *ast.Package) []ast.Ref {
	refs := make([]ast.Ref, len(c.asked))
	for i, name := range c.asked {
		refs[i] = entryRef(pkg, name)
	}
	return refs
}

// isSetOf reports whether the rule adds to the partial set of that name.
func isSetOf(r *ast.Rule, name ast.Ref) bool {
	return r.Head.RuleKind() == ast.MultiValue && r.Ref().Equal(name)
}

// entryRef is the rule of the package that has the query's variable as its name.
func entryRef(pkg *ast.Package, name ast.Var) ast.Ref {
	return pkg.Path.Append(ast.StringTerm(string(name)))
}

func refer(name ast.Var, pkg *ast.Package) *ast.Expr {
	return ast.Equality.Expr(ast.NewTerm(name), ast.NewTerm(entryRef(pkg, name)))
}

func collect(name ast.Var, pkg *ast.Package) *ast.Expr {
	x := ast.VarTerm("x")
	rule := ast.NewTerm(entryRef(pkg, name))
	return ast.Equality.Expr(ast.NewTerm(name), ast.ArrayComprehensionTerm(x, ast.NewBody(ast.Equality.Expr(x, rule))))
}

func fileName(i int) string    { return fmt.Sprintf("modules[%d]", i) }
func sourceField(i int) string { return fileName(i) + ".source" }
