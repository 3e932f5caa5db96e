package decision

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

func mustMask(t testing.TB, point string, list ...Mask) *masks {
	t.Helper()
	m, err := newMasks(list, point)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMasks(t *testing.T) {
	t.Parallel()
	const in = `{"":1,"a/b":2,"applicant":{"age":41,"name":"Ann \"[{,:}]\" \\"},"m~n":3,"people":[{"email":"a@x","id":1},{"email":null},7,[{"email":"b"}]],"é":{}}`
	for _, tt := range []struct {
		paths, want string
		count       int
	}{
		{"/applicant/name", `{"":1,"a/b":2,"applicant":{"age":41,"name":null},"m~n":3,"people":[{"email":"a@x","id":1},{"email":null},7,[{"email":"b"}]],"é":{}}`, 1},
		{"/people/*/email", `{"":1,"a/b":2,"applicant":{"age":41,"name":"Ann \"[{,:}]\" \\"},"m~n":3,"people":[{"email":null,"id":1},{"email":null},7,[{"email":"b"}]],"é":{}}`, 2},
		{"/people/2 /people/0/id", `{"":1,"a/b":2,"applicant":{"age":41,"name":"Ann \"[{,:}]\" \\"},"m~n":3,"people":[{"email":"a@x","id":null},{"email":null},null,[{"email":"b"}]],"é":{}}`, 2},
		{"/people /people/0/id", `{"":1,"a/b":2,"applicant":{"age":41,"name":"Ann \"[{,:}]\" \\"},"m~n":3,"people":null,"é":{}}`, 1},
		{"/a~1b /m~0n / /é", `{"":null,"a/b":null,"applicant":{"age":41,"name":"Ann \"[{,:}]\" \\"},"m~n":null,"people":[{"email":"a@x","id":1},{"email":null},7,[{"email":"b"}]],"é":null}`, 4},
		{"/*", `{"":null,"a/b":null,"applicant":null,"m~n":null,"people":null,"é":null}`, 6},
		{"/*/* /*/*/email", `{"":1,"a/b":2,"applicant":{"age":null,"name":null},"m~n":3,"people":[null,null,null,null],"é":{}}`, 6},
		{"/people/00/id /people/-/id /applicant/name/x /nobody /people/9", in, 0},
	} {
		var list []Mask
		for path := range strings.FieldsSeq(tt.paths) {
			list = append(list, Mask{Path: path})
		}
		got, hidden := mustMask(t, "", list...).apply([]byte(in))
		count := len(hidden)
		if string(got) != tt.want || count != tt.count {
			t.Errorf("%s: %d masked, want %d:\n%s\n%s", tt.paths, count, tt.count, got, tt.want)
		}
	}
}

func TestMasksOfDecisionPoints(t *testing.T) {
	t.Parallel()
	list := []Mask{{Path: "/a"}, {Path: "/b", DecisionPoint: "model.promote"}}
	for point, want := range map[string]string{"": `{"a":null,"b":2}`, "other.point": `{"a":null,"b":2}`, "model.promote": `{"a":null,"b":null}`} {
		if got, _ := mustMask(t, point, list...).apply([]byte(`{"a":1,"b":2}`)); string(got) != want {
			t.Errorf("%q: %s, want %s", point, got, want)
		}
	}
	if m := mustMask(t, "a.b", list[1]); m != nil {
		t.Error("masks of another decision point are there")
	}
}

func TestMaskPathsRefused(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"a":                                    "must begin with /",
		"/a~b":                                 `in "a~b"`,
		"/a/~":                                 `in "~"`,
		"/~0~2":                                `in "~0~2"`,
		strings.Repeat("/*", 33):               "32 levels",
		"/a\x00b":                              "U+0000",
		"/" + strings.Repeat("x/", 40) + "end": "32 levels",
	} {
		_, err := parseMask(path)
		e, ok := errors.AsType[*errs.Error](err)
		if !ok || e.Reason != errs.ReasonInvalidField || len(e.Violations) != 1 || !strings.Contains(e.Violations[0].Description, want) {
			t.Errorf("%q: %+v, want %s", path, err, want)
		}
	}
}

var maskKeys = []string{"a", "b", "", "*", "0", "1", "~", "/", "é\"\\", "a\nb", "😀"}

func maskedValue(depth int) *rapid.Generator[any] {
	leaves := rapid.OneOf(
		rapid.Just[any](nil), rapid.Map(rapid.Bool(), func(b bool) any { return b }), rapid.Map(rapid.Float64(), func(f float64) any { return f }),
		rapid.Map(rapid.StringMatching(`[\[\]{}",:\\a]{0,6}`), func(s string) any { return s }),
	)
	if depth == 0 {
		return leaves
	}
	inner := rapid.Deferred(func() *rapid.Generator[any] { return maskedValue(depth - 1) })
	return rapid.OneOf(
		leaves,
		rapid.Map(rapid.SliceOfN(inner, 0, 3), func(l []any) any { return l }),
		rapid.Map(rapid.MapOfN(rapid.SampledFrom(maskKeys), inner, 0, 4), func(m map[string]any) any { return m }),
	)
}

// naive masks a tree by following each path by itself.
func naive(v any, tokens []string) (any, int) {
	if len(tokens) == 0 {
		return masked{}, 1
	}
	count := 0
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if tokens[0] == "*" || tokens[0] == k {
				var n int
				v[k], n = naive(e, tokens[1:])
				count += n
			}
		}
	case []any:
		for i, e := range v {
			if tokens[0] == "*" || tokens[0] == strconv.Itoa(i) {
				var n int
				v[i], n = naive(e, tokens[1:])
				count += n
			}
		}
	}
	return v, count
}

type masked struct{}

// settle replaces what was masked by null and counts it.
func settle(v any) (any, int) {
	count := 0
	switch v := v.(type) {
	case masked:
		return nil, 1
	case map[string]any:
		for k, e := range v {
			var n int
			v[k], n = settle(e)
			count += n
		}
	case []any:
		for i, e := range v {
			var n int
			v[i], n = settle(e)
			count += n
		}
	}
	return v, count
}

// Masking the text gives what masking the tree gives, for any input and any masks.
func TestMaskingProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tree := rapid.MapOfN(rapid.SampledFrom(maskKeys), maskedValue(4), 0, 5).Draw(t, "input")
		in, err := rego.NewInput(tree)
		if err != nil {
			t.Fatal(err)
		}
		paths := rapid.SliceOfN(rapid.SliceOfN(rapid.SampledFrom(append(maskKeys, "*", "*")), 1, 4), 0, 5).Draw(t, "masks")
		var list []Mask
		var want any = tree
		for _, tokens := range paths {
			escaped := make([]string, len(tokens))
			for i, token := range tokens {
				escaped[i] = "/" + strings.ReplaceAll(strings.ReplaceAll(token, "~", "~0"), "/", "~1")
			}
			list = append(list, Mask{Path: strings.Join(escaped, "")})
			want, _ = naive(want, tokens)
		}
		want, wantCount := settle(want)
		m, err := newMasks(list, "")
		if err != nil {
			t.Fatal(err)
		}
		got, hidden := m.apply(in.JSON())
		count := len(hidden)
		expected, err := rego.NewInput(want.(map[string]any))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(expected.JSON()) || count != wantCount {
			t.Errorf("%d masked, want %d:\n%s\n%s", count, wantCount, got, expected.JSON())
		}
	})
}

// No input and no mask makes masking panic, or gives anything but canonical JSON without what stood at the place.
func FuzzMasking(f *testing.F) {
	f.Add(`{"a":{"b":[1,{"c":"x\"}"}]}}`, "/a/b/*/c")
	f.Add(`{"\\":"\u2028","é":[[],{}]}`, "/é/0")
	f.Add(`{"":{"":-1e-7}}`, "//")
	f.Fuzz(func(t *testing.T, text, path string) {
		var values map[string]any
		if json.Unmarshal([]byte(text), &values) != nil {
			return
		}
		in, err := rego.NewInput(values)
		if err != nil {
			return
		}
		m, err := newMasks([]Mask{{Path: path}}, "")
		if err != nil {
			return
		}
		got, hidden := m.apply(in.JSON())
		n := len(hidden)
		again, err := rego.ParseInput(got)
		if err != nil || n == 0 && again.SHA256() != in.SHA256() {
			t.Fatalf("%d masked: %s, %v", n, got, err)
		}
		if twice, _ := m.apply(got); string(twice) != string(got) {
			t.Errorf("masked twice: %s, once: %s", twice, got)
		}
	})
}
