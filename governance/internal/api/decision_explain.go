package api

import (
	"context"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/decision"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/errs"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// maxExplanation bounds the explanations of one answer, and of all answers of a batch together: rules in bytes, and steps in as many. What the decisions
// themselves take fits beside it into a message.
const maxExplanation = 3 << 20

// permissionTrace is what steps need besides decision.evaluate: they show parts of the input and of the policy's data.
const permissionTrace = "decision.trace"

// detailOf returns what is to be explained; nil is nothing.
func detailOf(ctx context.Context, level governancev1.ExplainLevel) (*rego.Detail, error) {
	switch level {
	case governancev1.ExplainLevel_EXPLAIN_LEVEL_RULES:
		return &rego.Detail{MaxBytes: maxExplanation}, nil
	case governancev1.ExplainLevel_EXPLAIN_LEVEL_TRACE:
		if p, _ := auth.FromContext(ctx); !p.May(permissionTrace) {
			return nil, errs.New(errs.PermissionDenied, errs.ReasonPermissionMissing,
				"the caller's roles do not grant what explain EXPLAIN_LEVEL_TRACE requires: ask for EXPLAIN_LEVEL_RULES").With("permission", permissionTrace)
		}
		return &rego.Detail{Trace: true, MaxBytes: maxExplanation}, nil
	default:
		return nil, nil // nothing is an answer
	}
}

func answerMessage(d decision.Decision) *governancev1.EvaluateResponse {
	all := new(answered)
	m := &all.response
	m.Decision = all.write(&d)
	for i, x := range d.Explanations {
		m.Explanations = append(m.Explanations, explanationMessage(d.Results[i].PolicyID, d.Results[i].VersionID, x))
	}
	return m
}

// explanationMessage names the version that is explained; uuid.Nil is one that is not stored.
func explanationMessage(policyID, versionID uuid.UUID, x rego.Explanation) *governancev1.PolicyExplanation {
	m := &governancev1.PolicyExplanation{PolicyId: idText(policyID), PolicyVersionId: idText(versionID), Trace: x.Trace, Truncated: x.Truncated}
	for _, r := range x.Rules {
		m.Rules = append(m.Rules, &governancev1.FiredRule{Path: r.Path, ModulePath: r.Module, Row: place(r.Row), Column: place(r.Column)})
	}
	return m
}
