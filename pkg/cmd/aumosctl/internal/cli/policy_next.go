package cli

import (
	"fmt"
	"regexp"
	"strings"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// noteNext says what comes next on a version's way to decisions.
func (a *app) noteNext(policy *governancev1.Policy, version *governancev1.PolicyVersion) {
	name, number := shellWord(policy.GetName()), version.GetNumber()
	test := fmt.Sprintf("aumosctl policy test --policy %s --version %d", name, number)
	step := func(verb string) string {
		return fmt.Sprintf("aumosctl policy %s %s --version %d", verb, name, number)
	}
	switch {
	case policy.GetActiveVersionId() == version.GetId():
		asked := "--policy " + name
		if points := policy.GetDecisionPoints(); len(points) > 0 {
			asked = "--decision-point " + points[0]
		}
		a.note("next: aumosctl decision eval %s --input FILE.json", asked)
	case version.GetState() == governancev1.PolicyVersionState_POLICY_VERSION_STATE_DRAFT:
		a.note("next: %s; %s", test, step("submit"))
	case version.GetState() == governancev1.PolicyVersionState_POLICY_VERSION_STATE_IN_REVIEW:
		a.note("next: %s; then somebody else: %s", test, step("approve"))
	case version.GetState() == governancev1.PolicyVersionState_POLICY_VERSION_STATE_APPROVED:
		a.note("next: %s; %s", test, step("activate"))
	}
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9@%+=:,./_-]+$`)

// shellWord quotes a text for the shells in which people repeat it.
func shellWord(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
