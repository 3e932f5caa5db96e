package rego

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// maxChanges bounds how many changes of rules are listed.
const maxChanges = 1000

// ChangeKind says what became of something between two versions.
type ChangeKind uint8

// The kinds.
const (
	Added ChangeKind = iota + 1
	Removed
	Changed
)

// Location is where a definition stands.
type Location struct {
	Module      int // index of the module
	Row, Column int
}

// RuleChange is a definition that differs.
type RuleChange struct {
	Kind     ChangeKind
	Package  string
	Name     string
	Old, New Location // the zero value where the version does not have it
}

// Diff is how the rules of two versions differ.
type Diff struct {
	Compared                bool         // false when one of them does not parse: nothing else is known then
	Rules                   []RuleChange // by package, name and place; at most maxChanges
	Added, Removed, Changed int          // also those that are not listed
	PackagesAdded           []string
	PackagesRemoved         []string
}

// Compare says which definitions of rules differ. It compares what the parser makes of them, with every name resolved: white space, comments, the
// names of imports, the order of definitions, the module in which they stand, and = for := make no difference.
func Compare(from, to []Module) Diff { return difference(from, to, nil) }

func difference(from, to []Module, s *stint) Diff {
	olds, ok1 := definitionsOf(from, s)
	news, ok2 := definitionsOf(to, s)
	if !ok1 || !ok2 {
		return Diff{}
	}
	d := Diff{Compared: true}
	d.PackagesAdded, d.PackagesRemoved = without(news.packages, olds.packages), without(olds.packages, news.packages)
	for _, key := range olds.keysWith(news) {
		d.rule(key, olds.rules[key], news.rules[key])
	}
	for _, c := range d.Rules {
		switch c.Kind {
		case Added:
			d.Added++
		case Removed:
			d.Removed++
		case Changed:
			d.Changed++
		}
	}
	d.Rules = d.Rules[:min(len(d.Rules), maxChanges)]
	return d
}

// rule compares the definitions of one rule. Those that are the same are set aside, the others are paired in their order.
func (d *Diff) rule(key ruleKey, olds, news []definition) {
	rest := make(map[string]int, len(olds))
	for _, o := range olds {
		rest[o.text]++
	}
	isNew := func(n definition) bool {
		if rest[n.text] > 0 {
			rest[n.text]--
			return false
		}
		return true
	}
	var onlyNew, onlyOld []definition
	for _, n := range news {
		if isNew(n) {
			onlyNew = append(onlyNew, n)
		}
	}
	for _, o := range slices.Backward(olds) { // what is left of several that are the same counts as the last ones
		if rest[o.text] > 0 {
			rest[o.text]--
			onlyOld = append(onlyOld, o)
		}
	}
	slices.Reverse(onlyOld)
	for i := range max(len(onlyOld), len(onlyNew)) {
		c := RuleChange{Package: clip(key.pkg, maxName), Name: clip(key.name, maxName)}
		switch {
		case i >= len(onlyOld):
			c.Kind, c.New = Added, onlyNew[i].at
		case i >= len(onlyNew):
			c.Kind, c.Old = Removed, onlyOld[i].at
		default:
			c.Kind, c.Old, c.New = Changed, onlyOld[i].at, onlyNew[i].at
		}
		d.Rules = append(d.Rules, c)
	}
}

// Compare is the function Compare with the deadline of a compilation and within the tenant's share.
func (e *Engine) Compare(ctx context.Context, id tenant.ID, from, to []Module) (Diff, error) {
	d, err := pooled(ctx, e, id, func(s *stint) (Diff, error) { return difference(from, to, s), nil })
	if errors.Is(err, errLate) {
		return Diff{}, overloaded()
	}
	if p, ok := errors.AsType[panicked](err); ok {
		return Diff{}, errs.New(errs.Internal, errs.ReasonInternal, "the versions cannot be compared").Because(p)
	}
	return d, err
}

type ruleKey struct{ pkg, name string }

// definition is one definition of a rule as it is compared.
type definition struct {
	text string
	at   Location
}

type definitions struct {
	packages []string
	rules    map[ruleKey][]definition // in the order of the modules
}

func definitionsOf(modules []Module, s *stint) (definitions, bool) {
	parsed, err := parse(modules, s)
	if err != nil || len(parsed) == 0 {
		return definitions{}, false
	}
	resolved := resolve(parsed)
	d := definitions{rules: make(map[ruleKey][]definition)}
	for i := range parsed {
		m := resolved[fileName(i)]
		pkg := m.Package.Path.String()[len("data."):]
		d.packages = append(d.packages, pkg)
		for _, r := range m.Rules {
			key := ruleKey{pkg, r.Head.Ref().GroundPrefix().String()}
			d.rules[key] = append(d.rules[key], definition{text: textOf(r), at: Location{Module: i, Row: r.Loc().Row, Column: r.Loc().Col}})
		}
	}
	slices.Sort(d.packages)
	d.packages = slices.Compact(d.packages)
	return d, true
}

// textOf writes the definition out of its syntax tree: without comments, in one format, and wildcards without the numbers that the parser gives them.
func textOf(r *ast.Rule) string {
	for each := r; each != nil; each = each.Else {
		if each.Head.Value != nil {
			each.Head.Assign = true
		}
	}
	return r.String()
}

// resolve returns copies of the modules in which every name of an import or of a rule is a full path.
func resolve(parsed parsedModules) map[string]*ast.Module {
	// The stages after the resolution rename variables by counting them, which would make every rule behind a new one a changed one.
	compiler := ast.NewCompiler().
		WithCapabilities(shared().capabilities).
		WithDefaultRegoVersion(ast.RegoV1).
		WithStageAfterID(ast.StageResolveRefs, ast.CompilerStageDefinition{
			Name: "Stop", MetricName: "compile_stage_stop",
			Stage: func(*ast.Compiler) *ast.Error { return ast.NewError(ast.CompileErr, nil, "resolved") },
		})
	compiler.Compile(parsed.byName())
	return compiler.Modules
}

func (d definitions) keysWith(other definitions) []ruleKey {
	set := make(map[ruleKey]struct{}, len(d.rules)+len(other.rules))
	for _, rules := range []map[ruleKey][]definition{d.rules, other.rules} {
		for key := range rules {
			set[key] = struct{}{}
		}
	}
	keys := make([]ruleKey, 0, len(set))
	for key := range set {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b ruleKey) int { return cmp.Or(cmp.Compare(a.pkg, b.pkg), cmp.Compare(a.name, b.name)) })
	return keys
}

// without returns what of a is not in b, short enough to be shown. Both are sorted.
func without(a, b []string) []string {
	var rest []string
	for _, s := range a {
		if _, found := slices.BinarySearch(b, s); !found {
			rest = append(rest, clip(s, maxName))
		}
	}
	return rest
}
