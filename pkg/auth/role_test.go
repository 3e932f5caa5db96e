package auth_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/aumos-enterprise/platform/pkg/auth"
	_ "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
	_ "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	typev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/type/v1"
)

var roles = []auth.Role{
	auth.RoleViewer, auth.RoleAuditor, auth.RolePolicyAuthor, auth.RolePolicyApprover, auth.RoleComplianceOfficer, auth.RoleMLEngineer,
	auth.RoleOperator, auth.RoleService, auth.RoleAdmin,
}

// The contract names permissions as text: a permission that only one of contract and table has is a mistake in either.
func TestContractAndRolesAgree(t *testing.T) {
	t.Parallel()
	required := map[string]bool{}
	protoregistry.GlobalFiles.RangeFilesByPackage("aumos.governance.v1", requirements(required))
	protoregistry.GlobalFiles.RangeFilesByPackage("aumos.drift.v1", requirements(required))
	if len(required) == 0 {
		t.Fatal("the contract requires nothing")
	}
	for permission := range required {
		if !auth.Granted(permission) {
			t.Errorf("the contract requires %s, which no role grants", permission)
		}
	}
	for _, r := range roles {
		for _, permission := range r.Permissions() {
			if !required[permission] {
				t.Errorf("%s grants %s, which the contract does not require anywhere", r, permission)
			}
		}
	}
}

func requirements(required map[string]bool) func(protoreflect.FileDescriptor) bool {
	return func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				r, _ := proto.GetExtension(methods.Get(j).Options(), typev1.E_Requires).(*typev1.Requirement)
				required[r.GetPermission()] = true
				for _, permission := range r.GetAlso() {
					required[permission] = true
				}
			}
		}
		return true
	}
}

func TestMay(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		roles      []auth.Role
		permission string
		want       bool
	}{
		"granted":                           {[]auth.Role{auth.RoleViewer}, "policy.read", true},
		"granted by the second role":        {[]auth.Role{auth.RoleViewer, auth.RolePolicyAuthor}, "policy.author", true},
		"not granted":                       {[]auth.Role{auth.RoleViewer}, "policy.author", false},
		"no role":                           {nil, "policy.read", false},
		"unknown role":                      {[]auth.Role{"root"}, "policy.read", false},
		"no permission":                     {[]auth.Role{auth.RoleAdmin}, "", false},
		"prefix of a permission":            {[]auth.Role{auth.RoleAdmin}, "policy", false},
		"people do not record":              {[]auth.Role{auth.RoleAdmin}, "audit.record", false},
		"services do not change policies":   {[]auth.Role{auth.RoleService}, "policy.author", false},
		"authors do not activate their own": {[]auth.Role{auth.RolePolicyAuthor}, "policy.activate", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := (auth.Principal{Roles: tc.roles}).May(tc.permission); got != tc.want {
				t.Errorf("May(%q) = %t", tc.permission, got)
			}
		})
	}
}

func TestRolesAreKnown(t *testing.T) {
	t.Parallel()
	for _, r := range roles {
		if !r.Known() || len(r.Permissions()) == 0 || strings.ToLower(string(r)) != string(r) {
			t.Errorf("%q: known %t, %d permissions", r, r.Known(), len(r.Permissions()))
		}
	}
	if auth.Role("root").Known() {
		t.Error("root is known")
	}
}

func TestPrincipalContext(t *testing.T) {
	t.Parallel()
	if p, ok := auth.FromContext(t.Context()); ok {
		t.Errorf("an empty context has principal %+v", p)
	}
	if p, ok := auth.FromContext(auth.NewContext(t.Context(), auth.Principal{Subject: "alice"})); !ok || p.Subject != "alice" {
		t.Errorf("FromContext = %+v, %t", p, ok)
	}
}
