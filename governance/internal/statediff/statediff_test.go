package statediff_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/aumos-enterprise/platform/governance/internal/statediff"
)

func object(t *testing.T, text string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestDiff(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before, after string
		want          []statediff.Difference
	}{
		"nothing":          {`{"a":1,"b":[1,{"c":null}]}`, `{"b":[1.0,{"c":null}],"a":1e0}`, nil},
		"both absent":      {`null`, `null`, nil},
		"number by value":  {`{"a":0,"b":100}`, `{"a":-0.0,"b":1e2}`, nil},
		"number and text":  {`{"a":1}`, `{"a":"1"}`, []statediff.Difference{{"/a", statediff.Changed, 1.0, "1"}}},
		"null is a value":  {`{"a":null}`, `{"b":null}`, []statediff.Difference{{"/a", statediff.Removed, nil, nil}, {"/b", statediff.Added, nil, nil}}},
		"null and nothing": {`{"a":null}`, `{"a":false}`, []statediff.Difference{{"/a", statediff.Changed, nil, false}}},
		"created": {`null`, `{"b":{"c":1},"a":[1]}`, []statediff.Difference{
			{"/a", statediff.Added, nil, []any{1.0}}, {"/b", statediff.Added, nil, map[string]any{"c": 1.0}},
		}},
		"deleted": {`{"b":2,"a":1}`, `null`, []statediff.Difference{{"/a", statediff.Removed, 1.0, nil}, {"/b", statediff.Removed, 2.0, nil}}},
		"within": {
			`{"o":{"same":1,"x":{"y":1}},"l":[1,2,3]}`, `{"o":{"same":1,"x":{"y":2}},"l":[1,3]}`,
			[]statediff.Difference{{"/l/1", statediff.Changed, 2.0, 3.0}, {"/l/2", statediff.Removed, 3.0, nil}, {"/o/x/y", statediff.Changed, 1.0, 2.0}},
		},
		"array grows by number": {
			`{"l":[0,0,0,0,0,0,0,0,0]}`, `{"l":[0,0,1,0,0,0,0,0,0,9,10,11]}`,
			[]statediff.Difference{
				{"/l/2", statediff.Changed, 0.0, 1.0}, {"/l/9", statediff.Added, nil, 9.0}, {"/l/10", statediff.Added, nil, 10.0}, {"/l/11", statediff.Added, nil, 11.0},
			},
		},
		"other kind": {
			`{"a":{},"b":[],"c":{"x":1},"d":1}`, `{"a":[],"b":{},"c":1,"d":{"x":1}}`,
			[]statediff.Difference{
				{"/a", statediff.Changed, map[string]any{}, []any{}},
				{"/b", statediff.Changed, []any{}, map[string]any{}},
				{"/c", statediff.Changed, map[string]any{"x": 1.0}, 1.0},
				{"/d", statediff.Changed, 1.0, map[string]any{"x": 1.0}},
			},
		},
		// The names of RFC 6901, section 5.
		"escapes": {
			`{}`, `{"":0,"a/b":1,"m~n":8,"~1":2," ":7,"k\"l":6}`,
			[]statediff.Difference{
				{"/", statediff.Added, nil, 0.0},
				{"/ ", statediff.Added, nil, 7.0},
				{"/a~1b", statediff.Added, nil, 1.0},
				{`/k"l`, statediff.Added, nil, 6.0},
				{"/m~0n", statediff.Added, nil, 8.0},
				{"/~01", statediff.Added, nil, 2.0},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, statediff.Diff(object(t, tc.before), object(t, tc.after))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestPathsAreBounded compares states whose paths would take far more bytes than the states.
func TestPathsAreBounded(t *testing.T) {
	t.Parallel()
	deep := func(last float64) map[string]any {
		list := make([]any, 1000)
		for i := range list {
			list[i] = float64(i) + last
		}
		return map[string]any{strings.Repeat("n", 1000): map[string]any{"list": list}, "small": map[string]any{"x": last}}
	}
	got := statediff.Diff(deep(0), deep(1))
	if len(got) != 2 || got[1].Path != "/small" || got[1].Kind != statediff.Changed {
		t.Fatalf("%d differences", len(got))
	}
	if diff := cmp.Diff(deep(1), apply(t, deep(0), got)); diff != "" {
		t.Errorf("applied (-want +got):\n%s", diff)
	}
}

// TestEqualFieldsCostNoPaths compares states that have a long name above many values: what they have in common takes no memory to speak of.
func TestEqualFieldsCostNoPaths(t *testing.T) { // not parallel: counts allocations
	wide := func() map[string]any {
		values := map[string]any{}
		for i := range 2000 {
			values[strconv.Itoa(i)] = nil
		}
		return map[string]any{strings.Repeat("n", 30_000): values}
	}
	before, after := wide(), wide()
	cost := testing.Benchmark(func(b *testing.B) {
		b.Helper()
		for range b.N {
			if found := statediff.Diff(before, after); len(found) > 0 {
				b.Fatal(found)
			}
		}
	})
	if bytes := cost.AllocedBytesPerOp(); bytes > 2<<20 {
		t.Errorf("comparing equal states of 50 KB takes %d bytes", bytes)
	}
}

// value draws any JSON value of few names and numbers, so that two of them have much in common.
func value(depth int) *rapid.Generator[any] {
	scalars := []*rapid.Generator[any]{
		rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1, 1.5, 1e300}).AsAny(),
		rapid.SampledFrom([]string{"", "1", "a"}).AsAny(),
	}
	if depth == 0 {
		return rapid.OneOf(scalars...)
	}
	return rapid.OneOf(append(scalars,
		rapid.SliceOfN(value(depth-1), 0, 12).AsAny(), state(depth-1).AsAny())...)
}

func state(depth int) *rapid.Generator[map[string]any] {
	return rapid.MapOfN(rapid.SampledFrom([]string{"", "a", "b", "/", "~", "~1", "0", "10", "é"}), value(depth), 0, 6)
}

func TestDiffProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		before, after := state(3).Draw(t, "before"), state(3).Draw(t, "after")
		forth, back := statediff.Diff(before, after), statediff.Diff(after, before)
		if got := apply(t, before, forth); !statediff.Equal(got, after) {
			t.Errorf("applied to %v: %v, want %v", before, got, after)
		}
		if (len(forth) == 0) != statediff.Equal(before, after) {
			t.Errorf("%d differences between %v and %v", len(forth), before, after)
		}
		if again := statediff.Diff(before, after); cmp.Diff(forth, again) != "" {
			t.Errorf("first %v, then %v", forth, again)
		}
		inverse := map[statediff.Kind]statediff.Kind{statediff.Added: statediff.Removed, statediff.Removed: statediff.Added, statediff.Changed: statediff.Changed}
		if len(forth) != len(back) {
			t.Fatalf("forth %v, back %v", forth, back)
		}
		for i, d := range forth {
			if b := back[i]; b.Path != d.Path || b.Kind != inverse[d.Kind] || !statediff.Equal(b.Before, d.After) || !statediff.Equal(b.After, d.Before) {
				t.Errorf("forth %v, back %v", d, b)
			}
		}
	})
}

// apply makes the changes in a copy of the state, by the pointers alone.
func apply(t interface {
	Helper()
	Fatal(args ...any)
}, state map[string]any, differences []statediff.Difference,
) map[string]any {
	t.Helper()
	var root any = map[string]any{}
	if copied := clone(state); copied != nil {
		root = copied
	}
	for i := range differences { // what is removed from the end of an array goes from the end
		if d := differences[len(differences)-1-i]; d.Kind == statediff.Removed {
			root = set(t, root, strings.Split(d.Path, "/")[1:], d)
		}
	}
	for _, d := range differences {
		if d.Kind != statediff.Removed {
			root = set(t, root, strings.Split(d.Path, "/")[1:], d)
		}
	}
	return root.(map[string]any)
}

func set(t interface {
	Helper()
	Fatal(args ...any)
}, in any, path []string, d statediff.Difference,
) any {
	t.Helper()
	if len(path) == 0 {
		return clone(d.After)
	}
	name := strings.ReplaceAll(strings.ReplaceAll(path[0], "~1", "/"), "~0", "~")
	last := len(path) == 1
	switch in := in.(type) {
	case map[string]any:
		if _, has := in[name]; last && has == (d.Kind == statediff.Added) {
			t.Fatal(fmt.Sprintf("%+v does not fit", d))
		}
		if last && d.Kind == statediff.Removed {
			delete(in, name)
			return in
		}
		in[name] = set(t, in[name], path[1:], d)
		return in
	case []any:
		i, err := strconv.Atoi(name)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case last && d.Kind == statediff.Added && i == len(in):
			return append(in, clone(d.After))
		case last && d.Kind == statediff.Removed && i == len(in)-1:
			return in[:i]
		case i >= len(in) || last && d.Kind != statediff.Changed:
			t.Fatal(fmt.Sprintf("%+v does not fit", d))
		}
		in[i] = set(t, in[i], path[1:], d)
		return in
	default:
		t.Fatal(fmt.Sprintf("%+v names no part", d))
		return nil
	}
}

func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		copied := make(map[string]any, len(v))
		for name, each := range v {
			copied[name] = clone(each)
		}
		return copied
	case []any:
		copied := make([]any, len(v))
		for i, each := range v {
			copied[i] = clone(each)
		}
		return copied
	default:
		return v
	}
}

// FuzzDiff compares any two objects of JSON: the pointers alone lead from the one to the other.
func FuzzDiff(f *testing.F) {
	f.Add([]byte(`{"a":{"b~/c":[1,2,{"":null}]},"é":0}`), []byte(`{"a":{"b~/c":[1,{"":false}]},"~1":-0}`))
	f.Add([]byte(`{}`), []byte(`{"":{"":{"":[[[]]]}}}`))
	f.Add([]byte(`{"0":[1]}`), []byte(`{"0":{"0":1}}`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var before, after map[string]any
		if json.Unmarshal(a, &before) != nil || json.Unmarshal(b, &after) != nil {
			return
		}
		found := statediff.Diff(before, after)
		if got := apply(t, before, found); !statediff.Equal(got, or(after)) {
			t.Fatalf("applied to %s: %v, want %s", a, got, b)
		}
		if (len(found) == 0) != statediff.Equal(or(before), or(after)) {
			t.Fatalf("%d differences between %s and %s", len(found), a, b)
		}
		if !slices.IsSortedFunc(statediff.Diff(after, before), func(x, y statediff.Difference) int { return order(x.Path, y.Path) }) {
			t.Fatalf("between %s and %s the paths are out of order", b, a)
		}
	})
}

// or is the object that a state which is not there counts for.
func or(state map[string]any) map[string]any {
	if state == nil {
		return map[string]any{}
	}
	return state
}

// order is that of pointers by their parts: numbers of elements by their value, and names by their bytes. Where two paths part, both parts are of one
// object or one array; which of the two only matters for parts that are both numbers.
func order(a, b string) int {
	x, y := strings.Split(a, "/"), strings.Split(b, "/")
	for i := range min(len(x), len(y)) {
		if x[i] == y[i] {
			continue
		}
		_, errA := strconv.Atoi(x[i])
		_, errB := strconv.Atoi(y[i])
		if errA == nil && errB == nil {
			return 0
		}
		return strings.Compare(unescape(x[i]), unescape(y[i]))
	}
	return len(x) - len(y)
}

func unescape(token string) string {
	return strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
}
