package rego

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
)

// nested are rules whose comprehensions stand within each other.
func nested(rules, depth int) Source {
	var b strings.Builder
	b.WriteString("package p\nallow if true\n")
	for i := range rules {
		fmt.Fprintf(&b, "r%d if { %strue%s }\n", i, strings.Repeat("1 in [1 | ", depth), strings.Repeat("]", depth))
	}
	return Source{Modules: []Module{{Path: "p.rego", Source: b.String()}}}
}

// What would take the type checker half a minute is refused at once, with the place; a few deep comprehensions are not, nor are many flat ones.
func TestClosuresAreBounded(t *testing.T) {
	t.Parallel()
	start := time.Now()
	_, _, err := compile(nested(400, 11), nil)
	p, ok := errors.AsType[problems](err)
	if !ok || len(p) != 1 || !strings.Contains(p[0].Message, "nested too deeply") || p[0].Row < 3 {
		t.Fatalf("after %s: %+v", time.Since(start), err)
	}
	for _, s := range []Source{nested(3, 11), nested(400, 3)} {
		if _, _, err := compile(s, nil); err != nil {
			t.Error(err)
		}
	}
}

// What a check costs grows as it was measured: by 2.6 with each level.
func TestClosureCost(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ depth, want int }{{0, 1}, {1, 3}, {2, 8}, {3, 21}, {10, 17711}} {
		m, err := ast.ParseModuleWithOpts("p.rego", nested(1, tt.depth).Modules[0].Source, ast.ParserOptions{RegoVersion: ast.RegoV1})
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := new(closures).body(m.Rules[1].Body); got != tt.want {
			t.Errorf("%d levels: %d, want %d", tt.depth, got, tt.want)
		}
	}
}
