package api_test

import (
	"testing"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/suite"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// The conversion relies on the numbers of the enums being the same.
func TestEnumsAreTheContracts(t *testing.T) {
	t.Parallel()
	for number, name := range governancev1.DecisionOutcome_name {
		if got := "DECISION_OUTCOME_" + rego.Outcome(number).String(); got != name {
			t.Errorf("outcome %d is %s, want %s", number, got, name)
		}
	}
	for number, name := range governancev1.DecisionErrorReason_name {
		if got := "DECISION_ERROR_REASON_" + rego.ErrorReason(number).String(); got != name {
			t.Errorf("reason %d is %s, want %s", number, got, name)
		}
	}
	for status, want := range map[suite.Status]governancev1.PolicyTestStatus{
		suite.Passed:  governancev1.PolicyTestStatus_POLICY_TEST_STATUS_PASSED,
		suite.Failed:  governancev1.PolicyTestStatus_POLICY_TEST_STATUS_FAILED,
		suite.Errored: governancev1.PolicyTestStatus_POLICY_TEST_STATUS_ERROR,
	} {
		if got := governancev1.PolicyTestStatus(status); got != want {
			t.Errorf("status of a test %v, want %v", got, want)
		}
	}
}
