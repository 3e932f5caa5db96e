package bundle

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

// Part is what a version becomes in a bundle. It is immutable.
type Part struct {
	files []file
	data  []byte // the data document, as JSON; empty: none
	// entry is where the version's entry point stands in the bundle; nil when the version gives no answer, for the reason.
	entry  ast.Ref
	reason rego.ErrorReason
	// violations and obligations are whether the entry point has such rules.
	violations, obligations bool
}

// Silent is the part of a version that gives no answer, as one that does not compile any more: its answer is ERROR, here and in sidecars.
func Silent(reason rego.ErrorReason) *Part { return &Part{reason: reason} }

// size is the memory that the part takes, about.
func (p *Part) size() int {
	n := len(p.data) + 1024
	for _, f := range p.files {
		n += len(f.name) + len(f.body)
	}
	return n
}

// Names under which everything in a bundle stands. The manifest claims the first, so that sidecars refuse other bundles that say something there.
const (
	rootPackage     = "aumos"
	versionsPackage = "versions"
)

// rootName is the version's own word below data.aumos.versions.
func rootName(version uuid.UUID) string { return "v" + strings.ReplaceAll(version.String(), "-", "") }

// rootOf is where a version's packages and data stand instead of `data`.
func rootOf(version uuid.UUID) ast.Ref {
	return ast.Ref{
		ast.VarTerm("data"), ast.StringTerm(rootPackage), ast.StringTerm(versionsPackage), ast.StringTerm(rootName(version)),
	}
}

// NewPart rewrites the modules of a version, which compile, for its root. data is its data document as JSON, or nil.
func NewPart(version uuid.UUID, modules []rego.Module, data []byte) (*Part, error) {
	root := rootOf(version)
	part := &Part{data: data}
	for i, m := range modules {
		parsed, err := ast.ParseModuleWithOpts(m.Path, m.Source, parserOptions())
		if err != nil {
			return nil, fmt.Errorf("parse module %s: %w", m.Path, err)
		}
		if i == 0 {
			part.entry = under(root, parsed.Package.Path)
		}
		text, rewritten, err := move(parsed, root)
		if err != nil {
			return nil, fmt.Errorf("rewrite module %s: %w", m.Path, err)
		}
		part.violations = part.violations || defines(rewritten, part.entry, "violations")
		part.obligations = part.obligations || defines(rewritten, part.entry, "obligations")
		// Sidecars take a//b.rego and a/b.rego for one file, which are two modules: the number keeps them apart.
		name := path.Join(rootPackage, versionsPackage, rootName(version), strconv.Itoa(i+1), m.Path)
		part.files = append(part.files, file{name: name, body: text})
	}
	return part, nil
}

// defines reports whether the module has a rule at the name in the package of the entry point, or below it.
func defines(m *ast.Module, entry ast.Ref, name string) bool {
	asked := entry.Append(ast.StringTerm(name))
	for _, r := range m.Rules {
		if under(m.Package.Path, append(ast.Ref{nil}, ruleName(r)...)).HasPrefix(asked) {
			return true
		}
	}
	return m.Package.Path.HasPrefix(asked) && len(m.Rules) > 0
}

// ruleName is the ground beginning of the rule's reference, as strings.
func ruleName(r *ast.Rule) ast.Ref {
	ref := r.Head.Ref().GroundPrefix()
	name := make(ast.Ref, len(ref))
	copy(name, ref)
	if len(name) > 0 {
		if v, ok := name[0].Value.(ast.Var); ok {
			name[0] = ast.StringTerm(string(v))
		}
	}
	return name
}
