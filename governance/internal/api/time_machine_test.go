package api_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

func TestGetResourceAt(t *testing.T) {
	t.Parallel()
	m := startTimeMachine(t)
	// Recorded in the order 0, 10, 5 (a change that is made known later), deleted on day 20, back on day 30.
	m.change(tenantA, "p", 0, map[string]any{"limit": 1.0})
	m.change(tenantA, "p", 10, map[string]any{"limit": 2.0})
	fifth := m.change(tenantA, "p", 5, map[string]any{"limit": 3.0, "note": nil})
	m.change(tenantA, "p", 20, nil)
	m.change(tenantA, "p", 30, map[string]any{})
	m.change(tenantB, "p", 0, map[string]any{"other": true})
	c := m.as(tenantA, auth.RoleAuditor)
	get := func(at *governancev1.Moment) *governancev1.ResourceVersion {
		t.Helper()
		res, err := c.GetResourceAt(t.Context(), policyAt("p", at))
		if err != nil {
			t.Fatalf("%v: %v", at, err)
		}
		return res.GetVersion()
	}
	second := get(atIndex(1))
	for name, tc := range map[string]struct {
		at   *governancev1.Moment
		want int64
	}{
		"now":                            {nil, 4},
		"an empty moment":                {&governancev1.Moment{}, 4},
		"index":                          {atIndex(2), 2},
		"an index to come":               {atIndex(1 << 40), 4},
		"recorded":                       {atTime(second.GetRecordedTime()), 1},
		"effective":                      {&governancev1.Moment{EffectiveTime: day(7)}, 2},
		"effective, before it was known": {effectiveAt(atIndex(1), day(7)), 0},
		"effective, as known then":       {effectiveAt(atTime(second.GetRecordedTime()), day(12)), 1},
		"effective at the very time":     {&governancev1.Moment{EffectiveTime: day(10)}, 1},
		"deleted":                        {&governancev1.Moment{EffectiveTime: day(29)}, 3},
		"far ahead":                      {&governancev1.Moment{EffectiveTime: day(1_000_000)}, 4},
	} {
		if got := get(tc.at).GetEntry().GetLeafIndex(); got != tc.want {
			t.Errorf("%s: entry %d, want %d", name, got, tc.want)
		}
	}
	got := get(atIndex(2))
	want := &governancev1.ResourceVersion{
		ResourceType: "policy", ResourceId: "p", Name: "limits", Existence: governancev1.ResourceExistence_RESOURCE_EXISTENCE_PRESENT,
		State: object(map[string]any{"limit": 3.0, "note": nil}), EventType: "policy.changed", Actor: got.GetActor(), RecordedTime: got.GetRecordedTime(),
		EffectiveTime: day(5), Entry: got.GetEntry(),
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("version (-want +got):\n%s", diff)
	}
	if e := got.GetEntry(); e.GetEntryId() != fifth.EntryID.String() || string(e.GetLeafHash()) != string(fifth.LeafHash[:]) || got.GetActor().GetOnBehalfOf() != "bob" {
		t.Errorf("the entry: %v by %v", e, got.GetActor())
	}
	if deleted := get(atIndex(3)); deleted.GetExistence() != governancev1.ResourceExistence_RESOURCE_EXISTENCE_DELETED || deleted.GetState() != nil {
		t.Errorf("deleted: %v", deleted)
	}
	if empty := get(nil); empty.GetExistence() != governancev1.ResourceExistence_RESOURCE_EXISTENCE_PRESENT || empty.GetState() == nil {
		t.Errorf("an empty state: %v", empty)
	}
	for name, req := range map[string]*governancev1.GetResourceAtRequest{
		"absent":              policyAt("q", nil),
		"of another kind":     {Resource: &governancev1.ResourceReference{Type: "policies", Id: "p"}},
		"before it was known": policyAt("p", atTime(timestamppb.New(began))),
		"in the first year":   policyAt("p", atTime(&timestamppb.Timestamp{Seconds: -62135596800})),
		"before its effect":   policyAt("p", &governancev1.Moment{EffectiveTime: day(-1)}),
	} {
		_, err := c.GetResourceAt(t.Context(), req)
		if reasonOf(err) != "NOT_FOUND" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := m.as(tenantB, auth.RoleAuditor).GetResourceAt(t.Context(), policyAt("p", atIndex(0))); err != nil {
		t.Errorf("another tenant's own: %v", err)
	}
}

func TestTimeMachineRefuses(t *testing.T) {
	t.Parallel()
	m := startTimeMachine(t)
	m.change(tenantA, "p", 0, map[string]any{})
	c := m.as(tenantA, auth.RoleAuditor)
	never := &timestamppb.Timestamp{Seconds: 1 << 60}
	for field, req := range map[string]*governancev1.GetResourceAtRequest{
		"resource":          {},
		"resource.type":     {Resource: &governancev1.ResourceReference{Type: "Policy", Id: "p"}},
		"resource.id":       policyAt("p\x00", nil),
		"at.leaf_index":     policyAt("p", atIndex(-1)),
		"at.recorded_time":  policyAt("p", atTime(never)),
		"at.effective_time": policyAt("p", &governancev1.Moment{EffectiveTime: never}),
		"min_position":      {Resource: reference("p"), MinPosition: -1},
	} {
		_, err := c.GetResourceAt(t.Context(), req)
		wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
		if _, named := fieldsOf(err)[field]; !named {
			t.Errorf("%s: %v does not name it", field, fieldsOf(err))
		}
	}
	_, err := c.DiffResources(t.Context(), &governancev1.DiffResourcesRequest{
		Before: &governancev1.ResourceAt{Resource: reference("p")}, After: &governancev1.ResourceAt{Resource: reference("p"), At: atTime(never)},
	})
	if _, named := fieldsOf(err)["after.at.recorded_time"]; !named {
		t.Errorf("diff: %v", err)
	}
	if _, err := c.GetResourceAt(t.Context(), &governancev1.GetResourceAtRequest{Resource: reference("p"), MinPosition: 1}); err != nil {
		t.Errorf("the position of what is there: %v", err)
	}
	_, err = c.GetResourceAt(t.Context(), &governancev1.GetResourceAtRequest{Resource: reference("p"), MinPosition: 1000})
	wantError(t, err, codes.Unavailable, governancev1.ErrorReason_ERROR_REASON_POSITION_NOT_REACHED)
	viewer := m.as(tenantA, auth.RoleViewer)
	_, err = viewer.GetResourceAt(t.Context(), policyAt("p", nil))
	wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_PERMISSION_MISSING)
}

// TestTimeMachineIsReading looks for the entry that says who has read past states.
func TestTimeMachineIsReading(t *testing.T) {
	t.Parallel()
	m := startTimeMachine(t)
	m.change(tenantA, "p", 0, map[string]any{})
	if _, err := m.as(tenantA, auth.RoleAuditor).GetResourceAt(t.Context(), policyAt("p", effectiveAt(atIndex(0), day(1)))); err != nil {
		t.Fatal(err)
	}
	found, err := m.wall.GetByIndex(tenant.NewContext(t.Context(), tenantA), 1)
	if err != nil {
		t.Fatal(err)
	}
	e, err := auditlog.Unmarshal(found.Leaf)
	if err != nil {
		t.Fatal(err)
	}
	if e.EventType != "audit.read" || e.Actor.ID != "subject-of-auditor" || e.Details["rpc"] != "GetResourceAt" ||
		fmt.Sprint(e.Details["filters"]) != "[at.effective_time at.leaf_index resource]" {
		t.Errorf("got %+v", e)
	}
}

// TestVersionsShowCorrections corrects the entry that says a state: the state stays what was recorded.
func TestVersionsShowCorrections(t *testing.T) {
	t.Parallel()
	m := startTimeMachine(t)
	p := m.change(tenantA, "p", 0, map[string]any{"limit": 1.0})
	correction, err := m.wall.Correct(tenant.NewContext(t.Context(), tenantA), audit.CorrectionRequest{
		Entry: p.EntryID, Reason: "typo", Corrected: map[string]any{"limit": 10.0}, Actor: auditlog.Actor{Kind: auditlog.ActorUser, ID: "eve"}, Request: uuid.New(),
	})
	if err != nil {
		t.Fatal(err)
	}
	res, err := m.as(tenantA, auth.RoleAuditor).GetResourceAt(t.Context(), policyAt("p", nil))
	if err != nil {
		t.Fatal(err)
	}
	list := res.GetVersion().GetCorrections()
	if len(list) != 1 || list[0].GetReason() != "typo" || list[0].GetActor().GetId() != "eve" || list[0].GetPosition().GetLeafIndex() != correction.LeafIndex ||
		list[0].GetCorrected().AsMap()["limit"] != 10.0 || res.GetVersion().GetState().AsMap()["limit"] != 1.0 {
		t.Errorf("got %v", res)
	}
}
