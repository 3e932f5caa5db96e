package api_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

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
