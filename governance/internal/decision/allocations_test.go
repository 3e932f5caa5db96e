//go:build !race

package decision

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// What a decision of one policy needs besides the evaluation is the result itself. Under the race detector, a pool forgets at random what is
// put into it, so that nothing can be counted.
func TestAskAllocates(t *testing.T) { //nolint:paralleltest // it counts what the process allocates
	compiled, err := rego.Compile(rego.Source{Modules: []rego.Module{{Path: "p.rego", Source: "package p\nallow := true"}}})
	if err != nil {
		t.Fatal(err)
	}
	e := rego.NewEngine(rego.Config{})
	defer e.Close(context.WithoutCancel(t.Context()))
	d := &Decider{config: Config{Engine: e}}
	found := resolved{policies: []active{{policyID: uuid.Max}}, compiled: []*rego.Compiled{compiled}}
	ctx, now := t.Context(), time.Now()
	evaluation := testing.AllocsPerRun(1000, func() {
		if r, err := e.Evaluate(ctx, found.put(rego.Evaluation{Now: now}, 0)); err != nil || r.Outcome != rego.Allow {
			t.Fatalf("got %v, %v", r, err)
		}
	})
	all := testing.AllocsPerRun(1000, func() {
		if r, err := d.ask(ctx, found, rego.Evaluation{Now: now}); err != nil || r[0].Outcome != rego.Allow {
			t.Fatalf("got %v, %v", r, err)
		}
	})
	if all > evaluation+1 {
		t.Errorf("%v allocations, the evaluation %v", all, evaluation)
	}
}

// The draft of a decision's entry takes from the heap the draft and the entry's digests.
func TestEntryAllocates(t *testing.T) { //nolint:paralleltest // it counts what the process allocates
	ctx := tenant.NewContext(t.Context(), tenant.ID(uuid.Max))
	q := Question{DecisionPoint: "a.point", Actor: auditlog.Actor{Kind: auditlog.ActorService, ID: "s"}}
	d := Decision{
		ID: uuid.Max, Outcome: rego.Allow, Time: time.Now(), Duration: time.Second,
		Results: []Result{{PolicyName: "p", Result: rego.Result{Outcome: rego.Allow}}},
	}
	if got := testing.AllocsPerRun(1000, func() {
		w := writers.Get().(*writer)
		draft, err := auditlog.NewDraft(w.entry(ctx, q, seen{}, d))
		if err != nil {
			t.Fatal(err)
		}
		w.leave()
		draft.Release()
	}); got > 2 {
		t.Errorf("%v allocations", got)
	}
}
