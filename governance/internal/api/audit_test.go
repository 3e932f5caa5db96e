package api_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/governance/internal/api"
	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/governance/internal/reading"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	typev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/type/v1"
	"github.com/aumos-enterprise/platform/pkg/grpcserver/grpcservertest"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// auditServer is an AuditService behind the real chain.
type auditServer struct {
	*grpcservertest.Server
	t  testing.TB
	db postgrestest.AuditDB

	wall *audit.Wall
	// stopReading ends the sessions of reading, stopWatches the watches.
	stopReading, stopWatches context.CancelFunc
}

func startAudit(t testing.TB) *auditServer {
	t.Helper()
	return startAuditOn(t, postgrestest.Audit(t), reading.Config{})
}

// startAuditOn runs one of several services on a wall.
func startAuditOn(t testing.TB, db postgrestest.AuditDB, sessions reading.Config) *auditServer {
	t.Helper()
	return startAuditWith(t, db, sessions, grpcservertest.Options{})
}

func startAuditWith(t testing.TB, db postgrestest.AuditDB, sessions reading.Config, options grpcservertest.Options) *auditServer {
	t.Helper()
	wall, _ := audittest.Start(t, audittest.Databases(db), audit.Config{HeadsDir: t.TempDir(), OriginPrefix: "audit.example.com"})
	sessions.Wall, sessions.Log = wall, slog.New(slog.DiscardHandler)
	readings := reading.New(sessions)
	stopReading := run(t, readings.Run)
	server := grpcservertest.Start(t, "governance.aumos", options, func(s *grpc.Server) {
		governancev1.RegisterAuditServiceServer(s, &api.AuditService{Wall: wall, Reading: readings})
	})
	return &auditServer{
		Server: server, t: t, db: db, wall: wall, stopReading: stopReading, stopWatches: run(t, wall.RunWatches),
	}
}

// person returns a client of somebody with a role in a tenant.
func (s *auditServer) person(id tenant.ID, role auth.Role) governancev1.AuditServiceClient {
	s.t.Helper()
	return governancev1.NewAuditServiceClient(s.Dial(s.t, s.Issuer.Token(s.t, "subject-of-"+string(role), id, role), ""))
}

// service returns a client of a service that acts for a tenant.
func (s *auditServer) service(id tenant.ID) governancev1.AuditServiceClient {
	s.t.Helper()
	return governancev1.NewAuditServiceClient(s.Dial(s.t, s.Issuer.Token(s.t, "svc-drift", tenant.ID{}, auth.RoleService), id.String()))
}

func recordRequest(t testing.TB) *governancev1.RecordEntryRequest {
	t.Helper()
	id, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	return &governancev1.RecordEntryRequest{
		EntryId:       id.String(),
		EffectiveTime: timestamppb.New(time.Date(2026, 3, 1, 0, 0, 0, 5, time.UTC)),
		EventType:     "drift.detection",
		Action:        "detection.run",
		Outcome:       governancev1.AuditOutcome_AUDIT_OUTCOME_SUCCESS,
		Actor:         &typev1.Actor{Kind: typev1.ActorKind_ACTOR_KIND_USER, Id: "ann", OnBehalfOf: "bob"},
		Resource:      &governancev1.AuditResource{Type: "detection", Id: "d-1", Name: "winter", State: object(map[string]any{"drift": true})},
		RequestId:     "req-1",
		CorrelationId: "corr-1",
		Details:       object(map[string]any{"features": []any{"dep_delay"}, "p": 0.001}),
		Digests:       []*governancev1.AuditDigest{{Name: "result", Sha256: bytes.Repeat([]byte{9}, 32)}},
	}
}

func record(t testing.TB, c governancev1.AuditServiceClient, req *governancev1.RecordEntryRequest) *governancev1.LogPosition {
	t.Helper()
	res, err := c.RecordEntry(t.Context(), req)
	if err != nil {
		t.Fatalf("RecordEntry: %v", err)
	}
	return res.GetPosition()
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

func TestAuditPermissions(t *testing.T) {
	t.Parallel()
	s := startAudit(t)
	req := recordRequest(t)
	record(t, s.service(tenantA), req)
	byID := &governancev1.GetEntryRequest{Key: &governancev1.GetEntryRequest_EntryId{EntryId: req.GetEntryId()}}
	byIndex := &governancev1.GetEntryRequest{Key: &governancev1.GetEntryRequest_LeafIndex{LeafIndex: 0}}
	for name, call := range map[string]struct {
		rpc            func(c governancev1.AuditServiceClient) error
		viewer, person codes.Code // of a viewer and of an admin in the tenant
		stranger       codes.Code // of an admin in another tenant
	}{
		"RecordEntry": {func(c governancev1.AuditServiceClient) error {
			_, err := c.RecordEntry(t.Context(), recordRequest(t))
			return err
		}, codes.PermissionDenied, codes.PermissionDenied, codes.PermissionDenied},
		"BatchRecordEntries": {func(c governancev1.AuditServiceClient) error {
			_, err := c.BatchRecordEntries(t.Context(), &governancev1.BatchRecordEntriesRequest{
				Entries: []*governancev1.RecordEntryRequest{recordRequest(t)},
			})
			return err
		}, codes.PermissionDenied, codes.PermissionDenied, codes.PermissionDenied},
		"GetEntry by id": {func(c governancev1.AuditServiceClient) error {
			_, err := c.GetEntry(t.Context(), byID)
			return err
		}, codes.PermissionDenied, codes.OK, codes.NotFound},
		"GetEntry by index": {func(c governancev1.AuditServiceClient) error {
			_, err := c.GetEntry(t.Context(), byIndex)
			return err
		}, codes.PermissionDenied, codes.OK, codes.NotFound},
		"ListEntries": {func(c governancev1.AuditServiceClient) error {
			res, err := c.ListEntries(t.Context(), &governancev1.ListEntriesRequest{})
			if err == nil && len(res.GetEntries()) == 0 {
				return io.EOF
			}
			return err
		}, codes.PermissionDenied, codes.OK, codes.Unknown},
		"WatchEntries": {func(c governancev1.AuditServiceClient) error {
			stream, err := c.WatchEntries(t.Context(), &governancev1.WatchEntriesRequest{EventType: "drift.", HeartbeatInterval: durationpb.New(time.Second)})
			if err != nil {
				return err
			}
			res, err := stream.Recv()
			if err == nil && res.GetEntry() == nil {
				return io.EOF
			}
			return err
		}, codes.PermissionDenied, codes.OK, codes.Unknown},
		"CorrectEntry": {func(c governancev1.AuditServiceClient) error {
			_, err := c.CorrectEntry(t.Context(), &governancev1.CorrectEntryRequest{
				EntryId: req.GetEntryId(), Reason: "a slip", RequestId: uuid.NewString(),
			})
			return err
		}, codes.PermissionDenied, codes.OK, codes.NotFound},
		"ListCheckpoints": {func(c governancev1.AuditServiceClient) error {
			_, err := c.ListCheckpoints(t.Context(), &governancev1.ListCheckpointsRequest{})
			return err
		}, codes.PermissionDenied, codes.OK, codes.OK},
		"GetCheckpoint": {func(c governancev1.AuditServiceClient) error {
			res, err := c.GetCheckpoint(t.Context(), &governancev1.GetCheckpointRequest{})
			if err == nil && res.GetCheckpoint().GetTreeSize() == 0 {
				return io.EOF
			}
			return err
		}, codes.PermissionDenied, codes.OK, codes.Unknown},
		"GetInclusionProof": {func(c governancev1.AuditServiceClient) error {
			_, err := c.GetInclusionProof(t.Context(), &governancev1.GetInclusionProofRequest{})
			return err
		}, codes.PermissionDenied, codes.OK, codes.NotFound},
		"GetConsistencyProof": {func(c governancev1.AuditServiceClient) error {
			_, err := c.GetConsistencyProof(t.Context(), &governancev1.GetConsistencyProofRequest{FirstTreeSize: 1})
			return err
		}, codes.PermissionDenied, codes.OK, codes.InvalidArgument},
		"GetReceipt": {func(c governancev1.AuditServiceClient) error {
			_, err := c.GetReceipt(t.Context(), &governancev1.GetReceiptRequest{EntryId: req.GetEntryId()})
			return err
		}, codes.OK, codes.OK, codes.NotFound},
		"ListLogKeys": {func(c governancev1.AuditServiceClient) error {
			res, err := c.ListLogKeys(t.Context(), &governancev1.ListLogKeysRequest{})
			if err == nil && !strings.HasSuffix(res.GetKeys()[0].GetOrigin(), tenantA.String()) {
				return io.EOF
			}
			return err
		}, codes.OK, codes.OK, codes.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for who, tc := range map[string]struct {
				client governancev1.AuditServiceClient
				want   codes.Code
			}{
				"viewer":   {s.person(tenantA, auth.RoleViewer), call.viewer},
				"admin":    {s.person(tenantA, auth.RoleAdmin), call.person},
				"stranger": {s.person(tenant.ID(uuid.New()), auth.RoleAdmin), call.stranger}, // whose log has not even a reading
			} {
				err := call.rpc(tc.client)
				got := codeOf(err)
				if got != tc.want {
					t.Errorf("%s: %v (%v), want %v", who, got, err, tc.want)
				}
			}
		})
	}
}

// codeOf is status.Code, with Unknown for the tests' own io.EOF: an answer that shows nothing of the tenant.
func codeOf(err error) codes.Code {
	if errors.Is(err, io.EOF) {
		return codes.Unknown
	}
	return status.Code(err)
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

func TestListEntriesPages(t *testing.T) {
	t.Parallel()
	s := startAudit(t)
	service, auditor := s.service(tenantA), s.person(tenantA, auth.RoleAuditor)
	for i := range 12 {
		req := recordRequest(t)
		req.Resource.Id = strconv.Itoa(i % 2)
		record(t, service, req)
	}
	req := &governancev1.ListEntriesRequest{ResourceId: "1", PageSize: 4}
	var indexes []int64
	var token string
	for {
		req.PageToken = token
		res, err := auditor.ListEntries(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range res.GetEntries() {
			indexes = append(indexes, e.GetEntry().GetLeafIndex())
		}
		if token = res.GetNextPageToken(); token == "" {
			break
		}
		if len(indexes) == 4 { // the token belongs to this request and this tenant
			_, err := auditor.ListEntries(t.Context(), &governancev1.ListEntriesRequest{ResourceId: "0", PageToken: token})
			wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_PAGE_TOKEN)
			_, err = s.person(tenantB, auth.RoleAuditor).ListEntries(t.Context(), &governancev1.ListEntriesRequest{ResourceId: "1", PageToken: token})
			wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_PAGE_TOKEN)
		}
	}
	if diff := cmp.Diff([]int64{1, 3, 5, 7, 9, 11}, indexes); diff != "" {
		t.Errorf("indexes (-want +got):\n%s", diff)
	}
	_, err := auditor.ListEntries(t.Context(), &governancev1.ListEntriesRequest{
		Recorded: &typev1.TimeRange{StartTime: &timestamppb.Timestamp{Seconds: 1 << 60}},
	})
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
	for field, req := range map[string]*governancev1.ListEntriesRequest{ // PostgreSQL takes no NUL in a parameter
		"actor_id": {ActorId: "a\x00"}, "resource_type": {ResourceType: "a\x00"}, "resource_id": {ResourceId: "a\x00"},
	} {
		_, err := auditor.ListEntries(t.Context(), req)
		wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
		if _, named := fieldsOf(err)[field]; !named {
			t.Errorf("%s: %v does not name it", field, err)
		}
	}
	res, err := auditor.ListEntries(t.Context(), &governancev1.ListEntriesRequest{
		EventType: "drift.", Recorded: &typev1.TimeRange{StartTime: timestamppb.New(time.Now().Add(-time.Hour)), EndTime: timestamppb.New(time.Now().Add(time.Hour))},
	})
	if err != nil || len(res.GetEntries()) != 12 {
		t.Errorf("by prefix and time: %d entries, %v", len(res.GetEntries()), err)
	}
}

func TestProofRpcs(t *testing.T) {
	t.Parallel()
	s := startAudit(t)
	service, auditor := s.service(tenantA), s.person(tenantA, auth.RoleAuditor)
	for range 7 {
		record(t, service, recordRequest(t))
	}
	checkpoint, err := auditor.GetCheckpoint(t.Context(), &governancev1.GetCheckpointRequest{})
	if err != nil {
		t.Fatal(err)
	}
	head := checkpoint.GetCheckpoint()
	if head.GetTreeSize() != 7 || time.Since(head.GetCreateTime().AsTime()) > time.Minute {
		t.Errorf("checkpoint: %v", head)
	}
	inclusion, err := auditor.GetInclusionProof(t.Context(), &governancev1.GetInclusionProofRequest{LeafIndex: 4, TreeSize: 6})
	if err != nil {
		t.Fatal(err)
	}
	if err := tlog.CheckRecord(hashesOf(inclusion.GetHashes()), inclusion.GetTreeSize(), tlog.Hash(inclusion.GetRootHash()),
		inclusion.GetLeafIndex(), tlog.Hash(inclusion.GetLeafHash())); err != nil || inclusion.GetTreeSize() != 6 {
		t.Errorf("inclusion: %v, %v", inclusion, err)
	}
	consistency, err := auditor.GetConsistencyProof(t.Context(), &governancev1.GetConsistencyProofRequest{FirstTreeSize: 3})
	if err != nil {
		t.Fatal(err)
	}
	if err := tlog.CheckTree(hashesOf(consistency.GetHashes()), consistency.GetSecondTreeSize(), tlog.Hash(consistency.GetSecondRootHash()),
		consistency.GetFirstTreeSize(), tlog.Hash(consistency.GetFirstRootHash())); err != nil || !bytes.Equal(consistency.GetSecondRootHash(), head.GetRootHash()) {
		t.Errorf("consistency: %v, %v", consistency, err)
	}
	_, err = auditor.GetInclusionProof(t.Context(), &governancev1.GetInclusionProofRequest{LeafIndex: 4, TreeSize: 8})
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_TREE_SIZE_BEYOND_LOG)
	_, err = auditor.GetConsistencyProof(t.Context(), &governancev1.GetConsistencyProofRequest{FirstTreeSize: 4, SecondTreeSize: 3})
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
	if _, named := fieldsOf(err)["first_tree_size"]; !named {
		t.Errorf("fields %v, want first_tree_size", fieldsOf(err))
	}
	_, err = auditor.ListEntries(t.Context(), &governancev1.ListEntriesRequest{MinLeafIndex: 4, MaxLeafIndex: new(int64(3))})
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
	if _, named := fieldsOf(err)["max_leaf_index"]; !named {
		t.Errorf("fields %v, want max_leaf_index", fieldsOf(err))
	}
}

func hashesOf(messages [][]byte) []tlog.Hash {
	hashes := make([]tlog.Hash, len(messages))
	for i, m := range messages {
		hashes[i] = tlog.Hash(m)
	}
	return hashes
}

// TestAuditorVerifiesOffline does what an auditor does: takes the keys, a receipt and an export through the api, and verifies them without it. Then a
// row is altered behind the service's back.
func TestAuditorVerifiesOffline(t *testing.T) {
	t.Parallel()
	s := startAudit(t)
	service, auditor := s.service(tenantA), s.person(tenantA, auth.RoleAuditor)
	var last *governancev1.LogPosition
	for range 9 {
		last = record(t, service, recordRequest(t))
	}
	keys, err := auditor.ListLogKeys(t.Context(), &governancev1.ListLogKeysRequest{})
	if err != nil || len(keys.GetKeys()) != 1 {
		t.Fatalf("ListLogKeys: %v, %v", keys, err)
	}
	ring, err := auditlog.ParseKeys(keys.GetKeys()[0].GetVkey())
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := auditor.GetReceipt(t.Context(), &governancev1.GetReceiptRequest{EntryId: last.GetEntryId()})
	if err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(receipt.GetPosition(), last) {
		t.Errorf("receipt of %v, want %v", receipt.GetPosition(), last)
	}
	if r := auditlog.VerifyReceipt(receipt.GetReceipt(), auditlog.ReceiptOptions{Keys: ring}); r.Verdict != auditlog.Verified {
		t.Errorf("receipt: %+v", r)
	}
	checkpoint, err := auditor.GetCheckpoint(t.Context(), &governancev1.GetCheckpointRequest{})
	if err != nil {
		t.Fatal(err)
	}
	head := checkpoint.GetCheckpoint()
	if r := exportAndVerify(t, auditor, keys.GetKeys()[0], head, ring); r.Verdict != auditlog.Verified || r.Entries != 9 {
		t.Errorf("export: %+v", r)
	}

	admin := s.db.Admin()
	for _, sql := range []string{
		`ALTER EVENT TRIGGER aumos_audit_deny_ddl DISABLE`,
		`ALTER TABLE gov_audit_trail_entries DISABLE TRIGGER ALL`,
		`DO $$ BEGIN FOR i IN 0..3 LOOP EXECUTE format('ALTER TABLE gov_audit_trail_entries_p%s DISABLE TRIGGER ALL', i); END LOOP; END $$`,
		`UPDATE gov_audit_trail_entries SET entry = set_byte(entry, 210, get_byte(entry, 210) # 1) WHERE leaf_index = 5`,
	} {
		if _, err := admin.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	r := exportAndVerify(t, auditor, keys.GetKeys()[0], head, ring)
	if r.Verdict != auditlog.Tampered || len(r.Findings) == 0 || r.Findings[0].First != 5 || r.Findings[0].Last != 5 {
		t.Errorf("export of the altered log: %v %v", r.Verdict, r.Findings)
	}
}

func exportAndVerify(
	t *testing.T, auditor governancev1.AuditServiceClient, key *governancev1.LogKey, head *governancev1.Checkpoint, ring auditlog.Keyring,
) auditlog.Report {
	t.Helper()
	var file bytes.Buffer
	x, err := auditlog.NewExportWriter(&file, auditlog.ExportHeader{Origin: key.GetOrigin(), TenantID: tenantA.String(), Keys: []string{key.GetVkey()}})
	if err != nil {
		t.Fatal(err)
	}
	last := head.GetTreeSize() - 1 // what follows tells of this reading
	for token, first := "", true; first || token != ""; first = false {
		res, err := auditor.ListEntries(context.WithoutCancel(t.Context()), &governancev1.ListEntriesRequest{PageSize: 4, PageToken: token, MaxLeafIndex: &last})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range res.GetEntries() {
			if err := x.Add(e); err != nil {
				t.Fatal(err)
			}
		}
		token = res.GetNextPageToken()
	}
	if err := x.Close(head.GetNote()); err != nil {
		t.Fatal(err)
	}
	r, err := auditlog.VerifyExport(&file, auditlog.Options{Keys: ring})
	if err != nil {
		t.Fatal(err)
	}
	return r
}
