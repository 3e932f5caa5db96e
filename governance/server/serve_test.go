package server_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	typev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/type/v1"
	"github.com/aumos-enterprise/platform/pkg/telemetry/telemetrytest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// TestServe goes once through the life of the service: it is ready, says what it serves, records an entry for another service and shows it to an
// auditor, stops, and leaves a checkpoint of everything.
func TestServe(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	running := s.run(t)
	checkReflection(t, running)
	checkAdmin(t, running)

	id := tenant.ID(uuid.New())
	recorded := record(t, s, running, id)
	if recorded.GetLeafIndex() != 0 || len(recorded.GetLeafHash()) != 32 {
		t.Errorf("recorded at %v", recorded)
	}
	decideAndChange(t, s, running, id)
	checkTrail(t, s, running, id)
	if n := s.checkpoints(t, id, 2); n != 0 {
		t.Fatalf("%d checkpoints before anybody asked for one", n)
	}

	running.stop()
	// What was recorded and changed, and two entries of the auditor's reading: its beginning, and its end with the service.
	if n := s.checkpoints(t, id, 4); n != 1 {
		t.Errorf("%d checkpoints of the whole log after the stop, want 1", n)
	}
	heads, err := filepath.Glob(filepath.Join(s.cfg.Audit.HeadsDir, id.String()+"*"))
	if err != nil || len(heads) != 1 {
		t.Fatalf("files of signed heads: %q, %v", heads, err)
	}
	if head, err := os.ReadFile(heads[0]); err != nil || !strings.Contains(string(head), `"tree_size":4`) {
		t.Errorf("the signed head: %s, %v", head, err)
	}

	// It starts again on what it left, and the log goes on.
	if again := record(t, s, s.run(t), id); again.GetLeafIndex() != 4 {
		t.Errorf("after a restart: recorded at %v", again)
	}
}

// decideAndChange makes a policy, whose entry is on the wall before the answer, and asks for a decision that nothing is bound to.
func decideAndChange(t *testing.T, s *stack, running *service, id tenant.ID) {
	t.Helper()
	conn := running.dial(t, s.issuer.Token(t, "paul", id, auth.RolePolicyAuthor), "")
	_, err := governancev1.NewPolicyServiceClient(conn).CreatePolicy(t.Context(), &governancev1.CreatePolicyRequest{
		RequestId: uuid.NewString(), Name: "promotion", DecisionPoints: []string{"model.promote"},
	})
	if err != nil {
		t.Errorf("create a policy: %v", err)
	}
	_, err = governancev1.NewDecisionServiceClient(conn).Evaluate(t.Context(), &governancev1.EvaluateRequest{
		Target: &governancev1.EvaluateRequest_DecisionPoint{DecisionPoint: "model.promote"}, Input: &structpb.Struct{},
	})
	if status.Code(err) != codes.FailedPrecondition {
		t.Errorf("decide without an active policy: %v", err)
	}
}

// checkTrail reads the log as an auditor.
func checkTrail(t *testing.T, s *stack, running *service, id tenant.ID) {
	t.Helper()
	auditor := governancev1.NewAuditServiceClient(running.dial(t, s.issuer.Token(t, "ann", id, auth.RoleAuditor), ""))
	got, err := auditor.ListEntries(t.Context(), &governancev1.ListEntriesRequest{})
	if err != nil {
		t.Fatalf("list entries: %v", err)
	}
	var events []string
	for _, e := range got.GetEntries() {
		events = append(events, e.GetEntry().GetEventType())
	}
	if diff := cmp.Diff([]string{"drift.detection", "policy.created"}, events); diff != "" {
		t.Error(diff)
	}
}

// record appends an entry as drift does.
func record(t *testing.T, s *stack, running *service, id tenant.ID) *governancev1.LogPosition {
	t.Helper()
	client := governancev1.NewAuditServiceClient(running.dial(t, s.issuer.Token(t, "service-drift", tenant.ID{}, auth.RoleService), id.String()))
	response, err := client.RecordEntry(t.Context(), &governancev1.RecordEntryRequest{
		EntryId: uuid.NewString(), EventType: "drift.detection", Action: "detection.run", Outcome: governancev1.AuditOutcome_AUDIT_OUTCOME_SUCCESS,
		Actor:    &typev1.Actor{Kind: typev1.ActorKind_ACTOR_KIND_SERVICE, Id: "service-drift"},
		Resource: &governancev1.AuditResource{Type: "detection", Id: uuid.NewString()},
	})
	if err != nil {
		t.Fatalf("record an entry: %v", err)
	}
	return response.GetPosition()
}

// checkpoints counts the signed checkpoints of a log at a size.
func (s *stack) checkpoints(t *testing.T, id tenant.ID, size int64) (n int) {
	t.Helper()
	err := s.audit.Admin().QueryRow(t.Context(), `
		SELECT count(*)
		FROM gov_audit_checkpoints
		WHERE tenant_id = $1 AND tree_size = $2`, uuid.UUID(id), size).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func checkReflection(t *testing.T, running *service) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream, err := reflectionv1.NewServerReflectionClient(running.dial(t, "", "")).ServerReflectionInfo(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}}); err != nil {
		t.Fatal(err)
	}
	answer, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	var services []string
	for _, s := range answer.GetListServicesResponse().GetService() {
		services = append(services, s.GetName())
	}
	for _, want := range []string{
		"aumos.governance.v1.AuditService", "aumos.governance.v1.DecisionService", "aumos.governance.v1.PolicyService", "grpc.health.v1.Health",
	} {
		if !slices.Contains(services, want) {
			t.Errorf("reflection lists %q, without %s", services, want)
		}
	}
}

func checkAdmin(t *testing.T, running *service) {
	t.Helper()
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		response, body := do(t, http.MethodGet, "http://"+running.addresses.Admin+path, "")
		if response.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", path, response.Status)
		}
		if path == "/metrics" {
			telemetrytest.Documented(t, body, "../../docs/metrics.md")
		}
	}
}
