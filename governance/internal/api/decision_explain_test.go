package api_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

const (
	explainRules = governancev1.ExplainLevel_EXPLAIN_LEVEL_RULES
	explainTrace = governancev1.ExplainLevel_EXPLAIN_LEVEL_TRACE
)

func TestExplain(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.admin(tenantA)
	a := c.active("a", "default allow := false\nallow if input.n < 3\nviolations contains \"big\" if input.n > 5", "model.deploy")
	b := c.active("b", "allow := true", "model.deploy")

	ask := func(level governancev1.ExplainLevel) *governancev1.EvaluateRequest {
		req := askPoint("model.deploy", map[string]any{"n": 7, "secret": "s3cret"})
		req.Explain, req.RequestId = level, uuid.NewString()
		return req
	}
	res, err := c.Evaluate(t.Context(), ask(explainRules))
	if err != nil {
		t.Fatal(err)
	}
	want := []*governancev1.PolicyExplanation{
		{PolicyId: a.GetId(), PolicyVersionId: a.GetActiveVersionId(), Rules: []*governancev1.FiredRule{
			{Path: "data.p.allow", ModulePath: "p.rego", Row: 2, Column: 1}, {Path: "data.p.violations", ModulePath: "p.rego", Row: 4, Column: 1},
		}},
		{PolicyId: b.GetId(), PolicyVersionId: b.GetActiveVersionId(), Rules: []*governancev1.FiredRule{
			{Path: "data.p.allow", ModulePath: "p.rego", Row: 2, Column: 1},
		}},
	}
	if diff := cmp.Diff(want, res.GetExplanations(), protocmp.Transform()); diff != "" {
		t.Errorf("explanations (-want +got):\n%s", diff)
	}

	req := ask(explainTrace)
	if res, err = c.Evaluate(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	if trace := strings.Join(res.GetExplanations()[0].GetTrace(), "\n"); !strings.Contains(trace, "= input.n    {input.n: 7}") {
		t.Errorf("trace:\n%s", trace)
	}
	again, err := c.Evaluate(t.Context(), req)
	if err != nil || again.GetDecision().GetId() != res.GetDecision().GetId() || again.GetExplanations() != nil {
		t.Errorf("the repeated request: %v, %v", err, again.GetExplanations())
	}
	if res, err = c.Evaluate(t.Context(), ask(0)); err != nil || res.GetExplanations() != nil {
		t.Errorf("not asked for: %v, %v", err, res.GetExplanations())
	}
	for _, e := range r.entries(tenantA) {
		if raw, err := e.Marshal(); err != nil || strings.Contains(string(raw), "s3cret") || strings.Contains(string(raw), "Enter") {
			t.Errorf("entry %d, %v, records an explanation or the input", e.LeafIndex, err)
		}
	}
}

// Steps need a permission of their own, in a batch as well; the definitions that held do not.
func TestExplainPermission(t *testing.T) {
	t.Parallel()
	r := setup(t)
	p := r.admin(tenantA).active("p", "allow := true")
	c := r.as(tenantA, auth.RoleMLEngineer)
	rules, trace := askPolicy(p.GetId(), nil), askPolicy(p.GetId(), nil)
	rules.Explain, trace.Explain = explainRules, explainTrace
	if res, err := c.Evaluate(t.Context(), rules); err != nil || len(res.GetExplanations()) != 1 {
		t.Errorf("rules: %v", err)
	}
	before := len(r.entries(tenantA))
	_, err := c.Evaluate(t.Context(), trace)
	wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_PERMISSION_MISSING)
	if got := len(r.entries(tenantA)); got != before {
		t.Error("a refused question was decided")
	}
	res, err := c.BatchEvaluate(t.Context(), &governancev1.BatchEvaluateRequest{Requests: []*governancev1.EvaluateRequest{trace, rules}})
	if err != nil {
		t.Fatal(err)
	}
	refused := res.GetResults()[0].GetError()
	if refused.GetCode() != int32(codes.PermissionDenied) || refused.GetReason() != governancev1.ErrorReason_ERROR_REASON_PERMISSION_MISSING {
		t.Errorf("in a batch: %v", res.GetResults()[0])
	}
	if len(res.GetResults()[1].GetResponse().GetExplanations()) != 1 {
		t.Errorf("in a batch: %v", res.GetResults()[1])
	}
	_, err = c.Evaluate(t.Context(), &governancev1.EvaluateRequest{Target: rules.GetTarget(), Input: object(nil), Explain: 9})
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
}
