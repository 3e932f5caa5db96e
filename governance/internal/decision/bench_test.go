package decision

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// BenchmarkEntry is what a decision costs before it waits for the wall: its entry, and its leaf but for the position.
func BenchmarkEntry(b *testing.B) {
	ctx := tenant.NewContext(b.Context(), tenant.ID(uuid.Max))
	q := Question{DecisionPoint: "drift.retrain", Actor: auditlog.Actor{Kind: auditlog.ActorService, ID: "service:drift"}}
	d := Decision{
		ID: uuid.Max, Outcome: rego.Allow, DecisionPoint: "drift.retrain", EngineVersion: rego.EngineVersion(), Time: time.Now(), Duration: time.Microsecond,
		Results: []Result{{PolicyID: uuid.Max, PolicyName: "retrain", VersionID: uuid.Max, Result: rego.Result{Outcome: rego.Allow}}},
	}
	b.ReportAllocs()
	for b.Loop() {
		w := writers.Get().(*writer)
		draft, err := auditlog.NewDraft(w.entry(ctx, q, seen{}, d))
		if err != nil {
			b.Fatal(err)
		}
		w.leave()
		draft.Release()
	}
}
