package api_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

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
