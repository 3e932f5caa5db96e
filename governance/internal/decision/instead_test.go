package decision

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

func TestInstead(t *testing.T) {
	t.Parallel()
	said := func(id byte, r rego.Result) Result { return Result{PolicyID: uuid.UUID{id}, Result: r} }
	allow, deny := rego.Result{Outcome: rego.Allow}, rego.Result{Outcome: rego.Deny}
	d := Decision{Outcome: rego.Deny, Results: []Result{said(1, allow), said(2, deny)}}
	for _, c := range []struct {
		policy byte
		r      rego.Result
		want   rego.Outcome
	}{
		{2, allow, rego.Allow},
		{2, rego.Failed(rego.Undefined), rego.Error},
		{1, deny, rego.Deny},
		{1, rego.Failed(rego.Undefined), rego.Deny}, // a deny overrides
		{3, allow, rego.Deny},                       // was not asked
	} {
		if got := d.Instead(uuid.UUID{c.policy}, c.r).Outcome; got != c.want {
			t.Errorf("policy %d says %v: got %v, want %v", c.policy, c.r.Outcome, got, c.want)
		}
	}
	if _, ok := d.Of(uuid.UUID{3}); ok || d.Outcome != rego.Deny || d.Results[1].Outcome != rego.Deny {
		t.Error("the decision itself has changed")
	}
}

// What several policies said had to fit into one entry. To say the same again must come to the same, whichever of them says it.
func TestInsteadOfWhatDidNotFit(t *testing.T) {
	t.Parallel()
	long := rego.Result{Outcome: rego.Deny, Violations: []rego.Violation{{Message: strings.Repeat("x", maxAnswerBytes*2/5)}}}
	said := make([]Result, 4)
	for i := range said {
		said[i] = Result{PolicyID: uuid.UUID{byte(i + 1)}, Result: long}
	}
	recorded := Decision{Results: append([]Result(nil), said...)}
	fit(recorded.Results)
	recorded.Outcome = combine(recorded.Results)
	if recorded.Results[1].Outcome != rego.Deny || recorded.Results[2].Reason != rego.ResultTooLarge {
		t.Fatalf("the test's answers do not overflow as it needs: %v", recorded.Results)
	}
	for _, s := range said {
		if diff := cmp.Diff(recorded, recorded.Instead(s.PolicyID, s.Result)); diff != "" {
			t.Errorf("policy %v: %s", s.PolicyID, diff)
		}
	}
}
