package api_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// wantLimit fails the test unless the error says that the tenant has all of the resource that it may have, and not that waiting would help.
func wantLimit(t *testing.T, err error, resource string) {
	t.Helper()
	if status.Code(err) != codes.ResourceExhausted || reasonOf(err) != "LIMIT_REACHED" {
		t.Errorf("error %v, want LIMIT_REACHED", err)
	}
	for _, detail := range status.Convert(err).Details() {
		switch d := detail.(type) {
		case *errdetails.RetryInfo:
			t.Errorf("says to retry: %v", d)
		case *errdetails.ErrorInfo:
			if d.GetMetadata()["resource"] != resource || d.GetMetadata()["limit"] != "3" {
				t.Errorf("metadata %v", d.GetMetadata())
			}
		}
	}
}

// However many ask at the same time, a tenant gets as many policies as it may have. Archived ones count, other tenants' do not, and a retry gets its answer.
func TestPoliciesAreBounded(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.limits = policy.Limits{Policies: 3}
	r := p.replica(rego.Config{})
	c := r.admin(tenantA)
	requests, made := make([]*governancev1.CreatePolicyRequest, 12), make([]*governancev1.Policy, 12)
	var all sync.WaitGroup
	for i := range requests {
		requests[i] = &governancev1.CreatePolicyRequest{Name: fmt.Sprint("p", i), RequestId: uuid.NewString()}
		all.Go(func() {
			res, err := c.CreatePolicy(t.Context(), requests[i])
			if made[i] = res.GetPolicy(); err != nil {
				wantLimit(t, err, "policy")
			}
		})
	}
	all.Wait()
	n := 0
	for i, p := range made {
		if p == nil {
			continue
		}
		n++
		if _, err := c.ArchivePolicy(t.Context(), &governancev1.ArchivePolicyRequest{PolicyId: p.GetId()}); err != nil {
			t.Fatal(err)
		}
		if res, err := c.CreatePolicy(t.Context(), requests[i]); err != nil || res.GetPolicy().GetId() != p.GetId() {
			t.Errorf("retried: %v, %v", res, err)
		}
	}
	if n != 3 {
		t.Errorf("%d policies, want 3", n)
	}
	_, err := c.CreatePolicy(t.Context(), &governancev1.CreatePolicyRequest{Name: "one more"})
	wantLimit(t, err, "policy")
	_, err = r.templates(tenantA, auth.RolePolicyAuthor).InstantiatePolicyTemplate(t.Context(), &governancev1.InstantiatePolicyTemplateRequest{
		Template: "model-promotion", Name: "one more",
	})
	wantLimit(t, err, "policy")
	r.admin(tenantB).policy("of another tenant")
}

// The versions of all policies count together, and nothing is recorded of one that there is no room for.
func TestVersionsAreBounded(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.limits = policy.Limits{Versions: 3}
	r := p.replica(rego.Config{})
	c := r.admin(tenantA)
	policies := []*governancev1.Policy{c.policy("one"), c.policy("two")}
	made := make(chan bool, 12)
	var all sync.WaitGroup
	for i := range cap(made) {
		all.Go(func() {
			_, err := c.CreatePolicyVersion(t.Context(), &governancev1.CreatePolicyVersionRequest{PolicyId: policies[i%2].GetId(), Modules: module("allow := true")})
			if err != nil {
				wantLimit(t, err, "policy version")
			}
			made <- err == nil
		})
	}
	all.Wait()
	close(made)
	n := 0
	for ok := range made {
		if ok {
			n++
		}
	}
	if n != 3 {
		t.Errorf("%d versions, want 3", n)
	}
	_, err := r.templates(tenantA, auth.RolePolicyAuthor).InstantiatePolicyTemplate(t.Context(), &governancev1.InstantiatePolicyTemplateRequest{
		Template: "model-promotion", Name: "three",
	})
	wantLimit(t, err, "policy version")
	if res, err := c.ListPolicies(t.Context(), &governancev1.ListPoliciesRequest{Name: "three"}); err != nil || len(res.GetPolicies()) != 0 {
		t.Errorf("a policy without room for its version: %v, %v", res, err)
	}
	recorded := 0
	for _, e := range r.entries(tenantA) {
		if e.EventType == "policy.version_created" {
			recorded++
		}
	}
	if recorded != 3 {
		t.Errorf("%d versions are recorded, want 3", recorded)
	}
	r.admin(tenantB).version(r.admin(tenantB).policy("of another tenant").GetId(), "allow := true")
}

func TestDecisionPointIsBounded(t *testing.T) {
	t.Parallel()
	c := setup(t).admin(tenantA)
	for i := range 32 {
		c.active(fmt.Sprintf("p%02d", i), "allow := true", "a.point")
	}
	p := c.policy("one more", "a.point")
	v := c.version(p.GetId(), "allow := true")
	c.tested(v.GetId())
	_, err := c.ActivatePolicyVersion(t.Context(), &governancev1.ActivatePolicyVersionRequest{PolicyVersionId: v.GetId()})
	wantError(t, err, codes.ResourceExhausted, governancev1.ErrorReason_ERROR_REASON_LIMIT_REACHED)
	if got := c.decide(askPoint("a.point", nil)); len(got.GetResults()) != 32 || got.GetOutcome() != allow {
		t.Errorf("got %v with %d results", got.GetOutcome(), len(got.GetResults()))
	}
}
