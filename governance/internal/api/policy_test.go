package api_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// newAdmin returns a function that does to the governance database what no role of the service may.
func newAdmin(t testing.TB, r *replica) func(sql string) {
	t.Helper()
	conn := r.platform.governance.Admin()
	return func(sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

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

func TestDecisionPointIsBounded(t *testing.T) {
	t.Parallel()
	c := setup(t).admin(tenantA)
	for i := range 32 {
		c.active(fmt.Sprintf("p%02d", i), "allow := true", "a.point")
	}
	p := c.policy("one more", "a.point")
	v := c.version(p.GetId(), "allow := true")
	c.tested(v.GetId())
	_, err := c.ActivatePolicyVersion(t.Context(), &governancev1.ActivatePolicyVersionRequest{PolicyVersionId: v.GetId()})
	wantError(t, err, codes.ResourceExhausted, governancev1.ErrorReason_ERROR_REASON_LIMIT_REACHED)
	if got := c.decide(askPoint("a.point", nil)); len(got.GetResults()) != 32 || got.GetOutcome() != allow {
		t.Errorf("got %v with %d results", got.GetOutcome(), len(got.GetResults()))
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	c := setup(t).admin(tenantA)
	var want []string
	for i := range 5 {
		p := c.policy(fmt.Sprintf("p%d", i), fmt.Sprintf("point.n%d", i%2))
		want = append([]string{p.GetId()}, want...)
	}
	var got []string
	req := &governancev1.ListPoliciesRequest{PageSize: 2}
	for pages := 0; ; pages++ {
		res, err := c.ListPolicies(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range res.GetPolicies() {
			got = append(got, p.GetId())
		}
		if req.PageToken = res.GetNextPageToken(); req.GetPageToken() == "" {
			if pages != 2 {
				t.Errorf("%d pages", pages+1)
			}
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("policies (-want +got):\n%s", diff)
	}
	res, err := c.ListPolicies(t.Context(), &governancev1.ListPoliciesRequest{DecisionPoint: "point.n1"})
	if err != nil || len(res.GetPolicies()) != 2 {
		t.Errorf("by decision point: %v, %v", res, err)
	}
	for i := range 3 {
		c.version(want[0], fmt.Sprintf("allow if input.n == %d", i))
	}
	var numbers []int32
	versions := &governancev1.ListPolicyVersionsRequest{PolicyId: want[0], PageSize: 2}
	for {
		res, err := c.ListPolicyVersions(t.Context(), versions)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range res.GetPolicyVersions() {
			numbers = append(numbers, v.GetNumber())
			if len(v.GetModules()) != 0 {
				t.Error("a list holds sources")
			}
		}
		if versions.PageToken = res.GetNextPageToken(); versions.GetPageToken() == "" {
			break
		}
	}
	if !slices.Equal(numbers, []int32{3, 2, 1}) {
		t.Errorf("versions %v", numbers)
	}
	_, err = c.ListPolicies(t.Context(), &governancev1.ListPoliciesRequest{PageToken: "x"})
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_PAGE_TOKEN)
}

// Another tenant's ids are as unknown as ids that do not exist, in every rpc.
func TestTenantsAreIsolated(t *testing.T) {
	t.Parallel()
	r := setup(t)
	a, b := r.admin(tenantA), r.admin(tenantB)
	p := a.active("p", "allow := true", "a.point")
	calls := map[string]func(c client, policyID, versionID string) error{
		"GetPolicy": func(c client, id, _ string) error {
			_, err := c.GetPolicy(t.Context(), &governancev1.GetPolicyRequest{PolicyId: id})
			return err
		},
		"GetPolicyVersion": func(c client, _, id string) error {
			_, err := c.GetPolicyVersion(t.Context(), &governancev1.GetPolicyVersionRequest{PolicyVersionId: id})
			return err
		},
		"ListPolicyVersions": func(c client, id, _ string) error {
			_, err := c.ListPolicyVersions(t.Context(), &governancev1.ListPolicyVersionsRequest{PolicyId: id})
			return err
		},
		"CreatePolicyVersion": func(c client, id, _ string) error {
			_, err := c.CreatePolicyVersion(t.Context(), &governancev1.CreatePolicyVersionRequest{PolicyId: id, Modules: module("allow := true")})
			return err
		},
		"ActivatePolicyVersion": func(c client, _, id string) error {
			_, err := c.ActivatePolicyVersion(t.Context(), &governancev1.ActivatePolicyVersionRequest{PolicyVersionId: id})
			return err
		},
		"Evaluate": func(c client, id, _ string) error {
			_, err := c.Evaluate(t.Context(), askPolicy(id, nil))
			return err
		},
	}
	for name, call := range calls {
		if err := call(a, p.GetId(), p.GetActiveVersionId()); err != nil {
			t.Errorf("%s of the tenant itself: %v", name, err)
		}
		missing := uuid.NewString()
		foreign, unknown := call(b, p.GetId(), p.GetActiveVersionId()), call(b, missing, missing)
		wantError(t, foreign, codes.NotFound, governancev1.ErrorReason_ERROR_REASON_NOT_FOUND)
		same := strings.NewReplacer(p.GetId(), "ID", p.GetActiveVersionId(), "ID", missing, "ID")
		if got, want := same.Replace(describe(foreign)), same.Replace(describe(unknown)); got != want {
			t.Errorf("%s: %q of another tenant, %q of nobody", name, got, want)
		}
	}
	_, err := b.Evaluate(t.Context(), askPoint("a.point", nil))
	wantError(t, err, codes.FailedPrecondition, governancev1.ErrorReason_ERROR_REASON_DECISION_POINT_UNBOUND)
	list, err := b.ListPolicies(t.Context(), &governancev1.ListPoliciesRequest{})
	if err != nil || len(list.GetPolicies()) != 0 {
		t.Errorf("list: %v, %v", list, err)
	}
	if n := len(r.entries(tenantB)); n != 0 {
		t.Errorf("%d entries in a log without events", n)
	}
	// The same name and package in both tenants are different policies.
	q := b.active("p", "default allow := false", "a.point")
	if got := b.decide(askPoint("a.point", nil)); got.GetOutcome() != deny || got.GetResults()[0].GetPolicyId() != q.GetId() {
		t.Errorf("tenant B: %v", got)
	}
	if got := a.decide(askPoint("a.point", nil)); got.GetOutcome() != allow || got.GetResults()[0].GetPolicyId() != p.GetId() {
		t.Errorf("tenant A: %v", got)
	}
	token := mustToken(t, a)
	_, err = b.ListPolicies(t.Context(), &governancev1.ListPoliciesRequest{PageToken: token})
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_PAGE_TOKEN)
}

func mustToken(t *testing.T, c client) string {
	t.Helper()
	c.policy("second")
	res, err := c.ListPolicies(t.Context(), &governancev1.ListPoliciesRequest{PageSize: 1})
	if err != nil || res.GetNextPageToken() == "" {
		t.Fatalf("list: %v, %v", res, err)
	}
	return res.GetNextPageToken()
}

// describe prints all that a client sees of an error but the id of the request.
func describe(err error) string {
	s := status.Convert(err)
	var b strings.Builder
	fmt.Fprint(&b, s.Code(), s.Message())
	for _, d := range s.Details() {
		if text := fmt.Sprint(d); !strings.Contains(text, "request_id") {
			b.WriteString(strings.Join(strings.Fields(text), " "))
		}
	}
	return b.String()
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	r := setup(t)
	p := r.admin(tenantA).active("p", "allow := true")
	calls := map[string]func(c client) error{
		"policy.read": func(c client) error {
			_, err := c.GetPolicy(t.Context(), &governancev1.GetPolicyRequest{PolicyId: p.GetId()})
			return err
		},
		"policy.author": func(c client) error {
			_, err := c.CreatePolicy(t.Context(), &governancev1.CreatePolicyRequest{Name: uuid.NewString()})
			return err
		},
		"policy.activate": func(c client) error {
			_, err := c.ActivatePolicyVersion(t.Context(), &governancev1.ActivatePolicyVersionRequest{PolicyVersionId: p.GetActiveVersionId()})
			return err
		},
		"decision.evaluate": func(c client) error {
			_, err := c.Evaluate(t.Context(), askPolicy(p.GetId(), nil))
			return err
		},
	}
	for _, role := range []auth.Role{
		auth.RoleViewer, auth.RoleAuditor, auth.RolePolicyAuthor, auth.RolePolicyApprover, auth.RoleComplianceOfficer, auth.RoleMLEngineer,
		auth.RoleOperator, auth.RoleAdmin,
	} {
		c := r.as(tenantA, role)
		for permission, call := range calls {
			err := call(c)
			if slices.Contains(role.Permissions(), permission) {
				if err != nil {
					t.Errorf("%s with %s: %v", role, permission, err)
				}
			} else if reasonOf(err) != "PERMISSION_MISSING" {
				t.Errorf("%s without %s: %v", role, permission, err)
			}
		}
	}
}

// A crash between a mutation's commit and its entry loses nothing: the entry follows, once.
func TestCrashBeforeTheEntry(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.stopWall() // without having noticed anything, so that the mutation begins
	req := &governancev1.CreatePolicyRequest{Name: "p", RequestId: uuid.NewString()}
	_, err := r.admin(tenantA).CreatePolicy(t.Context(), req)
	wantError(t, err, codes.Unavailable, governancev1.ErrorReason_ERROR_REASON_UNAVAILABLE)
	if message := status.Convert(err).Message(); !strings.Contains(message, "same request_id") {
		t.Errorf("message %q", message)
	}
	next := r.platform.replica(rego.Config{})
	if n := len(next.entries(tenantA)); n != 0 {
		t.Fatalf("%d entries before the recorder", n)
	}
	newAdmin(t, r)(`UPDATE gov_audit_intents SET created_at = created_at - interval '1 minute'`) // past what is left to the request
	for range 2 {
		if err := next.recorder.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	again, err := next.admin(tenantA).CreatePolicy(t.Context(), req)
	if err != nil {
		t.Fatalf("the same request again: %v", err)
	}
	if entries := next.entries(tenantA); len(entries) != 1 || entries[0].Resource.ID != again.GetPolicy().GetId() {
		t.Errorf("entries %+v", entries)
	}
}

// Without the wall's database nothing is decided or changed, except for what was under way; that is answered when the wall is back.
func TestWallOutage(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.admin(tenantA)
	p := c.active("p", "allow := true")
	before := len(r.entries(tenantA))
	admin := newAdmin(t, r)
	name := r.platform.audit.Name
	admin(`ALTER DATABASE "` + name + `" ALLOW_CONNECTIONS false`)
	admin(`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '` + name + `'`)

	caught := &governancev1.CreatePolicyRequest{Name: "caught", RequestId: uuid.NewString()}
	_, err := c.CreatePolicy(t.Context(), caught)
	wantError(t, err, codes.Unavailable, governancev1.ErrorReason_ERROR_REASON_UNAVAILABLE)
	refused := &governancev1.CreatePolicyRequest{Name: "refused", RequestId: uuid.NewString()}
	_, err = c.CreatePolicy(t.Context(), refused)
	wantError(t, err, codes.Unavailable, governancev1.ErrorReason_ERROR_REASON_UNAVAILABLE)
	_, err = c.Evaluate(t.Context(), askPolicy(p.GetId(), nil))
	wantError(t, err, codes.Unavailable, governancev1.ErrorReason_ERROR_REASON_UNAVAILABLE)
	list, err := c.ListPolicies(t.Context(), &governancev1.ListPoliciesRequest{Name: "refused"})
	if err != nil || len(list.GetPolicies()) != 0 {
		t.Errorf("refused, but done: %v, %v", list, err)
	}

	admin(`ALTER DATABASE "` + name + `" ALLOW_CONNECTIONS true`)
	waitFor(t, "the wall comes back", func() bool { return r.wall.Ready() == nil })
	r.platform.audit.Reader.Reset() // whose idle connections have ended with the others
	answered, err := c.CreatePolicy(t.Context(), caught)
	if err != nil {
		t.Fatalf("the request that was caught, again: %v", err)
	}
	entries := r.entries(tenantA)
	if len(entries) != before+1 || entries[before].Resource.ID != answered.GetPolicy().GetId() {
		t.Errorf("entries %+v", entries[before:])
	}
	c.decide(askPolicy(p.GetId(), nil))
}
