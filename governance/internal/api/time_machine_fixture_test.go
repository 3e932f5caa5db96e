package api_test

import (
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
