package api_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	// besideRounds is how often a neighbour must be found disturbed: who is, is in each round, while the noise of a busy machine comes and goes.
	besideRounds = 3
	// disturbance is by how much the neighbour's p99 may grow beside an attack, besides being busyFactor times what it is without one: 100 ms, where other
	// packages are tested at the same time. Alone on the machine it grows by less than 20 ms. Without turns it grows by 150 ms and more on two processors, since
	// a decision passes through many goroutines, and at each the scheduler lets everybody else go first.
	disturbance = 2 * slack
	// besideShadow is the same beside a candidate without an end: 10 ms. It works a quarter of the time, a millisecond at once.
	besideShadow = slack / 5
	// busyFactor is for machines on which others take processors: what the attack leaves is then shared with them.
	busyFactor = 3
	attackers  = 4 // as many as a tenant has slots on a small machine
)

// attack does one thing that takes long. It is called again and again, by several at once.
type attack func(ctx context.Context)

// ask samplesBeside n times in a row.
func (n *neighbour) ask(times int) spread {
	for range times {
		n.next()
	}
	return n.take()
}

// rest waits until nothing is left to be done of what was asked before, which must not pass for calm.
func (n *neighbour) rest(t *testing.T) {
	t.Helper()
	running := n.replica.engine.Collectors()
	waitFor(t, "the engine has nothing to do", func() bool {
		return testutil.ToFloat64(running[2])+testutil.ToFloat64(running[3])+testutil.ToFloat64(running[5]) == 0 // evaluations, compilations, trials
	})
}

// beside fails when the neighbour's answers take longer beside the attacks than without them, in each round.
func (n *neighbour) beside(t *testing.T, attacks ...attack) {
	t.Helper()
	for range besideRounds {
		n.rest(t)
		calm := n.ask(samplesBeside)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for _, a := range attacks {
			wg.Go(func() {
				for ctx.Err() == nil {
					a(ctx)
				}
			})
		}
		n.ask(samplesBeside / 10) // until all have begun
		attacked := n.ask(samplesBeside)
		cancel()
		wg.Wait()
		t.Logf("the neighbour: %s, without: %s", attacked, calm)
		if attacked.p99 <= busyFactor*calm.p99+disturbance {
			return
		}
	}
	t.Errorf("the neighbour is disturbed in each of %d rounds", besideRounds)
}

// asking returns attacks by a tenant of its own on the decisions by a policy.
func (r *replica) asking(p probe) []attack {
	c := r.tester(tenant.ID(uuid.New()), auth.RoleAdmin)
	policy := c.policy(p.name)
	made, err := c.CreatePolicyVersion(c.t.Context(), &governancev1.CreatePolicyVersionRequest{PolicyId: policy.GetId(), Modules: module(p.rules), Data: object(p.data)})
	if err != nil {
		c.t.Fatal(err)
	}
	id := made.GetPolicyVersion().GetId()
	c.activate(id)
	return slices.Repeat([]attack{func(ctx context.Context) {
		res, err := c.Evaluate(ctx, askPolicy(policy.GetId(), p.input))
		if err == nil && res.GetDecision().GetResults()[0].GetErrorReason() == quarantined { // which would end the attack
			_, _ = c.LiftPolicyQuarantine(ctx, &governancev1.LiftPolicyQuarantineRequest{PolicyVersionId: id, Reason: "a test"})
		}
	}}, attackers)
}

// compiling returns an attack by a tenant of its own that has modules compiled.
func (r *replica) compiling(rules string) attack {
	c := r.tester(tenant.ID(uuid.New()), auth.RoleAdmin)
	return func(ctx context.Context) {
		_, _ = c.TestModules(ctx, &governancev1.TestModulesRequest{Modules: module(rules), Specs: []*governancev1.PolicyTestSpec{{
			Name: "a", Input: object(nil), ExpectedOutcome: allow,
		}}})
	}
}

// Whatever a tenant has evaluated and compiled, as much at once as it may, another tenant's decisions take hardly longer.
func TestNeighboursAreNotDisturbed(t *testing.T) { // not parallel: it measures time
	r := newPlatform(t).replica(rego.Config{Deadline: probeDeadline, CompileDeadline: compileDeadline})
	n := watchNeighbour(r.admin(tenantB))
	n.ask(samplesBeside) // until everything is warm
	for _, p := range probes {
		t.Run(p.name, func(t *testing.T) {
			if p.refused != "" {
				n.beside(t, r.compiling(p.rules), r.compiling(p.rules), r.compiling(p.rules))
				return
			}
			n.beside(t, r.asking(p)...)
		})
	}
	endlessly, large := probe{name: "endless", rules: endless}, chain(1_900)+"allow if f0(1)"
	for compilers := range 4 {
		t.Run(fmt.Sprintf("%d tenants compile beside evaluations without an end", compilers), func(t *testing.T) {
			attacks := r.asking(endlessly)
			for range compilers {
				attacks = append(attacks, r.compiling(large))
			}
			n.beside(t, attacks...)
		})
	}
}
