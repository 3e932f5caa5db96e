package decision

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// someLeaves are of decisions of every kind.
func someLeaves(t testing.TB) (leaves [][]byte) {
	t.Helper()
	for _, d := range []Decision{
		{Outcome: rego.Allow, Resource: Resource{Type: "model", ID: "m-1"}, CorrelationID: "c", EngineVersion: "opa/1", Results: []Result{
			{PolicyID: uuid.UUID{1}, PolicyName: "é", VersionID: uuid.UUID{2}, ContentSHA256: [32]byte{9}, Result: rego.Result{Outcome: rego.Allow}},
		}},
		{Outcome: rego.Deny, InputHMAC: [32]byte{4}, MaskedPaths: 2, InputKept: true, Results: []Result{
			{PolicyID: uuid.UUID{3}, Result: rego.Failed(rego.Quarantined)},
			{PolicyID: uuid.UUID{5}, Result: rego.Result{Outcome: rego.Deny, Violations: []rego.Violation{
				{Message: "free"}, {Code: "C", Message: "m", Severity: "s", Control: "k"},
			}}},
			{PolicyID: uuid.UUID{6}, Result: rego.Result{Outcome: rego.Allow, Obligations: []rego.Obligation{
				{ID: "log"}, {ID: "notify", Parameters: map[string]any{"id": "notify", "who": []any{"risk", 3.0, nil, true, map[string]any{}}}},
			}}},
		}},
		{Outcome: rego.Error},
	} {
		d.ID, d.DecisionPoint, d.Time, d.Duration = uuid.Max, "a.point", time.Date(2026, 3, 1, 12, 0, 0, 1000, time.UTC), 42*time.Microsecond
		q := Question{DecisionPoint: d.DecisionPoint, Actor: auditlog.Actor{Kind: auditlog.ActorUser, ID: "s"}}
		e := newEntry(tenant.NewContext(t.Context(), tenant.ID{1}), q, seen{}, d)
		e.RecordedTime, e.LeafIndex = d.Time, 7
		leaf, err := e.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, leaf)
	}
	return leaves
}

// bothWays reads a leaf with and without a map, and reports whether the second way needed the first.
func bothWays(t *testing.T, leaf []byte) (alone bool) {
	t.Helper()
	lean, err := auditlog.UnmarshalLean(leaf)
	e, wholeErr := auditlog.Unmarshal(leaf)
	if err != nil {
		if wholeErr == nil {
			t.Fatalf("only the entry without details cannot be read: %v", err)
		}
		return false
	}
	_, alone = readLean(&lean)
	got, gotErr := FromLean(&lean)
	if wholeErr != nil {
		if gotErr == nil {
			t.Fatalf("read %+v where the entry cannot be read: %v", got, wholeErr)
		}
		return alone
	}
	want, wantErr := FromEntry(e)
	if (gotErr == nil) != (wantErr == nil) || errors.Is(gotErr, ErrNotDecision) != errors.Is(wantErr, ErrNotDecision) || gotErr == nil && !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, %v\nwant %+v, %v", got, gotErr, want, wantErr)
	}
	return alone
}

func TestFromLean(t *testing.T) {
	t.Parallel()
	for i, leaf := range someLeaves(t) {
		if !bothWays(t, leaf) {
			t.Errorf("leaf %d needs a map", i)
		}
	}
	result := func(change string, v any) map[string]any {
		r := obliged("log")
		if r[change] = v; v == nil {
			delete(r, change)
		}
		return map[string]any{"outcome": "ALLOW", "evaluation_us": 1.0, "results": []any{r}}
	}
	for _, details := range []map[string]any{
		nil,
		{"outcome": "MAYBE"},
		{"outcome": "ALLOW"},
		{"evaluation_us": 1.0},
		{"outcome": "ALLOW", "evaluation_us": "1"},
		{"outcome": "ALLOW", "evaluation_us": 1.0, "input_kept": "yes"},
		{"outcome": "ALLOW", "evaluation_us": 1.0, "input_kept": nil},
		{"outcome": "ALLOW", "evaluation_us": 1.0, "masked_paths": "2"},
		{"outcome": "ALLOW", "evaluation_us": 1.0, "results": []any{1.0}},
		{"outcome": "ALLOW", "evaluation_us": 1.0, "results": map[string]any{}},
		{"outcome": "ALLOW", "evaluation_us": 1.0, "resource_type": 1.0},
		{"outcome": "ALLOW", "evaluation_us": 1.0, "of_a_later_version": 1.0},
		result("policy_id", nil), result("policy_version_id", "x"), result("content_sha256", "00"), result("content_sha256", nil), result("outcome", nil),
		result("error_reason", "UNKNOWN"), result("obligations", []any{nil}), result("obligations", []any{map[string]any{"id": 1.0}}),
		result("violations", []any{"C"}), result("violations", []any{map[string]any{"code": 1.0}}), result("later", 1.0),
	} {
		e, err := auditlog.Unmarshal(someLeaves(t)[0])
		if err != nil {
			t.Fatal(err)
		}
		e.Details = details
		leaf, err := e.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if bothWays(t, leaf) {
			t.Errorf("%v is read without a map", details)
		}
	}
}

// TestFromLeanOfDamage reads leaves in which a bit is another, or that end too early.
func TestFromLeanOfDamage(t *testing.T) {
	t.Parallel()
	for _, leaf := range someLeaves(t) {
		for i := range leaf {
			for bit := range 8 {
				leaf[i] ^= 1 << bit
				bothWays(t, leaf)
				leaf[i] ^= 1 << bit
			}
			bothWays(t, leaf[:i])
		}
	}
}

// FuzzFromLean compares the two ways to read a decision.
func FuzzFromLean(f *testing.F) {
	for _, leaf := range someLeaves(f) {
		f.Add(leaf)
	}
	f.Fuzz(func(t *testing.T, leaf []byte) { bothWays(t, leaf) })
}

func BenchmarkFromLean(b *testing.B) {
	leaf := someLeaves(b)[0]
	b.Run("lean", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			lean, err := auditlog.UnmarshalLean(leaf)
			if _, err2 := FromLean(&lean); err != nil || err2 != nil {
				b.Fatal(err, err2)
			}
		}
	})
	b.Run("map", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			e, err := auditlog.Unmarshal(leaf)
			if _, err2 := FromEntry(e); err != nil || err2 != nil {
				b.Fatal(err, err2)
			}
		}
	})
}
