package api_test

import (
	"testing"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

// TestDecisionsWithoutMemory asks two policies in turns where there is memory for one compiled version: each is read again, and answers as before.
func TestDecisionsWithoutMemory(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.versionBytes = 1
	c := p.replica(rego.Config{}).admin(tenantA)
	allows := c.active("allows", `allow := true`, "point.one", "point.both")
	denies := c.active("denies", `allow := false`, "point.both")
	for range 3 {
		if got := c.decide(askPolicy(allows.GetId(), nil)); got.GetOutcome() != allow {
			t.Errorf("got %v, want ALLOW", got)
		}
		if got := c.decide(askPolicy(denies.GetId(), nil)); got.GetOutcome() != deny {
			t.Errorf("got %v, want DENY", got)
		}
		if got := c.decide(askPoint("point.both", nil)); got.GetOutcome() != deny || len(got.GetResults()) != 2 {
			t.Errorf("got %v, want DENY of two policies", got)
		}
	}
}
