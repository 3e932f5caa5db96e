// Package drifttest runs the drift service as production does, for tests: the real database as the application role, the real interceptors, tokens of a
// development issuer, everything over loopback. Only governance, another process, is stood in for.
package drifttest

import (
	"context"
	"io"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/oauth2"
	"google.golang.org/grpc"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/aumos-enterprise/platform/drift/internal/evidence"
	"github.com/aumos-enterprise/platform/drift/server"
	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/auth/authtest"
	"github.com/aumos-enterprise/platform/pkg/auth/devissuer"
	"github.com/aumos-enterprise/platform/pkg/config"
	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
	"github.com/aumos-enterprise/platform/pkg/grpcclient"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// patience bounds every wait of a test: it is only used up when something is wrong.
const patience = 60 * time.Second

const clientSecret = "drift-secret"

// Stack is what a drift service needs around it.
type Stack struct {
	DB         postgrestest.DriftDB
	Issuer     *authtest.Issuer
	Governance *Governance
	Log        io.Writer // where services log; nil: nowhere
}

// Queue is what a test database needs beside the migrations.
func Queue() postgrestest.Prepare {
	return postgrestest.Prepare{Name: "river v0.51.1 a", Run: func(ctx context.Context, conn *pgx.Conn) error {
		return evidence.MigrateQueue(ctx, conn, slog.New(slog.DiscardHandler))
	}}
}

// EmptyDatabase returns a drift database as bootstrapping leaves it: without a table.
func EmptyDatabase(tb testing.TB) *postgrestest.Database {
	tb.Helper()
	db := postgrestest.Empty(tb)
	if _, err := db.Admin().Exec(tb.Context(), "ALTER DATABASE "+pgx.Identifier{db.Name}.Sanitize()+" OWNER TO aumos_drift_owner"); err != nil {
		tb.Fatal(err)
	}
	return db
}

// NewStack starts everything but drift.
func NewStack(tb testing.TB) *Stack {
	tb.Helper()
	issuer := authtest.Start(tb, devissuer.Client{ID: "drift", Secret: clientSecret, Subject: "service-drift", Roles: []auth.Role{auth.RoleService}})
	return &Stack{
		DB:         postgrestest.Drift(tb, Queue()),
		Issuer:     issuer,
		Governance: startGovernance(tb, issuer.Verifier(tb)),
	}
}

// Config returns the settings of a service in the stack, with waits made for tests.
func (s *Stack) Config() server.Config {
	cfg := server.Default()
	cfg.Server.Listen, cfg.Server.AdminListen = "127.0.0.1:0", "127.0.0.1:0"
	cfg.Database.URL = config.Secret(s.DB.AppURL)
	cfg.Auth.Issuer, cfg.Auth.Audience = s.Issuer.URL(), s.Issuer.Audience()
	cfg.Keycloak = server.Keycloak{TokenURL: s.Issuer.URL() + "/token", ClientID: "drift", ClientSecret: clientSecret}
	cfg.Governance = grpcclient.Config{Target: s.Governance.target, Plaintext: true}
	cfg.Evidence = evidence.Config{
		RetryMin: 20 * time.Millisecond, RetryMax: 100 * time.Millisecond, RetryRefused: 100 * time.Millisecond,
		PollInterval: 20 * time.Millisecond, SweepEvery: 100 * time.Millisecond,
	}
	cfg.Upload.MemoryBytes, cfg.Upload.CacheBytes, cfg.Upload.EvidenceWait = 1<<30, 64<<20, patience
	cfg.Upload.EvaluationTime = 10 * patience
	return cfg
}

// Service is a running drift service.
type Service struct {
	*Stack

	Addresses server.Addresses
	Stop      func() // waits for the end; may be called twice
}

// Run starts a drift service in the stack and waits until it is ready. It stops with the test.
func (s *Stack) Run(tb testing.TB, cfg server.Config) *Service {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	ready, done := make(chan server.Addresses, 1), make(chan error, 1)
	log := slog.New(slog.DiscardHandler)
	switch {
	case s.Log != nil:
		log = server.NewLogger(s.Log, cfg)
	case os.Getenv("DRIFT_TEST_LOG") != "":
		log = server.NewLogger(os.Stderr, cfg)
	}
	go func() { done <- server.Run(ctx, cfg, log, func(a server.Addresses) { ready <- a }) }()
	stopped := false
	service := &Service{Stack: s, Stop: func() {
		cancel()
		if stopped {
			return
		}
		stopped = true
		if err := <-done; err != nil {
			tb.Errorf("run drift: %v", err)
		}
	}}
	tb.Cleanup(service.Stop)
	select {
	case service.Addresses = <-ready:
	case err := <-done:
		stopped = true
		tb.Fatalf("run drift: %v", err)
	}
	service.awaitServing(tb)
	return service
}

// Start runs a drift service in a stack of its own.
func Start(tb testing.TB) *Service {
	tb.Helper()
	stack := NewStack(tb)
	return stack.Run(tb, stack.Config())
}

// awaitServing watches the health service until it says SERVING.
func (s *Service) awaitServing(tb testing.TB) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	conn := s.dial(tb, "", "")
	watch, err := healthv1.NewHealthClient(conn).Watch(ctx, &healthv1.HealthCheckRequest{})
	if err != nil {
		tb.Fatal(err)
	}
	for {
		answer, err := watch.Recv()
		if err != nil {
			tb.Fatalf("wait for drift to serve: %v", err)
		}
		if answer.GetStatus() == healthv1.HealthCheckResponse_SERVING {
			return
		}
	}
}

func (s *Service) dial(tb testing.TB, token, tenantID string) *grpc.ClientConn {
	tb.Helper()
	cfg := grpcclient.Config{Target: s.Addresses.GRPC, Plaintext: true, TenantID: tenantID}
	if token != "" {
		cfg.TokenSource = oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token})
	}
	conn, err := grpcclient.Dial(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() }) // a test may have closed it
	return conn
}

// Client calls the service as one principal.
type Client struct {
	driftv1.ModelServiceClient
	driftv1.MonitorServiceClient
	driftv1.BaselineServiceClient
	driftv1.DetectionServiceClient
	driftv1.ConceptDriftServiceClient
	driftv1.PerformanceServiceClient

	Conn   *grpc.ClientConn
	Tenant tenant.ID
}

// NewTenant returns the id of a tenant that nobody has used.
func NewTenant() tenant.ID { return tenant.ID(uuid.New()) }

// Client returns a client whose token is of the tenant and has the roles; without any it is an ML engineer's.
func (s *Service) Client(tb testing.TB, id tenant.ID, roles ...auth.Role) *Client {
	tb.Helper()
	if len(roles) == 0 {
		roles = []auth.Role{auth.RoleMLEngineer}
	}
	return s.ClientWithToken(tb, id, s.Issuer.Token(tb, "engineer", id, roles...))
}

// ClientWithToken returns a client with the token.
func (s *Service) ClientWithToken(tb testing.TB, id tenant.ID, token string) *Client {
	tb.Helper()
	return newClient(s.dial(tb, token, ""), id)
}

// ServiceClient returns a client that is a service principal and names the tenant it acts for.
func (s *Service) ServiceClient(tb testing.TB, id tenant.ID) *Client {
	tb.Helper()
	return newClient(s.dial(tb, s.Issuer.Token(tb, "pipeline", tenant.ID{}, auth.RoleService), id.String()), id)
}

func newClient(conn *grpc.ClientConn, id tenant.ID) *Client {
	return &Client{
		ModelServiceClient: driftv1.NewModelServiceClient(conn), MonitorServiceClient: driftv1.NewMonitorServiceClient(conn),
		BaselineServiceClient: driftv1.NewBaselineServiceClient(conn), DetectionServiceClient: driftv1.NewDetectionServiceClient(conn),
		ConceptDriftServiceClient: driftv1.NewConceptDriftServiceClient(conn), PerformanceServiceClient: driftv1.NewPerformanceServiceClient(conn),
		Conn: conn, Tenant: id,
	}
}

// Recorded listens for evidence that is recorded.
type Recorded struct {
	conn *pgx.Conn
	seen map[string]bool
}

// Listen starts to listen; only what is recorded from then on is noticed.
func (s *Stack) Listen(tb testing.TB) *Recorded {
	tb.Helper()
	conn := s.DB.Admin()
	if _, err := conn.Exec(tb.Context(), "LISTEN drf_evidence_recorded"); err != nil {
		tb.Fatal(err)
	}
	return &Recorded{conn: conn, seen: make(map[string]bool)}
}

// Await waits until the entry is recorded.
func (r *Recorded) Await(tb testing.TB, entryID string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	for !r.seen[entryID] {
		n, err := r.conn.WaitForNotification(ctx)
		if err != nil {
			tb.Fatalf("wait for evidence %s: %v", entryID, err)
		}
		r.seen[n.Payload] = true
	}
}
