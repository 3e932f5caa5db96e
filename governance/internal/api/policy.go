package api

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/governance/internal/decision"
	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/page"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Actions of the entries: the permissions exercised.
const (
	actionAuthor   = "policy.author"
	actionApprove  = "policy.approve"
	actionActivate = "policy.activate"
)

// PolicyService serves aumos.governance.v1.PolicyService.
type PolicyService struct {
	governancev1.UnimplementedPolicyServiceServer

	Pool      *pgxpool.Pool // the governance database, as its application role
	Engine    *rego.Engine
	Decider   *decision.Decider
	Mutations *Mutations
	Limits    policy.Limits
}

// CreatePolicy creates a policy without a version.
func (s *PolicyService) CreatePolicy(ctx context.Context, req *governancev1.CreatePolicyRequest) (*governancev1.CreatePolicyResponse, error) {
	return mutate(ctx, s.Mutations, actionAuthor, governancev1.PolicyService_CreatePolicy_FullMethodName, req,
		func(ctx context.Context, tx pgx.Tx) (*governancev1.CreatePolicyResponse, []change, error) {
			if err := s.Limits.CheckPolicy(ctx, tx); err != nil {
				return nil, nil, err
			}
			p, err := policy.Create(ctx, tx, policy.Definition{
				Name: req.GetName(), Description: req.GetDescription(), DecisionPoints: req.GetDecisionPoints(), Labels: req.GetLabels(),
				RegulationReferences: req.GetRegulationReferences(), MinCoveragePercent: req.GetMinCoveragePercent(),
			})
			if err != nil {
				return nil, nil, err
			}
			return &governancev1.CreatePolicyResponse{Policy: policyMessage(p)}, []change{{eventType: "policy.created", resource: policyResource(p)}}, nil
		})
}

// GetPolicy returns a policy.
func (s *PolicyService) GetPolicy(ctx context.Context, req *governancev1.GetPolicyRequest) (*governancev1.GetPolicyResponse, error) {
	id, err := parseID("policy_id", req.GetPolicyId())
	if err != nil {
		return nil, err
	}
	res := &governancev1.GetPolicyResponse{}
	err = postgres.ReadTenantTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		p, err := policy.Get(ctx, tx, id)
		res.Policy = policyMessage(p)
		return err
	})
	return res, err
}

// ListPolicies lists policies, newest first.
func (s *PolicyService) ListPolicies(ctx context.Context, req *governancev1.ListPoliciesRequest) (*governancev1.ListPoliciesResponse, error) {
	after, _, err := page.Decode[uuid.UUID](ctx, req, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	res := &governancev1.ListPoliciesResponse{}
	err = postgres.ReadTenantTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		filter := policy.Filter{
			Name: req.GetName(), DecisionPoint: req.GetDecisionPoint(), Labels: req.GetLabels(), RegulationReference: req.GetRegulationReference(),
			Archived: req.GetShowArchived(),
		}
		policies, more, err := policy.List(ctx, tx, filter, after, page.Size(req.GetPageSize()))
		if err != nil {
			return err
		}
		res.Policies, res.NextPageToken = page.Cut(ctx, req, policyMessages(policies), more, func(last int) uuid.UUID { return policies[last].ID })
		return nil
	})
	return res, err
}

// CreatePolicyVersion adds an immutable version.
func (s *PolicyService) CreatePolicyVersion(
	ctx context.Context, req *governancev1.CreatePolicyVersionRequest,
) (*governancev1.CreatePolicyVersionResponse, error) {
	policyID, err := parseID("policy_id", req.GetPolicyId())
	if err != nil {
		return nil, err
	}
	id, _ := tenant.FromContext(ctx)
	source, err := sourceOf(req.GetModules(), req.GetData())
	if err != nil {
		return nil, err
	}
	compiled, err := s.Engine.Compile(ctx, id, source)
	if err != nil {
		return nil, err
	}
	author, _ := auth.FromContext(ctx)
	content := policy.Content{
		Modules: policyModules(req.GetModules()), Package: compiled.Package(), Data: source.Data.JSON(), Description: req.GetDescription(), Author: author.Subject,
	}
	return mutate(ctx, s.Mutations, actionAuthor, governancev1.PolicyService_CreatePolicyVersion_FullMethodName, req,
		func(ctx context.Context, tx pgx.Tx) (*governancev1.CreatePolicyVersionResponse, []change, error) {
			if err := s.Limits.CheckVersion(ctx, tx); err != nil {
				return nil, nil, err
			}
			p, err := policy.Get(ctx, tx, policyID)
			if err != nil {
				return nil, nil, err
			}
			v, err := policy.CreateVersion(ctx, tx, policyID, content)
			if err != nil {
				return nil, nil, err
			}
			return &governancev1.CreatePolicyVersionResponse{PolicyVersion: versionMessage(v)},
				[]change{{eventType: "policy.version_created", resource: VersionResource(p, v)}}, nil
		})
}

// GetPolicyVersion returns a version with its sources.
func (s *PolicyService) GetPolicyVersion(ctx context.Context, req *governancev1.GetPolicyVersionRequest) (*governancev1.GetPolicyVersionResponse, error) {
	id, err := parseID("policy_version_id", req.GetPolicyVersionId())
	if err != nil {
		return nil, err
	}
	res := &governancev1.GetPolicyVersionResponse{}
	err = postgres.ReadTenantTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		v, err := policy.GetVersion(ctx, tx, id)
		res.PolicyVersion = versionMessage(v)
		return err
	})
	return res, err
}

// ListPolicyVersions lists a policy's versions, newest first.
func (s *PolicyService) ListPolicyVersions(
	ctx context.Context, req *governancev1.ListPolicyVersionsRequest,
) (*governancev1.ListPolicyVersionsResponse, error) {
	id, err := parseID("policy_id", req.GetPolicyId())
	if err != nil {
		return nil, err
	}
	after, _, err := page.Decode[int32](ctx, req, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	res := &governancev1.ListPolicyVersionsResponse{}
	err = postgres.ReadTenantTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		versions, more, err := policy.ListVersions(ctx, tx, id, stateOf(req.GetState()), after, page.Size(req.GetPageSize()))
		if err != nil {
			return err
		}
		res.PolicyVersions, res.NextPageToken = page.Cut(ctx, req, versionMessages(versions), more, func(last int) int32 { return versions[last].Number })
		return nil
	})
	return res, err
}
