package rego_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

// changes writes a diff as lines.
func changes(d rego.Diff) []string {
	list := []string{}
	for _, c := range d.Rules {
		at := func(l rego.Location) string {
			if l == (rego.Location{}) {
				return "-"
			}
			return fmt.Sprintf("%d:%d:%d", l.Module, l.Row, l.Column)
		}
		kind := map[rego.ChangeKind]string{rego.Added: "added", rego.Removed: "removed", rego.Changed: "changed"}[c.Kind]
		list = append(list, fmt.Sprintf("%s %s %s %s -> %s", kind, c.Package, c.Name, at(c.Old), at(c.New)))
	}
	return list
}

func TestCompare(t *testing.T) {
	t.Parallel()
	one := func(source string) []string { return []string{source} }
	for name, test := range map[string]struct {
		from, to []string
		want     []string
	}{
		"nothing": {one("package p\nallow := true"), one("package p\nallow := true"), []string{}},
		"format and comments": {
			one("package p\nallow if { input.x == 1; f(_) }\nf(_) := {1, 2}\nx := \"a\\n\""),
			one("# what it does\npackage p\n\n# METADATA\n# title: t\nx = `a\n`\n\nf(_) := {\n\t2, # two\n\t1,\n}\n\nallow if {\n\tinput.x == 1\n\tf(_)\n}\n"),
			[]string{},
		},
		"wildcards before": {
			one("package p\nallow if input.a[_] == input.b[_]\nx if input.c[_]"),
			one("package p\ny if { some i; input.l[i][_] }\nallow if input.a[_] == input.b[_]\nx if input.c[_]"),
			[]string{"added p y - -> 0:2:1"},
		},
		"changed, added and removed": {
			one("package p\ndefault allow := false\nallow if input.x > 1\nold := 1\nf(x) := x"),
			one("package p\ndefault allow := false\nallow if input.x > 2\nfresh := 1\nf(x) := x + 1"),
			[]string{"changed p allow 0:3:1 -> 0:3:1", "changed p f 0:5:1 -> 0:5:1", "added p fresh - -> 0:4:1", "removed p old 0:4:1 -> -"},
		},
		"the default": {
			one("package p\ndefault allow := false\nallow if input.x"), one("package p\ndefault allow := true\nallow if input.x"),
			[]string{"changed p allow 0:2:1 -> 0:2:1"},
		},
		"else": {
			one("package p\nf := 1 if input.x\nelse := 2 if input.y"), one("package p\nf := 1 if input.x\nelse := 3 if input.y"),
			[]string{"changed p f 0:2:1 -> 0:2:1"},
		},
		"order, and one of several": {
			one("package p\nv contains 1 if input.a\nv contains 2 if input.b\nv contains 3 if input.c"),
			one("package p\nv contains 3 if input.c\nv contains 1 if input.a\nv contains 4 if input.d\nv contains 2 if input.b"),
			[]string{"added p v - -> 0:4:1"},
		},
		"twice the same": {
			one("package p\nv contains 1 if input.a\nv contains 1 if input.a"), one("package p\nv contains 1 if input.a"),
			[]string{"removed p v 0:3:1 -> -"},
		},
		"names of imports": {
			[]string{"package p\nimport data.lib as l\nallow if l.f(1)", "package lib\nf(x) := x"},
			[]string{"package p\nimport data.lib.f\nallow if f(1)", "package lib\nf(x) := x"},
			[]string{},
		},
		"what an import means": {
			[]string{"package p\nimport data.lib as l\nallow if l.f(1)", "package lib\nf(x) := x", "package lib2\nf(x) := x"},
			[]string{"package p\nimport data.lib2 as l\nallow if l.f(1)", "package lib\nf(x) := x", "package lib2\nf(x) := x"},
			[]string{"changed p allow 0:3:1 -> 0:3:1"},
		},
		"moved to another module": {
			one("package p\nallow if f(1)\nf(x) := x"), []string{"package p\nallow if f(1)", "package p\nf(x) := x"}, []string{},
		},
		"moved to another package": {
			one("package p\nallow := true"), one("package q\nallow := true"), []string{"removed p allow 0:2:1 -> -", "added q allow - -> 0:2:1"},
		},
		"keys of objects": {
			one("package p\nlimits.eu := 1\nlimits.us := 2\nlimits[x] := 3 if some x in input.l"),
			one("package p\nlimits.eu := 1\nlimits.us := 3\nlimits[y] := 3 if some y in input.l"),
			[]string{"changed p limits 0:4:1 -> 0:4:1", "changed p limits.us 0:3:1 -> 0:3:1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := rego.Compare(modulesOf(test.from...), modulesOf(test.to...))
			if diff := cmp.Diff(test.want, changes(d)); diff != "" || !d.Compared {
				t.Errorf("compared %t (-want +got):\n%s", d.Compared, diff)
			}
			back := rego.Compare(modulesOf(test.to...), modulesOf(test.from...))
			if back.Added != d.Removed || back.Removed != d.Added || back.Changed != d.Changed {
				t.Errorf("forth %+v, back %+v", d, back)
			}
		})
	}
}

func TestComparePackages(t *testing.T) {
	t.Parallel()
	d := rego.Compare(modulesOf("package p\nallow := true", "package a.b\n"), modulesOf("package q\nallow := true", "package a.b\n", "package c\n"))
	if diff := cmp.Diff([]string{"c", "q"}, d.PackagesAdded); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"p"}, d.PackagesRemoved); diff != "" {
		t.Error(diff)
	}
	if d := rego.Compare(modulesOf("package p\nallow if {"), modulesOf("package p\nallow := true")); d.Compared || len(d.Rules) > 0 {
		t.Errorf("what does not parse: %+v", d)
	}
}

func TestCompareIsBounded(t *testing.T) {
	t.Parallel()
	var from, to strings.Builder
	name := strings.Repeat("p", 300)
	for i := range 1900 {
		fmt.Fprintf(&from, "r%d := 1\n", i)
		fmt.Fprintf(&to, "s%d := 1\n", i)
	}
	d := rego.Compare(modulesOf("package "+name+"\n"+from.String()), modulesOf("package "+name+"\n"+to.String()))
	if len(d.Rules) != 1000 || d.Added != 1900 || d.Removed != 1900 || len(d.Rules[0].Package) > 256 {
		t.Errorf("%d rules, %d added, %d removed", len(d.Rules), d.Added, d.Removed)
	}
}

// The engine's own formatter changes nothing that counts.
func TestCompareFormatted(t *testing.T) {
	t.Parallel()
	shipped, err := os.ReadFile("../../../examples/policies/retrain.rego")
	if err != nil {
		t.Fatal(err)
	}
	sources := []string{string(shipped)}
	for _, a := range attacks {
		sources = append(sources, "package p\n"+a.source)
	}
	compared := 0
	for _, source := range sources {
		formatted, err := format.SourceWithOpts("p.rego", []byte(source), format.Opts{RegoVersion: ast.RegoV1})
		if err != nil {
			continue // no Rego
		}
		d := rego.Compare(modulesOf(source), modulesOf(string(formatted)))
		if len(d.Rules) > 0 {
			t.Errorf("%v by formatting\n%s", changes(d), source)
		}
		if d.Compared {
			compared++
		}
	}
	if compared < len(sources)/2 {
		t.Errorf("%d of %d compared", compared, len(sources))
	}
}
