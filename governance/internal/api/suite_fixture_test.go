package api_test

import (
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// tester is a caller with the suites of policies.
type tester struct {
	client
	governancev1.PolicyTestServiceClient
}

func (r *replica) tester(id tenant.ID, roles ...auth.Role) tester {
	r.t.Helper()
	conn := r.Dial(r.t, r.Issuer.Token(r.t, "tester-"+string(roles[0]), id, roles...), "")
	return tester{r.as(id, roles...), governancev1.NewPolicyTestServiceClient(conn)}
}

// asks is a case that expects an outcome for input.x.
func asks(name string, x float64, outcome governancev1.DecisionOutcome, tags ...string) *governancev1.PolicyTestSpec {
	return &governancev1.PolicyTestSpec{Name: name, Input: object(map[string]any{"x": x}), ExpectedOutcome: outcome, Tags: tags}
}

func (c tester) create(policyID string, spec *governancev1.PolicyTestSpec) *governancev1.PolicyTestCase {
	c.t.Helper()
	res, err := c.CreateTestCase(c.t.Context(), &governancev1.CreateTestCaseRequest{PolicyId: policyID, Spec: spec})
	if err != nil {
		c.t.Fatalf("CreateTestCase: %v, %v", err, fieldsOf(err))
	}
	return res.GetTestCase()
}

func (c tester) run(versionID string, tags ...string) *governancev1.PolicyTestRun {
	c.t.Helper()
	res, err := c.RunPolicyTests(c.t.Context(), &governancev1.RunPolicyTestsRequest{PolicyVersionId: versionID, Tags: tags})
	if err != nil {
		c.t.Fatalf("RunPolicyTests: %v", err)
	}
	return res.GetTestRun()
}

// withRules adds a version with a module of rules and one of tests.
func (c tester) withRules(policyID string) *governancev1.PolicyVersion {
	c.t.Helper()
	res, err := c.CreatePolicyVersion(c.t.Context(), &governancev1.CreatePolicyVersionRequest{PolicyId: policyID, Modules: []*governancev1.RegoModule{
		{Path: "p.rego", Source: "package p\ndefault allow := false\nallow if input.x == 1\nallow if input.x == 2\n"},
		{Path: "p_test.rego", Source: "package p_test\nimport data.p\ntest_nothing if not p.allow with input as {}\n"},
	}})
	if err != nil {
		c.t.Fatalf("CreatePolicyVersion: %v", err)
	}
	return res.GetPolicyVersion()
}
