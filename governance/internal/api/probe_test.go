package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

const (
	compileDeadline = 2*time.Second + 10*(slack-50*time.Millisecond)
	// late is how much after the deadline an answer may come.
	late = 50*time.Millisecond + slack
	// tries is how often a probe must take too long: on a busy machine anything may, once.
	tries = 5
	// maxHeap is what a probe may make of the heap of the whole process, the garbage included.
	maxHeap = 512 << 20
)

// Every probe through the rpcs that evaluate: each answers in time and with bounded memory, and another tenant gets its answers meanwhile.
func TestProbes(t *testing.T) { // not parallel: it measures time and memory
	r := newPlatform(t).replica(rego.Config{Deadline: probeDeadline, CompileDeadline: compileDeadline})
	n := watchNeighbour(r.admin(tenantB))
	stop := n.run()
	var medians []time.Duration
	for _, p := range probes {
		t.Run(p.name, func(t *testing.T) {
			heap := watchHeap(t)
			prober{r.tester(tenantA, auth.RoleAdmin), t}.carryOut(p)
			most, beside := heap(), n.take()
			t.Logf("%d MiB more, the neighbour: %s", most>>20, beside)
			medians = append(medians, beside.p50)
			if most > maxHeap {
				t.Errorf("the heap grew by %d MiB", most>>20)
			}
		})
	}
	stop()
	slices.Sort(medians)
	if m := medians[len(medians)/2]; m > late {
		t.Errorf("the neighbour's answers take %s", m)
	}
}

// prober is an author of probes.
type prober struct {
	tester

	t *testing.T
}

// carryOut makes a version of a probe and asks it wherever one can.
func (c prober) carryOut(p probe) {
	c.t.Helper()
	ctx := c.t.Context()
	var data *structpb.Struct
	if p.data != nil {
		data = object(p.data)
	}
	policy := c.policy(p.name)
	var made *governancev1.CreatePolicyVersionResponse
	var err error
	c.within("create", compileDeadline, func() {
		made, err = c.CreatePolicyVersion(ctx, &governancev1.CreatePolicyVersionRequest{PolicyId: policy.GetId(), Modules: module(p.rules), Data: data})
	})
	if p.refused != "" {
		wantError(c.t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_REGO_INVALID)
		if !strings.Contains(fmt.Sprint(fieldsOf(err)), p.refused) {
			c.t.Errorf("refused with %v, want %q", fieldsOf(err), p.refused)
		}
		return
	}
	if err != nil {
		c.t.Fatalf("CreatePolicyVersion: %v, %v", err, fieldsOf(err))
	}
	v := made.GetPolicyVersion()
	c.activate(v.GetId())
	for _, level := range []governancev1.ExplainLevel{0, governancev1.ExplainLevel_EXPLAIN_LEVEL_TRACE} {
		limit := probeDeadline
		if level != 0 {
			limit *= 2 // the explanation is another evaluation
		}
		c.within("evaluate "+level.String(), limit, func() {
			req := askPolicy(policy.GetId(), p.input)
			req.Explain = level
			res, err := c.Evaluate(ctx, req)
			if err != nil {
				if reasonOf(err) != "OVERLOADED" { // what the try before left behind has not ended
					c.t.Errorf("Evaluate: %v", err)
				}
				return
			}
			result := res.GetDecision().GetResults()[0]
			if result.GetOutcome() != governancev1.DecisionOutcome_DECISION_OUTCOME_ERROR {
				c.t.Errorf("got %v", result)
			}
			if result.GetErrorReason() == quarantined { // the third try of those that are slow
				_, err := c.LiftPolicyQuarantine(ctx, &governancev1.LiftPolicyQuarantineRequest{PolicyVersionId: v.GetId(), Reason: "a test"})
				if err != nil && reasonOf(err) != "NOT_QUARANTINED" {
					c.t.Error(err)
				}
			}
		})
	}
	// Trials wait until the one before has ended, which is bounded by what one builtin may cost.
	c.within("simulate", 2*compileDeadline, func() {
		res, err := c.SimulatePolicy(ctx, simulationOf(policy.GetId(), v.GetId(), p.input))
		if err != nil || len(res.GetResults()) != 1 || res.GetResults()[0].GetCandidate().GetOutcome() != governancev1.DecisionOutcome_DECISION_OUTCOME_ERROR {
			c.t.Errorf("simulated %v, %v", res, err)
		}
	})
	c.within("test", 2*compileDeadline, func() {
		res, err := c.TestModules(ctx, &governancev1.TestModulesRequest{Modules: module(p.rules), Data: data, Specs: []*governancev1.PolicyTestSpec{{
			Name: "a", Input: object(p.input), ExpectedOutcome: allow,
		}}})
		if err != nil || res.GetReport().GetPassed() {
			c.t.Errorf("tested %v, %v", res, err)
		}
	})
}

// within fails when a call takes longer each time.
func (c prober) within(what string, limit time.Duration, call func()) {
	c.t.Helper()
	for range tries {
		start := time.Now()
		call()
		took := time.Since(start)
		if took <= limit+late {
			return
		}
		c.t.Logf("%s: %s", what, took)
	}
	c.t.Errorf("%s takes longer than %s", what, limit+late)
}

// What does not come to an end is also put where it is asked without a caller, or with many: nothing of it changes a decision, and what it is asked for ends.
func TestProbesBesideDecisions(t *testing.T) { // not parallel: it measures time
	p := keeping(t)
	r := p.replica(rego.Config{Deadline: probeDeadline, CompileDeadline: compileDeadline})
	c := prober{r.tester(tenantA, auth.RoleAdmin), t}
	c.keepInputs()
	policy := c.active("live", "default allow := false\nallow if input.x == 1", "the.point")
	candidate := c.version(policy.GetId(), endless)
	shadow := c.startShadow(candidate.GetId(), 1)
	for range 3 {
		c.within("evaluate beside a shadow", probeDeadline, func() {
			if d := c.decide(askPoint("the.point", x(1))); d.GetOutcome() != allow {
				t.Errorf("got %v", d)
			}
		})
	}
	if got := c.waitCompared(shadow.GetId(), 1); got.GetSummary().GetSame() != 0 {
		t.Errorf("the shadow found %v", got)
	}
	replayed := c.await(c.createReplay(replayOf(policy.GetId(), candidate.GetId())).GetId())
	if replayed.GetState() != governancev1.ReplayState_REPLAY_STATE_SUCCEEDED || replayed.GetSummary().GetCompared() < 3 || replayed.GetSummary().GetSame() != 0 {
		t.Errorf("replayed %v", replayed)
	}
	impact := c.impact(&governancev1.AnalyzeImpactRequest{
		PolicyId: policy.GetId(), Days: 1,
		Candidate: &governancev1.AnalyzeImpactRequest_Modules{Modules: &governancev1.CandidateModules{Modules: module(endless)}},
	})
	if last := impact[len(impact)-1].GetReplay(); last.GetState() != governancev1.ReplayState_REPLAY_STATE_SUCCEEDED || last.GetSummary().GetSame() != 0 {
		t.Errorf("analyzed %v", last)
	}
	if c.isQuarantined(policy.GetId()) || len(c.quarantinedVersions()) != 0 {
		t.Error("what is not active was put into quarantine")
	}

	slow := c.active("slow", endless, "the.point")
	ask := &governancev1.BatchEvaluateRequest{}
	for range 8 {
		ask.Requests = append(ask.Requests, askPolicy(slow.GetId(), nil))
	}
	c.within("batch", 4*probeDeadline, func() {
		res, err := c.BatchEvaluate(t.Context(), ask)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range res.GetResults() {
			overloaded := item.GetError().GetReason() == governancev1.ErrorReason_ERROR_REASON_OVERLOADED
			if !overloaded && item.GetResponse().GetDecision().GetOutcome() != governancev1.DecisionOutcome_DECISION_OUTCOME_ERROR {
				t.Errorf("got %v", item)
			}
		}
	})
	c.within("bundle", 2*compileDeadline, func() {
		res, err := r.bundleClient(tenantA, auth.RoleAdmin).GetBundle(t.Context(), &governancev1.GetBundleRequest{})
		if err != nil || len(res.GetBundle().GetPolicies()) != 2 {
			t.Errorf("got %v, %v", res, err)
		}
	})
	c.overrun(slow.GetId())
	waitFor(t, "the entry", func() bool { return len(r.recorded(tenantA, "policy.version_quarantined")) == 1 })
	if listed := c.quarantinedVersions(); len(listed) != 1 || listed[0].GetId() != slow.GetActiveVersionId() {
		t.Errorf("listed %v", listed)
	}
	if d := c.decide(askPolicy(policy.GetId(), x(1))); d.GetOutcome() != allow {
		t.Errorf("a quarantine of one policy changed another: %v", d)
	}
	operator := r.as(tenantA, auth.RoleOperator)
	if _, err := operator.LiftPolicyQuarantine(t.Context(), &governancev1.LiftPolicyQuarantineRequest{PolicyVersionId: slow.GetActiveVersionId(), Reason: "a test"}); err != nil {
		t.Error(err)
	}
	if c.isQuarantined(slow.GetId()) || len(r.recorded(tenantA, "policy.version_quarantine_lifted")) != 1 {
		t.Error("the quarantine is not lifted")
	}
}
