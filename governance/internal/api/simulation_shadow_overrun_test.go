package api_test

import (
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// While a candidate does not come to an end, decisions go on being answered, by an engine that could not answer a single one if it were the candidate's.
func TestShadowThatNeverEnds(t *testing.T) {
	t.Parallel()
	platform := newPlatform(t)
	platform.candidateDeadline = time.Hour
	r := platform.replica(rego.Config{TenantSlots: 1, Slots: 1})
	c := r.admin(tenantA)
	p := c.active("p", "allow := true")
	const asked = 150
	before := latencies(c, p.GetId(), asked)
	s := c.startShadow(c.version(p.GetId(), "allow if count([1 | some i in numbers.range(1, 30000); some j in numbers.range(1, 30000); i == j + 1000000]) > 0").GetId(), 1)
	running := func() float64 { return testutil.ToFloat64(r.shadows.engine.Collectors()[2]) }
	c.decide(askPolicy(p.GetId(), nil))
	waitFor(t, "the candidate is asked", func() bool { return running() == 1 })
	rounds, p99 := int64(0), asked*99/100
	for { // as for neighbours of attacks: who is disturbed is so in each round
		during := latencies(c, p.GetId(), asked)
		t.Logf("p99 of %d decisions: %s without a shadow, %s beside one that does not end", asked, before[p99], during[p99])
		if rounds++; during[p99] <= busyFactor*before[p99]+besideShadow {
			break
		}
		if rounds == besideRounds {
			t.Errorf("decisions take longer beside a candidate in each of %d rounds", rounds)
			break
		}
	}
	if running() != 1 || testutil.CollectAndCount(r.shadows.engine.Collectors()[0]) != 1 || c.shadow(s.GetId()).GetSummary().GetCompared() != 0 {
		t.Error("the candidate came to an end before the decisions did: this test shows nothing")
	}
	const waiting = 64 // what may wait of one shadow
	waitFor(t, "decisions that find no room are skipped", func() bool { return c.shadow(s.GetId()).GetSkipped() == rounds*asked-waiting })
	r.stopShadows()
	if got := c.shadow(s.GetId()); got.GetSkipped() != rounds*asked+1 || got.GetSummary().GetCompared() != 0 {
		t.Errorf("of %d decisions %d are skipped, %v", rounds*asked+1, got.GetSkipped(), got.GetSummary())
	}
}

// latencies returns what so many decisions took, sorted.
func latencies(c client, policyID string, n int) []time.Duration {
	c.t.Helper()
	took := make([]time.Duration, n)
	for i := range took {
		start := time.Now()
		if d := c.decide(askPolicy(policyID, nil)); d.GetOutcome() != allow {
			c.t.Fatalf("got %v, want ALLOW", d)
		}
		took[i] = time.Since(start)
	}
	slices.Sort(took)
	return took
}

// A candidate that overruns is found out, and then left alone; its version is not quarantined, because no decision waits for it.
func TestShadowThatOverruns(t *testing.T) {
	t.Parallel()
	platform := newPlatform(t)
	platform.candidateDeadline = 20 * time.Millisecond
	r := platform.replica(rego.Config{})
	c := r.admin(tenantA)
	p := c.active("p", "allow := true")
	s := c.startShadow(c.version(p.GetId(), slowRules).GetId(), 1)
	slow := map[string]any{"slow": true}
	decided := int64(0)
	decide := func() {
		c.decide(askPolicy(p.GetId(), slow))
		decided++
	}
	settled := func() (got *governancev1.Shadow) {
		waitFor(t, "each decision is compared or skipped", func() bool {
			got = c.shadow(s.GetId())
			return got.GetSummary().GetToError()+got.GetSkipped() == decided
		})
		return got
	}
	waitFor(t, "the candidate is found out", func() bool { // what finds no room or no turn is skipped before that, too
		decide()
		return testutil.ToFloat64(r.shadows.engine.Collectors()[4]) == 1
	})
	before := settled()
	decide()
	after := settled()
	if errors := before.GetSummary().GetToError(); errors < 3 || after.GetSummary().GetToError() != errors {
		t.Errorf("%d errors, and after one more decision %v, skipped %d", errors, after.GetSummary(), after.GetSkipped())
	}
	for _, d := range c.shadowDifferences(s.GetId(), 100) {
		if got := d.GetDifference(); got.GetToErrorReason() != governancev1.DecisionErrorReason_DECISION_ERROR_REASON_DEADLINE {
			t.Errorf("the difference %v does not say why there is no answer", got)
		}
	}
	if found := c.quarantinedVersions(); len(found) != 0 {
		t.Errorf("quarantined %v", found)
	}
}
