package e2e_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// mutations is how many policies the crash test creates.
const mutations = 1000

// TestKillGovernance kills governance in the middle of a thousand mutations. After the restart each acknowledged one is on the wall exactly once, and so is
// every one that took effect.
func TestKillGovernance(t *testing.T) {
	t.Parallel()
	p := deploy(t)
	u := p.newTenant(t)
	client := governancev1.NewPolicyServiceClient(u.dial(t, p.governanceAt.GRPC))

	names := make(chan string)
	acknowledged := make(chan string, mutations)
	var workers sync.WaitGroup
	for range 16 {
		workers.Go(func() {
			for name := range names {
				if create(t.Context(), client, name) == nil {
					acknowledged <- name
				}
			}
		})
	}
	for i := range mutations {
		if i == mutations/2 {
			p.governance.kill(t)
		}
		names <- fmt.Sprintf("policy %d", i)
		if i == mutations/2+50 {
			p.startGovernance(t)
		}
	}
	close(names)
	workers.Wait()
	close(acknowledged)
	var done []string
	for name := range acknowledged {
		done = append(done, name)
	}
	if len(done) < mutations/4 || len(done) == mutations {
		t.Errorf("%d of %d mutations were acknowledged: the crash was not in their middle", len(done), mutations)
	}
	recorded := u.awaitRecorded(t)
	for _, name := range done {
		if recorded[name] != 1 {
			t.Errorf("the acknowledged mutation %q is on the wall %d times", name, recorded[name])
		}
	}
	u.ctl(t, "audit", "keys", "--out", u.file("wall.vkey")).want(t, 0)
	u.ctl(t, "audit", "verify", "--key", u.file("wall.vkey")).want(t, 0)
}

// create creates a policy once; a failure is the crash's doing.
func create(ctx context.Context, client governancev1.PolicyServiceClient, name string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, err := client.CreatePolicy(ctx, &governancev1.CreatePolicyRequest{Name: name, RequestId: uuid.NewString()})
	return err
}

// awaitRecorded waits until every policy that exists is on the wall, and returns how often each is.
func (u *user) awaitRecorded(t *testing.T) map[string]int {
	t.Helper()
	deadline := time.After(time.Minute)
	ticker := time.NewTicker(200 * time.Millisecond) // the drainer tells nobody when it is done
	defer ticker.Stop()
	for {
		policies, recorded := u.policies(t), u.recorded(t)
		missing := ""
		for _, name := range policies {
			if recorded[name] > 1 {
				t.Errorf("policy %q is on the wall %d times", name, recorded[name])
			}
			if recorded[name] == 0 {
				missing = name
			}
		}
		if missing == "" && len(policies) == len(recorded) {
			return recorded
		}
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("%d policies exist, %d are on the wall; %q is not", len(policies), len(recorded), missing)
		}
	}
}

// policies returns the names of the policies that exist.
func (u *user) policies(t *testing.T) (names []string) {
	t.Helper()
	client := governancev1.NewPolicyServiceClient(u.dial(t, u.p.governanceAt.GRPC))
	request := &governancev1.ListPoliciesRequest{PageSize: 500}
	for {
		page, err := client.ListPolicies(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		for _, policy := range page.GetPolicies() {
			names = append(names, policy.GetName())
		}
		if request.PageToken = page.GetNextPageToken(); request.GetPageToken() == "" {
			return names
		}
	}
}

// recorded counts the entries that say that a policy was created, by the policy's name.
func (u *user) recorded(t *testing.T) map[string]int {
	t.Helper()
	client := governancev1.NewAuditServiceClient(u.dial(t, u.p.governanceAt.GRPC))
	names := make(map[string]int)
	request := &governancev1.ListEntriesRequest{EventType: "policy.created", PageSize: 500}
	for {
		page, err := client.ListEntries(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.GetEntries() {
			names[e.GetEntry().GetResource().GetName()]++
		}
		if request.PageToken = page.GetNextPageToken(); request.GetPageToken() == "" {
			return names
		}
	}
}

// TestGovernanceDown runs detections while governance is down: they go on, their evidence waits, and each is recorded exactly once.
func TestGovernanceDown(t *testing.T) {
	t.Parallel()
	p := deploy(t)
	u := p.newTenant(t)
	u.detect(t, 0, "winter_control.csv")
	p.governance.kill(t)

	pending := make(map[string]bool)
	for range 3 {
		r := u.ctl(t, "drift", "detect", "--baseline", example(t, "flights", "winter.csv"), "--current", example(t, "flights", "summer.csv"),
			"--model", "flight delays", "--monitor", "flight delays", "--wait", "0s", "-o", "json").want(t, 1)
		d := decodeDetection(t, r.stdout)
		if d.GetEvidence().GetState() != driftv1.EvidenceState_EVIDENCE_STATE_PENDING {
			t.Errorf("got evidence %v", d.GetEvidence())
		}
		pending[d.GetId()] = true
	}
	if len(pending) != 3 {
		t.Fatalf("got %d detections, want 3", len(pending))
	}
	p.startGovernance(t)
	for id := range pending {
		u.awaitEvidence(t, id)
	}
	client := governancev1.NewAuditServiceClient(u.dial(t, p.governanceAt.GRPC))
	for id := range pending {
		page, err := client.ListEntries(t.Context(), &governancev1.ListEntriesRequest{ResourceType: "detection", ResourceId: id})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.GetEntries()) != 1 {
			t.Errorf("detection %s has %d entries, want 1", id, len(page.GetEntries()))
		}
	}
}

// awaitEvidence waits until a detection's evidence is recorded.
func (u *user) awaitEvidence(t *testing.T, id string) {
	t.Helper()
	client := driftv1.NewDetectionServiceClient(u.dial(t, u.p.driftAt.GRPC))
	deadline := time.After(90 * time.Second)
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for {
		got, err := client.GetDetection(t.Context(), &driftv1.GetDetectionRequest{DetectionId: id})
		if err != nil && status.Code(err) != codes.Unavailable {
			t.Fatal(err)
		}
		if e := got.GetDetection().GetEvidence(); e.GetState() == driftv1.EvidenceState_EVIDENCE_STATE_RECORDED {
			if e.GetReceipt() == "" || len(e.GetLeafHash()) != 32 {
				t.Errorf("recorded without a receipt: %v", e)
			}
			return
		}
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("the evidence of %s is still pending", id)
		}
	}
}
