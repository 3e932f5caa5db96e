package cli

import (
	"testing"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// What an action obliges to is said only when it is allowed, also where one of several policies denies it.
func TestWhy(t *testing.T) {
	t.Parallel()
	const allow, deny = governancev1.DecisionOutcome_DECISION_OUTCOME_ALLOW, governancev1.DecisionOutcome_DECISION_OUTCOME_DENY
	results := []*governancev1.PolicyResult{
		{Outcome: allow, Obligations: []*governancev1.Obligation{{Id: "log"}}},
		{Outcome: deny, Violations: []*governancev1.Violation{{Code: "LATE"}}},
	}
	if got := why(&governancev1.Decision{Outcome: deny, Results: results}); got != "LATE" {
		t.Errorf("of a denied action: %q", got)
	}
	if got := why(&governancev1.Decision{Outcome: allow, Results: results[:1]}); got != "must log" {
		t.Errorf("of an allowed action: %q", got)
	}
}
