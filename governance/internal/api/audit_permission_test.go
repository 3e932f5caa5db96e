package api_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

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
