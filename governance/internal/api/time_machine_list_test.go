package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func TestListResourcesAt(t *testing.T) {
	t.Parallel()
	m := startTimeMachine(t)
	long := strings.Repeat("\u0001", 255) // the longest id, and in JSON six times as long
	for i, id := range []string{"c", "a", long, "b", "d"} {
		m.change(tenantA, id, i, map[string]any{"i": float64(i)})
	}
	m.change(tenantA, "a", 6, nil)
	c := m.as(tenantA, auth.RoleAuditor)
	list := func(req *governancev1.ListResourcesAtRequest, between func()) (ids []string) {
		t.Helper()
		req.ResourceType = "policy"
		for {
			res, err := c.ListResourcesAt(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range res.GetVersions() {
				ids = append(ids, fmt.Sprintf("%.1s=%v", v.GetResourceId(), v.GetState().AsMap()["i"]))
			}
			if req.PageToken = res.GetNextPageToken(); req.GetPageToken() == "" {
				return ids
			}
			if between != nil {
				between()
			}
		}
	}
	for name, tc := range map[string]struct {
		req  *governancev1.ListResourcesAtRequest
		want []string
	}{
		"now":       {&governancev1.ListResourcesAtRequest{}, []string{"\u0001=2", "b=3", "c=0", "d=4"}},
		"deleted":   {&governancev1.ListResourcesAtRequest{ShowDeleted: true}, []string{"\u0001=2", "a=<nil>", "b=3", "c=0", "d=4"}},
		"index":     {&governancev1.ListResourcesAtRequest{At: atIndex(1)}, []string{"a=1", "c=0"}},
		"effective": {&governancev1.ListResourcesAtRequest{At: &governancev1.Moment{EffectiveTime: day(3)}}, []string{"\u0001=2", "a=1", "b=3", "c=0"}},
		"before":    {&governancev1.ListResourcesAtRequest{At: atTime(day(0))}, nil},
	} {
		for _, size := range []int32{1, 2, 0} {
			tc.req.PageSize = size
			if diff := cmp.Diff(tc.want, list(tc.req, nil)); diff != "" {
				t.Errorf("%s, pages of %d (-want +got):\n%s", name, size, diff)
			}
		}
	}
	// "Now" is one moment for all pages, whatever is recorded between them.
	next := 10
	got := list(&governancev1.ListResourcesAtRequest{PageSize: 1}, func() {
		next++
		m.change(tenantA, "d", next, map[string]any{"i": float64(next)})
		m.change(tenantA, fmt.Sprintf("z%d", next), next, map[string]any{"i": float64(next)})
	})
	if diff := cmp.Diff([]string{"\u0001=2", "b=3", "c=0", "d=4"}, got); diff != "" {
		t.Errorf("while others write (-want +got):\n%s", diff)
	}
	res, err := c.ListResourcesAt(t.Context(), &governancev1.ListResourcesAtRequest{ResourceType: "policy", PageSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.ListResourcesAt(t.Context(), &governancev1.ListResourcesAtRequest{ResourceType: "policy", ShowDeleted: true, PageToken: res.GetNextPageToken()})
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_PAGE_TOKEN)
}

// summary writes differences for comparison.
func summary(differences []*governancev1.FieldDifference) (lines []string) {
	text := func(v *structpb.Value) string {
		if v == nil {
			return "unset"
		}
		return fmt.Sprint(v.AsInterface())
	}
	for _, d := range differences {
		lines = append(lines, fmt.Sprintf("%s %s %s %s", strings.TrimPrefix(d.GetKind().String(), "DIFFERENCE_KIND_"), d.GetPath(), text(d.GetBefore()), text(d.GetAfter())))
	}
	return lines
}
