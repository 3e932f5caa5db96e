package api

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/suite"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/page"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// PolicyTestService serves aumos.governance.v1.PolicyTestService.
type PolicyTestService struct {
	governancev1.UnimplementedPolicyTestServiceServer

	Pool      *pgxpool.Pool // the governance database, as its application role
	Engine    *rego.Engine
	Mutations *Mutations
}

// CreateTestCase adds a case to a policy.
func (s *PolicyTestService) CreateTestCase(ctx context.Context, req *governancev1.CreateTestCaseRequest) (*governancev1.CreateTestCaseResponse, error) {
	policyID, err := parseID("policy_id", req.GetPolicyId())
	if err != nil {
		return nil, err
	}
	spec, err := specOf("spec", req.GetSpec())
	if err != nil {
		return nil, err
	}
	return mutate(ctx, s.Mutations, actionAuthor, governancev1.PolicyTestService_CreateTestCase_FullMethodName, req,
		func(ctx context.Context, tx pgx.Tx) (*governancev1.CreateTestCaseResponse, []change, error) {
			c, err := suite.Create(ctx, tx, policyID, spec)
			if err != nil {
				return nil, nil, err
			}
			message, err := caseMessage(c)
			if err != nil {
				return nil, nil, err
			}
			changes, err := suiteChange(ctx, tx, policyID, "policy.test_case_created", caseDetails(c))
			return &governancev1.CreateTestCaseResponse{TestCase: message}, changes, err
		})
}

// UpdateTestCase replaces what a case asks and expects.
func (s *PolicyTestService) UpdateTestCase(ctx context.Context, req *governancev1.UpdateTestCaseRequest) (*governancev1.UpdateTestCaseResponse, error) {
	id, err := parseID("test_case_id", req.GetTestCaseId())
	if err != nil {
		return nil, err
	}
	spec, err := specOf("spec", req.GetSpec())
	if err != nil {
		return nil, err
	}
	return mutate(ctx, s.Mutations, actionAuthor, governancev1.PolicyTestService_UpdateTestCase_FullMethodName, req,
		func(ctx context.Context, tx pgx.Tx) (*governancev1.UpdateTestCaseResponse, []change, error) {
			c, changed, err := suite.Update(ctx, tx, id, req.GetEtag(), spec)
			if err != nil {
				return nil, nil, err
			}
			message, err := caseMessage(c)
			if err != nil || !changed {
				return &governancev1.UpdateTestCaseResponse{TestCase: message}, nil, err
			}
			changes, err := suiteChange(ctx, tx, c.PolicyID, "policy.test_case_updated", caseDetails(c))
			return &governancev1.UpdateTestCaseResponse{TestCase: message}, changes, err
		})
}

// DeleteTestCase removes a case.
func (s *PolicyTestService) DeleteTestCase(ctx context.Context, req *governancev1.DeleteTestCaseRequest) (*governancev1.DeleteTestCaseResponse, error) {
	id, err := parseID("test_case_id", req.GetTestCaseId())
	if err != nil {
		return nil, err
	}
	return mutate(ctx, s.Mutations, actionAuthor, governancev1.PolicyTestService_DeleteTestCase_FullMethodName, req,
		func(ctx context.Context, tx pgx.Tx) (*governancev1.DeleteTestCaseResponse, []change, error) {
			c, err := suite.Delete(ctx, tx, id, req.GetEtag())
			if err != nil {
				return nil, nil, err
			}
			changes, err := suiteChange(ctx, tx, c.PolicyID, "policy.test_case_deleted", caseDetails(c))
			return &governancev1.DeleteTestCaseResponse{}, changes, err
		})
}

// ReplaceTestCases makes the policy's cases those of the request.
func (s *PolicyTestService) ReplaceTestCases(ctx context.Context, req *governancev1.ReplaceTestCasesRequest) (*governancev1.ReplaceTestCasesResponse, error) {
	policyID, err := parseID("policy_id", req.GetPolicyId())
	if err != nil {
		return nil, err
	}
	specs, err := specsOf(req.GetSpecs())
	if err != nil {
		return nil, err
	}
	return mutate(ctx, s.Mutations, actionAuthor, governancev1.PolicyTestService_ReplaceTestCases_FullMethodName, req,
		func(ctx context.Context, tx pgx.Tx) (*governancev1.ReplaceTestCasesResponse, []change, error) {
			r, err := suite.Replace(ctx, tx, policyID, specs)
			if err != nil {
				return nil, nil, err
			}
			p, err := policy.Get(ctx, tx, policyID)
			if err != nil {
				return nil, nil, err
			}
			res := &governancev1.ReplaceTestCasesResponse{Created: r.Created, Updated: r.Updated, Deleted: r.Deleted, SuiteRevision: p.SuiteRevision}
			if !r.Changed() {
				return res, nil, nil
			}
			return res, []change{{eventType: "policy.test_cases_replaced", resource: policyResource(p), details: map[string]any{
				"created": float64(r.Created), "updated": float64(r.Updated), "deleted": float64(r.Deleted), "test_cases": float64(len(r.Cases)),
				"test_cases_sha256": suite.Digest(r.Cases).String(),
			}}}, nil
		})
}

// suiteChange is the change of the policy that a change of one of its cases is: the policy's state says which suite it has.
func suiteChange(ctx context.Context, tx pgx.Tx, policyID uuid.UUID, eventType string, details map[string]any) ([]change, error) {
	p, err := policy.Get(ctx, tx, policyID)
	if err != nil {
		return nil, err
	}
	return []change{{eventType: eventType, resource: policyResource(p), details: details}}, nil
}

// caseDetails name a case on the wall. What it asks may be confidential: a digest stands for it.
func caseDetails(c suite.Case) map[string]any {
	return map[string]any{"test_case_id": c.ID.String(), "test_case_name": c.Name, "test_case_sha256": c.SHA256().String()}
}

// GetTestCase returns a case.
func (s *PolicyTestService) GetTestCase(ctx context.Context, req *governancev1.GetTestCaseRequest) (*governancev1.GetTestCaseResponse, error) {
	id, err := parseID("test_case_id", req.GetTestCaseId())
	if err != nil {
		return nil, err
	}
	res := &governancev1.GetTestCaseResponse{}
	err = postgres.ReadTenantTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		c, err := suite.Get(ctx, tx, id)
		if err != nil {
			return err
		}
		res.TestCase, err = caseMessage(c)
		return err
	})
	return res, err
}

// ListTestCases lists a policy's cases by name.
func (s *PolicyTestService) ListTestCases(ctx context.Context, req *governancev1.ListTestCasesRequest) (*governancev1.ListTestCasesResponse, error) {
	policyID, err := parseID("policy_id", req.GetPolicyId())
	if err != nil {
		return nil, err
	}
	if err := withoutNUL("tag", req.GetTag()); err != nil {
		return nil, err
	}
	after, _, err := page.Decode[string](ctx, req, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	res := &governancev1.ListTestCasesResponse{}
	err = postgres.ReadTenantTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := policy.Get(ctx, tx, policyID); err != nil {
			return err
		}
		cases, more, err := suite.List(ctx, tx, policyID, req.GetTag(), after, page.Size(req.GetPageSize()))
		if err != nil {
			return err
		}
		messages := make([]*governancev1.PolicyTestCase, len(cases))
		for i, c := range cases {
			if messages[i], err = caseMessage(c); err != nil {
				return err
			}
		}
		res.TestCases, res.NextPageToken = page.Cut(ctx, req, messages, more, func(last int) string { return cases[last].Name })
		return nil
	})
	return res, err
}
