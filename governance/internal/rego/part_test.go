package rego_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/structwire"
)

// partsInput has objects in objects, in lists, and one with more members than are looked at one by one.
func partsInput() map[string]any {
	large := map[string]any{"in": map[string]any{"x": 1.0}}
	for i := range 40 {
		large[fmt.Sprint("key", i)] = map[string]any{"i": float64(i)}
	}
	return map[string]any{
		"a": map[string]any{"x": map[string]any{"y": "deep", "n": 7.5}, "": "none", "null": nil}, "b": map[string]any{"x": map[string]any{"n": 7.5, "y": "deep"}},
		"list": []any{map[string]any{"x": map[string]any{"y": 1.0}}, []any{map[string]any{}}}, "empty": map[string]any{}, "large": large, "key": "a", "n": 3.0,
		"\ufb33": map[string]any{"\U0001f600": true},
	}
}

// Whatever a policy does with an object of the input, the machine finds what topdown finds.
func TestPartsAreObjects(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"input", "input.a", "input.a.x.y", "input.a.x.missing", "input.a.missing.y", "input.a[0]", `input.a[""]`, "input.a.null", "input[input.key]",
		"input[input.key].x", "input.a.y.z", "input.n.x", "input.empty", "input.empty.x", "input.list[0].x.y", "input.list[1][0]", "input.list.x",
		"input.large.key7.i", "input.large.in", "input.large", "input.large.missing", `input["\ufb33"]["\ud83d\ude00"]`, "input.a[{1}]", "input.a[input.b]",
		`object.get(input, "a", 1)`, `object.get(input, "missing", 1)`, `object.get(input, ["a", "x", "y"], 1)`, `object.get(input, ["a", "x", "z"], input.b)`,
		`object.get(input, ["a", "x", "y", "z"], 1)`, `object.get(input, ["list", 0, "x"], 1)`, `object.get(input, ["list", 0.0, "x"], 1)`, `object.get(input, [], 1)`,
		`object.get(input, 1, "none")`, `object.get(input, null, "none")`, `object.get(input.a, ["x"], 1)`, `object.get(input.a, {"x"}, 1)`,
		`object.get(input.a, input.b, input.a)`, `object.get(input, ["large", "in"], 1)`, `object.get(input.large, ["key3", "i"], 1)`, `object.get(input, ["a", "null"], 1)`,
		`object.get({"a": input.a}, ["a", "x", "n"], 1)`, `object.get(input, [input.key, "x"], 1)`, `object.get(input, {"a"}, 1)`, `object.get(input, "\ufb33", 1)`,
		"count(input)", "count(input.a)", "is_object(input.a)", "is_object(input.a.x)", "is_array(input.a)", "is_string(input.a)", "type_name(input.a)",
		"input.a == input.b", "input.a.x == input.b.x", `input.b == {"x": {"n": 7.5, "y": "deep"}}`, "input.a != input.b", "input.b.x < input.a.x",
		"[input.a, input.b.x]", "{input.a.x, input.b.x}", `{"k": input.a, "l": input.a.x}`, "{input.a.x: 1}", "[k | some k, _ in input.a]", "{v | some v in input.b}",
		"[v | some v in input]", "[x | x := input.a.x; x.n > 7]", "[y | x := input.a; y := x.x.y]", "object.keys(input.a)", "object.union(input.a, input.b)",
		"json.marshal(input.a)", "{x: y | some x; y := input.b[x]}", "input.b.x in [input.a.x]", "f(input.a)", "f(input.b)", "g(input, \"a\")", "h", "h.x", "k",
		"{y | some x in [input.a, input.b]; y := x.x}", "sprintf(\"%v\", [input.a.x])", `[1 | every k, v in input.b { k == "x"; v.n == 7.5 }]`, "e",
	} {
		source := "package p\nallow := " + value + `
f(o) := o.x
g(o, name) := o[name].x
default h := {}
h := input.a
k := input.missing
k := input.a if not input.missing
e := input.n if not input.a
else := input.a.x if input.a`
		c := compile(t, source)
		for way, in := range map[string]rego.Input{"a map": input(t, partsInput()), "the wire": fromWire(t, partsInput())} {
			answered, machine, topdown := rego.OnBoth(c, in, time.Unix(1_700_000_000, 0))
			if !answered || machine != topdown {
				t.Errorf("%s from %s: answered %t, %swant %s", value, way, answered, machine, topdown)
			}
		}
	}
}

// fromWire reads the input as a question does.
func fromWire(t *testing.T, values map[string]any) rego.Input {
	t.Helper()
	s, err := structpb.NewStruct(values)
	if err != nil {
		t.Fatal(err)
	}
	wire, err := proto.Marshal(&governancev1.EvaluateRequest{Input: s})
	if err != nil {
		t.Fatal(err)
	}
	var req governancev1.EvaluateRequest
	if err := structwire.Unmarshal(wire, &req); err != nil {
		t.Fatal(err)
	}
	if _, _, ok := structwire.Open(req.GetInput()); !ok {
		t.Fatal("the input was not left on the wire")
	}
	in, err := rego.InputOf(req.GetInput())
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// Several policies may have one input at the same time, as decision points and shadows do.
func TestPartsAreShared(t *testing.T) {
	t.Parallel()
	c := compile(t, "package p\nallow if { input.a.x == input.b.x; count(input) == 8 }")
	for range 20 {
		in := fromWire(t, partsInput())
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				if answered, machine, topdown := rego.OnBoth(c, in, time.Unix(1_700_000_000, 0)); !answered || machine != topdown || !strings.HasPrefix(machine, "true") {
					t.Errorf("answered %t, %swant %s", answered, machine, topdown)
				}
			})
		}
		group.Wait()
	}
}
