package library_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aumos-enterprise/platform/governance/internal/library"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

// ignored are the members of examples that no decision rests on: names for people, and what was not needed for the example at hand.
var ignored = map[string]bool{"model.name": true, "dataset.name": true, "system.name": true, "consent.explicit": false}

// leaf is a place in a document.
type leaf []any // string or int

func (l leaf) String() string {
	parts := make([]string, len(l))
	for i, p := range l {
		parts[i] = fmt.Sprint(p)
	}
	return strings.Join(parts, ".")
}

// places lists every member and element, inner ones included.
func places(at leaf, v any) []leaf {
	var all []leaf
	visit := func(key, v any) {
		here := append(append(leaf{}, at...), key)
		all = append(all, here)
		all = append(all, places(here, v)...)
	}
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			visit(key, value)
		}
	case []any:
		for i, value := range v {
			visit(i, value)
		}
	}
	return all
}

// replaced returns a copy with another value at the place; removed: without it.
func replaced(v any, at leaf, with any, remove bool) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			switch {
			case key != at[0]:
				out[key] = value
			case len(at) > 1:
				out[key] = replaced(value, at[1:], with, remove)
			case !remove:
				out[key] = with
			}
		}
		return out
	case []any:
		var out []any
		for i, value := range v {
			switch {
			case i != at[0]:
				out = append(out, value)
			case len(at) > 1:
				out = append(out, replaced(value, at[1:], with, remove))
			case !remove:
				out = append(out, with)
			}
		}
		return out
	}
	return v
}

// wrong are values that no member of an input may have.
func wrong() []any {
	return []any{
		nil, "", " ", "true", -1.0, 1e308,
		[]any{},
		[]any{nil},
		map[string]any{},
		map[string]any{"approved": true},
		strings.Repeat("x", 100_000), "2026-02-30T00:00:00Z", "\u0000", "\U0001F600",
	}
}

// fits reports whether a value may stand at the place: any name of a person or thing, and any large count.
func fits(at leaf, value any) bool {
	switch at[len(at)-1] {
	case "owner", "requester", "recorded_by", "name", "started_by", "person":
		text, ok := value.(string)
		return ok && len(text) < 200 && strings.TrimSpace(text) != "" && text != "\u0000"
	case "smallest_group_rows", "row_count", "retention_days", "drifted_feature_count":
		return value == 1e308
	}
	return false
}

// Every member of an allowed input is needed: without it, or with a value of another kind, the answer is DENY, never ALLOW and never ERROR.
func TestEveryMemberIsNeeded(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, template *library.Template) {
		t.Helper()
		a := newAsker(t, instance(t, template, template.Example.Parameters))
		for _, at := range places(nil, template.Example.Input) {
			if ignored[at.String()] || len(at) > 2 && at[0] == "evidence" && at[1] != "MAP-1" && at[1] != "9.2" && at[1] != "ART-43" {
				continue // one reference of a long list is like another
			}
			without := a.ask(replaced(template.Example.Input, at, nil, true).(map[string]any))
			if without.Outcome != rego.Deny || !names(without, at) {
				t.Errorf("without %s: %v, %v, want a violation that names it", at, without.Outcome, without.Violations)
			}
			if len(at) > 1 && at[0] == "evidence" && at[1] != "MAP-1" && at[1] != "9.2" && at[1] != "ART-43" {
				continue // one reference of a long list is like another
			}
			for _, value := range wrong() {
				if fits(at, value) {
					continue
				}
				if r := a.ask(replaced(template.Example.Input, at, value, false).(map[string]any)); r.Outcome != rego.Deny {
					t.Errorf("%s is %.40q: %v %v", at, fmt.Sprint(value), r.Outcome, r.Reason)
				}
			}
		}
	})
}

// names reports whether a violation names the place or, for a member of a reference or an element of a list, what it is part of.
func names(r rego.Result, at leaf) bool {
	for _, v := range r.Violations {
		for n := len(at); n > 0; n-- {
			whole := "input." + at[:n].String()
			if strings.Contains(v.Message, whole) && (n == len(at) || strings.Contains(v.Message, fmt.Sprint(at[len(at)-1])) || at[0] == "approvals" || n >= len(at)-1) {
				return true
			}
		}
	}
	return false
}

func TestEmptyInput(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, template *library.Template) {
		t.Helper()
		a := newAsker(t, instance(t, template, template.Example.Parameters))
		for _, input := range []map[string]any{nil, {}, {"approved": true}, {"allow": true, "violations": []any{}}} {
			if r := a.ask(input); r.Outcome != rego.Deny || len(r.Violations) < 3 {
				t.Errorf("%v: %v, %v", input, r.Outcome, r.Violations)
			}
		}
	})
}

// processorTime is what the process has had of the processors; what others have of them does not count.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// Long lists and texts make no result too large and no evaluation long: of several answers one takes no more of the processors than the platform's deadline,
// the collection of garbage included.
func TestWithinTheDeadline(t *testing.T) { // not parallel: what other tests use would count
	list := make([]any, 60_000)
	for i := range list {
		list[i] = "x"
	}
	text := strings.Repeat("ä", 120_000)
	for _, template := range library.Templates() {
		a := newAsker(t, instance(t, template, template.Example.Parameters))
		inputs := []map[string]any{template.Example.Input}
		for key := range template.Example.Input {
			inputs = append(inputs, replaced(template.Example.Input, leaf{key}, list, false).(map[string]any),
				replaced(template.Example.Input, leaf{key}, text, false).(map[string]any))
		}
		for i, input := range inputs {
			least := time.Hour
			for range 5 {
				start := processorTime(t)
				if r := a.ask(input); (r.Outcome == rego.Deny) != (i > 0) || r.Outcome == rego.Error {
					t.Fatalf("%s, input %d: %v %v", template.Name, i, r.Outcome, r.Reason)
				}
				if least = min(least, processorTime(t)-start); least < deadline {
					break
				}
			}
			if least >= deadline {
				t.Errorf("%s, input %d: %s", template.Name, i, least)
			}
		}
	}
}

// anyJSON draws documents that use the words of the template's example.
func anyJSON(words []string, values []any) *rapid.Generator[any] {
	scalar := rapid.OneOf(
		rapid.Just[any](nil), rapid.Just[any](true), rapid.Just[any](false), rapid.Map(rapid.Float64Range(-1e300, 1e300), asAny[float64]),
		rapid.Map(rapid.String(), asAny[string]), rapid.Map(rapid.SampledFrom(words), asAny[string]), rapid.SampledFrom(values),
		rapid.Map(rapid.StringMatching(`20\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-6]\d:[0-6]\d(\.\d{1,12})?Z`), asAny[string]),
		rapid.Map(rapid.StringMatching(`[0-9a-f]{64}`), asAny[string]),
	)
	value := scalar
	for range 3 {
		inner := value
		value = rapid.OneOf(scalar,
			rapid.Map(rapid.SliceOfN(inner, 0, 4), asAny[[]any]),
			rapid.Map(rapid.MapOfN(rapid.SampledFrom(words), inner, 0, 8), asAny[map[string]any]))
	}
	return value
}

func asAny[T any](v T) any { return v }

// Whatever the input is, the answer is DENY, with a reason. Inputs are drawn at random and by changing several places of the example.
func TestRandomInputsNeverAllow(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, template *library.Template) {
		t.Helper()
		a := newAsker(t, instance(t, template, template.Example.Parameters))
		var needed []leaf
		words, values := []string{"approved", "allow"}, []any{"APPROVED", "high"}
		for _, at := range places(nil, template.Example.Input) {
			if word, ok := at[len(at)-1].(string); ok {
				words = append(words, word)
			}
			if !ignored[at.String()] {
				needed = append(needed, at)
			}
		}
		document := anyJSON(words, values)
		rapid.Check(t, func(rt *rapid.T) {
			input := map[string]any{}
			for key := range template.Example.Input {
				input[key] = document.Draw(rt, key)
			}
			if rapid.Bool().Draw(rt, "near the example") {
				at, value := rapid.SampledFrom(needed).Draw(rt, "place"), rapid.SampledFrom(wrong()).Draw(rt, "wrong")
				input = replaced(template.Example.Input, at, value, fits(at, value)).(map[string]any)
				for range rapid.IntRange(0, 3).Draw(rt, "more changes") {
					key := rapid.SampledFrom(sorted(template.Example.Input)).Draw(rt, "key")
					input["other-"+key] = document.Draw(rt, "other")
				}
			}
			if r := a.ask(input); r.Outcome != rego.Deny || len(r.Violations) == 0 {
				rt.Fatalf("%v %v for %v", r.Outcome, r.Reason, input)
			}
		})
	})
}
