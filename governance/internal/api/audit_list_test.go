package api_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	typev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/type/v1"
)

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
