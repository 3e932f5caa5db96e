package api_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func TestPolicyLifeCycle(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.admin(tenantA)
	p := c.policy("retrain", "drift.retrain", "model.promote")
	if p.GetActiveVersionId() != "" || p.GetEtag() == "" || p.GetCreateTime() == nil {
		t.Errorf("created %v", p)
	}
	v1 := c.version(p.GetId(), "allow := true")
	if v1.GetNumber() != 1 || v1.GetState() != governancev1.PolicyVersionState_POLICY_VERSION_STATE_DRAFT || v1.GetPackage() != "p" ||
		v1.GetAuthor() != "subject-of-admin" || len(v1.GetContentSha256()) != 32 || len(v1.GetModules()) != 1 {
		t.Errorf("version %v", v1)
	}
	same := c.version(p.GetId(), "allow := true")
	v2 := c.version(p.GetId(), "allow := false")
	if !bytes.Equal(v1.GetContentSha256(), same.GetContentSha256()) || bytes.Equal(v1.GetContentSha256(), v2.GetContentSha256()) || v2.GetNumber() != 3 {
		t.Errorf("versions %v, %v", same, v2)
	}
	first := c.activate(v1.GetId())
	if first.GetPolicy().GetActiveVersionId() != v1.GetId() || first.GetPolicy().GetEtag() == p.GetEtag() ||
		first.GetPolicyVersion().GetState() != governancev1.PolicyVersionState_POLICY_VERSION_STATE_ACTIVE || first.GetPolicyVersion().GetActivateTime() == nil {
		t.Errorf("activated %v", first)
	}
	entries := len(r.entries(tenantA))
	if diff := cmp.Diff(first, c.activate(v1.GetId()), protocmp.Transform()); diff != "" {
		t.Errorf("activated again (-first +second):\n%s", diff)
	}
	if now := len(r.entries(tenantA)); now != entries {
		t.Errorf("activating the active version again made %d entries", now-entries)
	}
	second := c.activate(v2.GetId())
	got, err := c.GetPolicyVersion(t.Context(), &governancev1.GetPolicyVersionRequest{PolicyVersionId: v1.GetId()})
	if err != nil || got.GetPolicyVersion().GetState() != governancev1.PolicyVersionState_POLICY_VERSION_STATE_RETIRED {
		t.Errorf("the version before: %v, %v", got, err)
	}
	read, err := c.GetPolicy(t.Context(), &governancev1.GetPolicyRequest{PolicyId: p.GetId()})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(second.GetPolicy(), read.GetPolicy(), protocmp.Transform()); diff != "" {
		t.Errorf("policy read (-answered +read):\n%s", diff)
	}

	var events []string
	all := r.entries(tenantA)
	for _, e := range all {
		events = append(events, e.EventType+" "+e.Resource.Type+" "+e.Resource.Name)
		actor := "subject-of-admin"
		if e.EventType == "policy.version_approved" {
			actor = "subject-of-policy-approver"
		}
		if e.Resource.State["id"] != e.Resource.ID || e.Actor.ID != actor || e.RequestID == "" {
			t.Errorf("entry %+v", e)
		}
		if raw, _ := e.Marshal(); bytes.Contains(raw, []byte("allow :=")) {
			t.Error("an entry holds Rego source")
		}
	}
	want := []string{
		"policy.created policy retrain", "policy.version_created policy_version retrain v1", "policy.version_created policy_version retrain v2",
		"policy.version_created policy_version retrain v3", "policy.version_submitted policy_version retrain v1",
		"policy.version_approved policy_version retrain v1", "policy.version_activated policy_version retrain v1", "policy.changed policy retrain",
		"policy.version_submitted policy_version retrain v3", "policy.version_approved policy_version retrain v3",
		"policy.version_retired policy_version retrain v1", "policy.version_activated policy_version retrain v3", "policy.changed policy retrain",
	}
	if diff := cmp.Diff(want, events); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	last := all[len(all)-1].Resource.State
	if last["active_version_id"] != v2.GetId() || last["etag"] != second.GetPolicy().GetEtag() {
		t.Errorf("state %v", last)
	}
}

func TestETag(t *testing.T) {
	t.Parallel()
	c := setup(t).admin(tenantA)
	p := c.policy("p")
	v1, v2 := c.version(p.GetId(), "allow := true"), c.version(p.GetId(), "allow := false")
	c.tested(v1.GetId())
	c.tested(v2.GetId())
	if _, err := c.ActivatePolicyVersion(t.Context(), &governancev1.ActivatePolicyVersionRequest{PolicyVersionId: v1.GetId(), Etag: p.GetEtag()}); err != nil {
		t.Fatal(err)
	}
	_, err := c.ActivatePolicyVersion(t.Context(), &governancev1.ActivatePolicyVersionRequest{PolicyVersionId: v2.GetId(), Etag: p.GetEtag()})
	wantError(t, err, codes.Aborted, governancev1.ErrorReason_ERROR_REASON_STALE_ETAG)
	read, err := c.GetPolicy(t.Context(), &governancev1.GetPolicyRequest{PolicyId: p.GetId()})
	if err != nil || read.GetPolicy().GetActiveVersionId() != v1.GetId() {
		t.Errorf("after a stale etag: %v, %v", read, err)
	}
}

func TestMutationsAreIdempotent(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.admin(tenantA)
	create := &governancev1.CreatePolicyRequest{Name: "p", RequestId: uuid.NewString()}
	first, err := c.CreatePolicy(t.Context(), create)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			again, err := c.CreatePolicy(t.Context(), create)
			if diff := cmp.Diff(first, again, protocmp.Transform()); err != nil || diff != "" {
				t.Errorf("%v; (-first +again):\n%s", err, diff)
			}
		})
	}
	wg.Wait()
	version := &governancev1.CreatePolicyVersionRequest{PolicyId: first.GetPolicy().GetId(), Modules: module("allow := true"), RequestId: uuid.NewString()}
	v1, err := c.CreatePolicyVersion(t.Context(), version)
	if err != nil {
		t.Fatal(err)
	}
	if v2, err := c.CreatePolicyVersion(t.Context(), version); err != nil || v2.GetPolicyVersion().GetId() != v1.GetPolicyVersion().GetId() {
		t.Errorf("%v, %v", v2, err)
	}
	c.tested(v1.GetPolicyVersion().GetId())
	activate := &governancev1.ActivatePolicyVersionRequest{PolicyVersionId: v1.GetPolicyVersion().GetId(), RequestId: uuid.NewString()}
	for range 2 {
		if _, err := c.ActivatePolicyVersion(t.Context(), activate); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(r.entries(tenantA)); n != 6 {
		t.Errorf("%d entries, want 6", n)
	}
	create.Name = "q"
	_, err = c.CreatePolicy(t.Context(), create)
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_REQUEST_ID_REUSED)
	activate.RequestId = create.GetRequestId()
	_, err = c.ActivatePolicyVersion(t.Context(), activate)
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_REQUEST_ID_REUSED)
}

func TestPolicyRefuses(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.admin(tenantA)
	p := c.policy("p")
	entries := len(r.entries(tenantA))
	_, err := c.CreatePolicy(t.Context(), &governancev1.CreatePolicyRequest{Name: "p"})
	wantError(t, err, codes.AlreadyExists, governancev1.ErrorReason_ERROR_REASON_ALREADY_EXISTS)
	_, err = c.CreatePolicy(t.Context(), &governancev1.CreatePolicyRequest{Name: "q", DecisionPoints: []string{"Bad"}})
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
	_, err = c.ActivatePolicyVersion(t.Context(), &governancev1.ActivatePolicyVersionRequest{PolicyVersionId: uuid.NewString()})
	wantError(t, err, codes.NotFound, governancev1.ErrorReason_ERROR_REASON_NOT_FOUND)
	_, err = c.CreatePolicyVersion(t.Context(), &governancev1.CreatePolicyVersionRequest{PolicyId: uuid.NewString(), Modules: module("allow := true")})
	wantError(t, err, codes.NotFound, governancev1.ErrorReason_ERROR_REASON_NOT_FOUND)
	for name, tt := range map[string]struct {
		modules []*governancev1.RegoModule
		reason  governancev1.ErrorReason
		field   string
		says    string
	}{
		"syntax":    {module("allow if {"), governancev1.ErrorReason_ERROR_REASON_REGO_INVALID, "modules[0].source", "2:"},
		"http.send": {module("allow if http.send({})"), governancev1.ErrorReason_ERROR_REASON_REGO_INVALID, "modules[0].source", "2:10 rego_type_error: undefined function http.send"},
		"no allow":  {module("x := 1"), governancev1.ErrorReason_ERROR_REASON_REGO_INVALID, "modules[0].source", "must define the rule allow"},
		"path":      {[]*governancev1.RegoModule{{Path: "../p.rego", Source: "package p\nallow := true"}}, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "modules[0].path", ""},
		"empty parts": {
			[]*governancev1.RegoModule{{Path: "p.rego", Source: "package p\nallow := true"}, {Path: "a//p.rego", Source: "package q"}},
			governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "modules[1].path", "",
		},
		"no name": {
			[]*governancev1.RegoModule{{Path: "a/.rego", Source: "package p\nallow := true"}},
			governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "modules[0].path", "",
		},
		"none":      {nil, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "modules", ""},
		"too large": {module("allow := true #" + strings.Repeat("x", 256<<10)), governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "modules[0].source", ""},
	} {
		_, err := c.CreatePolicyVersion(t.Context(), &governancev1.CreatePolicyVersionRequest{PolicyId: p.GetId(), Modules: tt.modules})
		if status.Code(err) != codes.InvalidArgument || reasonOf(err) != reasonName(tt.reason) || !strings.Contains(fieldsOf(err)[tt.field], tt.says) || len(fieldsOf(err)) == 0 {
			t.Errorf("%s: %v, %s, %v", name, err, reasonOf(err), fieldsOf(err))
		}
		if _, ok := fieldsOf(err)[tt.field]; !ok {
			t.Errorf("%s: fields %v, want %s", name, fieldsOf(err), tt.field)
		}
	}
	list, err := c.ListPolicyVersions(t.Context(), &governancev1.ListPolicyVersionsRequest{PolicyId: p.GetId()})
	if err != nil || len(list.GetPolicyVersions()) != 0 {
		t.Errorf("something was stored: %v, %v", list, err)
	}
	if now := len(r.entries(tenantA)); now != entries {
		t.Errorf("%d entries for nothing", now-entries)
	}
	if log := r.Log.String(); strings.Contains(log, "http.send({})") {
		t.Error("the log holds Rego source")
	}
}
