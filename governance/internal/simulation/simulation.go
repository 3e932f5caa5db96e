// Package simulation puts made-up questions to a candidate and to the version that it would replace, and says what differs. Nothing is decided.
package simulation

import (
	"context"
	"errors"
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

// Run asks both, one question after the other: simulations take a share of the engine of their own, and none of the tenant's decisions. When everything takes
// too long it fails with INVALID_FIELD, which says how many inputs were answered; with OVERLOADED where most of the time went by waiting for the engine.
func (s Simulation) Run(ctx context.Context, engine *rego.Engine) ([]Finding, difference.Summary, error) {
	return s.run(ctx, engine, maxTime)
}

// errLate is that not all was answered in time.
var errLate = errors.New("not done in time")

func (s Simulation) run(ctx context.Context, engine *rego.Engine, limit time.Duration) ([]Finding, difference.Summary, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errLate)
	defer cancel()
	findings := make([]Finding, len(s.Cases))
	var summary difference.Summary
	var worked time.Duration
	for i, c := range s.Cases {
		took, err := s.answer(ctx, engine, c, &findings[i])
		worked += took
		if errors.Is(err, errLate) {
			return nil, summary, late(limit, worked, i, len(s.Cases))
		}
		if err != nil {
			return nil, summary, err
		}
		summary.Add(findings[i].Difference)
	}
	return findings, summary, nil
}

// late says what helps: to ask for less, or to ask again where the engine had no time.
func late(limit, worked time.Duration, answered, all int) error {
	if worked < limit/2 {
		return errs.New(errs.ResourceExhausted, errs.ReasonOverloaded, "the engine had no time for the simulation within %s: retry later", limit).After(limit)
	}
	return errs.InvalidField("inputs", "%d of %d were answered within %s: send fewer at once", answered, all, limit)
}

// answer asks both for one case, and says how long they worked on it.
func (s Simulation) answer(ctx context.Context, engine *rego.Engine, c Case, f *Finding) (took time.Duration, err error) {
	if f.Candidate, took, err = s.ask(ctx, engine, s.Candidate, c); err != nil {
		return took, fmt.Errorf("ask the candidate: %w", err)
	}
	if s.Compared {
		var more time.Duration
		f.Other, more, err = s.ask(ctx, engine, s.ComparedWith, c)
		if took += more; err != nil {
			return took, fmt.Errorf("ask the version to compare with: %w", err)
		}
	}
	f.Difference = difference.Between(f.Other, f.Candidate)
	if s.Explain == nil {
		return took, nil
	}
	began := time.Now()
	x, err := engine.Explain(ctx, rego.Evaluation{Tenant: s.Tenant, Policy: s.Candidate, Input: c.Input, Now: c.Now, Seed: c.seed()}, *s.Explain)
	if took += time.Since(began); err != nil {
		return took, fmt.Errorf("explain: %w", err)
	}
	f.Explanation = &x
	return took, nil
}

func (s Simulation) ask(ctx context.Context, engine *rego.Engine, policy *rego.Compiled, c Case) (answer difference.Answer, took time.Duration, err error) {
	if policy == nil {
		return difference.AnswerOf(rego.Failed(rego.BuiltinError)), 0, nil
	}
	a, err := engine.Try(ctx, rego.Trial{Tenant: s.Tenant, Policy: policy, Input: c.Input, Now: c.Now, Seed: c.seed()})
	return difference.AnswerOf(a.Result), a.Took, err
}
