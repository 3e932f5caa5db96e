package api_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// What shadows find is kept: candidates, of which nobody has approved, do not see what is masked, and of what the active version quotes as much is
// kept as in the log.
func TestShadowSeesMaskedInputs(t *testing.T) {
	t.Parallel()
	c := keeping(t).replica(rego.Config{}).admin(tenantA)
	c.update(&governancev1.DecisionSettings{Masks: maskPaths("/applicant/name")})
	p := c.active("loan", "default allow := false\nallow if input.applicant.name == \"Ann Example\"\n"+
		"violations contains input.applicant.name\nobligations contains {\"id\": \"tell\", \"whom\": input.applicant.name}")
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
	difference := found[0].GetDifference()
	if text := prototext.Format(difference); strings.Contains(text, "Ann") {
		t.Errorf("kept of the active version's answer: %s", text)
	}
	removed, obliged := difference.GetViolationsRemoved(), difference.GetObligationsRemoved()
	if len(removed) != 1 || removed[0].GetMessage() != "*" || len(obliged) != 1 || obliged[0].GetParameters().GetFields()["whom"].GetStringValue() != "*" {
		t.Errorf("the active version's answer was %v and %v", removed, obliged)
	}
	got := difference.GetViolationsAdded()[0].GetMessage()
	if strings.Contains(got, "Ann") || !strings.Contains(got, `"name":null`) || !strings.Contains(got, `"age":30`) {
		t.Errorf("the candidate saw %s", got)
	}
}
