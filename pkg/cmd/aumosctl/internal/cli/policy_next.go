package cli

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// noteNext says what comes next on a version's way to decisions.
func (a *app) noteNext(ctx context.Context, policy *governancev1.Policy, version *governancev1.PolicyVersion) {
	name, number := shellWord(policy.GetName()), version.GetNumber()
	step := func(verb string) string {
		return fmt.Sprintf("aumosctl policy %s %s --version %d", verb, name, number)
	}
	var next string
	switch {
	case policy.GetActiveVersionId() == version.GetId():
		asked := "--policy " + name
		if points := policy.GetDecisionPoints(); len(points) > 0 {
			asked = "--decision-point " + points[0]
		}
		a.note("next: aumosctl decision eval %s --input FILE.json", asked)
		return
	case version.GetState() == governancev1.PolicyVersionState_POLICY_VERSION_STATE_DRAFT:
		next = step("submit")
	case version.GetState() == governancev1.PolicyVersionState_POLICY_VERSION_STATE_IN_REVIEW:
		next = "then somebody else: " + step("approve")
	case version.GetState() == governancev1.PolicyVersionState_POLICY_VERSION_STATE_APPROVED:
		next = step("activate")
	default:
		return
	}
	if a.testsOpen(ctx, policy, version) {
		a.note("next: %s", strings.TrimPrefix(next, "then "))
		return
	}
	a.note("next: aumosctl policy test --policy %s --version %d; %s", name, number, next)
}

// testsOpen reports whether the version's newest complete run opens the way to activation, as far as it can be told from here: the platform also asks for
// its own engine. When the runs cannot be read the tests are named once too often, which does no harm.
func (a *app) testsOpen(ctx context.Context, policy *governancev1.Policy, version *governancev1.PolicyVersion) bool {
	client, done, err := a.policyTests(ctx)
	if err != nil {
		return false
	}
	defer done()
	res, err := call(ctx, a, client.ListTestRuns, &governancev1.ListTestRunsRequest{PolicyId: policy.GetId(), PolicyVersionId: version.GetId()})
	if err != nil {
		return false
	}
	for _, run := range res.GetTestRuns() {
		if run.GetComplete() {
			report := run.GetReport()
			return report.GetPassed() && run.GetSuiteRevision() == policy.GetSuiteRevision() && report.GetCoveragePercent() >= policy.GetMinCoveragePercent()
		}
	}
	return false
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9@%+=:,./_-]+$`)

// shellWord quotes a text for the shells in which people repeat it.
func shellWord(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
