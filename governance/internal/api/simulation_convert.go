package api

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/difference"
	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/simulation"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/requestid"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

func simulationMessages(inputs []*governancev1.SimulationInput, findings []simulation.Finding, c candidate) []*governancev1.SimulationResult {
	messages := make([]*governancev1.SimulationResult, len(findings))
	for i, f := range findings {
		m := &governancev1.SimulationResult{Name: inputs[i].GetName(), Candidate: policyAnswerMessage(f.Candidate)}
		if f.Other.Outcome != 0 {
			m.ComparedWith = policyAnswerMessage(f.Other)
		}
		if f.Difference.Kind() != difference.Same {
			m.Difference = differenceMessage(f.Difference)
		}
		if f.Explanation != nil {
			m.Explanation = explanationMessage(c.policy.ID, c.version.ID, *f.Explanation)
		}
		messages[i] = m
	}
	return messages
}

// policyAnswerMessage relies on the numbers of the outcomes and reasons being the contract's, which a test makes sure of.
func policyAnswerMessage(a difference.Answer) *governancev1.PolicyAnswer {
	return &governancev1.PolicyAnswer{
		Outcome: governancev1.DecisionOutcome(a.Outcome), ErrorReason: governancev1.DecisionErrorReason(a.Reason),
		Violations: violationMessages(a.Violations), Obligations: obligationMessages(a.Obligations),
	}
}

// recordSimulation says on the wall what was tried: counts and digests, never modules or inputs.
func (s *PolicySimulationService) recordSimulation(
	ctx context.Context, c candidate, res *governancev1.SimulatePolicyResponse, inputs int, digest policy.Digest,
) error {
	actor, err := audit.Caller(ctx)
	if err != nil {
		return err
	}
	entry, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make entry id: %w", err)
	}
	details := map[string]any{"inputs": float64(inputs), "errors": float64(len(res.GetErrors()))}
	for key, value := range map[string]string{
		"policy_version_id": idText(c.version.ID), "compared_with_policy_version_id": res.GetComparedWithPolicyVersionId(),
	} {
		if value != "" {
			details[key] = value
		}
	}
	if m := res.GetSummary(); m != nil {
		details["compared"], details["same"] = float64(m.GetCompared()), float64(m.GetSame())
	}
	id, _ := tenant.FromContext(ctx)
	_, err = s.Wall.Append(ctx, auditlog.Entry{
		EntryID: entry, TenantID: id, EventType: "policy.simulated", Action: actionSimulate, Outcome: auditlog.Success, Actor: actor,
		Resource:      auditlog.Resource{Type: "policy", ID: c.policy.ID.String(), Name: c.policy.Name},
		SourceService: audit.Source, RequestID: requestid.FromContext(ctx), Details: details,
		Digests: []auditlog.Digest{{Name: "candidate", SHA256: c.version.ContentSHA256}, {Name: "inputs", SHA256: digest}},
	})
	if err != nil {
		return fmt.Errorf("record simulation: %w", err)
	}
	return nil
}

// maxSimulationExplanation bounds the explanations of a simulation together: rules in bytes, and steps in as many.
const maxSimulationExplanation = 2 << 20

// simulationDetail returns what is to be explained of each answer; nil is nothing.
func simulationDetail(ctx context.Context, level governancev1.ExplainLevel, inputs int) (*rego.Detail, error) {
	detail, err := detailOf(ctx, level)
	if detail != nil {
		detail.MaxBytes = min(maxSimulationExplanation/max(inputs, 1), rego.MaxTraceBytes)
	}
	return detail, err
}
