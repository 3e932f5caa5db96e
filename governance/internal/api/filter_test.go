package api_test

import (
	"testing"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// The nil UUID is no resource's id. It must not read as a filter that is not set, which would list everything.
func TestListsRefuseTheNilID(t *testing.T) {
	t.Parallel()
	c := setup(t).tester(tenantA, auth.RoleAdmin)
	p := c.policy("lists")
	nothing := uuid.Nil.String()
	for name, list := range map[string]func() error{
		"ListReplays.policy_id": func() error {
			_, err := c.ListReplays(t.Context(), &governancev1.ListReplaysRequest{PolicyId: nothing})
			return err
		},
		"ListShadows.policy_id": func() error {
			_, err := c.ListShadows(t.Context(), &governancev1.ListShadowsRequest{PolicyId: nothing})
			return err
		},
		"ListTestRuns.policy_version_id": func() error {
			_, err := c.ListTestRuns(t.Context(), &governancev1.ListTestRunsRequest{PolicyId: p.GetId(), PolicyVersionId: nothing})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			wantError(t, list(), codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
		})
	}
}
