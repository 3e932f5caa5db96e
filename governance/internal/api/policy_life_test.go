package api_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/aumos-enterprise/platform/governance/internal/policytest"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// last returns the tenant's newest entry.
func (r *replica) last() auditlog.Entry {
	r.t.Helper()
	all := r.entries(tenantA)
	return all[len(all)-1]
}

func TestReviewRPCs(t *testing.T) {
	t.Parallel()
	r := setup(t)
	author, approver := r.as(tenantA, auth.RolePolicyAuthor), r.as(tenantA, auth.RolePolicyApprover)
	both := r.as(tenantA, auth.RolePolicyAuthor, auth.RolePolicyApprover) // the author's subject with the right to approve
	v := author.version(author.policy("p").GetId(), "allow := true")
	submit := &governancev1.SubmitPolicyVersionRequest{PolicyVersionId: v.GetId(), Comment: "please", RequestId: uuid.NewString()}
	submitted, err := author.SubmitPolicyVersion(t.Context(), submit)
	if err != nil {
		t.Fatal(err)
	}
	if e := r.last(); e.EventType != "policy.version_submitted" || e.Action != "policy.author" || e.Details["comment"] != "please" ||
		e.Resource.State["state"] != "IN_REVIEW" || e.Resource.State["submitter"] != "subject-of-policy-author" {
		t.Errorf("entry %+v", e)
	}
	entries := len(r.entries(tenantA))
	again, err := author.SubmitPolicyVersion(t.Context(), submit)
	if diff := cmp.Diff(submitted, again, protocmp.Transform()); err != nil || diff != "" || len(r.entries(tenantA)) != entries {
		t.Errorf("the same request again: %v\n%s", err, diff)
	}
	_, err = both.ApprovePolicyVersion(t.Context(), &governancev1.ApprovePolicyVersionRequest{PolicyVersionId: v.GetId()})
	wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_SAME_PERSON)
	_, err = author.ApprovePolicyVersion(t.Context(), &governancev1.ApprovePolicyVersionRequest{PolicyVersionId: v.GetId()})
	wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_PERMISSION_MISSING)
	if _, err = approver.RejectPolicyVersion(t.Context(), &governancev1.RejectPolicyVersionRequest{PolicyVersionId: v.GetId(), Reason: "why?"}); err != nil {
		t.Fatal(err)
	}
	if e := r.last(); e.EventType != "policy.version_rejected" || e.Action != "policy.approve" || e.Details["reason"] != "why?" || e.Resource.State["state"] != "DRAFT" {
		t.Errorf("entry %+v", e)
	}
	_, err = approver.RejectPolicyVersion(t.Context(), &governancev1.RejectPolicyVersionRequest{PolicyVersionId: v.GetId(), Reason: "again"})
	wantError(t, err, codes.FailedPrecondition, governancev1.ErrorReason_ERROR_REASON_POLICY_VERSION_STATE)
	_, err = approver.RejectPolicyVersion(t.Context(), &governancev1.RejectPolicyVersionRequest{PolicyVersionId: v.GetId()})
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
	author.approve(v.GetId())
	if e := r.last(); e.EventType != "policy.version_approved" || e.Resource.State["approver"] != "subject-of-policy-approver" || e.Actor.ID != "subject-of-policy-approver" {
		t.Errorf("entry %+v", e)
	}
	_, err = approver.ActivatePolicyVersion(t.Context(), &governancev1.ActivatePolicyVersionRequest{PolicyVersionId: v.GetId()})
	wantError(t, err, codes.FailedPrecondition, governancev1.ErrorReason_ERROR_REASON_TESTS_REQUIRED)
	policytest.Test(t, r.pool, tenantA, uuid.MustParse(v.GetId()), policytest.Passed)
	if _, err = approver.ActivatePolicyVersion(t.Context(), &governancev1.ActivatePolicyVersionRequest{PolicyVersionId: v.GetId()}); err != nil {
		t.Fatal(err)
	}
	got, err := author.GetPolicyVersion(t.Context(), &governancev1.GetPolicyVersionRequest{PolicyVersionId: v.GetId()})
	if err != nil {
		t.Fatal(err)
	}
	var steps []string
	for _, review := range got.GetPolicyVersion().GetReviews() {
		steps = append(steps, strings.TrimPrefix(review.GetAction().String(), "POLICY_REVIEW_ACTION_")+" "+review.GetSubject()+" "+review.GetComment())
	}
	want := []string{
		"SUBMITTED subject-of-policy-author please", "REJECTED subject-of-policy-approver why?", "SUBMITTED subject-of-policy-author ",
		"APPROVED subject-of-policy-approver ",
	}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Errorf("review (-want +got):\n%s", diff)
	}
}

// What goes back is on the wall with the reason, and decisions follow at once.
func TestRollbackAndRetireRPCs(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.admin(tenantA)
	p := c.active("p", "allow := true", "a.point")
	bad := c.version(p.GetId(), "allow := false")
	c.activate(bad.GetId())
	if got := c.decide(askPoint("a.point", nil)); got.GetOutcome() != deny {
		t.Fatalf("got %v", got)
	}
	back, err := c.RollbackPolicy(t.Context(), &governancev1.RollbackPolicyRequest{PolicyId: p.GetId(), Reason: "denies everybody"})
	if err != nil || back.GetPolicy().GetActiveVersionId() != p.GetActiveVersionId() {
		t.Fatalf("rolled back to %v, %v", back, err)
	}
	if got := c.decide(askPoint("a.point", nil)); got.GetOutcome() != allow {
		t.Errorf("got %v after the rollback", got)
	}
	var told bool
	for _, e := range r.entries(tenantA) {
		told = told || e.EventType == "policy.version_activated" && e.Details["reason"] == "denies everybody" && e.Details["rolled_back_from"] == bad.GetId() &&
			e.Resource.ID == p.GetActiveVersionId() && e.Action == "policy.activate"
	}
	if !told {
		t.Error("no entry tells of the rollback and its reason")
	}
	_, err = c.RollbackPolicy(t.Context(), &governancev1.RollbackPolicyRequest{PolicyId: p.GetId(), PolicyVersionId: uuid.Nil.String(), Reason: "x"})
	wantError(t, err, codes.NotFound, governancev1.ErrorReason_ERROR_REASON_NOT_FOUND)
	_, err = c.RollbackPolicy(t.Context(), &governancev1.RollbackPolicyRequest{PolicyId: p.GetId(), Reason: "a\x1b[2J"})
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)

	retired, err := c.RetirePolicyVersion(t.Context(), &governancev1.RetirePolicyVersionRequest{PolicyVersionId: p.GetActiveVersionId(), Reason: "enough"})
	if err != nil || retired.GetPolicyVersion().GetRetireTime() == nil || retired.GetPolicy().GetActiveVersionId() != "" {
		t.Fatalf("retired %v, %v", retired, err)
	}
	_, err = c.Evaluate(t.Context(), askPolicy(p.GetId(), nil))
	wantError(t, err, codes.FailedPrecondition, governancev1.ErrorReason_ERROR_REASON_POLICY_NOT_ACTIVE)
	_, err = c.Evaluate(t.Context(), askPoint("a.point", nil))
	wantError(t, err, codes.FailedPrecondition, governancev1.ErrorReason_ERROR_REASON_DECISION_POINT_UNBOUND)
	archived, err := c.ArchivePolicy(t.Context(), &governancev1.ArchivePolicyRequest{PolicyId: p.GetId()})
	if err != nil || archived.GetPolicy().GetArchiveTime() == nil || r.last().EventType != "policy.archived" || r.last().Resource.State["archive_time"] == nil {
		t.Errorf("archived %v, %v", archived, err)
	}
	if _, err = c.UnarchivePolicy(t.Context(), &governancev1.UnarchivePolicyRequest{PolicyId: p.GetId()}); err != nil || r.last().EventType != "policy.unarchived" {
		t.Errorf("unarchived: %v", err)
	}
}

func TestUpdatePolicy(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.admin(tenantA)
	p := c.active("p", "allow := true", "a.point")
	update := func(paths ...string) *governancev1.UpdatePolicyRequest {
		return &governancev1.UpdatePolicyRequest{
			PolicyId: p.GetId(), UpdateMask: &fieldmaskpb.FieldMask{Paths: paths}, DecisionPoints: []string{"b.point"}, Labels: map[string]string{"team": "risk"},
			RegulationReferences: []string{"EU-AI-ACT:ART-14"}, MinCoveragePercent: 80, Description: "why",
		}
	}
	if got := c.decide(askPoint("a.point", nil)); got.GetOutcome() != allow {
		t.Fatalf("got %v", got)
	}
	res, err := c.UpdatePolicy(t.Context(), update("decision_points", "labels", "regulation_references", "min_coverage_percent", "description"))
	if err != nil {
		t.Fatal(err)
	}
	got := res.GetPolicy()
	if got.GetName() != "p" || got.GetLabels()["team"] != "risk" || got.GetMinCoveragePercent() != 80 || got.GetEtag() == p.GetEtag() || got.GetDescription() != "why" {
		t.Errorf("policy %v", got)
	}
	e := r.last()
	if e.EventType != "policy.updated" || e.Resource.State["min_coverage_percent"] != 80.0 || !cmp.Equal(e.Resource.State["labels"], map[string]any{"team": "risk"}) ||
		!cmp.Equal(e.Resource.State["decision_points"], []any{"b.point"}) {
		t.Errorf("entry %+v", e)
	}
	_, err = c.Evaluate(t.Context(), askPoint("a.point", nil))
	wantError(t, err, codes.FailedPrecondition, governancev1.ErrorReason_ERROR_REASON_DECISION_POINT_UNBOUND)
	if got := c.decide(askPoint("b.point", nil)); got.GetOutcome() != allow {
		t.Errorf("got %v", got)
	}
	entries := len(r.entries(tenantA))
	if _, err := c.UpdatePolicy(t.Context(), update("labels")); err != nil || len(r.entries(tenantA)) != entries {
		t.Errorf("no change: %v, %d entries", err, len(r.entries(tenantA))-entries)
	}
	for field, req := range map[string]*governancev1.UpdatePolicyRequest{
		"update_mask": update(), "update_mask.paths[1]": update("labels", "suite_revision"), "name": update("name"),
	} {
		_, err := c.UpdatePolicy(t.Context(), req)
		wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
		if fieldsOf(err)[field] == "" {
			t.Errorf("fields %v, want %s", fieldsOf(err), field)
		}
	}
}

// Who writes policies cannot take one from a decision point, nor put it to another, while it decides.
func TestAuthorsDoNotChangeWhatIsInForce(t *testing.T) {
	t.Parallel()
	r := setup(t)
	author, admin := r.as(tenantA, auth.RolePolicyAuthor), r.admin(tenantA)
	p := admin.active("p", "allow := false", "a.point")
	request := func(path string) *governancev1.UpdatePolicyRequest {
		return &governancev1.UpdatePolicyRequest{
			PolicyId: p.GetId(), UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{path}}, Name: "q", DecisionPoints: []string{"b.point"}, Description: "d",
		}
	}
	for _, path := range []string{"decision_points", "name"} {
		_, err := author.UpdatePolicy(t.Context(), request(path))
		wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_PERMISSION_MISSING)
		if _, named := fieldsOf(err)[path]; !named {
			t.Errorf("%s: fields %v", path, fieldsOf(err))
		}
	}
	method := governancev1.File_aumos_governance_v1_policy_service_proto.Services().ByName("PolicyService").Methods().ByName("UpdatePolicy")
	if also := requirementOf(method).GetAlso(); !slices.Contains(also, "policy.activate") {
		t.Errorf("the contract says that it may need %v besides", also)
	}
	if d := author.decide(askPoint("a.point", x(1))); d.GetOutcome() != deny {
		t.Errorf("decided %v", d)
	}
	if _, err := author.UpdatePolicy(t.Context(), request("description")); err != nil {
		t.Errorf("the description: %v", err)
	}
	if _, err := admin.UpdatePolicy(t.Context(), request("decision_points")); err != nil {
		t.Errorf("by who may activate: %v", err)
	}
	if _, err := admin.RetirePolicyVersion(t.Context(), &governancev1.RetirePolicyVersionRequest{PolicyVersionId: p.GetActiveVersionId(), Reason: "r"}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"decision_points", "name"} {
		if _, err := author.UpdatePolicy(t.Context(), request(path)); err != nil {
			t.Errorf("%s of a policy that is not in force: %v", path, err)
		}
	}
}

// A point with as many active policies as it may have takes no further one by a change of decision points either.
func TestUpdatePolicyKeepsDecisionPointsBounded(t *testing.T) {
	t.Parallel()
	c := setup(t).admin(tenantA)
	for range 32 {
		c.active(uuid.NewString(), "allow := true", "a.point")
	}
	p := c.active("one more", "allow := true")
	_, err := c.UpdatePolicy(t.Context(), &governancev1.UpdatePolicyRequest{
		PolicyId: p.GetId(), UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"decision_points"}}, DecisionPoints: []string{"a.point"},
	})
	wantError(t, err, codes.ResourceExhausted, governancev1.ErrorReason_ERROR_REASON_LIMIT_REACHED)
	if got := c.decide(askPoint("a.point", nil)); len(got.GetResults()) != 32 {
		t.Errorf("%d results", len(got.GetResults()))
	}
}

// A data document is a part of the version: decisions see it, digests cover it, differences show it, and the log does not hold it.
func TestVersionsWithData(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.admin(tenantA)
	p := c.policy("p")
	create := func(data map[string]any) *governancev1.PolicyVersion {
		t.Helper()
		req := &governancev1.CreatePolicyVersionRequest{
			PolicyId: p.GetId(), Modules: module("default allow := false\nallow if input.n < data.limits.secretly_n"), Data: object(data), Description: "limits",
		}
		valid, err := c.ValidatePolicy(t.Context(), &governancev1.ValidatePolicyRequest{Modules: req.GetModules(), Data: req.GetData()})
		if err != nil || !valid.GetValid() {
			t.Fatalf("validate: %v, %v", valid, err)
		}
		res, err := c.CreatePolicyVersion(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(valid.GetContentSha256(), res.GetPolicyVersion().GetContentSha256()); diff != "" {
			t.Errorf("digest (-foretold +made):\n%s", diff)
		}
		return res.GetPolicyVersion()
	}
	one, two := create(map[string]any{"limits": map[string]any{"secretly_n": 10}}), create(map[string]any{"limits": map[string]any{"secretly_n": 5}})
	got, err := c.GetPolicyVersion(t.Context(), &governancev1.GetPolicyVersionRequest{PolicyVersionId: one.GetId()})
	if err != nil || got.GetPolicyVersion().GetDescription() != "limits" {
		t.Fatal(got, err)
	}
	if diff := cmp.Diff(object(map[string]any{"limits": map[string]any{"secretly_n": 10}}), got.GetPolicyVersion().GetData(), protocmp.Transform()); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
	for _, v := range []*governancev1.PolicyVersion{one, two} {
		c.activate(v.GetId())
		want := map[string]governancev1.DecisionOutcome{one.GetId(): allow, two.GetId(): deny}[v.GetId()]
		if got := c.decide(askPolicy(p.GetId(), map[string]any{"n": 7})); got.GetOutcome() != want {
			t.Errorf("version %d decides %v, want %v", v.GetNumber(), got, want)
		}
	}
	diff, err := c.DiffPolicyVersions(t.Context(), &governancev1.DiffPolicyVersionsRequest{FromPolicyVersionId: one.GetId(), ToPolicyVersionId: two.GetId()})
	if err != nil {
		t.Fatal(err)
	}
	if m := diff.GetDiff().GetModules(); len(m) != 1 || m[0].GetPath() != "data.json" || !strings.Contains(m[0].GetUnifiedDiff(), "+    \"secretly_n\": 5\n") {
		t.Errorf("diff %v", diff)
	}
	for _, e := range r.entries(tenantA) {
		if raw, _ := e.Marshal(); strings.Contains(string(raw), "secretly_n") {
			t.Errorf("the entry %s holds the document", e.EventType)
		}
	}
	_, err = c.CreatePolicyVersion(t.Context(), &governancev1.CreatePolicyVersionRequest{
		PolicyId: p.GetId(), Modules: module("allow := true"), Data: object(map[string]any{"p": map[string]any{"allow": true}}),
	})
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_REGO_INVALID)
	_, err = c.CreatePolicyVersion(t.Context(), &governancev1.CreatePolicyVersionRequest{
		PolicyId: p.GetId(), Modules: module("allow := true"), Data: object(map[string]any{"x": strings.Repeat("x", 256<<10)}),
	})
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
}
