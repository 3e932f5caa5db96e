package api_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func TestTestCases(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.tester(tenantA, auth.RolePolicyAuthor)
	p := c.policy("p")
	spec := &governancev1.PolicyTestSpec{
		Name: "b", Input: object(map[string]any{"x": 1.0}), Data: object(map[string]any{"limit": 3.0}), Now: timestamppb.New(time.Unix(5, 0)),
		ExpectedOutcome: deny, ExpectedViolations: []string{"A", "B"}, ExpectedObligations: []string{"log"}, Tags: []string{"smoke"},
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
	_, err = c.UpdateTestCase(t.Context(), &governancev1.UpdateTestCaseRequest{TestCaseId: created.GetId(), Spec: asks("d", 1, allow), Etag: created.GetEtag()})
	wantError(t, err, codes.Aborted, governancev1.ErrorReason_ERROR_REASON_STALE_ETAG)
	got, err := c.GetTestCase(t.Context(), &governancev1.GetTestCaseRequest{TestCaseId: created.GetId()})
	if diff := cmp.Diff(updated.GetTestCase(), got.GetTestCase(), protocmp.Transform()); err != nil || diff != "" {
		t.Errorf("GetTestCase: %v (-want +got):\n%s", err, diff)
	}
	c.create(p.GetId(), asks("a", 1, allow))
	list, err := c.ListTestCases(t.Context(), &governancev1.ListTestCasesRequest{PolicyId: p.GetId(), PageSize: 1})
	if err != nil || len(list.GetTestCases()) != 1 || list.GetTestCases()[0].GetSpec().GetName() != "a" {
		t.Fatalf("ListTestCases: %v, %v", list, err)
	}
	list, err = c.ListTestCases(t.Context(), &governancev1.ListTestCasesRequest{PolicyId: p.GetId(), PageSize: 1, PageToken: list.GetNextPageToken()})
	if err != nil || len(list.GetTestCases()) != 1 || list.GetTestCases()[0].GetId() != created.GetId() || list.GetNextPageToken() != "" {
		t.Errorf("ListTestCases: %v, %v", list, err)
	}
	replaced, err := c.ReplaceTestCases(t.Context(), &governancev1.ReplaceTestCasesRequest{PolicyId: p.GetId(), Specs: []*governancev1.PolicyTestSpec{asks("a", 1, allow), asks("z", 2, deny)}})
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

// A retry is the same change: one case, one entry.
func TestTestCasesAreIdempotent(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.tester(tenantA, auth.RolePolicyAuthor)
	p := c.policy("p")
	req := &governancev1.CreateTestCaseRequest{PolicyId: p.GetId(), Spec: asks("a", 1, allow), RequestId: uuid.NewString()}
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
		"no input":          {&governancev1.PolicyTestSpec{Name: "a", ExpectedOutcome: allow}, "spec.input"},
		"no outcome":        {&governancev1.PolicyTestSpec{Name: "a", Input: object(nil)}, "spec.expected_outcome"},
		"no name":           {asks("", 1, allow), "spec.name"},
		"deep input":        {&governancev1.PolicyTestSpec{Name: "a", Input: object(deep), ExpectedOutcome: allow}, "spec.input"},
		"deep data":         {&governancev1.PolicyTestSpec{Name: "a", Input: object(nil), Data: object(deep), ExpectedOutcome: allow}, "spec.data"},
		"a clock before it": {&governancev1.PolicyTestSpec{Name: "a", Input: object(nil), Now: timestamppb.New(time.Date(1000, 1, 1, 0, 0, 0, 0, time.UTC)), ExpectedOutcome: allow}, "spec.now"},
		"a broken clock":    {&governancev1.PolicyTestSpec{Name: "a", Input: object(nil), Now: &timestamppb.Timestamp{Nanos: -1}, ExpectedOutcome: allow}, "spec.now"},
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
	_, err := c.ReplaceTestCases(t.Context(), &governancev1.ReplaceTestCasesRequest{PolicyId: p.GetId(), Specs: []*governancev1.PolicyTestSpec{asks("a", 1, allow), asks("a", 2, allow)}})
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
	kept := c.create(p.GetId(), asks("a", 1, allow))
	run := c.run(v.GetId())
	ctx, unknown := t.Context(), uuid.NewString()
	for name, call := range map[string]func(caseID, policyID, versionID, runID string) error{
		"create": func(_, id, _, _ string) error {
			_, err := foreign.CreateTestCase(ctx, &governancev1.CreateTestCaseRequest{PolicyId: id, Spec: asks("b", 1, allow)})
			return err
		},
		"update": func(id, _, _, _ string) error {
			_, err := foreign.UpdateTestCase(ctx, &governancev1.UpdateTestCaseRequest{TestCaseId: id, Spec: asks("b", 1, allow)})
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
	_, err := viewer.CreateTestCase(ctx, &governancev1.CreateTestCaseRequest{PolicyId: p.GetId(), Spec: asks("b", 1, allow)})
	wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_PERMISSION_MISSING)
	_, err = viewer.RunPolicyTests(ctx, &governancev1.RunPolicyTestsRequest{PolicyVersionId: v.GetId()})
	wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_PERMISSION_MISSING)
}
