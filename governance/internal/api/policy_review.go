package api

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// SubmitPolicyVersion sends a draft to review.
func (s *PolicyService) SubmitPolicyVersion(
	ctx context.Context, req *governancev1.SubmitPolicyVersionRequest,
) (*governancev1.SubmitPolicyVersionResponse, error) {
	step, err := stepOf(ctx, req.GetPolicyVersionId(), req.GetEtag(), req.GetComment())
	if err != nil {
		return nil, err
	}
	return mutate(ctx, s.Mutations, actionAuthor, governancev1.PolicyService_SubmitPolicyVersion_FullMethodName, req,
		func(ctx context.Context, tx pgx.Tx) (*governancev1.SubmitPolicyVersionResponse, []change, error) {
			p, v, err := policy.Submit(ctx, tx, step)
			if err != nil {
				return nil, nil, err
			}
			return &governancev1.SubmitPolicyVersionResponse{PolicyVersion: versionMessage(v)}, reviewChanges("policy.version_submitted", p, v, "comment", step), nil
		})
}

// ApprovePolicyVersion accepts a version in review.
func (s *PolicyService) ApprovePolicyVersion(
	ctx context.Context, req *governancev1.ApprovePolicyVersionRequest,
) (*governancev1.ApprovePolicyVersionResponse, error) {
	step, err := stepOf(ctx, req.GetPolicyVersionId(), req.GetEtag(), req.GetComment())
	if err != nil {
		return nil, err
	}
	return mutate(ctx, s.Mutations, actionApprove, governancev1.PolicyService_ApprovePolicyVersion_FullMethodName, req,
		func(ctx context.Context, tx pgx.Tx) (*governancev1.ApprovePolicyVersionResponse, []change, error) {
			p, v, err := policy.Approve(ctx, tx, step)
			if err != nil {
				return nil, nil, err
			}
			return &governancev1.ApprovePolicyVersionResponse{PolicyVersion: versionMessage(v)}, reviewChanges("policy.version_approved", p, v, "comment", step), nil
		})
}

// RejectPolicyVersion sends a version back to its author.
func (s *PolicyService) RejectPolicyVersion(
	ctx context.Context, req *governancev1.RejectPolicyVersionRequest,
) (*governancev1.RejectPolicyVersionResponse, error) {
	step, err := stepOf(ctx, req.GetPolicyVersionId(), req.GetEtag(), req.GetReason())
	if err != nil {
		return nil, err
	}
	return mutate(ctx, s.Mutations, actionApprove, governancev1.PolicyService_RejectPolicyVersion_FullMethodName, req,
		func(ctx context.Context, tx pgx.Tx) (*governancev1.RejectPolicyVersionResponse, []change, error) {
			p, v, err := policy.Reject(ctx, tx, step)
			if err != nil {
				return nil, nil, err
			}
			return &governancev1.RejectPolicyVersionResponse{PolicyVersion: versionMessage(v)}, reviewChanges("policy.version_rejected", p, v, "reason", step), nil
		})
}

func stepOf(ctx context.Context, versionID, etag, comment string) (policy.Step, error) {
	id, err := parseID("policy_version_id", versionID)
	caller, _ := auth.FromContext(ctx)
	return policy.Step{Version: id, ETag: etag, Subject: caller.Subject, Comment: comment}, err
}

// reviewChanges is the one entry of a step, with what the caller said about it under the given name.
func reviewChanges(event string, p policy.Policy, v policy.Version, name string, s policy.Step) []change {
	c := change{eventType: event, resource: VersionResource(p, v)}
	if s.Comment != "" {
		c.details = map[string]any{name: s.Comment}
	}
	return []change{c}
}
