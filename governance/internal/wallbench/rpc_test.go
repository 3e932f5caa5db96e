package wallbench_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/aumos-enterprise/platform/governance/internal/api"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	typev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/type/v1"
	"github.com/aumos-enterprise/platform/pkg/grpcserver/grpcservertest"
	"github.com/aumos-enterprise/platform/pkg/interceptor"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// serve serves a wall on loopback, behind the chain of production, and returns clients on connections of their own.
func serve(b *testing.B, w wall, id tenant.ID, connections int) []governancev1.AuditServiceClient {
	b.Helper()
	server := grpcservertest.Start(b, "governance.aumos", grpcservertest.Options{RateLimit: interceptor.RateLimit{PerSecond: 1e9}},
		func(s *grpc.Server) { governancev1.RegisterAuditServiceServer(s, &api.AuditService{Wall: w.Wall}) })
	clients := make([]governancev1.AuditServiceClient, connections)
	for i := range clients {
		token := server.Issuer.Token(b, "svc-drift", tenant.ID{}, auth.RoleService)
		clients[i] = governancev1.NewAuditServiceClient(server.Dial(b, token, id.String()))
	}
	return clients
}

// newRequest asks for an entry like newEntry's.
func newRequest(id tenant.ID, n int64) *governancev1.RecordEntryRequest {
	e := newEntry(id, n*8+3) // a decision
	details, err := structpb.NewStruct(e.Details)
	if err != nil {
		panic(err) // the values are ours
	}
	return &governancev1.RecordEntryRequest{
		EntryId: e.EntryID.String(), EventType: "drift.detection", Action: "detection.run",
		Outcome:   governancev1.AuditOutcome_AUDIT_OUTCOME_SUCCESS,
		Actor:     &typev1.Actor{Kind: typev1.ActorKind_ACTOR_KIND_SERVICE, Id: e.Actor.ID},
		Resource:  &governancev1.AuditResource{Type: "model", Id: e.Resource.ID},
		RequestId: e.RequestID, CorrelationId: e.CorrelationID, Details: details,
		Digests: []*governancev1.AuditDigest{{Name: "input", Sha256: e.Digests[0].SHA256[:]}},
	}
}

func record(b *testing.B, w wall, clients []governancev1.AuditServiceClient, id tenant.ID, n int, limit time.Duration) measured {
	b.Helper()
	return w.watch(b, func() measured {
		return callers(b, n, 1, limit, 0, func(ctx context.Context, caller int, number int64) error {
			_, err := clients[caller%len(clients)].RecordEntry(ctx, newRequest(id, number))
			return err
		})
	})
}

func recordBatches(
	b *testing.B, w wall, clients []governancev1.AuditServiceClient, id tenant.ID, n, perCall int, limit time.Duration,
) measured {
	b.Helper()
	return w.watch(b, func() measured {
		return callers(b, n, perCall, limit, 0, func(ctx context.Context, caller int, number int64) error {
			entries := make([]*governancev1.RecordEntryRequest, perCall)
			for i := range entries {
				entries[i] = newRequest(id, number*int64(perCall)+int64(i))
			}
			_, err := clients[caller%len(clients)].BatchRecordEntries(ctx, &governancev1.BatchRecordEntriesRequest{Entries: entries})
			return err
		})
	})
}
