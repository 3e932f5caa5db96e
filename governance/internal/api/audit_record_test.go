package api_test

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func batchRequest(t testing.TB, n int) *governancev1.BatchRecordEntriesRequest {
	t.Helper()
	req := &governancev1.BatchRecordEntriesRequest{}
	for i := range n {
		entry := recordRequest(t)
		entry.Resource.Id = strconv.Itoa(i)
		req.Entries = append(req.Entries, entry)
	}
	return req
}

func TestBatchRecordEntries(t *testing.T) {
	t.Parallel()
	s := startAudit(t)
	service := s.service(tenantA)
	record(t, service, recordRequest(t))
	req := batchRequest(t, 100)
	res, err := service.BatchRecordEntries(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if len(res.GetPositions()) != 100 {
		t.Fatalf("%d positions, want 100", len(res.GetPositions()))
	}
	for i, p := range res.GetPositions() {
		if p.GetEntryId() != req.GetEntries()[i].GetEntryId() || p.GetLeafIndex() != int64(i)+1 || p.GetPosition() != int64(i)+2 || len(p.GetLeafHash()) != 32 {
			t.Fatalf("entry %d stands at %v", i, p)
		}
	}
	again, err := service.BatchRecordEntries(t.Context(), req)
	if err != nil || !proto.Equal(again, res) {
		t.Errorf("again: %v, %v", again, err)
	}
	listed, err := s.person(tenantA, auth.RoleAuditor).ListEntries(t.Context(), &governancev1.ListEntriesRequest{
		ResourceId: "42", EventType: "drift.detection",
	})
	if err != nil || len(listed.GetEntries()) != 1 || listed.GetEntries()[0].GetEntry().GetSourceService() != "svc-drift" {
		t.Errorf("entry 42: %v, %v", listed, err)
	}

	more := batchRequest(t, 2)
	more.Entries = append(more.Entries, req.GetEntries()[7])
	_, err = service.BatchRecordEntries(t.Context(), more)
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_ENTRY_ID_REUSED)
	if p := record(t, service, recordRequest(t)); p.GetPosition() != 103 { // the entry 101 records the reading
		t.Errorf("the next entry stands at %v: something of the refused batch is on the wall", p)
	}
	elsewhere, err := s.service(tenantB).BatchRecordEntries(t.Context(), req) // the same ids in another tenant's log are other entries
	if err != nil || elsewhere.GetPositions()[99].GetPosition() != 100 {
		t.Errorf("another tenant: %v, %v", elsewhere, err)
	}
}

// TestBatchRecordEntriesRefuses: errors name the entry, whether the contract's rules find them or the wall does.
func TestBatchRecordEntriesRefuses(t *testing.T) {
	t.Parallel()
	s := startAudit(t)
	service := s.service(tenantA)
	const at = 3
	for name, tc := range map[string]struct {
		change func(*governancev1.BatchRecordEntriesRequest)
		reason governancev1.ErrorReason
		field  string
	}{
		"none":     {func(r *governancev1.BatchRecordEntriesRequest) { r.Entries = nil }, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "entries"},
		"too many": {func(r *governancev1.BatchRecordEntriesRequest) { r.Entries = batchRequest(t, 257).GetEntries() }, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "entries"},
		"entry id": {func(r *governancev1.BatchRecordEntriesRequest) { r.Entries[at].EntryId = "x" }, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "entries[3].entry_id"},
		"nil id": {func(r *governancev1.BatchRecordEntriesRequest) {
			r.Entries[at].EntryId = strings.Repeat("0", 8) + "-0000-0000-0000-000000000000"
		}, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "entries[3].entry_id"},
		"same id": {func(r *governancev1.BatchRecordEntriesRequest) {
			r.Entries[at].EntryId = r.GetEntries()[0].GetEntryId()
		}, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "entries[3].entry_id"},
		"case": {func(r *governancev1.BatchRecordEntriesRequest) {
			r.Entries[at].EntryId = strings.ToUpper(r.GetEntries()[0].GetEntryId())
		}, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "entries[3].entry_id"},
		"type":      {func(r *governancev1.BatchRecordEntriesRequest) { r.Entries[at].EventType = "Drift" }, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "entries[3].event_type"},
		"namespace": {func(r *governancev1.BatchRecordEntriesRequest) { r.Entries[at].EventType = "audit.correction" }, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "entries[3].event_type"},
		"actor":     {func(r *governancev1.BatchRecordEntriesRequest) { r.Entries[at].Actor.Id = "a\x00" }, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "entries[3].actor.id"},
		"time": {func(r *governancev1.BatchRecordEntriesRequest) {
			r.Entries[at].EffectiveTime = &timestamppb.Timestamp{Seconds: 1 << 60}
		}, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "entries[3].effective_time"},
		"size": {func(r *governancev1.BatchRecordEntriesRequest) {
			r.Entries[at].Details = object(map[string]any{"x": strings.Repeat("x", 60_000)})
		}, governancev1.ErrorReason_ERROR_REASON_ENTRY_TOO_LARGE, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := batchRequest(t, 5)
			tc.change(req)
			_, err := service.BatchRecordEntries(t.Context(), req)
			wantError(t, err, codes.InvalidArgument, tc.reason)
			if _, named := fieldsOf(err)[tc.field]; tc.field != "" && !named {
				t.Errorf("fields %v, want %s", fieldsOf(err), tc.field)
			}
			entries := slices.DeleteFunc(req.GetEntries(), func(e *governancev1.RecordEntryRequest) bool { return len(e.GetEntryId()) != 36 })
			for _, e := range entries[:min(1, len(entries))] {
				_, err := s.person(tenantA, auth.RoleAuditor).GetEntry(t.Context(), &governancev1.GetEntryRequest{
					Key: &governancev1.GetEntryRequest_EntryId{EntryId: e.GetEntryId()},
				})
				wantError(t, err, codes.NotFound, governancev1.ErrorReason_ERROR_REASON_NOT_FOUND)
			}
		})
	}
}

func TestRecordAndGetEntry(t *testing.T) {
	t.Parallel()
	s := startAudit(t)
	req := recordRequest(t)
	position := record(t, s.service(tenantA), req)
	if position.GetLeafIndex() != 0 || position.GetPosition() != 1 || position.GetEntryId() != req.GetEntryId() {
		t.Errorf("position: %v", position)
	}
	if again := record(t, s.service(tenantA), req); !proto.Equal(again, position) {
		t.Errorf("again: %v, first %v", again, position)
	}
	other, ok := proto.Clone(req).(*governancev1.RecordEntryRequest)
	if !ok {
		t.Fatal("clone")
	}
	other.RequestId = "req-2"
	_, err := s.service(tenantA).RecordEntry(t.Context(), other)
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_ENTRY_ID_REUSED)

	auditor := s.person(tenantA, auth.RoleAuditor)
	byID, err := auditor.GetEntry(t.Context(), &governancev1.GetEntryRequest{Key: &governancev1.GetEntryRequest_EntryId{EntryId: req.GetEntryId()}})
	if err != nil {
		t.Fatal(err)
	}
	byIndex, err := auditor.GetEntry(t.Context(), &governancev1.GetEntryRequest{Key: &governancev1.GetEntryRequest_LeafIndex{LeafIndex: 0}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(byID, byIndex, protocmp.Transform()); diff != "" {
		t.Errorf("by id and by index (-id +index):\n%s", diff)
	}
	got := byID.GetEntry()
	want := &governancev1.AuditEntry{
		FormatVersion: 1, EntryId: req.GetEntryId(), TenantId: tenantA.String(), RecordedTime: got.GetEntry().GetRecordedTime(),
		EffectiveTime: req.GetEffectiveTime(), EventType: req.GetEventType(), Action: req.GetAction(), Outcome: req.GetOutcome(),
		Actor: req.GetActor(), Resource: req.GetResource(), SourceService: "svc-drift", RequestId: "req-1", CorrelationId: "corr-1",
		Details: req.GetDetails(), Digests: req.GetDigests(),
	}
	if diff := cmp.Diff(want, got.GetEntry(), protocmp.Transform()); diff != "" {
		t.Errorf("entry (-want +got):\n%s", diff)
	}
	leafHash := auditlog.LeafHash(got.GetLeaf())
	if !bytes.Equal(leafHash[:], position.GetLeafHash()) || len(got.GetStoredHashes()) != 1 || len(got.GetMismatchedColumns()) != 0 {
		t.Errorf("log entry: %v", got)
	}
}

func TestRecordEntryRefuses(t *testing.T) {
	t.Parallel()
	s := startAudit(t)
	c := s.service(tenantA)
	for name, tc := range map[string]struct {
		change func(*governancev1.RecordEntryRequest)
		reason governancev1.ErrorReason
		field  string
	}{
		"entry id": {func(r *governancev1.RecordEntryRequest) { r.EntryId = "x" }, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "entry_id"},
		"derived entry id": {func(r *governancev1.RecordEntryRequest) {
			r.EntryId = uuid.NewSHA1(uuid.NameSpaceURL, []byte("a guess")).String()
		}, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "entry_id"},
		"nil entry id":  {func(r *governancev1.RecordEntryRequest) { r.EntryId = uuid.Nil.String() }, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "entry_id"},
		"event type":    {func(r *governancev1.RecordEntryRequest) { r.EventType = "Drift" }, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "event_type"},
		"own namespace": {func(r *governancev1.RecordEntryRequest) { r.EventType = "decision.evaluated" }, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "event_type"},
		"settings": {
			func(r *governancev1.RecordEntryRequest) { r.EventType = "decision_settings.changed" }, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "event_type",
		},
		"erasure": {
			func(r *governancev1.RecordEntryRequest) { r.EventType = "decision_inputs.erased" }, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "event_type",
		},
		"state of a policy": {func(r *governancev1.RecordEntryRequest) {
			r.Resource.Type, r.Resource.State = "policy", object(map[string]any{"name": "x"})
		}, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "resource.type"},
		"state of settings": {func(r *governancev1.RecordEntryRequest) {
			r.Resource.Type, r.Resource.State = "decision_settings", object(map[string]any{"masks": []any{}})
		}, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "resource.type"},
		"end of a version": {func(r *governancev1.RecordEntryRequest) {
			r.EventType, r.Resource.Type, r.Resource.State = "drift.thing.deleted", "policy_version", nil
		}, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "resource.type"},
		"outcome":        {func(r *governancev1.RecordEntryRequest) { r.Outcome = 0 }, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "outcome"},
		"actor":          {func(r *governancev1.RecordEntryRequest) { r.Actor = nil }, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "actor"},
		"resource":       {func(r *governancev1.RecordEntryRequest) { r.Resource = nil }, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "resource"},
		"actor U+0000":   {func(r *governancev1.RecordEntryRequest) { r.Actor.Id = "a\x00" }, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "actor.id"},
		"digest":         {func(r *governancev1.RecordEntryRequest) { r.Digests[0].Sha256 = []byte("x") }, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "digests[0].sha256"},
		"effective time": {func(r *governancev1.RecordEntryRequest) { r.EffectiveTime.Seconds = 1 << 60 }, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "effective_time"},
		"size": {
			func(r *governancev1.RecordEntryRequest) {
				r.Details = object(map[string]any{"x": strings.Repeat("x", 60_000)})
			},
			governancev1.ErrorReason_ERROR_REASON_ENTRY_TOO_LARGE, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := recordRequest(t)
			tc.change(req)
			_, err := c.RecordEntry(t.Context(), req)
			wantError(t, err, codes.InvalidArgument, tc.reason)
			if _, named := fieldsOf(err)[tc.field]; tc.field != "" && !named {
				t.Errorf("fields %v, want %s", fieldsOf(err), tc.field)
			}
		})
	}
}
