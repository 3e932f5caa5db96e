package api

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/shadow"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/page"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// StartShadow tries a candidate on live traffic.
func (s *PolicySimulationService) StartShadow(ctx context.Context, req *governancev1.StartShadowRequest) (*governancev1.StartShadowResponse, error) {
	versionID, err := parseID("policy_version_id", req.GetPolicyVersionId())
	if err != nil {
		return nil, err
	}
	caller, _ := auth.FromContext(ctx)
	q := shadow.Request{
		VersionID: versionID, SamplingRate: req.GetSamplingRate(), Duration: req.GetDuration().AsDuration(), Subject: caller.Subject,
	}
	id, _ := tenant.FromContext(ctx)
	defer s.Decider.Changed(id) // whatever the answer is: the change may be committed
	return mutate(ctx, s.Mutations, actionSimulate, governancev1.PolicySimulationService_StartShadow_FullMethodName, req,
		func(ctx context.Context, tx pgx.Tx) (*governancev1.StartShadowResponse, []change, error) {
			started, err := shadow.Start(ctx, tx, q)
			if err != nil {
				return nil, nil, err
			}
			var changes []change
			if old := started.Stopped; old != nil {
				changes = append(changes, change{
					eventType: "policy.shadow_stopped", resource: shadowResource(started.Policy, *old),
					details: map[string]any{"replaced_by": started.Shadow.ID.String()},
				})
			}
			changes = append(changes, change{eventType: "policy.shadow_started", resource: shadowResource(started.Policy, started.Shadow)})
			return &governancev1.StartShadowResponse{Shadow: shadowMessage(started.Shadow)}, changes, nil
		})
}

// StopShadow ends a shadow.
func (s *PolicySimulationService) StopShadow(ctx context.Context, req *governancev1.StopShadowRequest) (*governancev1.StopShadowResponse, error) {
	shadowID, err := parseID("shadow_id", req.GetShadowId())
	if err != nil {
		return nil, err
	}
	id, _ := tenant.FromContext(ctx)
	defer s.Decider.Changed(id) // as above
	return mutate(ctx, s.Mutations, actionSimulate, governancev1.PolicySimulationService_StopShadow_FullMethodName, req,
		func(ctx context.Context, tx pgx.Tx) (*governancev1.StopShadowResponse, []change, error) {
			stopped, p, changed, err := shadow.Stop(ctx, tx, shadowID)
			if err != nil {
				return nil, nil, err
			}
			res := &governancev1.StopShadowResponse{Shadow: shadowMessage(stopped)}
			if !changed {
				return res, nil, nil
			}
			return res, []change{{eventType: "policy.shadow_stopped", resource: shadowResource(p, stopped)}}, nil
		})
}

// GetShadow returns a shadow with what it has found.
func (s *PolicySimulationService) GetShadow(ctx context.Context, req *governancev1.GetShadowRequest) (*governancev1.GetShadowResponse, error) {
	id, err := parseID("shadow_id", req.GetShadowId())
	if err != nil {
		return nil, err
	}
	res := &governancev1.GetShadowResponse{}
	err = postgres.ReadTenantTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		found, err := shadow.Get(ctx, tx, id)
		res.Shadow = shadowMessage(found)
		return err
	})
	return res, err
}

// ListShadows lists shadows, newest first.
func (s *PolicySimulationService) ListShadows(ctx context.Context, req *governancev1.ListShadowsRequest) (*governancev1.ListShadowsResponse, error) {
	policyID, err := filterID("policy_id", req.GetPolicyId())
	if err != nil {
		return nil, err
	}
	after, _, err := page.Decode[uuid.UUID](ctx, req, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	res := &governancev1.ListShadowsResponse{}
	err = postgres.ReadTenantTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		shadows, more, err := shadow.List(ctx, tx, policyID, after, page.Size(req.GetPageSize()))
		if err != nil {
			return err
		}
		messages := make([]*governancev1.Shadow, len(shadows))
		for i, each := range shadows {
			messages[i] = shadowMessage(each)
		}
		res.Shadows, res.NextPageToken = page.Cut(ctx, req, messages, more, func(last int) uuid.UUID { return shadows[last].ID })
		return nil
	})
	return res, err
}

// ListShadowDifferences lists the decisions that differ, newest first.
func (s *PolicySimulationService) ListShadowDifferences(
	ctx context.Context, req *governancev1.ListShadowDifferencesRequest,
) (*governancev1.ListShadowDifferencesResponse, error) {
	id, err := parseID("shadow_id", req.GetShadowId())
	if err != nil {
		return nil, err
	}
	after, _, err := page.Decode[shadow.DifferenceKey](ctx, req, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	res := &governancev1.ListShadowDifferencesResponse{}
	err = postgres.ReadTenantTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		found, more, err := shadow.ListDifferences(ctx, tx, id, after, page.Size(req.GetPageSize()))
		if err != nil {
			return err
		}
		messages := make([]*governancev1.ShadowDifference, len(found))
		for i, d := range found {
			messages[i] = shadowDifferenceMessage(d)
		}
		res.Differences, res.NextPageToken = page.Cut(ctx, req, messages, more, func(last int) shadow.DifferenceKey {
			return shadow.DifferenceKey{Time: found[last].DecideTime, Decision: found[last].DecisionID}
		})
		return nil
	})
	return res, err
}
