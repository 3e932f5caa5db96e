package api

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/decision"
	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/replay"
	"github.com/aumos-enterprise/platform/governance/internal/simulation"
	"github.com/aumos-enterprise/platform/pkg/errs"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// actionSimulate is the permission that the entries about simulations, replays and shadows name.
const actionSimulate = "policy.simulate"

// maxSimulatedBytes bounds the inputs of a simulation together, as the contract says.
const maxSimulatedBytes = 4 << 20

// PolicySimulationService serves aumos.governance.v1.PolicySimulationService.
type PolicySimulationService struct {
	governancev1.UnimplementedPolicySimulationServiceServer

	Pool      *pgxpool.Pool // the governance database, as its application role
	Engine    *rego.Engine
	Wall      *audit.Wall
	Decider   *decision.Decider
	Mutations *Mutations
	Replays   *replay.Worker
	Followers *replay.Followers
}

// SimulatePolicy puts inputs to a candidate and to another version. Nothing changes; that it was done is on the wall before the answer.
func (s *PolicySimulationService) SimulatePolicy(
	ctx context.Context, req *governancev1.SimulatePolicyRequest,
) (*governancev1.SimulatePolicyResponse, error) {
	id, _ := tenant.FromContext(ctx)
	if err := audit.RefusePlatform(id); err != nil { // its log would take the entry
		return nil, err
	}
	if err := s.Wall.Ready(); err != nil {
		return nil, err
	}
	detail, err := simulationDetail(ctx, req.GetExplain(), len(req.GetInputs()))
	if err != nil {
		return nil, err
	}
	run := simulation.Simulation{Tenant: id, Explain: detail}
	var inputs policy.Digest
	if run.Cases, inputs, err = casesOf(req.GetInputs(), time.Now()); err != nil {
		return nil, err
	}
	c, err := s.candidateOf(ctx, req)
	if err != nil {
		return nil, err
	}
	other, err := s.comparedWith(ctx, c.policy, req.GetCompareWithPolicyVersionId())
	if err != nil {
		return nil, err
	}
	res := &governancev1.SimulatePolicyResponse{ComparedWithPolicyVersionId: idText(other.ID)}
	if run.Candidate, res.Errors, err = s.try(ctx, c); err != nil {
		return nil, err
	}
	if run.Candidate != nil {
		if other.ID != uuid.Nil {
			run.Compared = true
			if run.ComparedWith, _, err = s.try(ctx, candidate{policy: c.policy, version: other}); err != nil {
				return nil, err
			}
		}
		findings, summary, err := run.Run(ctx, s.Engine)
		if err != nil {
			return nil, err
		}
		res.Results, res.Summary = simulationMessages(req.GetInputs(), findings, c), summaryMessage(summary)
	}
	return res, s.recordSimulation(ctx, c, res, len(req.GetInputs()), inputs)
}

// casesOf checks the inputs, and returns them with a digest of all.
func casesOf(messages []*governancev1.SimulationInput, now time.Time) ([]simulation.Case, policy.Digest, error) {
	cases, total, sum := make([]simulation.Case, len(messages)), 0, sha256.New()
	for i, m := range messages {
		in, err := rego.InputOf(m.GetInput())
		if err != nil {
			return nil, policy.Digest{}, within(element("inputs", i), err)
		}
		cases[i] = simulation.Case{Input: in, Now: now}
		if m.GetNow() != nil {
			cases[i].Now = m.GetNow().AsTime()
		}
		if total += len(in.JSON()); total > maxSimulatedBytes {
			return nil, policy.Digest{}, errs.InvalidField("inputs", "over %d bytes together as JSON", maxSimulatedBytes)
		}
		digest := in.SHA256()
		sum.Write(digest[:])
	}
	return cases, policy.Digest(sum.Sum(nil)), nil
}

// comparedWith returns the version to compare with; one without an id when the policy has no active version and none is named.
func (s *PolicySimulationService) comparedWith(ctx context.Context, p policy.Policy, named string) (policy.Version, error) {
	id := p.ActiveVersionID
	if named != "" {
		var err error
		if id, err = parseID("compare_with_policy_version_id", named); err != nil {
			return policy.Version{}, err
		}
	}
	if named == "" && id == uuid.Nil {
		return policy.Version{}, nil
	}
	var v policy.Version
	err := postgres.ReadTenantTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) (err error) {
		v, err = policy.GetVersion(ctx, tx, id)
		return err
	})
	if err == nil && v.PolicyID != p.ID {
		err = errs.InvalidField("compare_with_policy_version_id", "is a version of another policy")
	}
	return v, err
}

// try compiles a version within the tenant's share. What keeps it from compiling is an answer, not an error.
func (s *PolicySimulationService) try(ctx context.Context, c candidate) (*rego.Compiled, []*governancev1.RegoFinding, error) {
	id, _ := tenant.FromContext(ctx)
	source, err := c.source()
	if err != nil {
		return nil, nil, err
	}
	compiled, err := s.Engine.Compile(ctx, id, source)
	if errs.ReasonOf(err) != errs.ReasonRegoInvalid {
		return compiled, nil, c.within(err)
	}
	report, err := s.Engine.Validate(ctx, id, source, nil)
	if err != nil {
		return nil, nil, c.within(err)
	}
	return nil, findingMessages(report.Errors, c.version.Modules), nil
}
