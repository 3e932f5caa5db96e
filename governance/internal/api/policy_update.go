package api

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/decision"
	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/errs"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// UpdatePolicy changes what is said of a policy.
func (s *PolicyService) UpdatePolicy(ctx context.Context, req *governancev1.UpdatePolicyRequest) (*governancev1.UpdatePolicyResponse, error) {
	policyID, err := parseID("policy_id", req.GetPolicyId())
	if err != nil {
		return nil, err
	}
	changes, err := changesOf(req)
	if err != nil {
		return nil, err
	}
	caller, _ := auth.FromContext(ctx)
	changes.InForce = caller.May(actionActivate)
	id, _ := tenant.FromContext(ctx)
	defer s.Decider.Changed(id) // whatever the answer is: the change may be committed
	return mutate(ctx, s.Mutations, actionAuthor, governancev1.PolicyService_UpdatePolicy_FullMethodName, req,
		func(ctx context.Context, tx pgx.Tx) (*governancev1.UpdatePolicyResponse, []change, error) {
			p, changed, err := policy.Update(ctx, tx, policyID, changes, req.GetEtag())
			if err != nil {
				return nil, nil, err
			}
			if p.ActiveVersionID != uuid.Nil {
				if err := decision.CheckRoom(ctx, tx, p.DecisionPoints); err != nil {
					return nil, nil, err
				}
			}
			return &governancev1.UpdatePolicyResponse{Policy: policyMessage(p)}, policyChanges(changed, "policy.updated", p), nil
		})
}

// changesOf reads the fields that the mask names.
func changesOf(req *governancev1.UpdatePolicyRequest) (policy.Changes, error) {
	var c policy.Changes
	if len(req.GetUpdateMask().GetPaths()) == 0 {
		return c, errs.InvalidField("update_mask", "must name the fields to change")
	}
	for i, path := range req.GetUpdateMask().GetPaths() {
		switch path {
		case "name":
			if req.GetName() == "" {
				return c, errs.InvalidField("name", "must have 1 to 128 characters")
			}
			c.Name = &req.Name
		case "description":
			c.Description = &req.Description
		case "decision_points":
			c.DecisionPoints = &req.DecisionPoints
		case "labels":
			c.Labels = &req.Labels
		case "regulation_references":
			c.RegulationReferences = &req.RegulationReferences
		case "min_coverage_percent":
			c.MinCoveragePercent = &req.MinCoveragePercent
		default:
			return c, errs.InvalidField(element("update_mask.paths", i), "%q is none of %s", path, strings.Join([]string{
				"name", "description", "decision_points", "labels", "regulation_references", "min_coverage_percent",
			}, ", "))
		}
	}
	return c, nil
}

// ArchivePolicy takes a policy out of use.
func (s *PolicyService) ArchivePolicy(ctx context.Context, req *governancev1.ArchivePolicyRequest) (*governancev1.ArchivePolicyResponse, error) {
	id, err := parseID("policy_id", req.GetPolicyId())
	if err != nil {
		return nil, err
	}
	return mutate(ctx, s.Mutations, actionActivate, governancev1.PolicyService_ArchivePolicy_FullMethodName, req,
		func(ctx context.Context, tx pgx.Tx) (*governancev1.ArchivePolicyResponse, []change, error) {
			p, changed, err := policy.Archive(ctx, tx, id, req.GetEtag())
			if err != nil {
				return nil, nil, err
			}
			return &governancev1.ArchivePolicyResponse{Policy: policyMessage(p)}, policyChanges(changed, "policy.archived", p), nil
		})
}

// UnarchivePolicy takes an archived policy back into use.
func (s *PolicyService) UnarchivePolicy(ctx context.Context, req *governancev1.UnarchivePolicyRequest) (*governancev1.UnarchivePolicyResponse, error) {
	id, err := parseID("policy_id", req.GetPolicyId())
	if err != nil {
		return nil, err
	}
	return mutate(ctx, s.Mutations, actionActivate, governancev1.PolicyService_UnarchivePolicy_FullMethodName, req,
		func(ctx context.Context, tx pgx.Tx) (*governancev1.UnarchivePolicyResponse, []change, error) {
			p, changed, err := policy.Unarchive(ctx, tx, id, req.GetEtag())
			if err != nil {
				return nil, nil, err
			}
			return &governancev1.UnarchivePolicyResponse{Policy: policyMessage(p)}, policyChanges(changed, "policy.unarchived", p), nil
		})
}

func policyChanges(changed bool, event string, p policy.Policy) []change {
	if !changed {
		return nil
	}
	return []change{{eventType: event, resource: policyResource(p)}}
}
