package api_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/governance/internal/api"
	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/governance/internal/reading"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/grpcserver/grpcservertest"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// timeMachine is a TimeMachineService behind the real chain, on a wall that takes entries of any effective time.
type timeMachine struct {
	*grpcservertest.Server
	t    testing.TB
	wall *audit.Wall
}

func startTimeMachine(t testing.TB) *timeMachine {
	t.Helper()
	wall, _ := audittest.Start(t, audittest.Databases(postgrestest.Audit(t)), audit.Config{HeadsDir: t.TempDir(), OriginPrefix: "audit.example.com"})
	readings := reading.New(reading.Config{Wall: wall, Log: slog.New(slog.DiscardHandler)})
	run(t, readings.Run)
	server := grpcservertest.Start(t, "governance.aumos", grpcservertest.Options{}, func(s *grpc.Server) {
		governancev1.RegisterTimeMachineServiceServer(s, &api.TimeMachineService{Wall: wall, Reading: readings})
	})
	return &timeMachine{Server: server, t: t, wall: wall}
}

func (m *timeMachine) as(id tenant.ID, role auth.Role) governancev1.TimeMachineServiceClient {
	m.t.Helper()
	return governancev1.NewTimeMachineServiceClient(m.Dial(m.t, m.Issuer.Token(m.t, "subject-of-"+string(role), id, role), ""))
}

// began is the effective time of the first change; each further one takes effect a day later.
var began = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func day(n int) *timestamppb.Timestamp { return timestamppb.New(began.AddDate(0, 0, n)) }

// change appends an entry that says the state of a policy from a day on; a nil state deletes it.
func (m *timeMachine) change(id tenant.ID, resource string, effective int, state map[string]any) audit.Position {
	m.t.Helper()
	entryID, err := uuid.NewV7()
	if err != nil {
		m.t.Fatal(err)
	}
	e := auditlog.Entry{
		EntryID: entryID, TenantID: id, EventType: "policy.changed", Action: "policy.author", Outcome: auditlog.Success,
		EffectiveTime: day(effective).AsTime(), Actor: auditlog.Actor{Kind: auditlog.ActorUser, ID: "ann", OnBehalfOf: "bob"},
		Resource: auditlog.Resource{Type: "policy", ID: resource, Name: "limits", State: state}, SourceService: "governance",
	}
	if state == nil {
		e.EventType = "policy.deleted"
	}
	position, err := m.wall.Append(m.t.Context(), e)
	if err != nil {
		m.t.Fatal(err)
	}
	return position
}

func policyAt(id string, at *governancev1.Moment) *governancev1.GetResourceAtRequest {
	return &governancev1.GetResourceAtRequest{Resource: reference(id), At: at}
}

func reference(id string) *governancev1.ResourceReference {
	return &governancev1.ResourceReference{Type: "policy", Id: id}
}

func atIndex(i int64) *governancev1.Moment {
	return &governancev1.Moment{Known: &governancev1.Moment_LeafIndex{LeafIndex: i}}
}

func atTime(t *timestamppb.Timestamp) *governancev1.Moment {
	return &governancev1.Moment{Known: &governancev1.Moment_RecordedTime{RecordedTime: t}}
}

func effectiveAt(m *governancev1.Moment, t *timestamppb.Timestamp) *governancev1.Moment {
	m.EffectiveTime = t
	return m
}

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
