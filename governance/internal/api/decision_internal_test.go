package api

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/decision"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func someDecision(results int) *decision.Decision {
	d := &decision.Decision{
		ID: uuid.Max, Outcome: rego.Deny, DecisionPoint: "a.point", Resource: decision.Resource{Type: "model", ID: "m-1"}, Subject: "s", CorrelationID: "c",
		InputSHA256: [32]byte{1}, MaskedPaths: 2, InputKept: true, Duration: 2*time.Second + 3*time.Microsecond, EngineVersion: "opa/1",
		Time:     time.Date(2026, 3, 1, 12, 0, 0, 1000, time.UTC),
		Position: audit.Position{EntryID: uuid.Max, LeafIndex: 7, LeafHash: [32]byte{2}},
	}
	for i := range results {
		d.Results = append(d.Results, decision.Result{
			PolicyID: uuid.UUID{3, byte(i)}, PolicyName: "p", VersionID: uuid.UUID{4}, ContentSHA256: [32]byte{5, byte(i)},
			Result: rego.Result{Outcome: rego.Deny, Violations: []rego.Violation{{Code: "C"}}, Obligations: []rego.Obligation{{ID: "log"}}},
		})
	}
	return d
}

// TestDecisionMessage says the same whether messages share their memory or not, and nothing of it is the decision's.
func TestDecisionMessage(t *testing.T) {
	t.Parallel()
	for results := range 3 {
		d := someDecision(results)
		want := &governancev1.Decision{
			Id: d.ID.String(), Outcome: governancev1.DecisionOutcome_DECISION_OUTCOME_DENY, DecisionPoint: "a.point",
			Resource: &governancev1.DecidedResource{Type: "model", Id: "m-1"}, Subject: "s", CorrelationId: "c", MaskedPaths: 2, InputKept: true,
			InputSha256: append([]byte{1}, make([]byte, 31)...), EvaluationDuration: durationpb.New(d.Duration), EngineVersion: "opa/1",
			DecideTime: timestamppb.New(d.Time), Position: positionMessage(d.Position),
		}
		for i := range results {
			want.Results = append(want.Results, &governancev1.PolicyResult{
				PolicyId: d.Results[i].PolicyID.String(), PolicyName: "p", PolicyVersionId: d.Results[i].VersionID.String(),
				ContentSha256: append([]byte{5, byte(i)}, make([]byte, 30)...), Outcome: governancev1.DecisionOutcome_DECISION_OUTCOME_DENY,
				Violations: []*governancev1.Violation{{Code: "C"}}, Obligations: []*governancev1.Obligation{{Id: "log"}},
			})
		}
		got := decisionMessage(d)
		d.InputSHA256, d.Position.LeafHash = [32]byte{}, [32]byte{}
		for i := range d.Results {
			d.Results[i].ContentSHA256 = [32]byte{}
		}
		if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
			t.Errorf("%d results (-want +got):\n%s", results, diff)
		}
		d.Resource, d.Position.EntryID = decision.Resource{}, uuid.Nil
		if got := decisionMessage(d); got.GetResource() != nil || got.GetPosition().GetEntryId() != uuid.Nil.String() {
			t.Errorf("got %v", got)
		}
	}
}

func BenchmarkAnswerMessage(b *testing.B) {
	d := someDecision(1)
	d.Results[0].Violations, d.Results[0].Obligations = nil, nil
	b.ReportAllocs()
	for b.Loop() {
		answerMessage(*d)
	}
}
