package api

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/errs"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

// candidateRequest names a candidate: a version of the policy, or modules that are not stored.
type candidateRequest interface {
	GetPolicyId() string
	GetPolicyVersionId() string
	GetModules() *governancev1.CandidateModules
}

// candidate is what is tried out.
type candidate struct {
	policy  policy.Policy
	version policy.Version // without an id: modules that are not stored
}

// candidateOf reads what the request names.
func (s *PolicySimulationService) candidateOf(ctx context.Context, req candidateRequest) (candidate, error) {
	policyID, err := parseID("policy_id", req.GetPolicyId())
	if err != nil {
		return candidate{}, err
	}
	var c candidate
	versionID := uuid.Nil
	if m := req.GetModules(); m != nil {
		data, err := dataOf(m.GetData())
		if err != nil {
			return candidate{}, within("modules", err)
		}
		c.version = policy.Version{PolicyID: policyID, Modules: policyModules(m.GetModules()), Data: data.JSON()}
		c.version.ContentSHA256 = policy.ContentSHA256(c.version.Modules, c.version.Data)
	} else if versionID, err = parseID("policy_version_id", req.GetPolicyVersionId()); err != nil {
		return candidate{}, err
	}
	err = postgres.ReadTenantTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) (err error) {
		if c.policy, err = policy.Get(ctx, tx, policyID); err != nil || req.GetModules() != nil {
			return err
		}
		c.version, err = policy.GetVersion(ctx, tx, versionID)
		return err
	})
	if err == nil && c.version.PolicyID != policyID {
		err = errs.InvalidField("policy_version_id", "is a version of another policy")
	}
	return c, err
}

func (c candidate) source() (rego.Source, error) {
	return rego.StoredSource(c.version.Modules, c.version.Data)
}

// within says where the request has the modules that an error is about.
func (c candidate) within(err error) error {
	if c.version.ID != uuid.Nil {
		return err
	}
	return within("modules", err)
}
