package api_test

import (
	"sync"
	"testing"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// TestRecordedStatesAreTheResources activates versions of one policy from two replicas at the same time: what the wall says of every resource last is
// what the service says of it.
func TestRecordedStatesAreTheResources(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	replicas := []*replica{p.replica(rego.Config{}), p.replica(rego.Config{})}
	author := replicas[0].admin(tenantA)
	created := author.policy("limits", "loan.grant")
	var versions []string
	for range 3 {
		versions = append(versions, author.version(created.GetId(), "default allow := true").GetId())
		author.activate(versions[len(versions)-1])
	}
	var group sync.WaitGroup
	for i := range 6 {
		c := replicas[i%2].admin(tenantA)
		group.Go(func() {
			for j := range 5 {
				_, err := c.RollbackPolicy(t.Context(), &governancev1.RollbackPolicyRequest{
					PolicyId: created.GetId(), PolicyVersionId: versions[(i+j)%3], Reason: "a test",
				})
				if err != nil && reasonOf(err) != "POLICY_VERSION_STATE" { // another has gone back to it just before
					t.Errorf("roll back: %v", err)
				}
			}
		})
	}
	group.Wait()
	state := func(kind, id string) map[string]any {
		t.Helper()
		states, err := replicas[1].wall.States(tenant.NewContext(t.Context(), tenantA), audit.ResourceAt{Resource: audit.Resource{Type: kind, ID: id}})
		if err != nil || states[0] == nil {
			t.Fatalf("%s %s: %v, %v", kind, id, states, err)
		}
		e, err := auditlog.Unmarshal(states[0].Leaf)
		if err != nil {
			t.Fatal(err)
		}
		return e.Resource.State
	}
	now, err := author.GetPolicy(t.Context(), &governancev1.GetPolicyRequest{PolicyId: created.GetId()})
	if err != nil {
		t.Fatal(err)
	}
	if got := state("policy", created.GetId()); got["active_version_id"] != now.GetPolicy().GetActiveVersionId() || got["etag"] != now.GetPolicy().GetEtag() {
		t.Errorf("the wall says %v, the service %v", got, now.GetPolicy())
	}
	for _, id := range versions {
		v, err := author.GetPolicyVersion(t.Context(), &governancev1.GetPolicyVersionRequest{PolicyVersionId: id})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := state("policy_version", id)["state"], v.GetPolicyVersion().GetState().String()[len("POLICY_VERSION_STATE_"):]; got != want {
			t.Errorf("version %s: the wall says %v, the service %s", id, got, want)
		}
	}
	// An etag counts the changes: no state is missing, and none stands before an earlier one.
	entries, _, more, err := replicas[0].wall.History(tenant.NewContext(t.Context(), tenantA), audit.StateHistory{Resource: audit.Resource{Type: "policy", ID: created.GetId()}, Limit: 500})
	if err != nil || more {
		t.Fatal(err)
	}
	var etags []string
	for _, entry := range entries {
		e, err := auditlog.Unmarshal(entry.Leaf)
		if err != nil {
			t.Fatal(err)
		}
		etag, _ := e.Resource.State["etag"].(string)
		if n := len(etags); n > 0 && (len(etag) < len(etags[n-1]) || len(etag) == len(etags[n-1]) && etag <= etags[n-1]) {
			t.Errorf("etag %s after %s", etag, etags[n-1])
		}
		etags = append(etags, etag)
	}
}
