package rego_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

// TestSize compares with the heap what versions are said to take. It runs by itself: tests at the same time would be counted, too.
func TestSize(t *testing.T) {
	sample, err := os.ReadFile("../../../examples/policies/retrain.rego")
	if err != nil {
		t.Fatal(err)
	}
	var rules, table strings.Builder
	for i := range 300 {
		fmt.Fprintf(&rules, "violations contains {\"code\": \"X%d\"} if input.a%d == %d\n", i, i, i)
		fmt.Fprintf(&table, "\"key%d\": [%d, %d],\n", i, i, i)
	}
	object := make(map[string]any)
	for i := range 2000 {
		object[fmt.Sprint("key", i)] = float64(i)
	}
	document, err := rego.NewData(object)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		source string
		data   rego.Data
	}{
		"the least":       {source: "package p\nallow := true"},
		"the sample":      {source: string(sample)},
		"rules":           {source: "package p\ndefault allow := false\n" + rules.String()},
		"a table":         {source: "package p\ndefault allow := false\nt := {" + table.String() + "}"},
		"a data document": {source: "package p\nallow := true", data: document},
	} {
		const n = 10
		kept := make([]*rego.Compiled, n)
		before := heapInUse()
		for i := range kept {
			data, err := rego.ParseData(c.data.JSON())
			if err != nil {
				t.Fatal(err)
			}
			if kept[i], err = rego.Compile(rego.Source{Modules: []rego.Module{{Path: "p.rego", Source: c.source}}, Data: data}); err != nil {
				t.Fatal(err)
			}
		}
		each := (heapInUse() - before) / n
		if said := kept[0].Size(); said < each*3/4 || said > each*2 {
			t.Errorf("%s takes %d bytes and is said to take %d", name, each, said)
		}
		runtime.KeepAlive(kept)
	}
}

func heapInUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what finalizers and pools still held
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) // far from overflow
}
