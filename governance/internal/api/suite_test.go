package api_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/suite"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	outcomeAllow = governancev1.DecisionOutcome_DECISION_OUTCOME_ALLOW
	outcomeDeny  = governancev1.DecisionOutcome_DECISION_OUTCOME_DENY
)

// tester is a caller with the suites of policies.
type tester struct {
	client
	governancev1.PolicyTestServiceClient
}

func (r *replica) tester(id tenant.ID, roles ...auth.Role) tester {
	r.t.Helper()
	conn := r.Dial(r.t, r.Issuer.Token(r.t, "tester-"+string(roles[0]), id, roles...), "")
	return tester{r.as(id, roles...), governancev1.NewPolicyTestServiceClient(conn)}
}

// asks is a case that expects an outcome for input.x.
func asks(name string, x float64, outcome governancev1.DecisionOutcome, tags ...string) *governancev1.PolicyTestSpec {
	return &governancev1.PolicyTestSpec{Name: name, Input: object(map[string]any{"x": x}), ExpectedOutcome: outcome, Tags: tags}
}

func (c tester) create(policyID string, spec *governancev1.PolicyTestSpec) *governancev1.PolicyTestCase {
	c.t.Helper()
	res, err := c.CreateTestCase(c.t.Context(), &governancev1.CreateTestCaseRequest{PolicyId: policyID, Spec: spec})
	if err != nil {
		c.t.Fatalf("CreateTestCase: %v, %v", err, fieldsOf(err))
	}
	return res.GetTestCase()
}

func (c tester) run(versionID string, tags ...string) *governancev1.PolicyTestRun {
	c.t.Helper()
	res, err := c.RunPolicyTests(c.t.Context(), &governancev1.RunPolicyTestsRequest{PolicyVersionId: versionID, Tags: tags})
	if err != nil {
		c.t.Fatalf("RunPolicyTests: %v", err)
	}
	return res.GetTestRun()
}

// withRules adds a version with a module of rules and one of tests.
func (c tester) withRules(policyID string) *governancev1.PolicyVersion {
	c.t.Helper()
	res, err := c.CreatePolicyVersion(c.t.Context(), &governancev1.CreatePolicyVersionRequest{PolicyId: policyID, Modules: []*governancev1.RegoModule{
		{Path: "p.rego", Source: "package p\ndefault allow := false\nallow if input.x == 1\nallow if input.x == 2\n"},
		{Path: "p_test.rego", Source: "package p_test\nimport data.p\ntest_nothing if not p.allow with input as {}\n"},
	}})
	if err != nil {
		c.t.Fatalf("CreatePolicyVersion: %v", err)
	}
	return res.GetPolicyVersion()
}

func TestTestCases(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.tester(tenantA, auth.RolePolicyAuthor)
	p := c.policy("p")
	spec := &governancev1.PolicyTestSpec{
		Name: "b", Input: object(map[string]any{"x": 1.0}), Data: object(map[string]any{"limit": 3.0}), Now: timestamppb.New(time.Unix(5, 0)),
		ExpectedOutcome: outcomeDeny, ExpectedViolations: []string{"A", "B"}, ExpectedObligations: []string{"log"}, Tags: []string{"smoke"},
	}
	created := c.create(p.GetId(), spec)
	if created.GetId() == "" || created.GetPolicyId() != p.GetId() || created.GetEtag() == "" || created.GetCreateTime() == nil {
		t.Errorf("created %v", created)
	}
	if diff := cmp.Diff(spec, created.GetSpec(), protocmp.Transform()); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	spec.Name, spec.AnyViolations = "c", true
	updated, err := c.UpdateTestCase(t.Context(), &governancev1.UpdateTestCaseRequest{TestCaseId: created.GetId(), Spec: spec, Etag: created.GetEtag()})
	if err != nil || updated.GetTestCase().GetEtag() == created.GetEtag() {
		t.Fatalf("UpdateTestCase: %v, %v", updated, err)
	}
	_, err = c.UpdateTestCase(t.Context(), &governancev1.UpdateTestCaseRequest{TestCaseId: created.GetId(), Spec: asks("d", 1, outcomeAllow), Etag: created.GetEtag()})
	wantError(t, err, codes.Aborted, governancev1.ErrorReason_ERROR_REASON_STALE_ETAG)
	got, err := c.GetTestCase(t.Context(), &governancev1.GetTestCaseRequest{TestCaseId: created.GetId()})
	if diff := cmp.Diff(updated.GetTestCase(), got.GetTestCase(), protocmp.Transform()); err != nil || diff != "" {
		t.Errorf("GetTestCase: %v (-want +got):\n%s", err, diff)
	}
	c.create(p.GetId(), asks("a", 1, outcomeAllow))
	list, err := c.ListTestCases(t.Context(), &governancev1.ListTestCasesRequest{PolicyId: p.GetId(), PageSize: 1})
	if err != nil || len(list.GetTestCases()) != 1 || list.GetTestCases()[0].GetSpec().GetName() != "a" {
		t.Fatalf("ListTestCases: %v, %v", list, err)
	}
	list, err = c.ListTestCases(t.Context(), &governancev1.ListTestCasesRequest{PolicyId: p.GetId(), PageSize: 1, PageToken: list.GetNextPageToken()})
	if err != nil || len(list.GetTestCases()) != 1 || list.GetTestCases()[0].GetId() != created.GetId() || list.GetNextPageToken() != "" {
		t.Errorf("ListTestCases: %v, %v", list, err)
	}
	replaced, err := c.ReplaceTestCases(t.Context(), &governancev1.ReplaceTestCasesRequest{PolicyId: p.GetId(), Specs: []*governancev1.PolicyTestSpec{asks("a", 1, outcomeAllow), asks("z", 2, outcomeDeny)}})
	want := &governancev1.ReplaceTestCasesResponse{Created: 1, Deleted: 1, SuiteRevision: 4}
	if diff := cmp.Diff(want, replaced, protocmp.Transform()); err != nil || diff != "" {
		t.Errorf("ReplaceTestCases: %v (-want +got):\n%s", err, diff)
	}
	if list, err = c.ListTestCases(t.Context(), &governancev1.ListTestCasesRequest{PolicyId: p.GetId()}); err != nil || len(list.GetTestCases()) != 2 {
		t.Fatalf("ListTestCases: %v, %v", list, err)
	}
	if _, err = c.DeleteTestCase(t.Context(), &governancev1.DeleteTestCaseRequest{TestCaseId: list.GetTestCases()[1].GetId()}); err != nil {
		t.Fatalf("DeleteTestCase: %v", err)
	}
	// One entry for each change, with the policy's state and without what the cases say.
	var events []string
	for _, e := range r.entries(tenantA)[1:] {
		state := e.Resource.State
		events = append(events, fmt.Sprintf("%s %s %v %v", e.EventType, e.Action, state["suite_revision"], e.Details["test_case_name"]))
		if e.Resource.Type != "policy" || e.Resource.ID != p.GetId() || strings.Contains(fmt.Sprint(e), "limit") {
			t.Errorf("entry %+v", e)
		}
	}
	wantEvents := []string{
		"policy.test_case_created policy.author 1 b", "policy.test_case_updated policy.author 2 c", "policy.test_case_created policy.author 3 a",
		"policy.test_cases_replaced policy.author 4 <nil>", "policy.test_case_deleted policy.author 5 z",
	}
	if diff := cmp.Diff(wantEvents, events); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if res, err := c.GetPolicy(t.Context(), &governancev1.GetPolicyRequest{PolicyId: p.GetId()}); err != nil || res.GetPolicy().GetSuiteRevision() != 5 {
		t.Errorf("GetPolicy: %v, %v", res, err)
	}
}

// The coverage is asked of all tests together: a part of them passes without it, and opens no way to activation.
func TestRunOfSomeTagsAsksForNoCoverage(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.tester(tenantA, auth.RolePolicyAuthor)
	p, err := c.CreatePolicy(t.Context(), &governancev1.CreatePolicyRequest{Name: "p", MinCoveragePercent: 100})
	if err != nil {
		t.Fatal(err)
	}
	c.create(p.GetPolicy().GetId(), asks("a", 1, outcomeAllow, "smoke"))
	v := c.withRules(p.GetPolicy().GetId())
	part, whole := c.run(v.GetId(), "smoke"), c.run(v.GetId())
	if !part.GetReport().GetPassed() || part.GetComplete() || part.GetMinCoveragePercent() != 0 || part.GetReport().GetCoveragePercent() >= 100 {
		t.Errorf("the run of a tag: %v", part)
	}
	if whole.GetReport().GetPassed() || !whole.GetComplete() || whole.GetMinCoveragePercent() != 100 {
		t.Errorf("the run of all: %v", whole)
	}
}

// A retry is the same change: one case, one entry.
func TestTestCasesAreIdempotent(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.tester(tenantA, auth.RolePolicyAuthor)
	p := c.policy("p")
	req := &governancev1.CreateTestCaseRequest{PolicyId: p.GetId(), Spec: asks("a", 1, outcomeAllow), RequestId: uuid.NewString()}
	first, err := c.CreateTestCase(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.CreateTestCase(t.Context(), req)
	if diff := cmp.Diff(first, again, protocmp.Transform()); err != nil || diff != "" {
		t.Errorf("again: %v (-want +got):\n%s", err, diff)
	}
	run := &governancev1.RunPolicyTestsRequest{PolicyVersionId: c.withRules(p.GetId()).GetId(), RequestId: uuid.NewString()}
	firstRun, err := c.RunPolicyTests(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the tenant runs as much as it may, so that nothing more can be
		release, err := r.engine.Turn(t.Context(), tenantA)
		if err != nil {
			t.Fatal(err)
		}
		defer release()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	againRun, err := c.RunPolicyTests(ctx, run)
	if diff := cmp.Diff(firstRun, againRun, protocmp.Transform()); err != nil || diff != "" {
		t.Errorf("again: %v (-want +got):\n%s", err, diff)
	}
	run.Tags = []string{"another"}
	_, err = c.RunPolicyTests(ctx, run)
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_REQUEST_ID_REUSED)
	if n := len(r.entries(tenantA)); n != 4 {
		t.Errorf("%d entries, want 4: policy, case, version and run", n)
	}
}

func TestTestCasesRefused(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.tester(tenantA, auth.RolePolicyAuthor)
	p := c.policy("p")
	deep := map[string]any{}
	for range 40 {
		deep = map[string]any{"a": deep}
	}
	for name, tt := range map[string]struct {
		spec  *governancev1.PolicyTestSpec
		field string
	}{
		"no input":          {&governancev1.PolicyTestSpec{Name: "a", ExpectedOutcome: outcomeAllow}, "spec.input"},
		"no outcome":        {&governancev1.PolicyTestSpec{Name: "a", Input: object(nil)}, "spec.expected_outcome"},
		"no name":           {asks("", 1, outcomeAllow), "spec.name"},
		"deep input":        {&governancev1.PolicyTestSpec{Name: "a", Input: object(deep), ExpectedOutcome: outcomeAllow}, "spec.input"},
		"deep data":         {&governancev1.PolicyTestSpec{Name: "a", Input: object(nil), Data: object(deep), ExpectedOutcome: outcomeAllow}, "spec.data"},
		"a clock before it": {&governancev1.PolicyTestSpec{Name: "a", Input: object(nil), Now: timestamppb.New(time.Date(1000, 1, 1, 0, 0, 0, 0, time.UTC)), ExpectedOutcome: outcomeAllow}, "spec.now"},
		"a broken clock":    {&governancev1.PolicyTestSpec{Name: "a", Input: object(nil), Now: &timestamppb.Timestamp{Nanos: -1}, ExpectedOutcome: outcomeAllow}, "spec.now"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := c.CreateTestCase(t.Context(), &governancev1.CreateTestCaseRequest{PolicyId: p.GetId(), Spec: tt.spec})
			wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
			if fields := fieldsOf(err); fields[tt.field] == "" {
				t.Errorf("fields %v, want %s", fields, tt.field)
			}
		})
	}
	_, err := c.ReplaceTestCases(t.Context(), &governancev1.ReplaceTestCasesRequest{PolicyId: p.GetId(), Specs: []*governancev1.PolicyTestSpec{asks("a", 1, outcomeAllow), asks("a", 2, outcomeAllow)}})
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
	if fieldsOf(err)["specs[1].name"] == "" {
		t.Errorf("fields %v", fieldsOf(err))
	}
}

// Nothing of one tenant's suites reaches another, and roles bound what people do.
func TestTestCasesAreTheTenants(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c, foreign := r.tester(tenantA, auth.RolePolicyAuthor), r.tester(tenantB, auth.RoleAdmin)
	p := c.policy("p")
	v := c.withRules(p.GetId())
	kept := c.create(p.GetId(), asks("a", 1, outcomeAllow))
	run := c.run(v.GetId())
	ctx, unknown := t.Context(), uuid.NewString()
	for name, call := range map[string]func(caseID, policyID, versionID, runID string) error{
		"create": func(_, id, _, _ string) error {
			_, err := foreign.CreateTestCase(ctx, &governancev1.CreateTestCaseRequest{PolicyId: id, Spec: asks("b", 1, outcomeAllow)})
			return err
		},
		"update": func(id, _, _, _ string) error {
			_, err := foreign.UpdateTestCase(ctx, &governancev1.UpdateTestCaseRequest{TestCaseId: id, Spec: asks("b", 1, outcomeAllow)})
			return err
		},
		"delete": func(id, _, _, _ string) error {
			_, err := foreign.DeleteTestCase(ctx, &governancev1.DeleteTestCaseRequest{TestCaseId: id})
			return err
		},
		"replace": func(_, id, _, _ string) error {
			_, err := foreign.ReplaceTestCases(ctx, &governancev1.ReplaceTestCasesRequest{PolicyId: id})
			return err
		},
		"get": func(id, _, _, _ string) error {
			_, err := foreign.GetTestCase(ctx, &governancev1.GetTestCaseRequest{TestCaseId: id})
			return err
		},
		"list": func(_, id, _, _ string) error {
			_, err := foreign.ListTestCases(ctx, &governancev1.ListTestCasesRequest{PolicyId: id})
			return err
		},
		"run": func(_, _, id, _ string) error {
			_, err := foreign.RunPolicyTests(ctx, &governancev1.RunPolicyTestsRequest{PolicyVersionId: id})
			return err
		},
		"get run": func(_, _, _, id string) error {
			_, err := foreign.GetTestRun(ctx, &governancev1.GetTestRunRequest{TestRunId: id})
			return err
		},
		"list runs": func(_, id, _, _ string) error {
			_, err := foreign.ListTestRuns(ctx, &governancev1.ListTestRunsRequest{PolicyId: id})
			return err
		},
	} {
		err := call(kept.GetId(), p.GetId(), v.GetId(), run.GetId())
		wantError(t, err, codes.NotFound, governancev1.ErrorReason_ERROR_REASON_NOT_FOUND)
		missing := call(unknown, unknown, unknown, unknown)
		got := err.Error()
		for _, id := range []string{kept.GetId(), p.GetId(), v.GetId(), run.GetId()} {
			got = strings.ReplaceAll(got, id, unknown)
		}
		if missing == nil || got != missing.Error() {
			t.Errorf("%s: %q differs from %q", name, err, missing)
		}
	}
	if got, err := c.GetTestCase(ctx, &governancev1.GetTestCaseRequest{TestCaseId: kept.GetId()}); err != nil || got.GetTestCase().GetEtag() != kept.GetEtag() {
		t.Errorf("after it all: %v, %v", got, err)
	}
	if n := len(r.entries(tenantB)); n != 0 {
		t.Errorf("%d entries of the other tenant", n)
	}
	viewer := r.tester(tenantA, auth.RoleViewer)
	_, err := viewer.CreateTestCase(ctx, &governancev1.CreateTestCaseRequest{PolicyId: p.GetId(), Spec: asks("b", 1, outcomeAllow)})
	wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_PERMISSION_MISSING)
	_, err = viewer.RunPolicyTests(ctx, &governancev1.RunPolicyTestsRequest{PolicyVersionId: v.GetId()})
	wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_PERMISSION_MISSING)
}

// A run says what every test came to; it is kept, and it opens the way to activation while the suite is the one that was run.
func TestRunPolicyTests(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.tester(tenantA, auth.RoleAdmin)
	p := c.policy("p")
	v := c.withRules(p.GetId())
	one := c.create(p.GetId(), asks("one", 1, outcomeAllow, "smoke"))
	three := c.create(p.GetId(), asks("three", 3, outcomeAllow))
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
				{Name: "one", TestCaseId: one.GetId(), Status: passed, Outcome: outcomeAllow},
				{Name: "three", TestCaseId: three.GetId(), Status: failed, Message: "want ALLOW, got DENY", Outcome: outcomeDeny},
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

	if _, err := c.UpdateTestCase(t.Context(), &governancev1.UpdateTestCaseRequest{TestCaseId: three.GetId(), Spec: asks("three", 3, outcomeDeny)}); err != nil {
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
	extra := c.create(p.GetId(), asks("two", 2, outcomeAllow))
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
	c.create(p.GetId(), &governancev1.PolicyTestSpec{Name: "one", Input: object(map[string]any{"x": 1.0, "secret": "hush"}), ExpectedOutcome: outcomeAllow})
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
			{Name: "logged", Input: object(map[string]any{"x": 3.0}), ExpectedOutcome: outcomeAllow, ExpectedObligations: []string{"log"}},
			{Name: "low", Input: object(map[string]any{"x": 3.0}), Data: object(map[string]any{"limit": 1.0}), ExpectedOutcome: outcomeDeny, Tags: []string{"smoke"}},
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
			ExpectedOutcome: outcomeAllow, AnyViolations: i < 200,
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

func TestTestStatusesAgree(t *testing.T) {
	t.Parallel()
	for status, want := range map[suite.Status]governancev1.PolicyTestStatus{
		suite.Passed: governancev1.PolicyTestStatus_POLICY_TEST_STATUS_PASSED, suite.Failed: governancev1.PolicyTestStatus_POLICY_TEST_STATUS_FAILED,
		suite.Errored: governancev1.PolicyTestStatus_POLICY_TEST_STATUS_ERROR,
	} {
		if got := governancev1.PolicyTestStatus(status); got != want {
			t.Errorf("%v, want %v", got, want)
		}
	}
}
