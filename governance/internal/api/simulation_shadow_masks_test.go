package api_test

import (
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// Nobody has approved of a candidate, and what it answers is kept: it does not see what is masked.
func TestShadowSeesMaskedInputs(t *testing.T) {
	t.Parallel()
	c := keeping(t).replica(rego.Config{}).admin(tenantA)
	c.update(&governancev1.DecisionSettings{Masks: maskPaths("/applicant/name")})
	p := c.active("loan", "default allow := false\nallow if input.applicant.name == \"Ann Example\"")
	thief := c.version(p.GetId(), "default allow := false\nviolations contains json.marshal(input)")
	s := c.startShadow(thief.GetId(), 1)
	d := c.decide(askPolicy(p.GetId(), map[string]any{"applicant": map[string]any{"name": "Ann Example", "age": 30.0}}))
	if d.GetOutcome() != allow || d.GetMaskedPaths() != 1 {
		t.Fatalf("decided %v", d)
	}
	c.waitCompared(s.GetId(), 1)
	found := c.shadowDifferences(s.GetId(), 10)
	if len(found) != 1 || found[0].GetDecisionId() != d.GetId() {
		t.Fatalf("differences %v", found)
	}
	got := found[0].GetDifference().GetViolationsAdded()[0].GetMessage()
	if strings.Contains(got, "Ann") || !strings.Contains(got, `"name":null`) || !strings.Contains(got, `"age":30`) {
		t.Errorf("the candidate saw %s", got)
	}
}
