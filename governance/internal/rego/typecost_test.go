package rego

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// tables is a version in which many rules look into a table of many rules, each by itself.
func tables(rows, readers int) Source {
	var b strings.Builder
	b.WriteString("package p\nallow if r0\n")
	for i := range rows {
		fmt.Fprintf(&b, "table[\"k%d\"] := {\"a%d\": [%d, {\"b%d\": true}]}\n", i, i, i, i)
	}
	for i := range readers {
		fmt.Fprintf(&b, "r%d if { some k; table[k].a%d[0] == 3; table[k] == table[\"k%d\"] }\n", i, i, i)
	}
	return Source{Modules: []Module{{Path: "p.rego", Source: b.String()}}}
}

// The type of each reference is made of the types of all rules that it may lead to: many of both took a quarter of a minute.
func TestReferencesAreBounded(t *testing.T) {
	t.Parallel()
	_, _, err := compile(tables(900, 900), nil)
	p, ok := errors.AsType[problems](err)
	if !ok || len(p) != 1 || !strings.Contains(p[0].Message, "too many rules") || p[0].Row < 900 {
		t.Errorf("%+v", err)
	}
	for _, s := range []Source{tables(900, 10), tables(10, 900)} {
		if _, _, err := compile(s, nil); err != nil {
			t.Error(err)
		}
	}
}
