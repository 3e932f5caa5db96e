package difference_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/aumos-enterprise/platform/governance/internal/difference"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

type (
	answer     = difference.Answer
	obligation = rego.Obligation
	violation  = rego.Violation
)

func TestKinds(t *testing.T) {
	t.Parallel()
	late, hot := violation{Code: "LATE"}, violation{Code: "HOT"}
	notify, wait := obligation{ID: "notify"}, obligation{ID: "wait"}
	for _, c := range []struct {
		name     string
		from, to answer
		want     difference.Kind
	}{
		{"nothing to compare with", answer{}, answer{Outcome: rego.Allow}, difference.Incomparable},
		{"the same", answer{Outcome: rego.Deny, Violations: []violation{late}}, answer{Outcome: rego.Deny, Violations: []violation{late}}, difference.Same},
		{
			"another order, and twice",
			answer{Outcome: rego.Deny, Violations: []violation{late, hot}},
			answer{Outcome: rego.Deny, Violations: []violation{hot, late, hot}},
			difference.Same,
		},
		{"denied now", answer{Outcome: rego.Allow}, answer{Outcome: rego.Deny, Violations: []violation{late}}, difference.AllowToDeny},
		{"allowed now", answer{Outcome: rego.Deny, Violations: []violation{late}}, answer{Outcome: rego.Allow}, difference.DenyToAllow},
		{"an allow that fails", answer{Outcome: rego.Allow}, answer{Outcome: rego.Error, Reason: rego.Undefined}, difference.ToError},
		{"a deny that fails", answer{Outcome: rego.Deny}, answer{Outcome: rego.Error, Reason: rego.Undefined}, difference.ToError},
		{"an error that allows", answer{Outcome: rego.Error}, answer{Outcome: rego.Allow}, difference.FromError},
		{"an error that denies", answer{Outcome: rego.Error}, answer{Outcome: rego.Deny}, difference.FromError},
		{
			"an error for another reason",
			answer{Outcome: rego.Error, Reason: rego.Undefined},
			answer{Outcome: rego.Error, Reason: rego.Deadline},
			difference.Same,
		},
		{
			"another violation",
			answer{Outcome: rego.Deny, Violations: []violation{late}},
			answer{Outcome: rego.Deny, Violations: []violation{hot}},
			difference.ViolationsChanged,
		},
		{
			"a violation in other words",
			answer{Outcome: rego.Deny, Violations: []violation{{Code: "A", Message: "b"}}},
			answer{Outcome: rego.Deny, Violations: []violation{{Code: "A", Message: "c"}}},
			difference.ViolationsChanged,
		},
		{
			"violations before obligations",
			answer{Outcome: rego.Allow, Violations: []violation{late}, Obligations: []obligation{notify}},
			answer{Outcome: rego.Allow},
			difference.ViolationsChanged,
		},
		{
			"another obligation",
			answer{Outcome: rego.Allow, Obligations: []obligation{notify}},
			answer{Outcome: rego.Allow, Obligations: []obligation{wait}},
			difference.ObligationsChanged,
		},
	} {
		if got := difference.Between(c.from, c.to).Kind(); got != c.want {
			t.Errorf("%s: got kind %d, want %d", c.name, got, c.want)
		}
	}
}

func TestBetweenListsWhatDiffers(t *testing.T) {
	t.Parallel()
	got := difference.Between(
		answer{Outcome: rego.Deny, Violations: []violation{{Code: "B"}, {Code: "A"}, {Code: "KEPT"}}, Obligations: []obligation{{ID: "x"}, {ID: "y"}}},
		answer{Outcome: rego.Allow, Violations: []violation{{Code: "KEPT"}, {Message: "new"}}, Obligations: []obligation{{ID: "y"}, {ID: "z"}}},
	)
	want := difference.Difference{
		From: rego.Deny, To: rego.Allow,
		ViolationsAdded: []violation{{Message: "new"}}, ViolationsRemoved: []violation{{Code: "A"}, {Code: "B"}},
		ObligationsAdded: []obligation{{ID: "z"}}, ObligationsRemoved: []obligation{{ID: "x"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestBetweenKeepsReasons(t *testing.T) {
	t.Parallel()
	got := difference.Between(answer{Outcome: rego.Error, Reason: rego.Undefined}, answer{Outcome: rego.Deny})
	back := difference.Between(answer{Outcome: rego.Deny}, answer{Outcome: rego.Error, Reason: rego.Conflict})
	if got.FromReason != rego.Undefined || got.ToReason != rego.NoError || back.FromReason != rego.NoError || back.ToReason != rego.Conflict {
		t.Errorf("got %+v and %+v", got, back)
	}
}

// Parts of a violation must not be able to stand in for each other.
func TestViolationsAreComparedPartByPart(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]violation{
		{{Code: "a", Message: "b"}, {Code: "ab"}},
		{{Code: "a"}, {Message: "a"}},
		{{Severity: "a"}, {Control: "a"}},
		{{Code: "1:a"}, {Code: "1", Message: "a"}},
	} {
		d := difference.Between(answer{Outcome: rego.Deny, Violations: pair[:1]}, answer{Outcome: rego.Deny, Violations: pair[1:]})
		if d.Kind() != difference.ViolationsChanged {
			t.Errorf("%+v and %+v are the same", pair[0], pair[1])
		}
	}
}

func TestParametersCompareByValue(t *testing.T) {
	t.Parallel()
	type m = map[string]any
	for _, c := range []struct {
		name     string
		from, to m
		same     bool
	}{
		{"3 and 3.0", m{"n": json.Number("3")}, m{"n": json.Number("3.0")}, true},
		{"3 and 3e0", m{"n": float64(3)}, m{"n": json.Number("3e0")}, true},
		{"an int and a double", m{"n": 3}, m{"n": float64(3)}, true},
		{"0 and -0", m{"n": json.Number("-0.0")}, m{"n": int64(0)}, true},
		{"the engine's third and the recorded one", m{"n": json.Number("0.33333333333333333334")}, m{"n": 1.0 / 3}, true},
		{"3 and 4", m{"n": 3}, m{"n": 4}, false},
		{"3 and its text", m{"n": 3}, m{"n": "3"}, false},
		{"numbers that no double holds", m{"n": json.Number("1e400")}, m{"n": json.Number("2e400")}, false},
		{"deep ones", m{"a": []any{m{"b": json.Number("1.50")}, nil, true}}, m{"a": []any{m{"b": 1.5}, nil, true}}, true},
		{"another order of an array", m{"a": []any{1, 2}}, m{"a": []any{2, 1}}, false},
		{"null and nothing", m{"a": nil}, m{}, false},
		{"an empty object and none", m{}, nil, false},
		{"an array and its element", m{"a": []any{"x"}}, m{"a": "x"}, false},
		{"nested otherwise", m{"a": []any{[]any{1}, 2}}, m{"a": []any{[]any{1, 2}}}, false},
	} {
		d := difference.Between(
			answer{Outcome: rego.Allow, Obligations: []obligation{{ID: "x", Parameters: c.from}}},
			answer{Outcome: rego.Allow, Obligations: []obligation{{ID: "x", Parameters: c.to}}})
		if got := d.Kind() == difference.Same; got != c.same {
			t.Errorf("%s: same is %v", c.name, got)
		}
	}
}

func answers() *rapid.Generator[answer] {
	word := rapid.SampledFrom([]string{"", "a", "b", "ab"})
	return rapid.Custom(func(t *rapid.T) answer {
		a := answer{Outcome: rapid.SampledFrom([]rego.Outcome{rego.Allow, rego.Deny, rego.Error}).Draw(t, "outcome")}
		for range rapid.IntRange(0, 3).Draw(t, "violations") {
			a.Violations = append(a.Violations, violation{Code: word.Draw(t, "code"), Message: word.Draw(t, "message")})
		}
		for range rapid.IntRange(0, 3).Draw(t, "obligations") {
			a.Obligations = append(a.Obligations, obligation{ID: word.Draw(t, "id"), Parameters: map[string]any{"n": rapid.IntRange(0, 2).Draw(t, "n")}})
		}
		return a
	})
}

// An answer never differs from itself in another order, what is added one way is removed the other way, and the counts add up.
func TestBetweenIsSymmetric(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		from, to := answers().Draw(t, "from"), answers().Draw(t, "to")
		reversed := from
		reversed.Violations, reversed.Obligations = slices.Clone(from.Violations), slices.Clone(from.Obligations)
		slices.Reverse(reversed.Violations)
		slices.Reverse(reversed.Obligations)
		if d := difference.Between(from, reversed); d.Kind() != difference.Same {
			t.Fatalf("differs from itself: %+v", d)
		}
		there, back := difference.Between(from, to), difference.Between(to, from)
		if diff := cmp.Diff(there.ViolationsAdded, back.ViolationsRemoved); diff != "" {
			t.Fatal(diff)
		}
		if diff := cmp.Diff(there.ObligationsRemoved, back.ObligationsAdded); diff != "" {
			t.Fatal(diff)
		}
		var one, both difference.Summary
		one.Add(there)
		both.Add(back)
		both.Merge(one)
		if both.Compared != 2 || both.AllowToDeny != both.DenyToAllow || both.ToError != both.FromError || both.Changed() != 2*one.Changed() {
			t.Fatalf("%+v", both)
		}
		sum := both.Same + both.AllowToDeny + both.DenyToAllow + both.ToError + both.FromError + both.ViolationsChanged + both.ObligationsChanged
		if sum != both.Compared {
			t.Fatalf("%d of %d are counted", sum, both.Compared)
		}
	})
}

func TestSummaryLeavesOutWhatCannotBeCompared(t *testing.T) {
	t.Parallel()
	var s difference.Summary
	s.Add(difference.Between(answer{}, answer{Outcome: rego.Deny}))
	if s != (difference.Summary{}) {
		t.Errorf("got %+v", s)
	}
}
