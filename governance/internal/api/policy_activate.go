package api

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/decision"
	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/errs"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// ActivatePolicyVersion makes an approved version the one that decisions use.
func (s *PolicyService) ActivatePolicyVersion(
	ctx context.Context, req *governancev1.ActivatePolicyVersionRequest,
) (*governancev1.ActivatePolicyVersionResponse, error) {
	versionID, err := parseID("policy_version_id", req.GetPolicyVersionId())
	if err != nil {
		return nil, err
	}
	id, _ := tenant.FromContext(ctx)
	defer s.Decider.Changed(id) // whatever the answer is: the change may be committed
	return mutate(ctx, s.Mutations, actionActivate, governancev1.PolicyService_ActivatePolicyVersion_FullMethodName, req,
		func(ctx context.Context, tx pgx.Tx) (*governancev1.ActivatePolicyVersionResponse, []change, error) {
			a, err := policy.Activate(ctx, tx, versionID, req.GetEtag(), rego.EngineVersion())
			if err != nil {
				return nil, nil, err
			}
			changes, err := activationChanges(ctx, tx, a, nil)
			if err != nil {
				return nil, nil, err
			}
			res := &governancev1.ActivatePolicyVersionResponse{Policy: policyMessage(a.Policy), PolicyVersion: versionMessage(a.Version)}
			return res, changes, decision.CheckRoom(ctx, tx, a.Policy.DecisionPoints)
		})
}

// RollbackPolicy makes a retired version the active one again.
func (s *PolicyService) RollbackPolicy(ctx context.Context, req *governancev1.RollbackPolicyRequest) (*governancev1.RollbackPolicyResponse, error) {
	policyID, err := parseID("policy_id", req.GetPolicyId())
	if err != nil {
		return nil, err
	}
	var versionID uuid.UUID
	if req.GetPolicyVersionId() != "" {
		if versionID, err = parseID("policy_version_id", req.GetPolicyVersionId()); err != nil {
			return nil, err
		}
		if versionID == uuid.Nil { // which would mean the version before
			return nil, errs.ResourceNotFound("policy version", req.GetPolicyVersionId())
		}
	}
	if err := policy.CheckReason(req.GetReason()); err != nil {
		return nil, err
	}
	id, _ := tenant.FromContext(ctx)
	defer s.Decider.Changed(id)
	return mutate(ctx, s.Mutations, actionActivate, governancev1.PolicyService_RollbackPolicy_FullMethodName, req,
		func(ctx context.Context, tx pgx.Tx) (*governancev1.RollbackPolicyResponse, []change, error) {
			a, err := policy.Rollback(ctx, tx, policyID, versionID, req.GetEtag())
			if err != nil {
				return nil, nil, err
			}
			changes, err := activationChanges(ctx, tx, a, map[string]any{"reason": req.GetReason(), "rolled_back_from": idText(a.Retired)})
			if err != nil {
				return nil, nil, err
			}
			res := &governancev1.RollbackPolicyResponse{Policy: policyMessage(a.Policy), PolicyVersion: versionMessage(a.Version)}
			return res, changes, decision.CheckRoom(ctx, tx, a.Policy.DecisionPoints)
		})
}

// RetirePolicyVersion takes the active version out of use.
func (s *PolicyService) RetirePolicyVersion(
	ctx context.Context, req *governancev1.RetirePolicyVersionRequest,
) (*governancev1.RetirePolicyVersionResponse, error) {
	versionID, err := parseID("policy_version_id", req.GetPolicyVersionId())
	if err != nil {
		return nil, err
	}
	if err := policy.CheckReason(req.GetReason()); err != nil {
		return nil, err
	}
	id, _ := tenant.FromContext(ctx)
	defer s.Decider.Changed(id)
	return mutate(ctx, s.Mutations, actionActivate, governancev1.PolicyService_RetirePolicyVersion_FullMethodName, req,
		func(ctx context.Context, tx pgx.Tx) (*governancev1.RetirePolicyVersionResponse, []change, error) {
			p, v, err := policy.Retire(ctx, tx, versionID, req.GetEtag())
			if err != nil {
				return nil, nil, err
			}
			return &governancev1.RetirePolicyVersionResponse{Policy: policyMessage(p), PolicyVersion: versionMessage(v)}, []change{
				{eventType: "policy.version_retired", resource: VersionResource(p, v), details: map[string]any{"reason": req.GetReason()}},
				{eventType: "policy.changed", resource: policyResource(p)},
			}, nil
		})
}

// activationChanges are the three resources that an activation touches, in the order in which their states follow from each other. The details are of
// the version that is active now.
func activationChanges(ctx context.Context, tx pgx.Tx, a policy.Activation, details map[string]any) ([]change, error) {
	if !a.Changed {
		return nil, nil
	}
	var changes []change
	if a.Retired != uuid.Nil {
		retired, err := policy.GetVersion(ctx, tx, a.Retired)
		if err != nil {
			return nil, err
		}
		changes = append(changes, change{eventType: "policy.version_retired", resource: VersionResource(a.Policy, retired)})
	}
	return append(changes,
		change{eventType: "policy.version_activated", resource: VersionResource(a.Policy, a.Version), details: details},
		change{eventType: "policy.changed", resource: policyResource(a.Policy)}), nil
}
