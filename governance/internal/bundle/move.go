package bundle

import (
	"errors"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"
)

// errRewritten is that the text of a module does not say what was to be written. It is a defect of the formatter or of ours; the version must not be served.
var errRewritten = errors.New("the rewritten module does not read as it was meant")

// parserOptions accept what any OPA of this version does: the profile has been enforced when the version was made.
func parserOptions() ast.ParserOptions { return ast.ParserOptions{RegoVersion: ast.RegoV1} }

// move puts the module under the root and returns it, as text too. Comments stay behind: sidecars would read annotations in them, which we do not.
func move(m *ast.Module, root ast.Ref) (text []byte, moved *ast.Module, err error) {
	m = m.Copy() // the parser shares terms with every other module, and the walk below writes
	m.Comments, m.Annotations = nil, nil
	imports := m.Imports[:0]
	for _, i := range m.Imports {
		if path, ok := i.Path.Value.(ast.Ref); ok && i.Alias == "" && path.Equal(ast.DefaultRootRef) {
			continue // `import data` names what has the name already; moved it would name something else
		}
		imports = append(imports, i)
	}
	m.Imports = imports
	if _, err := ast.Transform(ast.NewGenericTransformer(mover{root}.transform), m); err != nil {
		return nil, nil, err
	}
	formatted, err := format.AstWithOpts(m, format.Opts{RegoVersion: ast.RegoV1})
	if err == nil && readsAs(formatted, m) {
		return formatted, m, nil
	}
	// The formatter changes the meaning of a few forms, like nested `in`; the printer of syntax trees writes them out.
	if text = []byte(m.String()); readsAs(text, m) {
		return text, m, nil
	}
	return nil, nil, errors.Join(errRewritten, err)
}

// readsAs reports whether the text is the module.
func readsAs(text []byte, m *ast.Module) bool {
	read, err := ast.ParseModuleWithOpts("", string(text), parserOptions())
	return err == nil && read.Equal(m)
}

// mover moves references to `data` under a root. Nothing else can be named data: Rego v1 refuses variables and rules of the name.
type mover struct{ root ast.Ref }

func (m mover) transform(x any) (any, error) {
	switch x := x.(type) {
	case ast.Ref:
		if len(x) > 0 && x[0].Equal(ast.DefaultRootDocument) && !x.HasPrefix(m.root) { // rules' heads hold some terms twice
			return under(m.root, x), nil
		}
	case *ast.SomeDecl: // `some x in data.y`: the library's walk does not look inside
		for i, symbol := range x.Symbols {
			value, err := ast.Transform(ast.NewGenericTransformer(m.transform), symbol.Value)
			if err != nil {
				return nil, err
			}
			moved, ok := value.(ast.Value)
			if !ok {
				return nil, fmt.Errorf("a symbol became %T", value)
			}
			x.Symbols[i] = ast.NewTerm(moved).SetLocation(symbol.Location)
		}
	case *ast.TemplateString:
		x.Parts = joined(x.Parts)
	}
	return x, nil
}

// joined makes one of neighbouring constants, as they are when the text is read again: `$"{1} a"` is written `$"1 a"`.
func joined(parts []ast.Node) []ast.Node {
	var out []ast.Node
	for _, part := range parts {
		term, ok := part.(*ast.Term)
		if !ok {
			out = append(out, part)
			continue
		}
		text := term.String()
		if s, ok := term.Value.(ast.String); ok {
			text = string(s)
		}
		if n := len(out); n > 0 {
			if before, ok := out[n-1].(*ast.Term); ok {
				s, _ := before.Value.(ast.String)
				out[n-1] = ast.StringTerm(string(s) + text)
				continue
			}
		}
		out = append(out, ast.StringTerm(text).SetLocation(term.Location))
	}
	return out
}

// under returns the reference to `data` as one to the same below the root.
func under(root, ref ast.Ref) ast.Ref {
	moved := make(ast.Ref, 0, len(root)+len(ref)-1)
	return append(append(moved, root...), ref[1:]...)
}
