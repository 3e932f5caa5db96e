package decisionlog_test

import (
	"math/rand/v2"
	"testing"

	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/governance/internal/decision"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

// BenchmarkCount is what counting adds to the cost of a decision, when it is asked for in bulk.
func BenchmarkCount(b *testing.B) {
	bundle := setup(b)
	id := audittest.NewTenant(b)
	r := rand.New(rand.NewPCG(1, 1))
	decisions := make([]decision.Decision, b.N)
	for i := range decisions {
		decisions[i] = decide(begin, policies[0], rego.Outcome(1+r.IntN(2)))
	}
	bundle.record(id, decisions...)
	l := bundle.log(nil)
	b.ResetTimer()
	if err := l.CatchUp(in(b.Context(), id)); err != nil {
		b.Fatal(err)
	}
}
