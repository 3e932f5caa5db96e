package rego

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// What one step may show.
const (
	maxExpression = 200 // bytes of an expression
	maxValue      = 64  // bytes of a value
	maxValues     = 8   // of variables and parts of the input
	maxIndent     = 32
)

// steps writes events as lines, until they fill the limits. Nothing that a policy computes makes a step expensive: values are written no further than they
// are shown, and expressions once.
type steps struct {
	compiled *Compiled
	left     int // bytes
	lines    []string
	full     bool
	depth    map[uint64]int        // of queries, by their ids
	nodes    map[ast.Node]stepNode // what is the same in every step at the node
}

// stepNode is what the source says at a node.
type stepNode struct {
	text   string
	hidden bool        // none of the author's
	shown  []*ast.Term // variables and references into the input, whose values are shown
	names  []string    // theirs
}

func newSteps(c *Compiled, bytes int) *steps {
	return &steps{compiled: c, left: bytes, depth: make(map[uint64]int), nodes: make(map[ast.Node]stepNode)}
}

// add reports whether there was room for the event.
func (s *steps) add(e topdown.Event) bool {
	if s.full {
		return false
	}
	switch e.Op {
	case topdown.EnterOp, topdown.ExitOp, topdown.EvalOp, topdown.FailOp, topdown.DuplicateOp:
	default:
		return true // of interest to authors of engines; where the evaluation goes back to is seen by what it tries next
	}
	n, ok := s.node(e.Node)
	if !ok || n.hidden {
		return true
	}
	line := s.line(e, n)
	if s.left -= len(line); s.left < 0 || len(s.lines) == MaxSteps {
		s.full = true
		return false
	}
	s.lines = append(s.lines, line)
	return true
}

func (s *steps) line(e topdown.Event, n stepNode) string {
	depth, known := s.depth[e.QueryID]
	if !known {
		if parent, ok := s.depth[e.ParentID]; ok {
			depth = min(parent+1, maxIndent)
		}
		s.depth[e.QueryID] = depth
	}
	if _, expr := e.Node.(*ast.Expr); expr {
		depth++
	}
	var b strings.Builder
	b.WriteString(strings.Repeat("| ", depth))
	fmt.Fprintf(&b, "%-5s %s%s", e.Op, s.place(e.Location), n.text)
	var values []string
	for i, t := range n.shown {
		if v := valueOf(e, t); v != nil {
			values = append(values, n.names[i]+": "+shortText(v))
		}
	}
	if len(values) > 0 {
		b.WriteString("    {" + strings.Join(values, ", ") + "}")
	}
	return b.String()
}

func (s *steps) place(at *ast.Location) string {
	if i, ok := moduleOf(at); ok && i < len(s.compiled.paths) {
		return fmt.Sprintf("%s:%d: ", clip(s.compiled.paths[i], maxValue), at.Row)
	}
	return ""
}

// valueOf is what the variable or the place of the input has at the event, nil when nothing yet.
func valueOf(e topdown.Event, t *ast.Term) *ast.Term {
	if ref, ok := t.Value.(ast.Ref); ok {
		if e.Input() == nil {
			return nil
		}
		v, err := e.Input().Value.Find(ref[1:])
		if err != nil {
			return nil
		}
		return ast.NewTerm(v)
	}
	v := e.Plug(t)
	if _, unbound := v.Value.(ast.Var); unbound {
		return nil
	}
	return v
}

// node returns what is to be said of rules and expressions; ok is false for what is neither, as the body that holds them.
func (s *steps) node(node ast.Node) (n stepNode, ok bool) {
	switch node.(type) {
	case *ast.Rule, *ast.Expr:
	default:
		return n, false
	}
	if n, ok = s.nodes[node]; ok {
		return n, true
	}
	switch node := node.(type) {
	case *ast.Rule:
		n.text = clip(node.Ref().GroundPrefix().String(), maxExpression)
	case *ast.Expr:
		n = s.expr(node)
	}
	s.nodes[node] = n // of the compiled version's nodes, which are bounded
	return n, true
}

// generated is how the compiler names the variables that it makes or renames.
var generated = regexp.MustCompile(`__local(\d+)__\d*`)

func (s *steps) expr(e *ast.Expr) (n stepNode) {
	if ref := e.Operator(); e.Location == nil || ref != nil && ref.String() == checkName {
		n.hidden = true // what decisions ask, and our checks
		return n
	}
	n.text = s.text(e)
	seen := make(map[string]bool)
	show := func(t *ast.Term, name string) {
		if name = s.named(name); len(n.shown) < maxValues && !seen[name] {
			seen[name] = true
			n.shown, n.names = append(n.shown, t), append(n.names, clip(name, maxValue))
		}
	}
	ast.WalkTerms(e, func(t *ast.Term) bool {
		switch v := t.Value.(type) {
		case ast.Var:
			if !ast.ReservedVars.Contains(v) && !v.IsWildcard() {
				show(t, string(v))
			}
		case ast.Ref:
			if v[0].Equal(ast.InputRootDocument) && len(v) > 1 && v.IsGround() {
				show(t, v.String())
			}
			return v[0].Equal(ast.InputRootDocument) && v.IsGround()
		case *ast.ArrayComprehension, *ast.SetComprehension, *ast.ObjectComprehension:
			return true // its body's expressions are steps of their own
		}
		return false
	})
	return n
}

// text is the expression as it is evaluated: the compiler has taken the source apart into one call each. Where it has a body of its own, which has our
// checks in it, the source is shown.
func (s *steps) text(e *ast.Expr) string {
	inner := false
	ast.WalkBodies(e, func(ast.Body) bool {
		inner = true
		return true
	})
	text := string(e.Location.Text)
	if !inner {
		text = e.String()
	}
	return clip(oneLine(s.named(clip(text, 4*maxExpression))), maxExpression)
}

// named gives back the names that the compiler has changed, those of variables and of guarded builtins, and shortens those that it has made.
func (s *steps) named(text string) string {
	text = generated.ReplaceAllStringFunc(text, func(name string) string {
		if written, ok := s.compiled.compiler.RewrittenVars[ast.Var(name)]; ok && !generated.MatchString(string(written)) {
			return string(written)
		}
		return "_" + generated.FindStringSubmatch(name)[1]
	})
	return strings.ReplaceAll(text, guardedName(""), "")
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// shortText writes a value no further than it is shown.
func shortText(t *ast.Term) string {
	var b strings.Builder
	writeShort(&b, t)
	return clip(b.String(), maxValue)
}

func writeShort(b *strings.Builder, t *ast.Term) (full bool) {
	each := func(open, end string, until func(func(*ast.Term, *ast.Term) bool) bool) bool {
		b.WriteString(open)
		first := true
		full := until(func(k, v *ast.Term) bool {
			if !first {
				b.WriteString(", ")
			}
			first = false
			if k != nil {
				if writeShort(b, k) {
					return true
				}
				b.WriteString(": ")
			}
			return writeShort(b, v)
		})
		b.WriteString(end)
		return full
	}
	switch v := t.Value.(type) {
	case ast.String:
		fmt.Fprintf(b, "%q", clip(string(v), maxValue))
	case *ast.Array:
		return each("[", "]", func(f func(*ast.Term, *ast.Term) bool) bool {
			return v.Until(func(e *ast.Term) bool { return f(nil, e) })
		})
	case ast.Set:
		return each("{", "}", func(f func(*ast.Term, *ast.Term) bool) bool {
			return v.Until(func(e *ast.Term) bool { return f(nil, e) })
		})
	case ast.Object:
		return each("{", "}", v.Until)
	case ast.Number, ast.Boolean, ast.Null:
		b.WriteString(v.String())
	default:
		b.WriteString("…") // not computed at this step
	}
	return b.Len() > maxValue
}
