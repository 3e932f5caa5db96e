package api_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/aumos-enterprise/platform/governance/internal/reading"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/grpcserver/grpcservertest"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

type watchStream = grpc.ServerStreamingClient[governancev1.WatchEntriesResponse]

// watch begins to watch; stop ends it.
func watch(t *testing.T, c governancev1.AuditServiceClient, req *governancev1.WatchEntriesRequest) (stream watchStream, stop context.CancelFunc) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(stop)
	stream, err := c.WatchEntries(ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	return stream, stop
}

// nextEntry skips heartbeats.
func nextEntry(stream watchStream) (*governancev1.LogEntry, error) {
	for {
		res, err := stream.Recv()
		if err != nil {
			return nil, err
		}
		if e := res.GetEntry(); e != nil {
			return e, nil
		}
	}
}

// TestWatchLosesNothing: two replicas append while a client watches now one and now the other, and breaks off again and again.
func TestWatchLosesNothing(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	first, second := startAuditOn(t, db, reading.Config{}), startAuditOn(t, db, reading.Config{})
	const writers, each = 4, 60
	var appending sync.WaitGroup
	for n := range writers {
		service := []*auditServer{first, second}[n%2].service(tenantA)
		appending.Go(func() {
			for i := range each {
				req := recordRequest(t)
				req.Resource.Id = fmt.Sprintf("%d-%d", n, i)
				if _, err := service.RecordEntry(t.Context(), req); err != nil {
					t.Errorf("RecordEntry: %v", err)
					return
				}
			}
		})
	}
	auditors := []governancev1.AuditServiceClient{first.person(tenantA, auth.RoleAuditor), second.person(tenantA, auth.RoleAuditor)}
	next := int64(0)
	seen := map[string]bool{}
	for try := 0; len(seen) < writers*each; try++ {
		stream, stop := watch(t, auditors[try%2], &governancev1.WatchEntriesRequest{FromLeafIndex: next})
		for range 1 + try%17 { // then the line breaks
			e, err := nextEntry(stream)
			if err != nil {
				t.Fatalf("after %d entries: %v", len(seen), err)
			}
			if index := e.GetEntry().GetLeafIndex(); index != next {
				t.Fatalf("entry %d came where %d was due", index, next)
			}
			next++
			if e.GetEntry().GetEventType() == "drift.detection" {
				seen[e.GetEntry().GetResource().GetId()] = true
			}
			if len(seen) == writers*each {
				break
			}
		}
		stop()
	}
	appending.Wait()
}

// TestWatchTails: what either replica appends comes without waiting for a heartbeat, filters hold, and silence is told with a place to go on.
func TestWatchTails(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	here, there := startAuditOn(t, db, reading.Config{}), startAuditOn(t, db, reading.Config{})
	auditor := here.person(tenantA, auth.RoleAuditor)
	stream, _ := watch(t, auditor, &governancev1.WatchEntriesRequest{
		FromLeafIndex: 0, EventType: "drift.", ActorId: "ann", HeartbeatInterval: durationpb.New(time.Minute),
	})
	for i := range 6 {
		req := recordRequest(t)
		req.Resource.Id = strconv.Itoa(i)
		service := []*auditServer{here, there}[i%2].service(tenantA)
		unseen := recordRequest(t)
		unseen.Actor.Id = "bob"
		record(t, service, unseen)
		want := record(t, service, req)
		e, err := nextEntry(stream)
		if err != nil {
			t.Fatal(err)
		}
		if e.GetEntry().GetLeafIndex() != want.GetLeafIndex() || e.GetEntry().GetResource().GetId() != strconv.Itoa(i) {
			t.Fatalf("got entry %d, want %d", e.GetEntry().GetLeafIndex(), want.GetLeafIndex())
		}
	}

	quiet, _ := watch(t, auditor, &governancev1.WatchEntriesRequest{EventType: "nothing.", HeartbeatInterval: durationpb.New(time.Second)})
	res, err := quiet.Recv()
	// Twelve entries and the one that this reading left.
	if err != nil || res.GetHeartbeat().GetNextLeafIndex() != 13 || time.Since(res.GetHeartbeat().GetTime().AsTime()) > time.Minute {
		t.Errorf("heartbeat: %v, %v", res, err)
	}
	_, err = auditor.ListEntries(t.Context(), &governancev1.ListEntriesRequest{ActorId: "a\x00"})
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
}

// TestWatchEndsWithTheService: watches do not hold up the stop, and say that their callers may go on elsewhere.
func TestWatchEndsWithTheService(t *testing.T) {
	t.Parallel()
	s := startAudit(t)
	auditor := s.person(tenantA, auth.RoleAuditor)
	stream, _ := watch(t, auditor, &governancev1.WatchEntriesRequest{})
	if _, err := nextEntry(stream); err != nil { // the entry about this very reading
		t.Fatal(err)
	}
	s.stopWatches()
	_, err := nextEntry(stream)
	wantError(t, err, codes.Unavailable, governancev1.ErrorReason_ERROR_REASON_UNAVAILABLE)
	late, _ := watch(t, auditor, &governancev1.WatchEntriesRequest{})
	_, err = late.Recv()
	wantError(t, err, codes.Unavailable, governancev1.ErrorReason_ERROR_REASON_UNAVAILABLE)
}

// TestWatchOutlastsTokens: a watch ends with its token, and whoever goes on with a fresh one from where it was misses nothing.
func TestWatchOutlastsTokens(t *testing.T) {
	t.Parallel()
	s := startAuditWith(t, postgrestest.Audit(t), reading.Config{}, grpcservertest.Options{Leeway: -time.Hour})
	service := s.service(tenantA)
	next := int64(0)
	for range 3 {
		token := s.Issuer.Sign(t, map[string]any{
			"sub": "ann", "tenant_id": tenantA.String(), "roles": []auth.Role{auth.RoleAuditor}, "exp": time.Now().Add(time.Hour + time.Second).Unix(),
		})
		stream, _ := watch(t, governancev1.NewAuditServiceClient(s.Dial(t, token, "")), &governancev1.WatchEntriesRequest{FromLeafIndex: next})
		for {
			e, err := nextEntry(stream)
			if err != nil {
				wantError(t, err, codes.Unauthenticated, governancev1.ErrorReason_ERROR_REASON_TOKEN_EXPIRED)
				break
			}
			if index := e.GetEntry().GetLeafIndex(); index != next {
				t.Fatalf("entry %d came where %d was due", index, next)
			}
			next++
			record(t, service, recordRequest(t))
		}
	}
}

// TestWatchesAreBounded: one tenant cannot take all, and who leaves makes room.
func TestWatchesAreBounded(t *testing.T) {
	t.Parallel()
	s := startAudit(t)
	auditor := s.person(tenantA, auth.RoleAuditor)
	var last context.CancelFunc
	for range 64 {
		stream, stop := watch(t, auditor, &governancev1.WatchEntriesRequest{})
		if _, err := nextEntry(stream); err != nil {
			t.Fatal(err)
		}
		last = stop
	}
	over, _ := watch(t, auditor, &governancev1.WatchEntriesRequest{})
	_, err := over.Recv()
	wantError(t, err, codes.ResourceExhausted, governancev1.ErrorReason_ERROR_REASON_OVERLOADED)
	other, _ := watch(t, s.person(tenantB, auth.RoleAuditor), &governancev1.WatchEntriesRequest{})
	if _, err := nextEntry(other); err != nil {
		t.Errorf("another tenant: %v", err)
	}
	last()
	waitFor(t, "another one after one has left", func() bool {
		again, stop := watch(t, auditor, &governancev1.WatchEntriesRequest{})
		defer stop()
		_, err := nextEntry(again)
		if err != nil && status.Code(err) != codes.ResourceExhausted {
			t.Fatalf("after one had left: %v", err)
		}
		return err == nil
	})
}

// TestSlowWatch: a caller that does not read holds up nobody, takes no connection, and still gets everything.
func TestSlowWatch(t *testing.T) {
	t.Parallel()
	s := startAudit(t)
	stream, _ := watch(t, s.person(tenantA, auth.RoleAuditor), &governancev1.WatchEntriesRequest{EventType: "drift."})
	const batches, each = 10, 40
	for range batches { // far more than a stream's window takes
		req := &governancev1.BatchRecordEntriesRequest{}
		for range each {
			e := recordRequest(t)
			e.Details = object(map[string]any{"x": strings.Repeat("x", 20_000)})
			req.Entries = append(req.Entries, e)
		}
		if _, err := s.service(tenantA).BatchRecordEntries(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, "the watch holds no connection", func() bool { return s.db.Reader.Stat().AcquiredConns() == 0 })
	last := int64(-1)
	for n := range batches * each {
		e, err := nextEntry(stream)
		if err != nil {
			t.Fatalf("after %d entries: %v", n, err)
		}
		if index := e.GetEntry().GetLeafIndex(); index <= last {
			t.Fatalf("entry %d after %d", index, last)
		}
		last = e.GetEntry().GetLeafIndex()
	}
}

// TestReadYourWrites: a read with the position of a write sees it, whichever replica answers.
func TestReadYourWrites(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	first, second := startAuditOn(t, db, reading.Config{}), startAuditOn(t, db, reading.Config{})
	service, auditor := first.service(tenantA), second.person(tenantA, auth.RoleAuditor)
	for range 5 {
		p := record(t, service, recordRequest(t))
		one, err := auditor.GetEntry(t.Context(), &governancev1.GetEntryRequest{
			Key: &governancev1.GetEntryRequest_EntryId{EntryId: p.GetEntryId()}, MinPosition: p.GetPosition(),
		})
		if err != nil || one.GetEntry().GetEntry().GetLeafIndex() != p.GetLeafIndex() {
			t.Fatalf("GetEntry: %v, %v", one, err)
		}
		list, err := auditor.ListEntries(t.Context(), &governancev1.ListEntriesRequest{
			EventType: "drift.", NewestFirst: true, PageSize: 1, MinPosition: p.GetPosition(),
		})
		if err != nil || len(list.GetEntries()) != 1 || list.GetEntries()[0].GetEntry().GetEntryId() != p.GetEntryId() {
			t.Fatalf("ListEntries: %v, %v", list, err)
		}
	}
}
