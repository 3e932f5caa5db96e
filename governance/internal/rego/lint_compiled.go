package rego

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/types"
)

// compiled looks at what the compiler made of the modules, and returns the rules that decisions ask for.
func (l *linter) compiled(c *Compiled, data Data) (entryPoints []string) {
	pkg := l.parsed[0].Package
	for _, name := range []ast.Var{allowVar, violationsVar, obligationsVar} {
		ref := entryRef(pkg, name)
		if len(c.compiler.GetRules(ref)) == 0 {
			continue
		}
		entryPoints = append(entryPoints, ref.String())
		l.entryType(c, ref, name)
	}
	l.unused(c, pkg)
	l.undefinedData(c, data)
	if _, large := plannable(c.compiler, c.asks(pkg)); large != nil {
		l.warn(large.Loc(), warnLargeRules, "with %s the rules are too large to be decided fast: put tables and long lists into the data document", ruleName(large))
	}
	return entryPoints
}

func (l *linter) entryType(c *Compiled, ref ast.Ref, name ast.Var) {
	code, want, good := warnAllowType, "a boolean", isBoolean
	switch name {
	case violationsVar:
		code, want, good = warnViolationsType, "a set or an array of strings and objects", isList
	case obligationsVar:
		code, want, good = warnObligationsType, "a set or an array of strings and objects", isList
	}
	// The compiler returns the definitions in any order.
	at := slices.MinFunc(c.compiler.GetRules(ref), func(a, b *ast.Rule) int { return a.Loc().Compare(b.Loc()) }).Loc()
	switch fits, fails := judge(c.compiler.TypeEnv.GetByRef(ref), good); {
	case fails && !fits:
		l.warn(at, code, "%s is never %s: the outcome of every decision is ERROR", name, want)
	case fails:
		l.warn(at, code, "%s is not always %s: the outcome of a decision is ERROR then", name, want)
	}
}

// judge reports whether some values of the type are good and whether some are not; neither for what is not known.
func judge(t types.Type, good func(types.Type) bool) (fits, fails bool) {
	alternatives, ok := t.(types.Any)
	switch {
	case t == nil || ok && len(alternatives) == 0:
		return false, false
	case !ok:
		fits = good(t)
		return fits, !fits
	}
	for _, each := range alternatives {
		yes, no := judge(each, good)
		fits, fails = fits || yes, fails || no
	}
	return fits, fails
}

func isBoolean(t types.Type) bool {
	_, ok := t.(types.Boolean)
	return ok
}

func isList(t types.Type) bool {
	element := func(t types.Type) bool {
		_, fails := judge(t, func(t types.Type) bool {
			switch t.(type) {
			case types.String, *types.Object:
				return true
			}
			return false
		})
		return !fails
	}
	switch t := t.(type) {
	case *types.Set:
		return element(t.Of())
	case *types.Array:
		for i := range t.Len() {
			if !element(t.Select(i)) {
				return false
			}
		}
		return element(t.Dynamic())
	}
	return false
}

// unused finds rules on which neither a decision nor a test depends. Functions of other packages than the entry point's are a library's: several policies
// share it, and none has to use all of it.
func (l *linter) unused(c *Compiled, pkg *ast.Package) {
	used := make(map[*ast.Rule]bool)
	var queue []*ast.Rule
	use := func(r *ast.Rule) {
		for each := r; each != nil && !used[each]; each = each.Else {
			used[each] = true
			queue = append(queue, each)
		}
	}
	for _, name := range []ast.Var{allowVar, violationsVar, obligationsVar} {
		for _, r := range c.compiler.GetRulesDynamicWithOpts(entryRef(pkg, name), ast.RulesOptions{IncludeHiddenModules: true}) {
			use(r)
		}
	}
	for _, m := range c.compiler.Modules {
		for _, r := range m.Rules {
			if isTest(r) {
				use(r)
			}
		}
	}
	for len(queue) > 0 {
		r := queue[0]
		queue = queue[1:]
		for dependency := range c.compiler.Graph.Dependencies(r) {
			if rule, ok := dependency.(*ast.Rule); ok {
				use(rule)
			}
		}
	}
	for i := range l.parsed {
		said := make(map[string]bool) // once for all definitions of a rule
		m := c.compiler.Modules[fileName(i)]
		for _, r := range m.Rules {
			what := "rule"
			if len(r.Head.Args) > 0 {
				if !m.Package.Equal(pkg) {
					continue
				}
				what = "function"
			}
			if name := ruleName(r); !used[r] && !said[name] {
				said[name] = true
				l.warn(r.Loc(), warnUnusedRule, "%s %s is used by no decision and no test", what, name)
			}
		}
	}
}

// undefinedData finds references to what neither a module nor the data document defines: they are never defined, save where `with` does it.
func (l *linter) undefinedData(c *Compiled, data Data) {
	var given []ast.Ref
	for _, m := range c.compiler.Modules {
		ast.WalkWiths(m, func(w *ast.With) bool {
			if ref, ok := w.Target.Value.(ast.Ref); ok && ref[0].Equal(ast.DefaultRootDocument) {
				given = append(given, ref)
			}
			return false
		})
	}
	check := func(ref ast.Ref) bool {
		if len(ref) < 2 || !ref[0].Equal(ast.DefaultRootDocument) {
			return false
		}
		prefix := ref.GroundPrefix()
		if len(prefix) < 2 || len(c.compiler.GetRulesDynamicWithOpts(ref, ast.RulesOptions{IncludeHiddenModules: true})) > 0 {
			return false
		}
		if data.has(prefix) {
			return false
		}
		for _, other := range given {
			if prefix.HasPrefix(other) || other.HasPrefix(prefix) {
				return false
			}
		}
		if ref[0].Location != nil { // what the compiler made has none
			l.warn(ref[0].Location, warnUndefinedData, "%s is defined by no module of the version%s", prefix, nor(data))
		}
		return false
	}
	for _, m := range c.compiler.Modules {
		for _, r := range m.Rules { // not the package, which is a reference as well
			ast.WalkRefs(r, check)
		}
	}
}
