package api_test

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// The coverage is asked of all tests together: a part of them passes without it, and opens no way to activation.
func TestRunOfSomeTagsAsksForNoCoverage(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.tester(tenantA, auth.RolePolicyAuthor)
	p, err := c.CreatePolicy(t.Context(), &governancev1.CreatePolicyRequest{Name: "p", MinCoveragePercent: 100})
	if err != nil {
		t.Fatal(err)
	}
	c.create(p.GetPolicy().GetId(), asks("a", 1, allow, "smoke"))
	v := c.withRules(p.GetPolicy().GetId())
	part, whole := c.run(v.GetId(), "smoke"), c.run(v.GetId())
	if !part.GetReport().GetPassed() || part.GetComplete() || part.GetMinCoveragePercent() != 0 || part.GetReport().GetCoveragePercent() >= 100 {
		t.Errorf("the run of a tag: %v", part)
	}
	if whole.GetReport().GetPassed() || !whole.GetComplete() || whole.GetMinCoveragePercent() != 100 {
		t.Errorf("the run of all: %v", whole)
	}
}

// A run says what every test came to; it is kept, and it opens the way to activation while the suite is the one that was run.
func TestRunPolicyTests(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.tester(tenantA, auth.RoleAdmin)
	p := c.policy("p")
	v := c.withRules(p.GetId())
	one := c.create(p.GetId(), asks("one", 1, allow, "smoke"))
	three := c.create(p.GetId(), asks("three", 3, allow))
	c.approve(v.GetId())
	activate := func() error {
		_, err := c.ActivatePolicyVersion(t.Context(), &governancev1.ActivatePolicyVersionRequest{PolicyVersionId: v.GetId()})
		return err
	}
	wantError(t, activate(), codes.FailedPrecondition, governancev1.ErrorReason_ERROR_REASON_TESTS_REQUIRED)

	run := c.run(v.GetId())
	passed, failed := governancev1.PolicyTestStatus_POLICY_TEST_STATUS_PASSED, governancev1.PolicyTestStatus_POLICY_TEST_STATUS_FAILED
	want := &governancev1.PolicyTestRun{
		Id: run.GetId(), PolicyId: p.GetId(), PolicyVersionId: v.GetId(), ContentSha256: v.GetContentSha256(), SuiteRevision: 2, Complete: true,
		Subject: "tester-admin", RunTime: run.GetRunTime(),
		Report: &governancev1.PolicyTestReport{
			PassedCount: 2, FailedCount: 1, CoveragePercent: 66, EngineVersion: rego.EngineVersion(),
			Results: []*governancev1.PolicyTestResult{
				{Name: "one", TestCaseId: one.GetId(), Status: passed, Outcome: allow},
				{Name: "three", TestCaseId: three.GetId(), Status: failed, Message: "want ALLOW, got DENY", Outcome: deny},
				{Name: "data.p_test.test_nothing", Status: passed, ModulePath: "p_test.rego", Row: 3},
			},
			Coverage: []*governancev1.ModuleCoverage{{
				ModulePath: "p.rego", Covered: []*governancev1.RowRange{{Start: 2, End: 3}}, NotCovered: []*governancev1.RowRange{{Start: 4, End: 4}},
				CoveredLines: 2, CoverableLines: 3,
			}},
		},
	}
	ignore := cmp.Options{protocmp.Transform(), protocmp.IgnoreFields(&governancev1.PolicyTestReport{}, "duration"), protocmp.IgnoreFields(&governancev1.PolicyTestResult{}, "duration")}
	if diff := cmp.Diff(want, run, ignore); diff != "" {
		t.Errorf("run (-want +got):\n%s", diff)
	}
	kept, err := c.GetTestRun(t.Context(), &governancev1.GetTestRunRequest{TestRunId: run.GetId()})
	if diff := cmp.Diff(run, kept.GetTestRun(), protocmp.Transform()); err != nil || diff != "" {
		t.Errorf("GetTestRun: %v (-want +got):\n%s", err, diff)
	}
	wantError(t, activate(), codes.FailedPrecondition, governancev1.ErrorReason_ERROR_REASON_TESTS_REQUIRED)

	if _, err := c.UpdateTestCase(t.Context(), &governancev1.UpdateTestCaseRequest{TestCaseId: three.GetId(), Spec: asks("three", 3, deny)}); err != nil {
		t.Fatal(err)
	}
	if some := c.run(v.GetId(), "smoke"); some.GetComplete() || !some.GetReport().GetPassed() || len(some.GetReport().GetResults()) != 1 {
		t.Errorf("run of one tag: %v", some)
	}
	wantError(t, activate(), codes.FailedPrecondition, governancev1.ErrorReason_ERROR_REASON_TESTS_REQUIRED)
	all := c.run(v.GetId())
	if !all.GetReport().GetPassed() || !all.GetComplete() {
		t.Fatalf("run: %v", all)
	}
	extra := c.create(p.GetId(), asks("two", 2, allow))
	wantError(t, activate(), codes.FailedPrecondition, governancev1.ErrorReason_ERROR_REASON_TESTS_REQUIRED)
	last := c.run(v.GetId())
	if last.GetReport().GetCoveragePercent() != 100 || last.GetReport().GetResults()[2].GetTestCaseId() != extra.GetId() {
		t.Errorf("run: %v", last)
	}
	if err := activate(); err != nil {
		t.Errorf("activate: %v", err)
	}
	var ids []string
	for token := ""; ; {
		list, err := c.ListTestRuns(t.Context(), &governancev1.ListTestRunsRequest{PolicyId: p.GetId(), PolicyVersionId: v.GetId(), PageSize: 3, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, run := range list.GetTestRuns() {
			ids = append(ids, run.GetId())
			if run.GetReport().GetResults() != nil || run.GetReport().GetPassedCount() == 0 {
				t.Errorf("listed %v", run)
			}
		}
		if token = list.GetNextPageToken(); token == "" {
			break
		}
	}
	if len(ids) != 4 || ids[0] != last.GetId() || ids[3] != run.GetId() {
		t.Errorf("runs %v, want four from %s to %s", ids, last.GetId(), run.GetId())
	}
}

// The entry of a run says what was tested and what it came to, and nothing of the cases.
func TestRunIsRecorded(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.tester(tenantA, auth.RolePolicyAuthor)
	p := c.policy("p")
	v := c.withRules(p.GetId())
	c.create(p.GetId(), &governancev1.PolicyTestSpec{Name: "one", Input: object(map[string]any{"x": 1.0, "secret": "hush"}), ExpectedOutcome: allow})
	run := c.run(v.GetId())
	entries := r.entries(tenantA)
	e := entries[len(entries)-1]
	if e.EventType != "policy.tested" || e.Action != "policy.test" || e.Resource.Type != "policy_test_run" || e.Resource.ID != run.GetId() || e.Outcome != auditlog.Success {
		t.Fatalf("entry %+v", e)
	}
	state := map[string]any{
		"id": run.GetId(), "policy_id": p.GetId(), "policy_version_id": v.GetId(), "content_sha256": hex.EncodeToString(v.GetContentSha256()),
		"suite_revision": 1.0, "min_coverage_percent": 0.0, "complete": true, "passed": true, "passed_count": 2.0, "failed_count": 0.0, "error_count": 0.0,
		"coverage_percent": 66.0, "engine_version": rego.EngineVersion(), "subject": "tester-policy-author", "run_time": e.Resource.State["run_time"],
	}
	if diff := cmp.Diff(state, e.Resource.State); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{"test_cases": 1.0, "tags": []any{}}, e.Details, cmpopts.IgnoreMapEntries(func(k string, _ any) bool { return k == "test_cases_sha256" })); diff != "" {
		t.Errorf("details (-want +got):\n%s", diff)
	}
	if strings.Contains(fmt.Sprint(e), "hush") {
		t.Error("the entry has an input")
	}
}

func TestTestModules(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.tester(tenantA, auth.RolePolicyAuthor)
	req := &governancev1.TestModulesRequest{
		Modules: []*governancev1.RegoModule{
			{Path: "p.rego", Source: "package p\ndefault allow := false\nallow if input.x < data.limit\nobligations contains \"log\" if input.x > 2\n"},
			{Path: "p_test.rego", Source: "package p_test\nimport data.p\ntest_limit if not p.allow with input.x as data.limit\n"},
		},
		Data: object(map[string]any{"limit": 5.0}),
		Specs: []*governancev1.PolicyTestSpec{
			{Name: "logged", Input: object(map[string]any{"x": 3.0}), ExpectedOutcome: allow, ExpectedObligations: []string{"log"}},
			{Name: "low", Input: object(map[string]any{"x": 3.0}), Data: object(map[string]any{"limit": 1.0}), ExpectedOutcome: deny, Tags: []string{"smoke"}},
		},
		MinCoveragePercent: 100,
	}
	res, err := c.TestModules(t.Context(), req)
	if err != nil || !res.GetReport().GetPassed() || res.GetReport().GetPassedCount() != 3 || res.GetReport().GetCoveragePercent() != 100 {
		t.Fatalf("TestModules: %v, %v", res, err)
	}
	if obligations := res.GetReport().GetResults()[0].GetObligations(); len(obligations) != 1 || obligations[0].GetId() != "log" {
		t.Errorf("obligations %v", obligations)
	}
	req.Tags = []string{"smoke"}
	res, err = c.TestModules(t.Context(), req)
	if err != nil || res.GetReport().GetPassed() || res.GetReport().GetPassedCount() != 1 || res.GetReport().GetCoveragePercent() != 66 {
		t.Errorf("with a tag: %v, %v", res, err)
	}
	req.Modules[0].Source = "package p\nallow if input.x ==\n"
	res, err = c.TestModules(t.Context(), req)
	if err != nil || res.GetReport() != nil || len(res.GetErrors()) == 0 || res.GetErrors()[0].GetModulePath() != "p.rego" || res.GetErrors()[0].GetRow() != 3 {
		t.Errorf("Rego that does not compile: %v, %v", res, err)
	}
	if n := len(r.entries(tenantA)); n != 0 {
		t.Errorf("testing made %d entries", n)
	}
}

// A report that would be too large keeps its names, statuses and counts.
func TestReportsShrink(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.tester(tenantA, auth.RoleAdmin)
	const text = `concat("", [input.text | some i in numbers.range(1, 10)])`
	p := c.policy("p")
	v := c.version(p.GetId(), "allow := true\nviolations contains "+text+"\nviolations contains {\"code\": "+text+"} if input.failing")
	specs := make([]*governancev1.PolicyTestSpec, 400)
	for i := range specs {
		specs[i] = &governancev1.PolicyTestSpec{
			Name: fmt.Sprintf("case %03d", i), Input: object(map[string]any{"text": strings.Repeat("x", 1000), "failing": i >= 200}),
			ExpectedOutcome: allow, AnyViolations: i < 200,
		}
	}
	if _, err := c.ReplaceTestCases(t.Context(), &governancev1.ReplaceTestCasesRequest{PolicyId: p.GetId(), Specs: specs}); err != nil {
		t.Fatal(err)
	}
	run := c.run(v.GetId())
	report := run.GetReport()
	if n := proto.Size(report); n > 2<<20 || n < 100<<10 {
		t.Errorf("the report has %d bytes", n)
	}
	if report.GetPassedCount() != 200 || report.GetFailedCount() != 200 || len(report.GetResults()) != 400 {
		t.Errorf("%d passed, %d failed, %d results", report.GetPassedCount(), report.GetFailedCount(), len(report.GetResults()))
	}
	if last := report.GetResults()[399]; last.GetName() != "case 399" || !strings.HasPrefix(last.GetMessage(), "violations not expected: ") {
		t.Errorf("last result %v", last)
	}
	kept, err := c.GetTestRun(t.Context(), &governancev1.GetTestRunRequest{TestRunId: run.GetId()})
	if err != nil || !proto.Equal(kept.GetTestRun(), run) {
		t.Errorf("the kept run differs: %v", err)
	}
}
