package api_test

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func (c client) validate(modules []*governancev1.RegoModule, schema *structpb.Struct) *governancev1.ValidatePolicyResponse {
	c.t.Helper()
	res, err := c.ValidatePolicy(c.t.Context(), &governancev1.ValidatePolicyRequest{Modules: modules, InputSchema: schema})
	if err != nil {
		c.t.Fatalf("ValidatePolicy: %v, %v", err, fieldsOf(err))
	}
	return res
}

func (c client) diff(from, to *governancev1.PolicyVersion) *governancev1.DiffPolicyVersionsResponse {
	c.t.Helper()
	res, err := c.DiffPolicyVersions(c.t.Context(), &governancev1.DiffPolicyVersionsRequest{FromPolicyVersionId: from.GetId(), ToPolicyVersionId: to.GetId()})
	if err != nil {
		c.t.Fatalf("DiffPolicyVersions: %v, %v", err, fieldsOf(err))
	}
	return res
}

func TestValidatePolicy(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.as(tenantA, auth.RolePolicyAuthor)
	modules := module("default allow := false\nallow if input.user.nme == \"a\"\nlost := 1\ntest_a if not allow with input as {}")
	schema := object(map[string]any{"type": "object", "properties": map[string]any{
		"user": map[string]any{"type": "object", "properties": map[string]any{"name": map[string]any{"type": "string"}}},
	}})
	got := c.validate(modules, schema)
	want := &governancev1.ValidatePolicyResponse{
		Valid: true, Package: "p", EntryPoints: []string{"data.p.allow"}, EngineVersion: rego.EngineVersion(), ContentSha256: got.GetContentSha256(),
		Warnings: []*governancev1.RegoFinding{
			{ModulePath: "p.rego", Row: 3, Column: 10, Code: "undefined_input", Message: `input.user.nme is not described by the schema of the input, which has ["name"]`},
			{ModulePath: "p.rego", Row: 4, Column: 1, Code: "unused_rule", Message: "rule lost is used by no decision and no test"},
		},
		Modules: []*governancev1.RegoModuleSummary{{Path: "p.rego", Package: "p", Rules: []*governancev1.RegoRule{
			{Name: "allow", Kind: governancev1.RegoRuleKind_REGO_RULE_KIND_COMPLETE, IsDefault: true, Row: 2, Column: 1},
			{Name: "allow", Kind: governancev1.RegoRuleKind_REGO_RULE_KIND_COMPLETE, Row: 3, Column: 1},
			{Name: "lost", Kind: governancev1.RegoRuleKind_REGO_RULE_KIND_COMPLETE, Row: 4, Column: 1},
			{Name: "test_a", Kind: governancev1.RegoRuleKind_REGO_RULE_KIND_TEST, Row: 5, Column: 1},
		}}},
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := len(r.entries(tenantA)); n != 0 {
		t.Errorf("validating made %d entries", n)
	}
	list, err := c.ListPolicies(t.Context(), &governancev1.ListPoliciesRequest{})
	if err != nil || len(list.GetPolicies()) != 0 {
		t.Errorf("validating made policies: %v, %v", list, err)
	}
	p := c.policy("p")
	v, err := c.CreatePolicyVersion(t.Context(), &governancev1.CreatePolicyVersionRequest{PolicyId: p.GetId(), Modules: modules})
	if err != nil || !bytes.Equal(v.GetPolicyVersion().GetContentSha256(), got.GetContentSha256()) || v.GetPolicyVersion().GetPackage() != got.GetPackage() {
		t.Errorf("created %v, %v, which is not what was validated", v, err)
	}
}

// Test cases that could not replace a policy's are refused before there is a policy, with the same fields.
func TestValidatePolicyChecksCases(t *testing.T) {
	t.Parallel()
	c := setup(t).tester(tenantA, auth.RolePolicyAuthor)
	p := c.policy("p")
	spec := func(name string) *governancev1.PolicyTestSpec {
		return &governancev1.PolicyTestSpec{Name: name, Input: object(map[string]any{}), ExpectedOutcome: allow}
	}
	late, large := spec("late"), make([]*governancev1.PolicyTestSpec, 40)
	late.Now = timestamppb.New(time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC))
	for i := range large {
		large[i] = spec(strconv.Itoa(i))
		large[i].Input = object(map[string]any{"x": strings.Repeat("x", 250<<10)})
	}
	for name, specs := range map[string][]*governancev1.PolicyTestSpec{
		"valid": {spec("a"), spec("b")}, "two of one name": {spec("a"), spec("a")}, "no name": {spec("")}, "a clock out of range": {spec("a"), late}, "too large": large,
	} {
		_, err1 := c.ReplaceTestCases(t.Context(), &governancev1.ReplaceTestCasesRequest{PolicyId: p.GetId(), Specs: specs})
		_, err2 := c.ValidatePolicy(t.Context(), &governancev1.ValidatePolicyRequest{Modules: module("allow := true"), Specs: specs})
		if (name == "valid") != (err1 == nil) {
			t.Errorf("%s: replacing says %v", name, err1)
		}
		if diff := cmp.Diff(fieldsOf(err1), fieldsOf(err2)); diff != "" || reasonOf(err2) != reasonOf(err1) {
			t.Errorf("%s: validation says %v, replacing %v (-replacing +validation):\n%s", name, err2, err1, diff)
		}
	}
}

// What one of the two rpcs says of modules, the other says, too.
func TestValidatePolicyAgreesWithCreation(t *testing.T) {
	t.Parallel()
	c := setup(t).admin(tenantA)
	p := c.policy("p")
	for name, modules := range map[string][]*governancev1.RegoModule{
		"valid":         module("allow := true"),
		"syntax":        module("allow if {"),
		"http.send":     module("allow if http.send({})"),
		"no allow":      module("x := 1"),
		"unsafe":        module("allow if x > 1"),
		"with":          module("allow if f(1) with f as http.send\nf(x) := x"),
		"type bomb":     module("a0 := 1\n" + nested(40) + "allow if a40 == a40"),
		"path":          {{Path: "../p.rego", Source: "package p\nallow := true"}},
		"none":          nil,
		"too many":      slices.Repeat(module("allow := true"), 17),
		"twice":         slices.Repeat(module("allow := true"), 2),
		"too large":     module("allow := true #" + strings.Repeat("x", 256<<10)),
		"nul":           module("allow := true # \x00"),
		"long package":  {{Path: "p.rego", Source: "package " + strings.Repeat("p", 300) + "\nallow := true"}},
		"empty package": {{Path: "p.rego", Source: "allow := true"}},
	} {
		created, err1 := c.CreatePolicyVersion(t.Context(), &governancev1.CreatePolicyVersionRequest{PolicyId: p.GetId(), Modules: modules})
		validated, err2 := c.ValidatePolicy(t.Context(), &governancev1.ValidatePolicyRequest{Modules: modules})
		switch reasonOf(err1) {
		case "":
			if err2 != nil || !validated.GetValid() || len(validated.GetErrors()) > 0 || validated.GetPackage() != created.GetPolicyVersion().GetPackage() {
				t.Errorf("%s: validated %v, %v, but created", name, validated, err2)
			}
		case reasonName(governancev1.ErrorReason_ERROR_REASON_REGO_INVALID):
			if err2 != nil || validated.GetValid() || len(validated.GetErrors()) == 0 || len(validated.GetEntryPoints()) > 0 {
				t.Errorf("%s: validated %v, %v, but creation says %v", name, validated, err2, err1)
				continue
			}
			first := validated.GetErrors()[0]
			if says := fieldsOf(err1)["modules[0].source"]; !strings.Contains(says, fmt.Sprintf("%d:%d %s: %s", first.GetRow(), first.GetColumn(), first.GetCode(), first.GetMessage())) {
				t.Errorf("%s: validation says %v, creation %q", name, first, says)
			}
		default:
			if diff := cmp.Diff(fieldsOf(err1), fieldsOf(err2)); diff != "" || reasonOf(err2) != reasonOf(err1) {
				t.Errorf("%s: validation says %v, %v, creation %v (-creation +validation):\n%s", name, validated, err2, err1, diff)
			}
		}
	}
}

// nested makes n rules, each with a type twice as large as the one before.
func nested(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "a%d := [a%d, a%d]\n", i+1, i, i)
	}
	return b.String()
}

func TestValidatePolicyIsBounded(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	c := p.replica(rego.Config{CompileDeadline: time.Millisecond}).admin(tenantA)
	var slow strings.Builder
	for i := range 1900 {
		fmt.Fprintf(&slow, "r%d if input.x[_].y == %d\n", i, i)
	}
	var got *governancev1.ValidatePolicyResponse
	waitFor(t, "it is validated", func() bool { // OVERLOADED until the compilation has the processor for most of the time
		res, err := c.ValidatePolicy(t.Context(), &governancev1.ValidatePolicyRequest{Modules: module("default allow := false\n" + slow.String())})
		if err != nil && reasonOf(err) != "OVERLOADED" {
			t.Fatalf("ValidatePolicy: %v", err)
		}
		got = res
		return err == nil
	})
	if got.GetValid() || len(got.GetErrors()) != 1 || got.GetErrors()[0].GetCode() != "aumos_deadline" || got.GetErrors()[0].GetModulePath() != "" {
		t.Errorf("past the deadline: %v", got)
	}
	_, err := c.ValidatePolicy(t.Context(), &governancev1.ValidatePolicyRequest{
		Modules: module("allow := true"), InputSchema: object(map[string]any{"description": strings.Repeat("x", 256<<10)}),
	})
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
	if _, ok := fieldsOf(err)["input_schema"]; !ok {
		t.Errorf("fields %v", fieldsOf(err))
	}
}

func TestDiffPolicyVersions(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.admin(tenantA)
	p := c.policy("p")
	v1 := c.version(p.GetId(), "default allow := false\nallow if input.x > 1\nold := 1")
	v2 := c.version(p.GetId(), "# stricter\ndefault allow := false\nallow if { input.x > 2 }\nfresh := 1")
	same := c.version(p.GetId(), "default allow := false\nallow if { input.x > 1 } # one\nold := 1")
	entries := len(r.entries(tenantA))

	got := r.as(tenantA, auth.RolePolicyAuthor).diff(v1, v2)
	at := func(row int32) *governancev1.RegoLocation {
		return &governancev1.RegoLocation{ModulePath: "p.rego", Row: row, Column: 1}
	}
	want := &governancev1.PolicyVersionDiff{
		RulesCompared: true, RulesAdded: 1, RulesRemoved: 1, RulesChanged: 1,
		Rules: []*governancev1.RuleChange{
			{Kind: governancev1.PolicyChangeKind_POLICY_CHANGE_KIND_CHANGED, Package: "p", Name: "allow", OldLocation: at(3), NewLocation: at(4)},
			{Kind: governancev1.PolicyChangeKind_POLICY_CHANGE_KIND_ADDED, Package: "p", Name: "fresh", NewLocation: at(5)},
			{Kind: governancev1.PolicyChangeKind_POLICY_CHANGE_KIND_REMOVED, Package: "p", Name: "old", OldLocation: at(4)},
		},
		Modules: []*governancev1.ModuleChange{{
			Kind: governancev1.PolicyChangeKind_POLICY_CHANGE_KIND_CHANGED, Path: "p.rego",
			UnifiedDiff: "--- a/p.rego\n+++ b/p.rego\n@@ -1,4 +1,5 @@\n package p\n+# stricter\n default allow := false\n-allow if input.x > 1\n-old := 1\n\\ No newline at end of file\n+allow if { input.x > 2 }\n+fresh := 1\n\\ No newline at end of file\n",
		}},
	}
	if diff := cmp.Diff(want, got.GetDiff(), protocmp.Transform()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	v1.Modules, v2.Modules = nil, nil
	if diff := cmp.Diff([]*governancev1.PolicyVersion{v1, v2}, []*governancev1.PolicyVersion{got.GetFromPolicyVersion(), got.GetToPolicyVersion()}, protocmp.Transform()); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
	if d := c.diff(v1, same).GetDiff(); !d.GetRulesCompared() || len(d.GetRules()) > 0 || len(d.GetModules()) != 1 {
		t.Errorf("format and comments count: %v", d)
	}
	if diff := cmp.Diff(&governancev1.PolicyVersionDiff{RulesCompared: true}, c.diff(v1, v1).GetDiff(), protocmp.Transform()); diff != "" {
		t.Errorf("a version and itself (-want +got):\n%s", diff)
	}
	renamed, err := c.CreatePolicyVersion(t.Context(), &governancev1.CreatePolicyVersionRequest{
		PolicyId: p.GetId(), Modules: []*governancev1.RegoModule{{Path: "q.rego", Source: "package q\nallow := true"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	d := c.diff(v1, renamed.GetPolicyVersion()).GetDiff()
	if !d.GetEntryPackageChanged() || !slices.Equal(d.GetPackagesAdded(), []string{"q"}) || !slices.Equal(d.GetPackagesRemoved(), []string{"p"}) || len(d.GetModules()) != 2 {
		t.Errorf("another package: %v", d)
	}
	if now := len(r.entries(tenantA)); now != entries+1 {
		t.Errorf("%d entries for comparisons and one version", now-entries)
	}
}

func TestDiffPolicyVersionsOfDifferentPolicies(t *testing.T) {
	t.Parallel()
	c := setup(t).admin(tenantA)
	v1 := c.version(c.policy("p").GetId(), "allow := true")
	v2 := c.version(c.policy("q").GetId(), "allow := false")
	_, err := c.DiffPolicyVersions(t.Context(), &governancev1.DiffPolicyVersionsRequest{FromPolicyVersionId: v1.GetId(), ToPolicyVersionId: v2.GetId()})
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
	if _, ok := fieldsOf(err)["to_policy_version_id"]; !ok {
		t.Errorf("fields %v", fieldsOf(err))
	}
	_, err = c.DiffPolicyVersions(t.Context(), &governancev1.DiffPolicyVersionsRequest{FromPolicyVersionId: "x", ToPolicyVersionId: v2.GetId()})
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
}

// A version that no longer parses, since the engine has changed, is still compared as text.
func TestDiffOfWhatDoesNotParse(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.admin(tenantA)
	p := c.policy("p")
	v1, v2 := c.version(p.GetId(), "allow := true"), c.version(p.GetId(), "allow := false")
	const broken = "package p\nallow if {"
	admin := newAdmin(t, r)
	admin("ALTER TABLE gov_policy_modules DISABLE TRIGGER ALL")
	admin("ALTER TABLE gov_policy_versions DISABLE TRIGGER ALL")
	admin("UPDATE gov_policy_modules SET source = E'package p\\nallow if {' WHERE version_id = '" + v1.GetId() + "'")
	_, err := c.DiffPolicyVersions(t.Context(), &governancev1.DiffPolicyVersionsRequest{FromPolicyVersionId: v1.GetId(), ToPolicyVersionId: v2.GetId()})
	wantError(t, err, codes.DataLoss, governancev1.ErrorReason_ERROR_REASON_INTERNAL)
	admin(fmt.Sprintf("UPDATE gov_policy_versions SET content_sha256 = '\\x%x' WHERE id = '%s'", c.validate([]*governancev1.RegoModule{{Path: "p.rego", Source: broken}}, nil).GetContentSha256(), v1.GetId()))
	d := c.diff(v1, v2).GetDiff()
	if d.GetRulesCompared() || len(d.GetRules()) > 0 || len(d.GetModules()) != 1 || !strings.Contains(d.GetModules()[0].GetUnifiedDiff(), "-allow if {") {
		t.Errorf("got %v", d)
	}
}

func TestAnalysisIsOfOneTenant(t *testing.T) {
	t.Parallel()
	r := setup(t)
	a, b := r.admin(tenantA), r.admin(tenantB)
	p := a.policy("p")
	v1, v2 := a.version(p.GetId(), "allow := true"), a.version(p.GetId(), "allow := false")
	own := b.version(b.policy("p").GetId(), "allow := true")
	absent := uuid.NewString()
	for _, ids := range [][2]string{{v1.GetId(), v2.GetId()}, {own.GetId(), v1.GetId()}, {v1.GetId(), own.GetId()}} {
		_, err := b.DiffPolicyVersions(t.Context(), &governancev1.DiffPolicyVersionsRequest{FromPolicyVersionId: ids[0], ToPolicyVersionId: ids[1]})
		wantError(t, err, codes.NotFound, governancev1.ErrorReason_ERROR_REASON_NOT_FOUND)
		// Word for word like a version that does not exist.
		for i := range ids {
			if ids[i] != own.GetId() {
				ids[i] = absent
			}
		}
		_, other := b.DiffPolicyVersions(t.Context(), &governancev1.DiffPolicyVersionsRequest{FromPolicyVersionId: ids[0], ToPolicyVersionId: ids[1]})
		if strings.ReplaceAll(err.Error(), v1.GetId(), absent) != other.Error() {
			t.Errorf("%v tells that the version exists: %v", err, other)
		}
	}
}

func TestAnalysisPermissions(t *testing.T) {
	t.Parallel()
	r := setup(t)
	admin := r.admin(tenantA)
	p := admin.policy("p")
	v1, v2 := admin.version(p.GetId(), "allow := true"), admin.version(p.GetId(), "allow := false")
	for _, role := range []auth.Role{
		auth.RoleViewer, auth.RoleAuditor, auth.RolePolicyAuthor, auth.RolePolicyApprover, auth.RoleComplianceOfficer, auth.RoleMLEngineer,
		auth.RoleOperator, auth.RoleAdmin, "unknown",
	} {
		c := r.as(tenantA, role)
		_, err := c.ValidatePolicy(t.Context(), &governancev1.ValidatePolicyRequest{Modules: module("allow if {")})
		if may := slices.Contains(role.Permissions(), "policy.author"); may != (err == nil) {
			t.Errorf("%s: may validate %t, but: %v", role, may, err)
		} else if !may {
			wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_PERMISSION_MISSING)
		}
		_, err = c.DiffPolicyVersions(t.Context(), &governancev1.DiffPolicyVersionsRequest{FromPolicyVersionId: v1.GetId(), ToPolicyVersionId: v2.GetId()})
		if may := slices.Contains(role.Permissions(), "policy.read"); may != (err == nil) {
			t.Errorf("%s: may compare %t, but: %v", role, may, err)
		} else if !may {
			wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_PERMISSION_MISSING)
		}
	}
}
