package api_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func (c client) simulate(req *governancev1.SimulatePolicyRequest) *governancev1.SimulatePolicyResponse {
	c.t.Helper()
	res, err := c.SimulatePolicy(c.t.Context(), req)
	if err != nil {
		c.t.Fatalf("SimulatePolicy: %v, %v", err, fieldsOf(err))
	}
	return res
}

func simulationOf(policyID, versionID string, inputs ...map[string]any) *governancev1.SimulatePolicyRequest {
	req := &governancev1.SimulatePolicyRequest{PolicyId: policyID}
	if versionID != "" {
		req.Candidate = &governancev1.SimulatePolicyRequest_PolicyVersionId{PolicyVersionId: versionID}
	}
	for i, in := range inputs {
		req.Inputs = append(req.Inputs, &governancev1.SimulationInput{Name: string(rune('a' + i)), Input: object(in)})
	}
	return req
}

const (
	lowRule    = "default allow := false\nallow if input.n < 10\nviolations contains {\"code\": \"HIGH\", \"message\": \"no\"} if input.n >= 10"
	lowestRule = "default allow := false\nallow if input.n < 5\nviolations contains {\"code\": \"HIGH\", \"message\": \"no\"} if input.n >= 5"
)

func TestSimulatePolicy(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.admin(tenantA)
	p := c.active("a", lowRule)
	v := c.version(p.GetId(), lowestRule)
	before := len(r.entries(tenantA))
	res := c.simulate(simulationOf(p.GetId(), v.GetId(), map[string]any{"n": 1}, map[string]any{"n": 7}, map[string]any{"n": 20}))
	high := []*governancev1.Violation{{Code: "HIGH", Message: "no"}}
	allow, deny := governancev1.DecisionOutcome_DECISION_OUTCOME_ALLOW, governancev1.DecisionOutcome_DECISION_OUTCOME_DENY
	want := &governancev1.SimulatePolicyResponse{
		ComparedWithPolicyVersionId: p.GetActiveVersionId(),
		Summary:                     &governancev1.DifferenceSummary{Compared: 3, Same: 2, AllowToDeny: 1},
		Results: []*governancev1.SimulationResult{
			{Name: "a", Candidate: &governancev1.PolicyAnswer{Outcome: allow}, ComparedWith: &governancev1.PolicyAnswer{Outcome: allow}},
			{
				Name: "b", Candidate: &governancev1.PolicyAnswer{Outcome: deny, Violations: high}, ComparedWith: &governancev1.PolicyAnswer{Outcome: allow},
				Difference: &governancev1.AnswerDifference{FromOutcome: allow, ToOutcome: deny, ViolationsAdded: high},
			},
			{
				Name: "c", Candidate: &governancev1.PolicyAnswer{Outcome: deny, Violations: high},
				ComparedWith: &governancev1.PolicyAnswer{Outcome: deny, Violations: high},
			},
		},
	}
	if diff := cmp.Diff(want, res, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	recorded := r.entries(tenantA)[before:]
	if len(recorded) != 1 || recorded[0].EventType != "policy.simulated" || recorded[0].Resource.ID != p.GetId() || recorded[0].Resource.State != nil {
		t.Fatalf("entries %+v", recorded)
	}
	wantDetails := map[string]any{
		"inputs": 3.0, "errors": 0.0, "compared": 3.0, "same": 2.0, "policy_version_id": v.GetId(), "compared_with_policy_version_id": p.GetActiveVersionId(),
	}
	if diff := cmp.Diff(wantDetails, recorded[0].Details); diff != "" {
		t.Error(diff)
	}
	if d := recorded[0].Digests; len(d) != 2 || d[0].Name != "candidate" || string(d[0].SHA256[:]) != string(v.GetContentSha256()) {
		t.Errorf("digests %+v", d)
	}
}

func TestSimulateModules(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.as(tenantA, auth.RolePolicyAuthor)
	p := c.policy("a")
	// Without an active version there is nothing to compare with.
	req := simulationOf(p.GetId(), "", map[string]any{"n": 1})
	req.Candidate = &governancev1.SimulatePolicyRequest_Modules{Modules: &governancev1.CandidateModules{
		Modules: module("default allow := false\nallow if { data.limit > input.n; time.now_ns() == 1600000000000000000 }"), Data: object(map[string]any{"limit": 5}),
	}}
	req.Inputs[0].Now = &timestamppb.Timestamp{Seconds: 1_600_000_000}
	req.Explain = governancev1.ExplainLevel_EXPLAIN_LEVEL_RULES
	res := c.simulate(req)
	got := res.GetResults()[0]
	if got.GetCandidate().GetOutcome() != governancev1.DecisionOutcome_DECISION_OUTCOME_ALLOW || got.GetComparedWith() != nil || res.GetSummary().GetCompared() != 0 ||
		got.GetDifference().GetFromOutcome() != governancev1.DecisionOutcome_DECISION_OUTCOME_UNSPECIFIED || res.GetComparedWithPolicyVersionId() != "" {
		t.Errorf("got %v", res)
	}
	if rules := got.GetExplanation().GetRules(); len(rules) != 1 || rules[0].GetPath() != "data.p.allow" || rules[0].GetRow() != 3 {
		t.Errorf("explanation %v", got.GetExplanation())
	}
	// Modules that do not compile are an answer.
	req.GetModules().Modules = module("allow := missing")
	res = c.simulate(req)
	if len(res.GetErrors()) != 1 || res.GetErrors()[0].GetModulePath() != "p.rego" || res.GetErrors()[0].GetRow() != 2 || len(res.GetResults()) != 0 {
		t.Errorf("got %v", res)
	}
	entries := r.entries(tenantA)
	if last := entries[len(entries)-1]; last.EventType != "policy.simulated" || last.Details["errors"] != 1.0 || last.Outcome != auditlog.Success {
		t.Errorf("entry %+v", last)
	}
}

func TestSimulateRefuses(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.admin(tenantA)
	p, other := c.active("a", lowRule), c.active("b", lowRule)
	big := map[string]any{"x": strings.Repeat("x", 200<<10)}
	one := map[string]any{"n": 1}
	change := func(change func(*governancev1.SimulatePolicyRequest)) *governancev1.SimulatePolicyRequest {
		req := simulationOf(p.GetId(), p.GetActiveVersionId(), one)
		change(req)
		return req
	}
	for name, refused := range map[string]struct {
		req    *governancev1.SimulatePolicyRequest
		code   codes.Code
		reason governancev1.ErrorReason
		field  string
	}{
		"no policy": {
			simulationOf(uuid.NewString(), p.GetActiveVersionId(), one), codes.NotFound, governancev1.ErrorReason_ERROR_REASON_NOT_FOUND, "",
		},
		"no version": {
			simulationOf(p.GetId(), uuid.NewString(), one), codes.NotFound, governancev1.ErrorReason_ERROR_REASON_NOT_FOUND, "",
		},
		"another policy's version": {
			simulationOf(p.GetId(), other.GetActiveVersionId(), one), codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD,
			"policy_version_id",
		},
		"compared with another policy's version": {
			change(func(req *governancev1.SimulatePolicyRequest) {
				req.CompareWithPolicyVersionId = other.GetActiveVersionId()
			}),
			codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "compare_with_policy_version_id",
		},
		"inputs too large together": {
			simulationOf(p.GetId(), p.GetActiveVersionId(), slices.Repeat([]map[string]any{big}, 22)...),
			codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "inputs",
		},
		"one input too large": {
			simulationOf(p.GetId(), p.GetActiveVersionId(), one, map[string]any{"x": strings.Repeat("x", 300<<10)}),
			codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "inputs[1].input",
		},
		"data too large": {
			change(func(req *governancev1.SimulatePolicyRequest) {
				req.Candidate = &governancev1.SimulatePolicyRequest_Modules{Modules: &governancev1.CandidateModules{
					Modules: module("allow := true"), Data: object(map[string]any{"x": strings.Repeat("x", 300<<10)}),
				}}
			}),
			codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "modules.data",
		},
	} {
		_, err := c.SimulatePolicy(t.Context(), refused.req)
		wantError(t, err, refused.code, refused.reason)
		if _, named := fieldsOf(err)[refused.field]; refused.field != "" && !named {
			t.Errorf("%s: fields %v", name, slices.Collect(maps.Keys(fieldsOf(err))))
		}
	}
	_, err := r.admin(tenantB).SimulatePolicy(t.Context(), simulationOf(p.GetId(), p.GetActiveVersionId(), one))
	wantError(t, err, codes.NotFound, governancev1.ErrorReason_ERROR_REASON_NOT_FOUND)
	trace := simulationOf(p.GetId(), p.GetActiveVersionId(), one)
	trace.Explain = governancev1.ExplainLevel_EXPLAIN_LEVEL_TRACE
	_, err = r.as(tenantA, auth.RolePolicyApprover).SimulatePolicy(t.Context(), trace)
	wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_PERMISSION_MISSING)
	if res := c.simulate(trace); len(res.GetResults()[0].GetExplanation().GetTrace()) == 0 {
		t.Error("no trace")
	}
	// Nothing is simulated unrecorded.
	r.stopWall()
	_, err = c.SimulatePolicy(t.Context(), simulationOf(p.GetId(), p.GetActiveVersionId(), one))
	wantError(t, err, codes.Unavailable, governancev1.ErrorReason_ERROR_REASON_UNAVAILABLE)
}
