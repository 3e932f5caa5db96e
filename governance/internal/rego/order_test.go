package rego

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
)

// reversed is a body whose expressions give values to what those before them need.
func reversed(lines int) string {
	var b strings.Builder
	b.WriteString("package p\nallow if {\n")
	for i := lines; i > 0; i-- {
		fmt.Fprintf(&b, "\tx%d = x%d + 1\n", i, i-1)
	}
	return b.String() + "\tx0 = input.x\n}\n"
}

// inOrder is the same body the other way round.
func inOrder(lines int) string {
	var b strings.Builder
	b.WriteString("package p\nallow if {\n\tx0 = input.x\n")
	for i := range lines {
		fmt.Fprintf(&b, "\tx%d = x%d + 1\n", i+1, i)
	}
	return b.String() + "}\n"
}

// What would take the compiler minutes or more is refused at once, with the place, however it is hidden. What is in the order in which it is read may be long.
func TestOrderIsBounded(t *testing.T) {
	t.Parallel()
	var comprehensions strings.Builder
	comprehensions.WriteString("package p\nallow if {\n\tx0 = [input.x]\n")
	for i := range 1500 {
		fmt.Fprintf(&comprehensions, "\tx%d = [y | some y in x%d]\n", i+1, i)
	}
	comprehensions.WriteString("}\n")
	inner := strings.NewReplacer("allow if {", "allow if {\n\tcount([1 | ", "x0 = input.x\n", "x0 = input.x]) > 0\n", " + 1\n", " + 1;\n")
	for name, source := range map[string]string{
		"reversed": reversed(2000), "the most lines": reversed(4990), "in a comprehension": inner.Replace(reversed(2000)), "comprehensions": comprehensions.String(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			_, _, err := compile(Source{Modules: []Module{{Path: "p.rego", Source: source}}}, nil)
			p, ok := errors.AsType[problems](err)
			if !ok || len(p) != 1 || !strings.Contains(p[0].Message, "put in order") || p[0].Row != 2 {
				t.Fatalf("after %s: %+v", time.Since(start), err)
			}
		})
	}
	for name, source := range map[string]string{"reversed": reversed(100), "in order": inOrder(1000)} {
		if _, err := Compile(Source{Modules: []Module{{Path: "p.rego", Source: source}}}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The order that is worked out is the compiler's: so is what it costs.
func TestOrderIsTheCompilers(t *testing.T) {
	t.Parallel()
	lines := []string{
		"a = input.a", "b = a + 1", "c = [y | y = b]", "d = {k: v | some k, v in c}", "every k, v in d { e = v + k; e > a }", "not f", "f = b > 2",
		"g = count(c)", "[h, i] = [a, j]", "j = g", "l = c[_]", "m = [n | n = [o | o = l; p = o]]", "q = input.xs[r]", "r > 1", "walk(input, [s, u])", "w = u with input.z as a",
	}
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // a test's
		body := slices.Clone(lines)
		r.Shuffle(len(body), func(i, j int) { body[i], body[j] = body[j], body[i] })
		module := ast.MustParseModule("package p\nallow if {\n" + strings.Join(body, "\n") + "\n}")
		var want []string
		c := ast.NewCompiler().WithStageAfterID(ast.StageCheckSafetyRuleHeads, ast.CompilerStageDefinition{Name: "T", MetricName: "t", Stage: func(c *ast.Compiler) *ast.Error {
			ordered, fits := (&ordering{compiler: c}).order(c.Modules["p"].Rules[0].Body, &scope{vars: ast.ReservedVars.Copy()})
			for _, l := range ordered {
				want = append(want, l.expr.String())
			}
			if !fits {
				t.Error("too long")
			}
			return nil
		}}).WithStageAfterID(ast.StageCheckSafetyRuleBodies, ast.CompilerStageDefinition{Name: "U", MetricName: "u", Stage: func(c *ast.Compiler) *ast.Error {
			var got []string
			for _, e := range c.Modules["p"].Rules[0].Body {
				got = append(got, e.String())
			}
			if !slices.Equal(got, want) {
				t.Errorf("seed %d:\n%s\nwant\n%s", seed, strings.Join(want, "\n"), strings.Join(got, "\n"))
			}
			return nil
		}})
		if c.Compile(map[string]*ast.Module{"p": module}); c.Failed() {
			t.Fatalf("%v in\n%s", c.Errors, module)
		}
	}
}
