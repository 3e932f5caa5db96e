package api_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/aumos-enterprise/platform/governance/internal/library"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// templates is a client of the library.
func (r *replica) templates(id tenant.ID, role auth.Role) governancev1.PolicyTemplateServiceClient {
	r.t.Helper()
	return governancev1.NewPolicyTemplateServiceClient(r.Dial(r.t, r.Issuer.Token(r.t, "subject-of-"+string(role), id, role), ""))
}

func TestListPolicyTemplates(t *testing.T) {
	t.Parallel()
	c := setup(t).templates(tenantA, auth.RoleViewer)
	var names []string
	for token := ""; ; {
		res, err := c.ListPolicyTemplates(t.Context(), &governancev1.ListPolicyTemplatesRequest{PageSize: 3, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range res.GetPolicyTemplates() {
			names = append(names, m.GetName())
			if m.GetTitle() == "" || m.GetSummary() == "" || len(m.GetContentSha256()) != 32 || len(m.GetReferences()) == 0 || m.GetModules() != nil || m.GetInputSchema() != nil {
				t.Errorf("listed %v", m)
			}
		}
		if token = res.GetNextPageToken(); token == "" {
			break
		}
	}
	var want []string
	for _, template := range library.Templates() {
		want = append(want, template.Name)
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

// What the library shows is enough to make a policy of every template: the tenant activates it, and it denies what has no evidence. The tests that it brings along pass.
func TestInstantiateEveryPolicyTemplate(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c, templates, tests := r.admin(tenantA), r.templates(tenantA, auth.RolePolicyAuthor), r.tester(tenantA, auth.RolePolicyAuthor)
	for _, template := range library.Templates() {
		got, err := templates.GetPolicyTemplate(t.Context(), &governancev1.GetPolicyTemplateRequest{Name: template.Name})
		if err != nil {
			t.Fatal(err)
		}
		m := got.GetPolicyTemplate()
		if m.GetParametersSchema().GetFields()["type"].GetStringValue() != "object" || m.GetInputSchema().GetFields()["$defs"] == nil || len(m.GetModules()) != 3 || m.GetExampleTime() == nil {
			t.Errorf("%s: %v", template.Name, m)
		}
		res, err := templates.InstantiatePolicyTemplate(t.Context(), &governancev1.InstantiatePolicyTemplateRequest{
			Template: m.GetName(), Name: m.GetName(), Parameters: m.GetExampleParameters(),
		})
		if err != nil {
			t.Fatalf("%s: %v", template.Name, err)
		}
		p, v := res.GetPolicy(), res.GetPolicyVersion()
		if p.GetDescription() != template.Summary || !cmp.Equal(p.GetDecisionPoints(), []string{template.DecisionPoint}) || v.GetNumber() != 1 ||
			v.GetState() != governancev1.PolicyVersionState_POLICY_VERSION_STATE_DRAFT || v.GetAuthor() != "subject-of-policy-author" || len(v.GetModules()) != 4 ||
			!cmp.Equal(p.GetRegulationReferences(), template.Controls()) || p.GetLabels()["aumos/template"] != template.Name || p.GetLabels()["aumos/template-version"] != template.Version {
			t.Errorf("%s: %v", template.Name, res)
		}
		report := tests.run(v.GetId()).GetReport()
		if !report.GetPassed() || report.GetPassedCount() < 4 {
			t.Errorf("%s: its tests came to %v", template.Name, report)
		}
		c.activate(v.GetId())
		d := c.decide(askPolicy(p.GetId(), map[string]any{"approved": true}))
		if d.GetOutcome() != governancev1.DecisionOutcome_DECISION_OUTCOME_DENY || len(d.GetResults()[0].GetViolations()) == 0 {
			t.Errorf("%s: %v", template.Name, d)
		}
	}
}

func TestInstantiatePolicyTemplateIsRecorded(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.templates(tenantA, auth.RolePolicyAuthor)
	request := &governancev1.InstantiatePolicyTemplateRequest{
		Template: "data-residency", Name: "residency", DecisionPoints: []string{"data.store", "data.send"}, Description: "ours",
		Parameters: object(map[string]any{"regions": []any{"eu-central-1"}}), RequestId: uuid.NewString(),
	}
	first, err := c.InstantiatePolicyTemplate(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if p := first.GetPolicy(); p.GetDescription() != "ours" || !cmp.Equal(p.GetDecisionPoints(), request.GetDecisionPoints()) {
		t.Errorf("policy %v", p)
	}
	again, err := c.InstantiatePolicyTemplate(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, again, protocmp.Transform()); diff != "" {
		t.Errorf("repeated (-first +second):\n%s", diff)
	}
	entries := r.entries(tenantA)
	if len(entries) != 2 || entries[0].EventType != "policy.created" || entries[1].EventType != "policy.version_created" {
		t.Fatalf("entries %+v", entries)
	}
	template, err := library.Find("data-residency")
	if err != nil {
		t.Fatal(err)
	}
	details := entries[1].Details
	if details["template"] != "data-residency" || details["template_version"] != template.Version || details["template_sha256"] != template.SHA256() {
		t.Errorf("details %v", details)
	}
	if sum, _ := details["parameters_sha256"].(string); len(sum) != hex.EncodedLen(32) {
		t.Errorf("details %v", details)
	}
	other := &governancev1.InstantiatePolicyTemplateRequest{Template: "iso-42001", Name: "other", RequestId: request.GetRequestId()}
	_, err = c.InstantiatePolicyTemplate(t.Context(), other)
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_REQUEST_ID_REUSED)
	request.RequestId = uuid.NewString()
	_, err = c.InstantiatePolicyTemplate(t.Context(), request)
	wantError(t, err, codes.AlreadyExists, governancev1.ErrorReason_ERROR_REASON_ALREADY_EXISTS)

	// Another tenant makes the same content under the same name, and sees nothing of the first.
	request.RequestId = ""
	theirs, err := r.templates(tenantB, auth.RolePolicyAuthor).InstantiatePolicyTemplate(t.Context(), request)
	if err != nil || !bytes.Equal(theirs.GetPolicyVersion().GetContentSha256(), first.GetPolicyVersion().GetContentSha256()) {
		t.Errorf("another tenant: %v, %v", theirs, err)
	}
	_, err = r.admin(tenantB).GetPolicy(t.Context(), &governancev1.GetPolicyRequest{PolicyId: first.GetPolicy().GetId()})
	wantError(t, err, codes.NotFound, governancev1.ErrorReason_ERROR_REASON_NOT_FOUND)
}

func TestInstantiatePolicyTemplateRefuses(t *testing.T) {
	t.Parallel()
	r := setup(t)
	author := r.templates(tenantA, auth.RolePolicyAuthor)
	_, err := author.InstantiatePolicyTemplate(t.Context(), &governancev1.InstantiatePolicyTemplateRequest{
		Template: "data-residency", Name: "p", Parameters: object(map[string]any{"regions": []any{"eu\"]\nallow := true #"}, "max_evidence_age_days": "old"}),
	})
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
	if fields := fieldsOf(err); fields["parameters.regions[0]"] == "" || fields["parameters.max_evidence_age_days"] == "" {
		t.Errorf("fields %v", fields)
	}
	_, err = author.InstantiatePolicyTemplate(t.Context(), &governancev1.InstantiatePolicyTemplateRequest{Template: "data-residency", Name: "p"})
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
	_, err = author.InstantiatePolicyTemplate(t.Context(), &governancev1.InstantiatePolicyTemplateRequest{Template: "none", Name: "p"})
	wantError(t, err, codes.NotFound, governancev1.ErrorReason_ERROR_REASON_NOT_FOUND)
	_, err = author.GetPolicyTemplate(t.Context(), &governancev1.GetPolicyTemplateRequest{Name: "none"})
	wantError(t, err, codes.NotFound, governancev1.ErrorReason_ERROR_REASON_NOT_FOUND)
	_, err = r.templates(tenantA, auth.RoleViewer).InstantiatePolicyTemplate(t.Context(), &governancev1.InstantiatePolicyTemplateRequest{
		Template: "iso-42001", Name: "p",
	})
	wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_PERMISSION_MISSING)
	if entries := r.entries(tenantA); len(entries) > 0 {
		t.Errorf("entries %+v", entries)
	}
}
