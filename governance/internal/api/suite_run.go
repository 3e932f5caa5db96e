package api

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/suite"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/page"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const actionTest = "policy.test"

// RunPolicyTests runs the suite on a version and records what it came to. The tests run before the transaction: it would be open for a minute.
func (s *PolicyTestService) RunPolicyTests(ctx context.Context, req *governancev1.RunPolicyTestsRequest) (*governancev1.RunPolicyTestsResponse, error) {
	id, err := parseID("policy_version_id", req.GetPolicyVersionId())
	if err != nil {
		return nil, err
	}
	for i, tag := range req.GetTags() {
		if err := withoutNUL(element("tags", i), tag); err != nil {
			return nil, err
		}
	}
	const method = governancev1.PolicyTestService_RunPolicyTests_FullMethodName
	if res, ok, err := repeated[governancev1.RunPolicyTestsResponse](ctx, s.Mutations, method, req); ok || err != nil {
		return res, err
	}
	release, err := s.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	var v policy.Version
	var p policy.Policy
	var cases []suite.Case
	err = postgres.ReadTenantTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) (err error) {
		if v, err = policy.GetVersion(ctx, tx, id); err != nil {
			return err
		}
		if p, err = policy.Get(ctx, tx, v.PolicyID); err != nil {
			return err
		}
		cases, err = suite.All(ctx, tx, p.ID, req.GetTags())
		return err
	})
	if err != nil {
		return nil, err
	}
	report, err := s.runStored(ctx, v, cases, len(req.GetTags()) == 0)
	if err != nil {
		return nil, err
	}
	asked := p.MinCoveragePercent
	if len(req.GetTags()) > 0 { // a part of the tests is not to reach what all of them do
		asked = 0
	}
	message := testReportMessage(report, rego.Modules(v.Modules), asked)
	run := recordOf(p, v, report, asked)
	run.Complete = len(req.GetTags()) == 0 && report.InTime
	if run.Report, err = packReport(message); err != nil {
		return nil, err
	}
	caller, _ := auth.FromContext(ctx)
	run.Subject = caller.Subject
	return mutate(ctx, s.Mutations, actionTest, method, req,
		func(ctx context.Context, tx pgx.Tx) (*governancev1.RunPolicyTestsResponse, []change, error) {
			recorded, err := suite.Record(ctx, tx, run)
			if err != nil {
				return nil, nil, err
			}
			res := &governancev1.RunPolicyTestsResponse{TestRun: runMessage(recorded)}
			res.TestRun.Report = message
			return res, []change{{
				eventType: "policy.tested", resource: runResource(p, v, recorded), details: map[string]any{
					"test_cases": float64(len(cases)), "test_cases_sha256": suite.Digest(cases).String(), "tags": anyList(req.GetTags()),
				},
			}}, nil
		})
}

// turn waits for the tenant's turn.
func (s *PolicyTestService) turn(ctx context.Context) (release func(), err error) {
	id, _ := tenant.FromContext(ctx)
	return s.Engine.Turn(ctx, id)
}

func (s *PolicyTestService) runStored(ctx context.Context, v policy.Version, cases []suite.Case, rules bool) (suite.Report, error) {
	source, err := rego.StoredSource(v.Modules, v.Data)
	if err != nil {
		return suite.Report{}, fmt.Errorf("read policy version %s: %w", v.ID, err)
	}
	id, _ := tenant.FromContext(ctx)
	compiled, err := s.Engine.Compile(ctx, id, source)
	if err != nil {
		return suite.Report{}, err
	}
	return suite.Run(ctx, s.Engine, suite.Subject{Tenant: id, Policy: compiled, Modules: source.Modules}, storedTests(cases), rules)
}

// recordOf is the run of a version's tests, as far as the report says it; minCoverage, in percent, was asked for.
func recordOf(p policy.Policy, v policy.Version, r suite.Report, minCoverage int32) suite.Recorded {
	return suite.Recorded{
		PolicyID: p.ID, VersionID: v.ID, ContentSHA256: v.ContentSHA256, SuiteRevision: p.SuiteRevision, MinCoveragePercent: minCoverage,
		Passed: r.Success(minCoverage), PassedCount: r.Passed, FailedCount: r.Failed, ErrorCount: r.Errored,
		CoveragePercent: r.CoveragePercent, DurationUs: r.Took.Microseconds(), EngineVersion: rego.EngineVersion(),
	}
}

// runResource is the run as its entry holds it: counts and digests, no case and no answer.
func runResource(p policy.Policy, v policy.Version, r suite.Recorded) auditlog.Resource {
	return auditlog.Resource{Type: "policy_test_run", ID: r.ID.String(), Name: fmt.Sprintf("%s v%d", p.Name, v.Number), State: map[string]any{
		"id": r.ID.String(), "policy_id": r.PolicyID.String(), "policy_version_id": r.VersionID.String(), "content_sha256": r.ContentSHA256.String(),
		"suite_revision": float64(r.SuiteRevision), "min_coverage_percent": float64(r.MinCoveragePercent), "complete": r.Complete, "passed": r.Passed,
		"passed_count": float64(r.PassedCount), "failed_count": float64(r.FailedCount), "error_count": float64(r.ErrorCount),
		"coverage_percent": float64(r.CoveragePercent), "engine_version": r.EngineVersion, "subject": r.Subject, "run_time": stamp(r.RunTime),
	}}
}

// TestModules runs tests on modules that are not stored.
func (s *PolicyTestService) TestModules(ctx context.Context, req *governancev1.TestModulesRequest) (*governancev1.TestModulesResponse, error) {
	release, err := s.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
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
	id, _ := tenant.FromContext(ctx)
	checked, err := s.Engine.Validate(ctx, id, source, nil)
	if err != nil {
		return nil, err
	}
	if len(checked.Errors) > 0 {
		return &governancev1.TestModulesResponse{Errors: findingMessages(checked.Errors, policyModules(req.GetModules()))}, nil
	}
	compiled, err := s.Engine.Compile(ctx, id, source)
	if err != nil {
		return nil, err
	}
	subject := suite.Subject{Tenant: id, Policy: compiled, Modules: source.Modules}
	report, err := suite.Run(ctx, s.Engine, subject, givenTests(req.GetSpecs(), req.GetTags()), len(req.GetTags()) == 0)
	if err != nil {
		return nil, err
	}
	return &governancev1.TestModulesResponse{Report: testReportMessage(report, source.Modules, req.GetMinCoveragePercent())}, nil
}

// GetTestRun returns a run.
func (s *PolicyTestService) GetTestRun(ctx context.Context, req *governancev1.GetTestRunRequest) (*governancev1.GetTestRunResponse, error) {
	id, err := parseID("test_run_id", req.GetTestRunId())
	if err != nil {
		return nil, err
	}
	var run suite.Recorded
	err = postgres.ReadTenantTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) (err error) {
		run, err = suite.GetRun(ctx, tx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	res := &governancev1.GetTestRunResponse{TestRun: runMessage(run)}
	if res.TestRun.Report, err = unpackReport(run.Report); err != nil {
		return nil, fmt.Errorf("read test run %s: %w", run.ID, err)
	}
	return res, nil
}

// ListTestRuns lists a policy's runs, newest first.
func (s *PolicyTestService) ListTestRuns(ctx context.Context, req *governancev1.ListTestRunsRequest) (*governancev1.ListTestRunsResponse, error) {
	policyID, err := parseID("policy_id", req.GetPolicyId())
	if err != nil {
		return nil, err
	}
	versionID, err := filterID("policy_version_id", req.GetPolicyVersionId())
	if err != nil {
		return nil, err
	}
	after, _, err := page.Decode[uuid.UUID](ctx, req, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	res := &governancev1.ListTestRunsResponse{}
	err = postgres.ReadTenantTx(ctx, s.Pool, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := policy.Get(ctx, tx, policyID); err != nil {
			return err
		}
		runs, more, err := suite.ListRuns(ctx, tx, policyID, versionID, after, page.Size(req.GetPageSize()))
		if err != nil {
			return err
		}
		messages := make([]*governancev1.PolicyTestRun, len(runs))
		for i, r := range runs {
			messages[i] = runMessage(r)
		}
		res.TestRuns, res.NextPageToken = page.Cut(ctx, req, messages, more, func(last int) uuid.UUID { return runs[last].ID })
		return nil
	})
	return res, err
}
