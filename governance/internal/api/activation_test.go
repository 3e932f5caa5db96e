package api_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
)

// While decisions go on, versions change places: each decision is by one version as a whole, and by the right one once the change was answered.
func TestActivationWhileEvaluating(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.admin(tenantA)
	p := c.policy("p", "a.point")
	rules := func(n string) string {
		return "allow := true\nviolations contains \"a" + n + "\"\nviolations contains \"b" + n + "\""
	}
	versions := []string{c.version(p.GetId(), rules("0")).GetId(), c.version(p.GetId(), rules("1")).GetId()}
	c.activate(versions[0])
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				res, err := c.Evaluate(t.Context(), askPoint("a.point", nil))
				if err != nil {
					t.Errorf("Evaluate: %v", err)
					return
				}
				result := res.GetDecision().GetResults()[0]
				n := "0"
				if result.GetPolicyVersionId() == versions[1] {
					n = "1"
				}
				if v := result.GetViolations(); len(v) != 2 || v[0].GetMessage() != "a"+n || v[1].GetMessage() != "b"+n {
					t.Errorf("version %s said %v", n, v)
				}
			}
		})
	}
	for i := range 20 {
		want := versions[(i+1)%2]
		c.activate(want)
		if got := c.decide(askPoint("a.point", nil)).GetResults()[0].GetPolicyVersionId(); got != want {
			t.Errorf("after the activation of %s the answer is by %s", want, got)
		}
	}
	cancel()
	wg.Wait()
}

// Every replica uses an activated version as soon as it hears of it, without a restart.
func TestActivationReachesOtherReplicas(t *testing.T) {
	t.Parallel()
	platform := newPlatform(t)
	platform.lease = time.Hour // that what is remembered is too old is not how it hears
	one, two := platform.replica(rego.Config{}), platform.replica(rego.Config{})
	author, asker := one.admin(tenantA), two.admin(tenantA)
	p := author.active("p", "default allow := false", "a.point")
	for range 3 { // remembered now
		if got := asker.decide(askPoint("a.point", nil)); got.GetOutcome() != deny {
			t.Fatalf("got %v, want DENY", got)
		}
	}
	author.activate(author.version(p.GetId(), "allow := true").GetId())
	waitFor(t, "the other replica hears of the activation", func() bool { return asker.decide(askPoint("a.point", nil)).GetOutcome() == allow })
}

// A replica whose listening connection ends remembers nothing until it has another one, so it misses no activation.
func TestActivationAfterTheListenerIsCutOff(t *testing.T) {
	t.Parallel()
	platform := newPlatform(t)
	platform.lease = time.Hour
	one, two := platform.replica(rego.Config{}), platform.replica(rego.Config{})
	author, asker := one.admin(tenantA), two.admin(tenantA)
	p := author.active("p", "allow := true\nviolations contains \"v0\"", "a.point")
	admin := newAdmin(t, one)
	for i := range 3 {
		if got := asker.decide(askPoint("a.point", nil)); got.GetOutcome() != allow {
			t.Fatalf("got %v, want ALLOW", got)
		}
		admin(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN %' AND datname = current_database()`)
		want := author.activate(author.version(p.GetId(), fmt.Sprintf("allow := true\nviolations contains \"v%d\"", i+1)).GetId()).GetPolicyVersion().GetId()
		waitFor(t, "the replica learns of the activation", func() bool {
			return asker.decide(askPoint("a.point", nil)).GetResults()[0].GetPolicyVersionId() == want
		})
	}
}
