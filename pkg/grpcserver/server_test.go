package grpcserver_test

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/auth/authtest"
	"github.com/aumos-enterprise/platform/pkg/config"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/grpcserver"
	"github.com/aumos-enterprise/platform/pkg/grpcserver/grpcservertest"
	"github.com/aumos-enterprise/platform/pkg/interceptor"
	"github.com/aumos-enterprise/platform/pkg/telemetry"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	tenantID        = "0198c0de-0000-7000-8000-00000000000a"
	policyID        = "0198c0de-0000-7000-8000-0000000000ff"
	policyService   = "aumos.governance.v1.PolicyService"
	decisionService = "aumos.governance.v1.DecisionService"
)

// policies answers once it is let go on; a nil channel never holds.
type policies struct {
	governancev1.UnimplementedPolicyServiceServer
	reached, release chan struct{}
	cut              chan struct{} // set: the end of the context is not the end of the handler
	ended            *atomic.Bool
}

func (p policies) GetPolicy(ctx context.Context, _ *governancev1.GetPolicyRequest) (*governancev1.GetPolicyResponse, error) {
	if p.reached != nil {
		p.reached <- struct{}{}
		select {
		case <-p.release:
		case <-ctx.Done():
			<-p.cut
			p.ended.Store(true)
			return nil, ctx.Err()
		}
	}
	return &governancev1.GetPolicyResponse{}, nil
}

func start(t *testing.T, options grpcservertest.Options, p policies) *grpcservertest.Server {
	t.Helper()
	return grpcservertest.Start(t, "test.aumos", options, func(s *grpc.Server) {
		governancev1.RegisterPolicyServiceServer(s, p)
		governancev1.RegisterDecisionServiceServer(s, governancev1.UnimplementedDecisionServiceServer{})
	})
}

func client(t *testing.T, s *grpcservertest.Server) governancev1.PolicyServiceClient {
	t.Helper()
	id, err := tenant.Parse(tenantID)
	if err != nil {
		t.Fatal(err)
	}
	return governancev1.NewPolicyServiceClient(s.Dial(t, s.Issuer.Token(t, "alice", id, auth.RoleViewer), ""))
}

func get(ctx context.Context, c governancev1.PolicyServiceClient) error {
	_, err := c.GetPolicy(ctx, &governancev1.GetPolicyRequest{PolicyId: policyID})
	return err
}

func TestLimits(t *testing.T) {
	t.Parallel()
	s := start(t, grpcservertest.Options{Server: grpcserver.Config{MaxMessageBytes: 4096}}, policies{})
	c := client(t, s)
	_, err := c.GetPolicy(t.Context(), &governancev1.GetPolicyRequest{PolicyId: strings.Repeat("a", 5000)})
	if status.Code(err) != codes.ResourceExhausted {
		t.Errorf("a message over the limit: %v", err)
	}
	if err := get(metadata.AppendToOutgoingContext(t.Context(), "x-large", strings.Repeat("a", 70<<10)), c); err == nil {
		t.Error("metadata over the limit is accepted")
	}
	if err := get(t.Context(), c); err != nil {
		t.Errorf("after both: %v", err)
	}
}

func newServer(t *testing.T, cfg grpcserver.Config) (*grpcserver.Server, error) {
	t.Helper()
	registry := telemetry.NewRegistry("t")
	log := telemetry.NewLogger(t.Output(), nil)
	chain, err := interceptor.NewChain(interceptor.Config{Log: log, Registry: registry, Verifier: authtest.Start(t).Verifier(t), Domain: "t"})
	if err != nil {
		t.Fatal(err)
	}
	return grpcserver.New(cfg, chain, log, registry)
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	var listen net.ListenConfig
	taken, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	files := newAuthority(t).files(t, "server")
	for name, cfg := range map[string]grpcserver.Config{
		"port taken":             {Listen: taken.Addr().String(), AdminListen: "127.0.0.1:0"},
		"admin port taken":       {Listen: "127.0.0.1:0", AdminListen: taken.Addr().String()},
		"no address":             {Listen: "nowhere", AdminListen: "127.0.0.1:0"},
		"certificate alone":      {TLS: grpcserver.TLS{CertFile: files.cert}},
		"client authority alone": {TLS: grpcserver.TLS{ClientCAFile: files.authority}},
		"no such certificate":    {TLS: grpcserver.TLS{CertFile: "/no/such", KeyFile: files.key}},
		"authority is a key":     {TLS: grpcserver.TLS{CertFile: files.cert, KeyFile: files.key, ClientCAFile: files.key}},
		"no such authority":      {TLS: grpcserver.TLS{CertFile: files.cert, KeyFile: files.key, ClientCAFile: "/no/such"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if cfg.Listen == "" {
				cfg.Listen, cfg.AdminListen = "127.0.0.1:0", "127.0.0.1:0"
			}
			if s, err := newServer(t, cfg); err == nil {
				t.Error("no error", s.Close())
			}
		})
	}
}

// A port that breaks ends Run with an error instead of leaving half a server.
func TestRunEndsWhenAPortBreaks(t *testing.T) {
	t.Parallel()
	s, err := newServer(t, grpcserver.Config{Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context()); err == nil {
		t.Error("no error")
	}
}

func TestConfigIsDocumented(t *testing.T) {
	t.Parallel()
	if got, err := config.Undocumented(&grpcserver.Config{}); err != nil || len(got) > 0 {
		t.Error(got, err)
	}
	// The defaults of the tags are those of New.
	cfg := grpcserver.Config{Listen: "x", AdminListen: "y"}
	if err := config.Load("X_", &cfg, nil); err != nil {
		t.Fatal(err)
	}
	if cfg != cfg.WithDefaults() || grpcserver.Config.WithDefaults(grpcserver.Config{Listen: "x", AdminListen: "y"}) != cfg {
		t.Errorf("loaded %+v, made %+v", cfg, grpcserver.Config{}.WithDefaults())
	}
}
