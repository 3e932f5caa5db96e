package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// Another tenant's ids are as unknown as ids that do not exist, in every rpc.
func TestTenantsAreIsolated(t *testing.T) {
	t.Parallel()
	r := setup(t)
	a, b := r.admin(tenantA), r.admin(tenantB)
	p := a.active("p", "allow := true", "a.point")
	calls := map[string]func(c client, policyID, versionID string) error{
		"GetPolicy": func(c client, id, _ string) error {
			_, err := c.GetPolicy(t.Context(), &governancev1.GetPolicyRequest{PolicyId: id})
			return err
		},
		"GetPolicyVersion": func(c client, _, id string) error {
			_, err := c.GetPolicyVersion(t.Context(), &governancev1.GetPolicyVersionRequest{PolicyVersionId: id})
			return err
		},
		"ListPolicyVersions": func(c client, id, _ string) error {
			_, err := c.ListPolicyVersions(t.Context(), &governancev1.ListPolicyVersionsRequest{PolicyId: id})
			return err
		},
		"CreatePolicyVersion": func(c client, id, _ string) error {
			_, err := c.CreatePolicyVersion(t.Context(), &governancev1.CreatePolicyVersionRequest{PolicyId: id, Modules: module("allow := true")})
			return err
		},
		"ActivatePolicyVersion": func(c client, _, id string) error {
			_, err := c.ActivatePolicyVersion(t.Context(), &governancev1.ActivatePolicyVersionRequest{PolicyVersionId: id})
			return err
		},
		"Evaluate": func(c client, id, _ string) error {
			_, err := c.Evaluate(t.Context(), askPolicy(id, nil))
			return err
		},
	}
	for name, call := range calls {
		if err := call(a, p.GetId(), p.GetActiveVersionId()); err != nil {
			t.Errorf("%s of the tenant itself: %v", name, err)
		}
		missing := uuid.NewString()
		foreign, unknown := call(b, p.GetId(), p.GetActiveVersionId()), call(b, missing, missing)
		wantError(t, foreign, codes.NotFound, governancev1.ErrorReason_ERROR_REASON_NOT_FOUND)
		same := strings.NewReplacer(p.GetId(), "ID", p.GetActiveVersionId(), "ID", missing, "ID")
		if got, want := same.Replace(describe(foreign)), same.Replace(describe(unknown)); got != want {
			t.Errorf("%s: %q of another tenant, %q of nobody", name, got, want)
		}
	}
	_, err := b.Evaluate(t.Context(), askPoint("a.point", nil))
	wantError(t, err, codes.FailedPrecondition, governancev1.ErrorReason_ERROR_REASON_DECISION_POINT_UNBOUND)
	list, err := b.ListPolicies(t.Context(), &governancev1.ListPoliciesRequest{})
	if err != nil || len(list.GetPolicies()) != 0 {
		t.Errorf("list: %v, %v", list, err)
	}
	if n := len(r.entries(tenantB)); n != 0 {
		t.Errorf("%d entries in a log without events", n)
	}
	// The same name and package in both tenants are different policies.
	q := b.active("p", "default allow := false", "a.point")
	if got := b.decide(askPoint("a.point", nil)); got.GetOutcome() != deny || got.GetResults()[0].GetPolicyId() != q.GetId() {
		t.Errorf("tenant B: %v", got)
	}
	if got := a.decide(askPoint("a.point", nil)); got.GetOutcome() != allow || got.GetResults()[0].GetPolicyId() != p.GetId() {
		t.Errorf("tenant A: %v", got)
	}
	token := mustToken(t, a)
	_, err = b.ListPolicies(t.Context(), &governancev1.ListPoliciesRequest{PageToken: token})
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_PAGE_TOKEN)
}

func mustToken(t *testing.T, c client) string {
	t.Helper()
	c.policy("second")
	res, err := c.ListPolicies(t.Context(), &governancev1.ListPoliciesRequest{PageSize: 1})
	if err != nil || res.GetNextPageToken() == "" {
		t.Fatalf("list: %v, %v", res, err)
	}
	return res.GetNextPageToken()
}

// describe prints all that a client sees of an error but the id of the request.
func describe(err error) string {
	s := status.Convert(err)
	var b strings.Builder
	fmt.Fprint(&b, s.Code(), s.Message())
	for _, d := range s.Details() {
		if text := fmt.Sprint(d); !strings.Contains(text, "request_id") {
			b.WriteString(strings.Join(strings.Fields(text), " "))
		}
	}
	return b.String()
}
