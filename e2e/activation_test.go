package e2e_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

const (
	// usedWithin is how soon after the answer to an activation every replica decides by that version.
	usedWithin = time.Second
	// activations make one run, and runs is how many there may be: a process of a busy machine may stand still for a second, but not in each run.
	activations = 10
	runs        = 3
)

// TestActivationReachesOtherProcesses puts versions in force at one process, and asks another, which remembers the version before, until it decides by the new one.
func TestActivationReachesOtherProcesses(t *testing.T) {
	t.Parallel()
	p := deployDurable(t)
	other := p.replica(t, "heads-2")
	u := p.newTenant(t)
	u.twoVersions(t)
	author := governancev1.NewPolicyServiceClient(u.dial(t, p.governanceAt.GRPC))
	asker := governancev1.NewDecisionServiceClient(u.dial(t, other.at))
	for range runs {
		var took []time.Duration
		late := false
		for len(took) < activations && !late {
			took = append(took, reaches(t, author, asker))
			late = took[len(took)-1] > usedWithin
		}
		slices.Sort(took)
		t.Logf("of %d activations, the other process decides by the new version after %s (median), %s at most", len(took), took[len(took)/2], took[len(took)-1])
		if !late {
			return
		}
	}
	t.Errorf("in each of %d runs the other process decided by an old version for longer than %s", runs, usedWithin)
}

// reaches puts the version in force that was before, which needs no approval, and returns how long after the answer the asker decides by another.
func reaches(t *testing.T, author governancev1.PolicyServiceClient, asker governancev1.DecisionServiceClient) time.Duration {
	t.Helper()
	decides := func() *governancev1.PolicyResult {
		res, err := asker.Evaluate(t.Context(), &governancev1.EvaluateRequest{
			Target: &governancev1.EvaluateRequest_DecisionPoint{DecisionPoint: "loans.decide"},
			Input:  &structpb.Struct{Fields: map[string]*structpb.Value{"amount": structpb.NewNumberValue(1)}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return res.GetDecision().GetResults()[0]
	}
	before := decides()
	if _, err := author.RollbackPolicy(t.Context(), &governancev1.RollbackPolicyRequest{PolicyId: before.GetPolicyId(), Reason: "a test"}); err != nil {
		t.Fatal(err)
	}
	answered := time.Now()
	for decides().GetPolicyVersionId() == before.GetPolicyVersionId() {
		if time.Since(answered) > readyWithin {
			t.Fatal("the other process does not hear of the activation")
		}
	}
	return time.Since(answered)
}

// twoVersions makes two versions of a policy that have been in force; the second one is.
func (u *user) twoVersions(t *testing.T) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "loans")
	u.ctl(t, "policy", "init", dir).want(t, 0)
	colleague := u.colleague(t, "colleague", auth.RolePolicyApprover)
	bring := func() {
		t.Helper()
		u.ctl(t, "policy", "push", dir, "--submit").want(t, 0)
		u.ctl(t, "policy", "test", "--policy", "loans").want(t, 0)
		colleague.ctl(t, "policy", "approve", "--name", "loans").want(t, 0)
		u.ctl(t, "policy", "activate", "--name", "loans").want(t, 0)
	}
	bring()
	u.edit(t, filepath.Join(dir, "data.json"), `"notify": 5000`, `"notify": 5001`)
	bring()
}
