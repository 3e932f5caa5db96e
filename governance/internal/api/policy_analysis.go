package api

import (
	"context"

	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/suite"
	"github.com/aumos-enterprise/platform/pkg/errs"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// maxSchemaBytes bounds the schema of the input, as the contract says.
const maxSchemaBytes = 256 << 10

// ValidatePolicy says whether modules could be a version. It reads and writes nothing.
func (s *PolicyService) ValidatePolicy(ctx context.Context, req *governancev1.ValidatePolicyRequest) (*governancev1.ValidatePolicyResponse, error) {
	if n := proto.Size(req.GetInputSchema()); n > maxSchemaBytes {
		return nil, errs.InvalidField("input_schema", "%d bytes, at most %d", n, maxSchemaBytes)
	}
	id, _ := tenant.FromContext(ctx)
	source, err := sourceOf(req.GetModules(), req.GetData())
	if err != nil {
		return nil, err
	}
	specs, err := specsOf(req.GetSpecs())
	if err != nil {
		return nil, err
	}
	if err := suite.Check(specs); err != nil {
		return nil, err
	}
	report, err := s.Engine.Validate(ctx, id, source, structMap(req.GetInputSchema()))
	if err != nil {
		return nil, err
	}
	content := policy.Content{Modules: policyModules(req.GetModules()), Package: report.Package, Data: source.Data.JSON()}
	if len(report.Errors) == 0 {
		// Creating a version would refuse the request for these, not for its Rego.
		if err := content.Check(); err != nil {
			return nil, err
		}
	}
	return reportMessage(report, content), nil
}

// DiffPolicyVersions compares two versions of one policy.
func (s *PolicyService) DiffPolicyVersions(
	ctx context.Context, req *governancev1.DiffPolicyVersionsRequest,
) (*governancev1.DiffPolicyVersionsResponse, error) {
	fromID, err := parseID("from_policy_version_id", req.GetFromPolicyVersionId())
	if err != nil {
		return nil, err
	}
	toID, err := parseID("to_policy_version_id", req.GetToPolicyVersionId())
	if err != nil {
		return nil, err
	}
	var from, to policy.Version
	err = postgres.ReadTenantTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		var err error
		if from, err = policy.GetVersion(ctx, tx, fromID); err != nil {
			return err
		}
		to, err = policy.GetVersion(ctx, tx, toID)
		return err
	})
	if err != nil {
		return nil, err
	}
	if from.PolicyID != to.PolicyID {
		return nil, errs.InvalidField("to_policy_version_id", "is a version of another policy than from_policy_version_id")
	}
	diff := rego.Diff{Compared: true}
	if from.ContentSHA256 != to.ContentSHA256 {
		id, _ := tenant.FromContext(ctx)
		if diff, err = s.Engine.Compare(ctx, id, rego.Modules(from.Modules), rego.Modules(to.Modules)); err != nil {
			return nil, err
		}
	}
	res := &governancev1.DiffPolicyVersionsResponse{Diff: diffMessage(diff, from, to)}
	from.Modules, to.Modules, from.Data, to.Data, from.Reviews, to.Reviews = nil, nil, nil, nil, nil, nil // as in lists
	res.FromPolicyVersion, res.ToPolicyVersion = versionMessage(from), versionMessage(to)
	return res, nil
}
