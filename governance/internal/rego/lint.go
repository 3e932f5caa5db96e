package rego

import (
	"fmt"
	"maps"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Codes of warnings. docs/policies.md explains them; they never change their meaning.
const (
	warnDeprecatedImport     = "deprecated_import"
	warnDeprecatedAssignment = "deprecated_assignment"
	warnInvisibleCharacter   = "invisible_character"
	warnMissingDefault       = "missing_default_allow"
	warnAllowType            = "allow_not_boolean"
	warnViolationsType       = "violations_not_a_set"
	warnObligationsType      = "obligations_not_a_set"
	warnConflict             = "always_conflicts"
	warnUnusedRule           = "unused_rule"
	warnUndefinedData        = "undefined_data"
	warnUndefinedInput       = "undefined_input"
	warnSchemaUnchecked      = "schema_unchecked"
	warnLargeRules           = "large_rules"
)

// maxWarnings bounds how many warnings are reported.
const maxWarnings = 100

// linter gathers what is doubtful.
type linter struct {
	parsed parsedModules
	found  map[Finding]struct{} // as a set: what is rewritten by the compiler may stand in several places
}

func newLinter(parsed parsedModules) linter {
	return linter{parsed: parsed, found: make(map[Finding]struct{})}
}

func (l *linter) merge(other linter) { maps.Copy(l.found, other.found) }

func (l *linter) warn(at *ast.Location, code, format string, args ...any) {
	l.found[newFinding(at, code, format, args...)] = struct{}{}
}

// report returns the warnings by place, and how many are left out.
func (l *linter) report() ([]Finding, int) {
	list := make([]Finding, 0, len(l.found))
	for f := range l.found {
		list = append(list, f)
	}
	sortFindings(list)
	kept := min(len(list), maxWarnings)
	return list[:kept], len(list) - kept
}

// syntax looks at what is written, whether it compiles or not.
func (l *linter) syntax() {
	for _, m := range l.parsed {
		if m == nil {
			continue
		}
		for _, i := range m.Imports {
			if path, ok := i.Path.Value.(ast.Ref); ok && (path.HasPrefix(ast.RegoV1CompatibleRef) || path[0].Equal(ast.FutureRootDocument)) {
				l.warn(i.Loc(), warnDeprecatedImport, "import %s does nothing in Rego v1: leave it out", path)
			}
		}
		for _, r := range m.Rules {
			for each := r; each != nil; each = each.Else {
				// A head without a value, and `contains`, have no operator.
				if each.Head.Value != nil && !each.Head.Assign && writesEquals(each) {
					l.warn(each.Loc(), warnDeprecatedAssignment, "%s is defined with =: write :=", ruleName(r))
				}
			}
		}
	}
	if entry := l.parsed[0]; entry != nil {
		l.defaultAllow(entry)
	}
	l.conflicts()
}

// conflicts finds rules with two values whatever the input is.
func (l *linter) conflicts() {
	values := make(map[string]ast.Value) // of the first constant definition, by the rule's full name
	for _, m := range l.parsed {
		if m == nil {
			continue
		}
		for _, r := range m.Rules {
			if r.Default || kindOf(r) != CompleteRule || r.Head.Value == nil || !r.Head.Value.IsGround() || !always(r) {
				continue
			}
			name := m.Package.Path.String() + "." + r.Head.Ref().String()
			if first, ok := values[name]; !ok {
				values[name] = r.Head.Value.Value
			} else if first.Compare(r.Head.Value.Value) != 0 {
				l.warn(r.Loc(), warnConflict, "%s is %s and %s whatever the input is: whoever asks for it gets ERROR", ruleName(r), first, r.Head.Value.Value)
			}
		}
	}
}

// writesEquals tells `x = true if ...` from `x if ...`: where the value is not written, it has the place of the head.
func writesEquals(r *ast.Rule) bool {
	value, head := r.Head.Value.Location, r.Head.Location
	return r.Default || value != nil && head != nil && value.Offset > head.Offset
}

func (l *linter) defaultAllow(entry *ast.Module) {
	var first *ast.Rule
	for _, m := range l.parsed {
		if m == nil || !m.Package.Path.Equal(entry.Package.Path) {
			continue
		}
		for _, r := range m.Rules {
			if ref := r.Head.Ref(); len(ref) != 1 || !ref[0].Equal(ast.VarTerm(string(allowVar))) {
				continue
			}
			if r.Default {
				return
			}
			if first == nil {
				first = r
			}
		}
	}
	if first != nil && !always(first) {
		l.warn(first.Loc(), warnMissingDefault, "allow has no default: where no definition holds, the outcome is ERROR and not DENY; add default allow := false")
	}
}

// always reports whether the definition is a constant.
func always(r *ast.Rule) bool {
	return len(r.Body) == 1 && r.Body[0].Generated || r.Body.Equal(ast.NewBody(ast.NewExpr(ast.BooleanTerm(true))))
}

// checkSchema looks for references to what the schema of the input does not describe. The engine's type checker finds them: also through variables,
// rules and functions.
func checkSchema(parsed parsedModules, schema map[string]any, s *stint) linter {
	l := newLinter(parsed)
	described, cost, mistakes := describe(schema)
	for _, mistake := range mistakes[:min(len(mistakes), maxErrors)] {
		l.warn(nil, warnSchemaUnchecked, "the schema of the input is not checked where it is wrong: %s", mistake)
	}
	set := ast.NewSchemaSet()
	set.Put(ast.SchemaRootRef, described)
	compiler := newCompiler(cost, s).SetErrorLimit(0).WithSchemas(set)
	compiler.Compile(l.parsed.byName())
	for _, err := range compiler.Errors {
		switch detail := err.Details.(type) {
		case *ast.RefErrInvalidDetail:
			l.warn(err.Location, warnUndefinedInput, "%s is not described by the schema of the input%s", shown(detail.Ref), oneOf(detail.OneOf))
		case *ast.RefErrUnsupportedDetail:
			l.warn(err.Location, warnUndefinedInput, "%s has no parts by the schema of the input", shown(detail.Ref[:detail.Pos+1]))
		default:
			// Other findings of the type checker are about what a schema makes of types, not about paths. Those of earlier stages mean that
			// there was no check.
			if err.Code != ast.TypeErr {
				l.warn(nil, warnSchemaUnchecked, "the schema of the input is not checked: %s", err.Message)
			}
		}
	}
	return l
}

// shown is the reference without the names that the compiler gave.
func shown(ref ast.Ref) string {
	text := ref.String()
	if strings.Contains(text, "__local") {
		plain := make(ast.Ref, len(ref))
		for i, t := range ref {
			if v, ok := t.Value.(ast.Var); ok && v.IsGenerated() {
				t = ast.VarTerm("_")
			}
			plain[i] = t
		}
		text = plain.String()
	}
	return text
}

// oneOf says what there is instead, when that is little.
func oneOf(values []ast.Value) string {
	const most = 10
	if len(values) == 0 || len(values) > most {
		return ""
	}
	return fmt.Sprintf(", which has %v", values)
}
