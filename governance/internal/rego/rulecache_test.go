package rego_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

// More rules, calls and arguments than the cache keeps in its list, some undefined, and with other values under `with`.
func TestEvaluateManyRules(t *testing.T) {
	t.Parallel()
	var source, all strings.Builder
	for i := range 60 {
		fmt.Fprintf(&source, "r%d := %d\n\nabsent%d if input.absent\n\n", i, i, i)
		fmt.Fprintf(&all, "\tr%d == %d\n\tdouble(r%d) == %d\n\tdouble(%d) == %d\n\tnot absent%d\n\tnot absent%d\n", i, i, i, 2*i, i, 2*i, i, i)
	}
	c := compile(t, `package p

default allow := false

double(n) := 2 * n

named := input.name

both := [named, size]

size := count(named)

`+source.String()+`
allow if {
	both == ["ab", 2]
	both == ["abc", 3] with input.name as "abc"
	[named, both] == ["abcd", ["abcd", 4]] with input.name as "abcd"
	absent3 with input.absent as true
`+all.String()+`	both == ["ab", 2]
}
`)
	r, err := engine(t, rego.Config{Deadline: time.Minute}).Evaluate(t.Context(), question(c, input(t, map[string]any{"name": "ab"})))
	if err != nil || r.Outcome != rego.Allow {
		t.Errorf("got %+v, %v, want ALLOW", r, err)
	}
}
