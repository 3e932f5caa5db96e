package decision

import (
	"context"
	"encoding/hex"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

func newEntry(ctx context.Context, q Question, in seen, decision Decision) auditlog.Entry {
	return newWriter().entry(ctx, q, in, decision)
}

func TestCombine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		outcomes []rego.Outcome
		want     rego.Outcome
	}{
		{nil, rego.Error},
		{[]rego.Outcome{rego.Allow}, rego.Allow},
		{[]rego.Outcome{rego.Allow, rego.Allow}, rego.Allow},
		{[]rego.Outcome{rego.Allow, rego.Error}, rego.Error},
		{[]rego.Outcome{rego.Error, rego.Allow}, rego.Error},
		{[]rego.Outcome{rego.Error, rego.Deny, rego.Allow}, rego.Deny},
		{[]rego.Outcome{rego.Deny, rego.Error}, rego.Deny},
		{[]rego.Outcome{0}, rego.Error}, // what is no outcome allows nothing
	} {
		results := make([]Result, len(tt.outcomes))
		for i, o := range tt.outcomes {
			results[i].Outcome = o
		}
		if got := combine(results); got != tt.want {
			t.Errorf("%v: %v, want %v", tt.outcomes, got, tt.want)
		}
	}
}

// fullest returns results that take as much room as any can.
func fullest(n int) []Result {
	results := make([]Result, n)
	for i := range results {
		results[i] = Result{
			PolicyID: uuid.Max, PolicyName: strings.Repeat("n", 128), VersionID: uuid.Max,
			Result: rego.Result{Outcome: rego.Deny},
		}
		for range rego.MaxViolations {
			part := strings.Repeat("x", rego.MaxResultBytes/rego.MaxViolations/4)
			results[i].Violations = append(results[i].Violations, rego.Violation{Code: part, Message: part, Severity: part, Control: part})
		}
	}
	return results
}

// Whatever policies say, the entry of the decision can be written, and one policy's answer is never cut.
func TestEveryDecisionFitsIntoAnEntry(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, MaxPolicies} {
		results := fullest(n)
		fit(results)
		if results[0].Outcome != rego.Deny {
			t.Errorf("%d policies: the first one's answer is %v", n, results[0].Result.Reason)
		}
		for _, r := range results[1:] {
			if r.Reason != rego.ResultTooLarge {
				t.Errorf("%d policies: a later one's answer is %v", n, r.Outcome)
			}
		}
		d := Decision{ID: uuid.Max, Outcome: combine(results), Results: results, Time: time.Now(), EngineVersion: rego.EngineVersion(), DecisionPoint: strings.Repeat("p", 128), MaskedPaths: rego.MaxInputBytes, InputHMAC: [32]byte{1}, InputKept: true}
		q := Question{
			DecisionPoint: d.DecisionPoint, CorrelationID: strings.Repeat("c", 128),
			Actor: auditlog.Actor{Kind: auditlog.ActorService, ID: strings.Repeat("s", 255)},
		}
		e := newEntry(tenant.NewContext(t.Context(), tenant.ID{1}), q, seen{}, d)
		e.EventType, e.Action = "decision.evaluated", "decision.evaluate"
		if _, err := auditlog.NewDraft(e); err != nil {
			t.Errorf("%d policies: %v", n, err)
		}
	}
	// Many short violations cost more room than text.
	results := make([]Result, MaxPolicies)
	for i := range results {
		results[i] = Result{PolicyName: strings.Repeat("n", 128), Result: rego.Result{Outcome: rego.Deny}}
		for range rego.MaxViolations {
			results[i].Violations = append(results[i].Violations, rego.Violation{Code: "c", Message: "m", Severity: "s", Control: "k"})
		}
	}
	fit(results)
	d := Decision{ID: uuid.Max, Outcome: rego.Deny, Results: results, Time: time.Now()}
	e := newEntry(tenant.NewContext(t.Context(), tenant.ID{1}), Question{DecisionPoint: "a.point", Actor: auditlog.Actor{Kind: auditlog.ActorUser, ID: "s"}}, seen{}, d)
	if _, err := auditlog.NewDraft(e); err != nil {
		t.Errorf("short violations: %v", err)
	}
}

// Obligations are counted with what they take in the entry, whatever they are made of.
func TestEveryObligationFitsIntoAnEntry(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"numbers": `[i | some i in numbers.range(1, 2300)]`, "objects": `[{} | some i in numbers.range(1, 2000)]`,
		"keys":  `{k: 0 | some i in numbers.range(1, 1000); k := sprintf("%d", [i])}`,
		"texts": `["" | some i in numbers.range(1, 2000)]`, "nulls": `[null | some i in numbers.range(1, 2000)]`,
	} {
		c, err := rego.Compile(rego.Source{Modules: []rego.Module{{
			Path: "a.rego", Source: "package p\nallow := true\nobligations := [{\"id\": \"a\", \"v\": " + value + "}]",
		}}})
		if err != nil {
			t.Fatal(err)
		}
		e := rego.NewEngine(rego.Config{Deadline: time.Minute})
		in, _ := rego.NewInput(nil)
		r, err := e.Evaluate(t.Context(), rego.Evaluation{Tenant: tenant.ID{1}, Policy: c, Input: in})
		if err != nil || r.Outcome != rego.Allow || r.Size() < rego.MaxResultBytes/3 {
			t.Fatalf("%s: %v, %v, %d bytes", name, r.Reason, err, r.Size())
		}
		q := Question{DecisionPoint: "a.point", Actor: auditlog.Actor{Kind: auditlog.ActorUser, ID: "s"}}
		entry := newEntry(tenant.NewContext(t.Context(), tenant.ID{1}), q, seen{}, Decision{ID: uuid.Max, Time: time.Now(), Outcome: rego.Allow})
		entry.RecordedTime = entry.EffectiveTime
		entry.Describe, entry.Details = nil, map[string]any{"obligations": describeObligations(r.Obligations)}
		raw, err := entry.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if len(raw) > r.Size()+500 {
			t.Errorf("%s: %d bytes for obligations of size %d", name, len(raw), r.Size())
		}
		if err := e.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestEntryRoundTrip(t *testing.T) {
	t.Parallel()
	want := Decision{
		ID: uuid.MustParse("0189aaaa-0000-5000-8000-00000000000a"), Outcome: rego.Deny, DecisionPoint: "a.point",
		Resource: Resource{Type: "model", ID: "m-1"}, Subject: "s", CorrelationID: "c",
		Time: time.Date(2026, 3, 1, 12, 0, 0, 1000, time.UTC), Duration: 42 * time.Microsecond, EngineVersion: "opa/1", InputSHA256: [32]byte{1, 2, 3},
		InputHMAC: [32]byte{4}, MaskedPaths: 2, InputKept: true,
		Results: []Result{
			{
				PolicyID: uuid.UUID{1}, PolicyName: "a", VersionID: uuid.UUID{2}, ContentSHA256: [32]byte{9},
				Result: rego.Result{Outcome: rego.Deny, Violations: []rego.Violation{{Message: "free"}, {Code: "C", Message: "m", Severity: "s", Control: "k"}}},
			},
			{PolicyID: uuid.UUID{3}, PolicyName: "b", VersionID: uuid.UUID{4}, Result: rego.Failed(rego.Quarantined)},
			{
				PolicyID: uuid.UUID{5}, PolicyName: "c", VersionID: uuid.UUID{6},
				Result: rego.Result{Outcome: rego.Allow, Obligations: []rego.Obligation{
					{ID: "log"}, {ID: "notify", Parameters: map[string]any{"id": "notify", "who": []any{"risk", 3.0, nil, true, map[string]any{}}}},
				}},
			},
		},
	}
	q := Question{DecisionPoint: "a.point", Resource: want.Resource, CorrelationID: "c", Actor: auditlog.Actor{Kind: auditlog.ActorUser, ID: "s"}}
	e := newEntry(tenant.NewContext(t.Context(), tenant.ID{1}), q, seen{}, want)
	e.RecordedTime, e.LeafIndex = want.Time, 7
	want.Position = audit.Position{EntryID: want.ID, LeafIndex: 7}
	raw, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	read, err := auditlog.Unmarshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	got, err := FromEntry(read)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("decision (-want +got):\n%s", diff)
	}

	forged := read
	forged.SourceService = "svc-drift" // what RecordEntry lets a service write
	if _, err := FromEntry(forged); !errors.Is(err, ErrNotDecision) {
		t.Errorf("an entry of another service: %v", err)
	}
	for _, details := range []map[string]any{
		nil,
		{"outcome": "MAYBE"},
		{"outcome": "ALLOW", "evaluation_us": "1"},
		{"outcome": "ALLOW", "evaluation_us": 1.0, "input_kept": "yes"},
		{"outcome": "ALLOW", "evaluation_us": 1.0, "masked_paths": "2"},
		{"outcome": "ALLOW", "evaluation_us": 1.0, "results": []any{1.0}},
		{"outcome": "ALLOW", "evaluation_us": 1.0, "resource_type": 1.0},
		{"outcome": "ALLOW", "evaluation_us": 1.0, "results": []any{obliged(1.0)}},
		{"outcome": "ALLOW", "evaluation_us": 1.0, "results": []any{obliged(map[string]any{"id": ""})}},
		{"outcome": "ALLOW", "evaluation_us": 1.0, "results": []any{map[string]any{"policy_id": "x"}}},
	} {
		broken := read
		broken.Details = details
		if d, err := FromEntry(broken); err == nil {
			t.Errorf("%v read as %+v", details, d)
		}
	}
}

// obliged is the details of a policy's result with an obligation.
func obliged(o any) map[string]any {
	id := uuid.NewString()
	return map[string]any{
		"policy_id": id, "policy_version_id": id, "content_sha256": strings.Repeat("0", 64), "outcome": "ALLOW", "obligations": []any{o},
	}
}

func TestIDs(t *testing.T) {
	t.Parallel()
	request := uuid.MustParse("0189aaaa-0000-7000-8000-00000000000a")
	a, _ := newID([16]byte{1}, request)
	again, _ := newID([16]byte{1}, request)
	other, _ := newID([16]byte{2}, request)
	if a != again || a == other || a == request || a.Version() != 5 {
		t.Errorf("ids %s, %s, %s", a, again, other)
	}
	one, _ := newID([16]byte{1}, uuid.Nil)
	two, _ := newID([16]byte{1}, uuid.Nil)
	if one == two || one.Version() != 7 {
		t.Errorf("ids without a request %s, %s", one, two)
	}
	if SeedOf(a) == SeedOf(other) || SeedOf(a) != SeedOf(again) {
		t.Error("the seed does not follow the id")
	}
}

// What entries of decisions say is what it always was, byte for byte: a retry with a newer binary must find the same content.
func TestEntryIsThatOfItsMap(t *testing.T) {
	t.Parallel()
	results := []Result{
		{PolicyID: uuid.Max, PolicyName: "é", VersionID: uuid.UUID{1}, ContentSHA256: [32]byte{9}, Result: rego.Result{Outcome: rego.Allow}},
		{Result: rego.Failed(rego.Deadline)},
		{Result: rego.Result{Outcome: rego.Deny, Violations: []rego.Violation{{Code: "c", Control: "k"}, {Message: strings.Repeat("m", 300), Severity: "s"}}}},
		{Result: rego.Result{Outcome: rego.Allow, Obligations: []rego.Obligation{{ID: "a"}, {ID: "b", Parameters: map[string]any{"id": "b", "n": []any{1.0}}}}}},
	}
	for name, d := range map[string]Decision{
		"allow":    {Outcome: rego.Allow, Results: results[:1]},
		"nobody":   {Outcome: rego.Error},
		"all":      {Outcome: rego.Deny, Results: results, MaskedPaths: 3, InputKept: true, InputHMAC: [32]byte{1}},
		"resource": {Outcome: rego.Allow, Results: results[3:], Resource: Resource{Type: "model"}},
	} {
		d.ID, d.EngineVersion, d.Duration = uuid.Max, "opa/1", 42*time.Microsecond
		q := Question{DecisionPoint: "a.point", Actor: auditlog.Actor{Kind: auditlog.ActorUser, ID: "s"}}
		e := newEntry(tenant.NewContext(t.Context(), tenant.ID{1}), q, seen{}, d)
		got, err := e.ContentDigest()
		if err != nil {
			t.Fatal(err)
		}
		e.Describe, e.Details = nil, detailsOf(d)
		if want, err := e.ContentDigest(); err != nil || got != want {
			t.Errorf("%s: got %x, want %x, %v", name, got, want, err)
		}
	}
}

// detailsOf is the map.
func detailsOf(d Decision) map[string]any {
	results := make([]any, len(d.Results))
	for i, r := range d.Results {
		m := map[string]any{
			"policy_id": r.PolicyID.String(), "policy_name": r.PolicyName, "policy_version_id": r.VersionID.String(),
			"content_sha256": hex.EncodeToString(r.ContentSHA256[:]), "outcome": r.Outcome.String(),
		}
		if r.Reason != rego.NoError {
			m["error_reason"] = r.Reason.String()
		}
		var violations []any
		for _, v := range r.Violations {
			m := map[string]any{"code": v.Code, "message": v.Message, "severity": v.Severity, "control": v.Control}
			maps.DeleteFunc(m, func(_ string, v any) bool { return v == "" })
			violations = append(violations, m)
		}
		if violations != nil {
			m["violations"] = violations
		}
		if r.Obligations != nil {
			m["obligations"] = describeObligations(r.Obligations)
		}
		results[i] = m
	}
	m := map[string]any{
		"outcome": d.Outcome.String(), "engine_version": d.EngineVersion, "evaluation_us": float64(d.Duration.Microseconds()), "results": results,
	}
	if d.InputKept {
		m["input_kept"] = true
	}
	if d.MaskedPaths > 0 {
		m["masked_paths"] = float64(d.MaskedPaths)
	}
	if d.Resource != (Resource{}) {
		m["resource_type"], m["resource_id"] = d.Resource.Type, d.Resource.ID
	}
	return m
}
