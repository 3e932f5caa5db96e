package api_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	typev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/type/v1"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// TestCorrectEntry corrects an entry, which stays as it is and is shown with what was said of it, however it is read.
func TestCorrectEntry(t *testing.T) {
	t.Parallel()
	s := startAudit(t)
	wrong := record(t, s.service(tenantA), recordRequest(t))
	right := record(t, s.service(tenantA), recordRequest(t))
	officer, auditor := s.person(tenantA, auth.RoleComplianceOfficer), s.person(tenantA, auth.RoleAuditor)
	before := getEntry(t, auditor, wrong.GetLeafIndex())
	req := &governancev1.CorrectEntryRequest{
		EntryId: wrong.GetEntryId(), Reason: "the wrong model was named", RequestId: uuid.NewString(),
		Corrected: object(map[string]any{"resource": map[string]any{"id": "d-2"}, "p": 0.5}),
	}
	first := correct(t, officer, req)
	if again := correct(t, officer, req); !proto.Equal(again, first) {
		t.Errorf("again: %v, first %v", again, first)
	}
	if first.GetPosition() != first.GetLeafIndex()+1 {
		t.Errorf("position %v", first)
	}
	second := correct(t, officer, &governancev1.CorrectEntryRequest{EntryId: wrong.GetEntryId(), Reason: "and the day", RequestId: uuid.NewString()})

	after := getEntry(t, auditor, wrong.GetLeafIndex())
	actor := &typev1.Actor{Kind: typev1.ActorKind_ACTOR_KIND_USER, Id: "subject-of-compliance-officer"}
	want := []*governancev1.Correction{
		{Position: first, Actor: actor, Reason: req.GetReason(), Corrected: req.GetCorrected()},
		{Position: second, Actor: actor, Reason: "and the day"},
	}
	if diff := cmp.Diff(want, after.GetCorrections(), protocmp.Transform(), protocmp.IgnoreFields(&governancev1.Correction{}, "recorded_time")); diff != "" {
		t.Errorf("corrections (-want +got):\n%s", diff)
	}
	stripped, ok := proto.Clone(after).(*governancev1.LogEntry)
	if stripped.Corrections = nil; !ok || !proto.Equal(stripped, before) {
		t.Errorf("the entry has changed: %v, before %v", stripped, before)
	}

	listed, err := auditor.ListEntries(t.Context(), &governancev1.ListEntriesRequest{EventType: "drift."})
	if err != nil || len(listed.GetEntries()) != 2 {
		t.Fatalf("ListEntries: %v, %v", listed, err)
	}
	if !proto.Equal(listed.GetEntries()[0], after) || len(listed.GetEntries()[1].GetCorrections()) != 0 {
		t.Errorf("listed: %v", listed)
	}
	stream, _ := watch(t, auditor, &governancev1.WatchEntriesRequest{EventType: "drift."})
	if e, err := nextEntry(stream); err != nil || !proto.Equal(e, after) {
		t.Errorf("watched: %v, %v", e, err)
	}

	entry := getEntry(t, auditor, first.GetLeafIndex()).GetEntry()
	if entry.GetEventType() != "audit.correction" || entry.GetAction() != "audit.correct" || entry.GetSourceService() != "governance" ||
		entry.GetResource().GetType() != "audit_entry" || entry.GetResource().GetId() != wrong.GetEntryId() || entry.GetResource().GetState() != nil {
		t.Errorf("the correction's entry: %v", entry)
	}
	if diff := cmp.Diff(map[string]any{
		"leaf_index": 0.0, "reason": req.GetReason(), "corrected": req.GetCorrected().AsMap(),
	}, entry.GetDetails().AsMap()); diff != "" {
		t.Errorf("details (-want +got):\n%s", diff)
	}

	// A correction may be wrong, too.
	correct(t, officer, &governancev1.CorrectEntryRequest{EntryId: first.GetEntryId(), Reason: "it was d-3", RequestId: uuid.NewString()})
	if got := getEntry(t, auditor, first.GetLeafIndex()).GetCorrections(); len(got) != 1 || got[0].GetReason() != "it was d-3" {
		t.Errorf("the correction's correction: %v", got)
	}

	// The same request id is another request's when anything differs, and another's when somebody else sends it.
	for name, change := range map[string]func(*governancev1.CorrectEntryRequest){
		"reason":    func(r *governancev1.CorrectEntryRequest) { r.Reason = "another" },
		"corrected": func(r *governancev1.CorrectEntryRequest) { r.Corrected = nil },
		"entry":     func(r *governancev1.CorrectEntryRequest) { r.EntryId = right.GetEntryId() },
	} {
		changed, _ := proto.Clone(req).(*governancev1.CorrectEntryRequest)
		change(changed)
		_, err := officer.CorrectEntry(t.Context(), changed)
		t.Log(name)
		wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_REQUEST_ID_REUSED)
	}
	if p := correct(t, s.person(tenantA, auth.RoleAdmin), req); p.GetLeafIndex() == first.GetLeafIndex() {
		t.Error("another's request got the first one's position")
	}
}

func TestCorrectEntryRefuses(t *testing.T) {
	t.Parallel()
	s := startAudit(t)
	wrong := record(t, s.service(tenantA), recordRequest(t))
	for name, tc := range map[string]struct {
		tenant tenant.ID
		change func(*governancev1.CorrectEntryRequest)
		code   codes.Code
		reason governancev1.ErrorReason
		field  string
	}{
		"another's entry": {tenantB, func(*governancev1.CorrectEntryRequest) {}, codes.NotFound, governancev1.ErrorReason_ERROR_REASON_NOT_FOUND, ""},
		"platform log": {
			auditlog.PlatformTenant, func(*governancev1.CorrectEntryRequest) {}, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_PLATFORM_LOG, "",
		},
		"no entry":       {tenantA, func(r *governancev1.CorrectEntryRequest) { r.EntryId = uuid.NewString() }, codes.NotFound, governancev1.ErrorReason_ERROR_REASON_NOT_FOUND, ""},
		"no reason":      {tenantA, func(r *governancev1.CorrectEntryRequest) { r.Reason = "" }, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "reason"},
		"blank reason":   {tenantA, func(r *governancev1.CorrectEntryRequest) { r.Reason = " \n" }, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "reason"},
		"nil request id": {tenantA, func(r *governancev1.CorrectEntryRequest) { r.RequestId = uuid.Nil.String() }, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "request_id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := &governancev1.CorrectEntryRequest{EntryId: wrong.GetEntryId(), Reason: "a slip", RequestId: uuid.NewString()}
			tc.change(req)
			_, err := s.person(tc.tenant, auth.RoleAdmin).CorrectEntry(t.Context(), req)
			wantError(t, err, tc.code, tc.reason)
			if _, named := fieldsOf(err)[tc.field]; tc.field != "" && !named {
				t.Errorf("fields %v, want %s", fieldsOf(err), tc.field)
			}
		})
	}
}

func correct(t *testing.T, c governancev1.AuditServiceClient, req *governancev1.CorrectEntryRequest) *governancev1.LogPosition {
	t.Helper()
	res, err := c.CorrectEntry(t.Context(), req)
	if err != nil {
		t.Fatalf("CorrectEntry: %v", err)
	}
	return res.GetPosition()
}

func getEntry(t *testing.T, c governancev1.AuditServiceClient, index int64) *governancev1.LogEntry {
	t.Helper()
	res, err := c.GetEntry(t.Context(), &governancev1.GetEntryRequest{Key: &governancev1.GetEntryRequest_LeafIndex{LeafIndex: index}})
	if err != nil {
		t.Fatalf("GetEntry: %v", err)
	}
	return res.GetEntry()
}
