package api_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/governance/internal/api"
	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/governance/internal/reading"
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
