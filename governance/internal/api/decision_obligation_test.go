package api_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// The policies of a decision point answer one by one: what each demands is known also when another one denies. A repeated request gets the same.
func TestObligationsAndResource(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.admin(tenantA)
	c.active("a", "allow := true\nobligations contains \"log\"\nobligations contains {\"id\": \"notify\", \"to\": [\"risk\", 3]}", "model.deploy")
	c.active("b", "allow := input.n < 3\nobligations contains \"sign\"", "model.deploy")

	req := askPoint("model.deploy", map[string]any{"n": 3})
	req.RequestId, req.Resource = uuid.NewString(), &governancev1.DecidedResource{Type: "model", Id: "m-7"}
	got := c.decide(req)
	if got.GetOutcome() != deny {
		t.Errorf("outcome %v", got.GetOutcome())
	}
	want := [][]*governancev1.Obligation{{{Id: "log"}, {Id: "notify", Parameters: object(map[string]any{"id": "notify", "to": []any{"risk", 3}})}}, nil}
	for i, result := range got.GetResults() {
		if diff := cmp.Diff(want[i], result.GetObligations(), protocmp.Transform()); diff != "" {
			t.Errorf("obligations of %s (-want +got):\n%s", result.GetPolicyName(), diff)
		}
	}
	if diff := cmp.Diff(req.GetResource(), got.GetResource(), protocmp.Transform()); diff != "" {
		t.Errorf("resource (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(got, c.decide(req), protocmp.Transform()); diff != "" {
		t.Errorf("the repeated request (-first +second):\n%s", diff)
	}

	entries := r.entries(tenantA)
	e := entries[len(entries)-1]
	if e.Resource.Type != "decision_point" || e.Resource.ID != "model.deploy" || e.Details["resource_type"] != "model" || e.Details["resource_id"] != "m-7" {
		t.Errorf("the entry is about %+v, %v", e.Resource, e.Details)
	}

	req.Resource = &governancev1.DecidedResource{Type: "model", Id: "m-8"}
	_, err := c.Evaluate(t.Context(), req)
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_REQUEST_ID_REUSED)

	for _, resource := range []*governancev1.DecidedResource{{Type: "Model", Id: "x"}, {Type: "model"}, {Id: "x"}} {
		req := askPoint("model.deploy", nil)
		req.Resource = resource
		_, err := c.Evaluate(t.Context(), req)
		wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
	}
}
