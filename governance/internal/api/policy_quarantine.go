package api

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/page"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// actionLift is the permission that a lift exercises.
const actionLift = "policy.quarantine_lift"

// ListQuarantinedVersions lists the versions that overran too often, newest quarantine first.
func (s *PolicyService) ListQuarantinedVersions(
	ctx context.Context, req *governancev1.ListQuarantinedVersionsRequest,
) (*governancev1.ListQuarantinedVersionsResponse, error) {
	after, _, err := page.Decode[policy.QuarantineKey](ctx, req, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	res := &governancev1.ListQuarantinedVersionsResponse{}
	err = postgres.ReadTenantTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		versions, more, err := policy.ListQuarantined(ctx, tx, after, page.Size(req.GetPageSize()))
		if err != nil {
			return err
		}
		res.PolicyVersions, res.NextPageToken = page.Cut(ctx, req, versionMessages(versions), more, func(last int) policy.QuarantineKey {
			return policy.QuarantineKey{Time: versions[last].Quarantine.Time, Version: versions[last].ID}
		})
		return nil
	})
	return res, err
}

// LiftPolicyQuarantine lets a version answer again.
func (s *PolicyService) LiftPolicyQuarantine(
	ctx context.Context, req *governancev1.LiftPolicyQuarantineRequest,
) (*governancev1.LiftPolicyQuarantineResponse, error) {
	versionID, err := parseID("policy_version_id", req.GetPolicyVersionId())
	if err != nil {
		return nil, err
	}
	id, _ := tenant.FromContext(ctx)
	defer s.Decider.Changed(id) // whatever the answer is: the change may be committed
	return mutate(ctx, s.Mutations, actionLift, governancev1.PolicyService_LiftPolicyQuarantine_FullMethodName, req,
		func(ctx context.Context, tx pgx.Tx) (*governancev1.LiftPolicyQuarantineResponse, []change, error) {
			c, err := policy.LiftQuarantine(ctx, tx, versionID, req.GetReason())
			if err != nil {
				return nil, nil, err
			}
			res := &governancev1.LiftPolicyQuarantineResponse{PolicyVersion: versionMessage(c.Version)}
			if !c.Changed {
				return res, nil, nil
			}
			return res, []change{{
				eventType: "policy.version_quarantine_lifted", resource: VersionResource(c.Policy, c.Version),
				details: map[string]any{
					"reason": req.GetReason(), "overruns": float64(c.Lifted.Overruns), "quarantine_time": stamp(c.Lifted.Time),
				},
			}}, nil
		})
}
