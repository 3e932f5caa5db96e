package rego_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// The digest is that of RFC 8785 canonical JSON.
func TestInputDigest(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, source, canonical string
	}{
		{"empty", `{}`, `{}`},
		{
			"RFC 8785 section 3.2.2",
			`{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
			  "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
			  "literals": [null, true, false]}`,
			`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
		},
		{
			"RFC 8785 section 3.2.3: keys by UTF-16 code units",
			`{"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
			  "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"}`,
			"{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u0080\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\"," +
				"\"😀\":\"Emoji: Grinning Face\",\"\ufb33\":\"Hebrew Letter Dalet With Dagesh\"}",
		},
		// RFC 8785 appendix B.
		{
			"numbers", `{"n": [0, -0.0, 5e-324, 1.7976931348623157e308, 9007199254740992, 295147905179352830000, 1e21, 999999999999999900000, 1e-7, 0.000001]}`,
			`{"n":[0,0,5e-324,1.7976931348623157e+308,9007199254740992,295147905179352830000,1e+21,999999999999999900000,1e-7,0.000001]}`,
		},
		{"no escapes for HTML or separators", "{\"s\": \"<a>&\u2028\"}", "{\"s\":\"<a>&\u2028\"}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var v map[string]any
			if err := json.Unmarshal([]byte(tt.source), &v); err != nil {
				t.Fatal(err)
			}
			in := input(t, v)
			if parsed, err := rego.ParseInput(in.JSON()); err != nil || string(in.JSON()) != tt.canonical || parsed.SHA256() != in.SHA256() {
				t.Errorf("JSON %s reads as %s, %v", in.JSON(), parsed.JSON(), err)
			}
			got, want := in.SHA256(), sha256.Sum256([]byte(tt.canonical))
			if got != want {
				t.Errorf("digest %s, want %s of %s", hex.EncodeToString(got[:]), hex.EncodeToString(want[:]), tt.canonical)
			}
		})
	}
}

func TestParseInputRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "[]", "{", `{"b":1,"a":2}`, `{"a": 1}`, `{"a":1.0}`, "null"} {
		if in, err := rego.ParseInput([]byte(text)); err == nil {
			t.Errorf("%q reads as %s", text, in.JSON())
		}
	}
}

func TestInputLimits(t *testing.T) {
	t.Parallel()
	nested := func(levels int) map[string]any {
		v := map[string]any{}
		for range levels - 1 {
			v = map[string]any{"k": v}
		}
		return v
	}
	sized := func(n int) map[string]any { return map[string]any{"k": strings.Repeat("x", n-len(`{"k":""}`))} }
	tests := []struct {
		name  string
		input map[string]any
		ok    bool
	}{
		{"deepest", nested(rego.MaxInputDepth), true},
		{"too deep", nested(rego.MaxInputDepth + 1), false},
		{"largest", sized(rego.MaxInputBytes), true},
		{"too large", sized(rego.MaxInputBytes + 1), false},
		{"NaN", map[string]any{"n": math.NaN()}, false},
		{"infinite", map[string]any{"n": []any{math.Inf(-1)}}, false},
		{"not UTF-8", map[string]any{"s": "\xff"}, false},
		{"key not UTF-8", map[string]any{"\xff": 1.0}, false},
		{"not JSON", map[string]any{"n": 1}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := rego.NewInput(tt.input)
			if tt.ok && err != nil {
				t.Errorf("refused: %v", err)
			}
			if !tt.ok && errs.ReasonOf(err) != errs.ReasonInvalidField {
				t.Errorf("got %v, want %s", err, errs.ReasonInvalidField)
			}
		})
	}
}

// What the policy sees is what was digested.
func TestInputValues(t *testing.T) {
	t.Parallel()
	c := compile(t, `package p
allow if input == {"n": 1.5, "i": 3, "big": 1e21, "b": true, "z": null, "s": "<é>", "a": [1, {"x": []}]}`)
	in := map[string]any{"n": 1.5, "i": 3.0, "big": 1e21, "b": true, "z": nil, "s": "<é>", "a": []any{1.0, map[string]any{"x": []any{}}}}
	if r := evaluate(t, c, in); r.Outcome != rego.Allow {
		t.Errorf("got %v, want ALLOW", r)
	}
}

func FuzzInput(f *testing.F) {
	f.Add(`{"a": [1, "\u2028", {"b": -0.0}]}`)
	f.Fuzz(func(t *testing.T, source string) {
		var v map[string]any
		if json.Unmarshal([]byte(source), &v) != nil || v == nil {
			return
		}
		in, err := rego.NewInput(v)
		if err != nil {
			return
		}
		again, err := rego.NewInput(v)
		if err != nil || again.SHA256() != in.SHA256() {
			t.Errorf("the second digest differs: %v", err)
		}
	})
}
