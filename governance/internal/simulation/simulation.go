// Package simulation puts made-up questions to a candidate and to the version that it would replace, and says what differs. Nothing is decided.
package simulation

import (
	"context"
	"fmt"
	"time"

	"github.com/aumos-enterprise/platform/governance/internal/difference"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// maxTime bounds a simulation of which every answer comes at the deadline.
const maxTime = 30 * time.Second

// Simulation is what is put to what.
type Simulation struct {
	Tenant    tenant.ID
	Candidate *rego.Compiled
	// ComparedWith is the version to compare with, unless Compared is false. It is nil when that does not compile any more: then it answers nothing, as
	// decisions would find.
	ComparedWith *rego.Compiled
	Compared     bool
	Cases        []Case
	Explain      *rego.Detail // of the candidate's answers; nil for nothing
}

// Case is one question.
type Case struct {
	Input rego.Input
	Now   time.Time // the policies' clock
}

// seed is the same for the same input, so that a simulation says the same when it is done again, and both versions draw the same.
func (c Case) seed() rego.Seed { return c.Input.SHA256() }

// Finding is what a simulation found for one case.
type Finding struct {
	Candidate   difference.Answer
	Other       difference.Answer // the zero value when there is nothing to compare with
	Difference  difference.Difference
	Explanation *rego.Explanation
}

// Run asks both, one question after the other: simulations take a share of the engine of their own, and none of the tenant's decisions. It fails with
// OVERLOADED when everything takes too long.
func (s Simulation) Run(ctx context.Context, engine *rego.Engine) ([]Finding, difference.Summary, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, maxTime, errs.New(errs.ResourceExhausted, errs.ReasonOverloaded,
		"the simulation was not done within %s: send fewer inputs", maxTime))
	defer cancel()
	findings := make([]Finding, len(s.Cases))
	var summary difference.Summary
	for i, c := range s.Cases {
		f := &findings[i]
		var err error
		if f.Candidate, err = s.ask(ctx, engine, s.Candidate, c); err != nil {
			return nil, summary, fmt.Errorf("ask the candidate: %w", err)
		}
		if s.Compared {
			if f.Other, err = s.ask(ctx, engine, s.ComparedWith, c); err != nil {
				return nil, summary, fmt.Errorf("ask the version to compare with: %w", err)
			}
		}
		f.Difference = difference.Between(f.Other, f.Candidate)
		summary.Add(f.Difference)
		if s.Explain == nil {
			continue
		}
		ev := rego.Evaluation{Tenant: s.Tenant, Policy: s.Candidate, Input: c.Input, Now: c.Now, Seed: c.seed()}
		x, err := engine.Explain(ctx, ev, *s.Explain)
		if err != nil {
			return nil, summary, fmt.Errorf("explain: %w", err)
		}
		f.Explanation = &x
	}
	return findings, summary, nil
}

func (s Simulation) ask(ctx context.Context, engine *rego.Engine, policy *rego.Compiled, c Case) (difference.Answer, error) {
	if policy == nil {
		return difference.AnswerOf(rego.Failed(rego.BuiltinError)), nil
	}
	a, err := engine.Try(ctx, rego.Trial{Tenant: s.Tenant, Policy: policy, Input: c.Input, Now: c.Now, Seed: c.seed()})
	return difference.AnswerOf(a.Result), err
}
