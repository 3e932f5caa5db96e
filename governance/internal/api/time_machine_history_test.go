package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func TestDiffResources(t *testing.T) {
	t.Parallel()
	m := startTimeMachine(t)
	m.change(tenantA, "p", 0, map[string]any{"limit": 1.0, "points": []any{"x", "y"}, "gone": nil})
	m.change(tenantA, "p", 1, map[string]any{"limit": 1.0, "points": []any{"x", "z"}, "new": map[string]any{"a": true}})
	m.change(tenantA, "q", 2, map[string]any{"limit": 2.0})
	m.change(tenantA, "p", 3, nil)
	c := m.as(tenantA, auth.RoleAuditor)
	diff := func(before, after *governancev1.ResourceAt) *governancev1.DiffResourcesResponse {
		t.Helper()
		res, err := c.DiffResources(t.Context(), &governancev1.DiffResourcesRequest{Before: before, After: after})
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	at := func(id string, m *governancev1.Moment) *governancev1.ResourceAt {
		return &governancev1.ResourceAt{Resource: reference(id), At: m}
	}
	for name, tc := range map[string]struct {
		before, after *governancev1.ResourceAt
		indexes       [2]int64 // -1: unset
		want          []string
	}{
		"two moments": {at("p", atIndex(0)), at("p", atIndex(1)), [2]int64{0, 1}, []string{
			"REMOVED /gone <nil> unset", "ADDED /new unset map[a:true]", "CHANGED /points/1 y z",
		}},
		"the same":         {at("p", atIndex(1)), at("p", atIndex(2)), [2]int64{1, 1}, nil},
		"two resources":    {at("q", nil), at("p", atIndex(0)), [2]int64{2, 0}, []string{"ADDED /gone unset <nil>", "CHANGED /limit 2 1", "ADDED /points unset [x y]"}},
		"not there yet":    {at("q", atIndex(0)), at("q", nil), [2]int64{-1, 2}, []string{"ADDED /limit unset 2"}},
		"deleted":          {at("q", nil), at("p", nil), [2]int64{2, 3}, []string{"REMOVED /limit 2 unset"}},
		"neither is there": {at("absent", nil), at("q", atIndex(0)), [2]int64{-1, -1}, nil},
	} {
		res := diff(tc.before, tc.after)
		if d := cmp.Diff(tc.want, summary(res.GetDifferences())); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		for i, v := range []*governancev1.ResourceVersion{res.GetBefore(), res.GetAfter()} {
			if want := tc.indexes[i]; (v == nil) != (want < 0) || v != nil && v.GetEntry().GetLeafIndex() != want {
				t.Errorf("%s: state %d is %v, want that of entry %d", name, i, v, want)
			}
		}
	}
}

func TestListResourceHistory(t *testing.T) {
	t.Parallel()
	m := startTimeMachine(t)
	m.change(tenantA, "p", 5, map[string]any{"limit": 1.0})
	m.change(tenantA, "q", 5, map[string]any{"limit": 9.0})
	m.change(tenantA, "p", 0, map[string]any{"limit": 2.0}) // history is in the order of recording
	m.change(tenantA, "p", 7, nil)
	m.change(tenantA, "p", 8, map[string]any{"limit": 2.0, "x": "y"})
	c := m.as(tenantA, auth.RoleAuditor)
	forth := []string{"0 [ADDED /limit unset 1]", "2 [CHANGED /limit 1 2]", "3 [REMOVED /limit 2 unset]", "4 [ADDED /limit unset 2 ADDED /x unset y]"}
	back := []string{forth[3], forth[2], forth[1], forth[0]}
	for _, size := range []int32{1, 2, 3, 4, 0} {
		for newest, want := range map[bool][]string{false: forth, true: back} {
			var got []string
			req := &governancev1.ListResourceHistoryRequest{Resource: reference("p"), NewestFirst: newest, PageSize: size}
			for {
				res, err := c.ListResourceHistory(t.Context(), req)
				if err != nil {
					t.Fatal(err)
				}
				for _, change := range res.GetChanges() {
					got = append(got, fmt.Sprint(change.GetVersion().GetEntry().GetLeafIndex(), " ", summary(change.GetDifferences())))
				}
				if req.PageToken = res.GetNextPageToken(); req.GetPageToken() == "" {
					break
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("newest first %t, pages of %d (-want +got):\n%s", newest, size, diff)
			}
		}
	}
	res, err := c.ListResourceHistory(t.Context(), &governancev1.ListResourceHistoryRequest{Resource: reference("absent")})
	if err != nil || len(res.GetChanges()) != 0 {
		t.Errorf("of nothing: %v, %v", res, err)
	}
}

// TestTimeMachinePagesFitMessages reads states that change in thousands of places.
func TestTimeMachinePagesFitMessages(t *testing.T) {
	t.Parallel()
	m := startTimeMachine(t)
	const states = 60
	for i := range states {
		list := make([]any, 4000)
		for j := range list {
			list[j] = float64(i + j)
		}
		m.change(tenantA, "p", i, map[string]any{strings.Repeat("n", 200): list})
	}
	c := m.as(tenantA, auth.RoleAuditor)
	req := &governancev1.ListResourceHistoryRequest{Resource: reference("p"), PageSize: 500}
	total := 0
	for {
		res, err := c.ListResourceHistory(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if size := proto.Size(res); size > messageLimit || len(res.GetChanges()) == 0 {
			t.Fatalf("a page of %d changes, %d bytes", len(res.GetChanges()), size)
		}
		total += len(res.GetChanges())
		if req.PageToken = res.GetNextPageToken(); req.GetPageToken() == "" {
			break
		}
	}
	if total != states {
		t.Errorf("%d states, want %d", total, states)
	}
}
