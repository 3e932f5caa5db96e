package cli_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// testsDouble stands in for PolicyTestService: a case fails when its name says so, and everything else passes.
type testsDouble struct {
	governancev1.UnimplementedPolicyTestServiceServer

	mu       sync.Mutex // guards what follows
	deadline time.Duration
	modules  *governancev1.TestModulesRequest
	run      *governancev1.RunPolicyTestsRequest
	listed   *governancev1.ListTestCasesRequest
	report   *governancev1.PolicyTestReport // of stored versions
	specs    []*governancev1.PolicyTestSpec // as policy push left them
	runs     []*governancev1.PolicyTestRun
}

func (d *testsDouble) remember(ctx context.Context, do func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if end, ok := ctx.Deadline(); ok {
		d.deadline = time.Until(end)
	}
	do()
}

func (d *testsDouble) TestModules(ctx context.Context, req *governancev1.TestModulesRequest) (*governancev1.TestModulesResponse, error) {
	d.remember(ctx, func() { d.modules = req })
	if err := refuseCases(req.GetSpecs()); err != nil {
		return nil, err
	}
	res := &governancev1.TestModulesResponse{}
	for _, m := range req.GetModules() {
		if strings.Contains(m.GetSource(), "http.send") {
			res.Errors = append(res.Errors, &governancev1.RegoFinding{
				ModulePath: m.GetPath(), Row: 3, Column: 4, Code: "rego_type_error", Message: "undefined function http.send \x1b[31m",
			})
		}
	}
	if res.Errors != nil {
		return res, nil
	}
	var names []string
	for _, spec := range req.GetSpecs() {
		names = append(names, spec.GetName())
	}
	res.Report = reportOn(names, req.GetMinCoveragePercent())
	return res, nil
}

// refuseCases refuses a case that is called so.
func refuseCases(specs []*governancev1.PolicyTestSpec) error {
	for i, spec := range specs {
		if spec.GetName() == "refused" {
			return refuse(codes.InvalidArgument, "INVALID_FIELD", "the request is invalid: see the field violations", &errdetails.BadRequest{
				FieldViolations: []*errdetails.BadRequest_FieldViolation{
					{Field: fmt.Sprintf("specs[%d].name", i), Description: "is odd"}, {Field: fmt.Sprintf("specs[%d].tags[0]", i), Description: "is odd"},
				},
			})
		}
	}
	return nil
}

// reportOn covers 80 %.
func reportOn(names []string, minCoverage int32) *governancev1.PolicyTestReport {
	r := &governancev1.PolicyTestReport{
		CoveragePercent: 80, Duration: durationpb.New(1500 * time.Microsecond), EngineVersion: "opa/1.22.2+0f3a91c2",
		Coverage: []*governancev1.ModuleCoverage{{
			ModulePath: "main.rego", CoveredLines: 4, CoverableLines: 5, Covered: []*governancev1.RowRange{{Start: 3, End: 6}},
			NotCovered: []*governancev1.RowRange{{Start: 8, End: 8}, {Start: 10, End: 12}},
		}},
	}
	for _, name := range names {
		result := &governancev1.PolicyTestResult{
			Name: name, Status: governancev1.PolicyTestStatus_POLICY_TEST_STATUS_PASSED, Outcome: governancev1.DecisionOutcome_DECISION_OUTCOME_ALLOW,
			Duration: durationpb.New(250 * time.Microsecond),
		}
		switch {
		case strings.HasPrefix(name, "fails"):
			result.Status, result.Message = governancev1.PolicyTestStatus_POLICY_TEST_STATUS_FAILED, "want DENY, got ALLOW \x1b[31m"
			r.FailedCount++
		case strings.HasPrefix(name, "late"):
			result.Status, result.Message = governancev1.PolicyTestStatus_POLICY_TEST_STATUS_ERROR, "the policy overran the deadline of an evaluation"
			r.ErrorCount++
		default:
			r.PassedCount++
		}
		r.Results = append(r.Results, result)
	}
	if len(names) > 0 {
		r.PassedCount++
		r.Results = append(r.Results, &governancev1.PolicyTestResult{
			Name: "data.loans_test.test_limit", Status: governancev1.PolicyTestStatus_POLICY_TEST_STATUS_PASSED, ModulePath: "main_test.rego", Row: 5,
			Duration: durationpb.New(time.Millisecond),
		})
	}
	r.Passed = r.GetPassedCount() > 0 && r.GetFailedCount()+r.GetErrorCount() == 0 && r.GetCoveragePercent() >= minCoverage
	return r
}

func (d *testsDouble) RunPolicyTests(ctx context.Context, req *governancev1.RunPolicyTestsRequest) (*governancev1.RunPolicyTestsResponse, error) {
	d.remember(ctx, func() { d.run = req })
	return &governancev1.RunPolicyTestsResponse{TestRun: &governancev1.PolicyTestRun{
		Id: "0198c0de-0000-7000-8000-0000000000f1", PolicyVersionId: req.GetPolicyVersionId(), Complete: len(req.GetTags()) == 0, MinCoveragePercent: 50,
		Report: d.report, RunTime: timestamppb.New(time.Unix(1_800_000_000, 0)),
	}}, nil
}

// ListTestCases returns one case a page.
func (d *testsDouble) ListTestCases(ctx context.Context, req *governancev1.ListTestCasesRequest) (*governancev1.ListTestCasesResponse, error) {
	d.remember(ctx, func() { d.listed = req })
	input, _ := structpb.NewStruct(map[string]any{"amount": 10.0})
	stored := func(id, name string, tags ...string) *governancev1.PolicyTestCase {
		return &governancev1.PolicyTestCase{
			Id: "0198c0de-0000-7000-8000-0000000000" + id, PolicyId: req.GetPolicyId(), UpdateTime: timestamppb.New(time.Unix(1_800_000_000, 0)),
			Spec: &governancev1.PolicyTestSpec{
				Name: name, Input: input, ExpectedOutcome: governancev1.DecisionOutcome_DECISION_OUTCOME_DENY, ExpectedViolations: []string{"AMOUNT"}, Tags: tags,
			},
		}
	}
	if req.GetPageToken() == "" {
		return &governancev1.ListTestCasesResponse{TestCases: []*governancev1.PolicyTestCase{stored("c1", "a", "smoke")}, NextPageToken: "next"}, nil
	}
	return &governancev1.ListTestCasesResponse{TestCases: []*governancev1.PolicyTestCase{stored("c2", "b", "slow", "smoke")}}, nil
}
