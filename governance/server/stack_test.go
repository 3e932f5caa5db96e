package server_test

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"google.golang.org/grpc"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/aumos-enterprise/platform/governance/server"
	"github.com/aumos-enterprise/platform/pkg/auth/authtest"
	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/grpcclient"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

// patience bounds every wait of a test: it is only used up when something is wrong.
const patience = 60 * time.Second

// stack is what the service needs around it.
type stack struct {
	governance *postgrestest.Database
	audit      postgrestest.AuditDB
	issuer     *authtest.Issuer
	cfg        server.Config
}

func newStack(t *testing.T) *stack {
	t.Helper()
	governance := postgrestest.Governance(t)
	s := &stack{governance: governance.Database, audit: postgrestest.Audit(t), issuer: authtest.Start(t), cfg: server.Default()}
	s.cfg.Server.Listen, s.cfg.Server.AdminListen = "127.0.0.1:0", "127.0.0.1:0"
	s.cfg.Database.URL = config.Secret(governance.AppURL)
	s.cfg.Audit.Writer.URL, s.cfg.Audit.Reader.URL = config.Secret(s.audit.WriterURL), config.Secret(s.audit.ReaderURL)
	s.cfg.Audit.HeadsDir = t.TempDir()
	s.cfg.Audit.CheckpointInterval = time.Hour // checkpoints are signed on demand and at the end
	s.cfg.Auth.Issuer, s.cfg.Auth.Audience = s.issuer.URL(), s.issuer.Audience()
	return s
}

// service is a running governance service.
type service struct {
	addresses server.Addresses
	stop      func() // waits for the end; may be called twice
}

// run starts the service and waits until it serves. It stops with the test.
func (s *stack) run(t *testing.T) *service {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ready, done := make(chan server.Addresses, 1), make(chan error, 1)
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("GOVERNANCE_TEST_LOG") != "" {
		log = server.NewLogger(os.Stderr, s.cfg)
	}
	go func() { done <- server.Run(ctx, s.cfg, log, func(a server.Addresses) { ready <- a }) }()
	stopped := false
	running := &service{stop: func() {
		cancel()
		if stopped {
			return
		}
		stopped = true
		if err := <-done; err != nil {
			t.Errorf("run governance: %v", err)
		}
	}}
	t.Cleanup(running.stop)
	select {
	case running.addresses = <-ready:
	case err := <-done:
		stopped = true
		t.Fatalf("run governance: %v", err)
	}
	running.awaitServing(t)
	return running
}

// refusal returns the error with which the service refuses to start.
func (s *stack) refusal(t *testing.T) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := server.Run(ctx, s.cfg, slog.New(slog.DiscardHandler), func(server.Addresses) { cancel() })
	if err == nil {
		t.Error("the service started")
	}
	return err
}

// awaitServing watches the health service until it says SERVING.
func (s *service) awaitServing(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	watch, err := healthv1.NewHealthClient(s.dial(t, "", "")).Watch(ctx, &healthv1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for {
		answer, err := watch.Recv()
		if err != nil {
			t.Fatalf("wait for governance to serve: %v", err)
		}
		if answer.GetStatus() == healthv1.HealthCheckResponse_SERVING {
			return
		}
	}
}

// dial connects with a token ("": none) and, for service principals, a tenant.
func (s *service) dial(t *testing.T, token, tenantID string) *grpc.ClientConn {
	t.Helper()
	cfg := grpcclient.Config{Target: s.addresses.GRPC, Plaintext: true, TenantID: tenantID}
	if token != "" {
		cfg.TokenSource = oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token})
	}
	conn, err := grpcclient.Dial(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	return conn
}
