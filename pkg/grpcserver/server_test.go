package grpcserver_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
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

// failing is a probe that the test makes fail.
type failing struct {
	mu  sync.Mutex
	err error
}

func (f *failing) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *failing) check(context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

func watch(t *testing.T, s *grpcservertest.Server, service string) func() healthv1.HealthCheckResponse_ServingStatus {
	t.Helper()
	stream, err := healthv1.NewHealthClient(s.Dial(t, "", "")).Watch(t.Context(), &healthv1.HealthCheckRequest{Service: service})
	if err != nil {
		t.Fatal(err)
	}
	return func() healthv1.HealthCheckResponse_ServingStatus {
		t.Helper()
		resp, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		return resp.GetStatus()
	}
}

func TestHealthFollowsProbes(t *testing.T) {
	t.Parallel()
	database, engine := &failing{err: errors.New("starting")}, &failing{err: errors.New("starting")}
	s := start(t, grpcservertest.Options{Setup: func(s *grpcserver.Server) {
		s.AddProbe("database", database.check)
		s.AddProbe("engine", engine.check, decisionService)
	}}, policies{})
	const serving, not = healthv1.HealthCheckResponse_SERVING, healthv1.HealthCheckResponse_NOT_SERVING
	server, policy, decision := watch(t, s, ""), watch(t, s, policyService), watch(t, s, decisionService)
	if got := server(); got != not {
		t.Fatalf("before the probes succeed: %v", got)
	}
	skipUnknown := func(next func() healthv1.HealthCheckResponse_ServingStatus) healthv1.HealthCheckResponse_ServingStatus {
		got := next()
		if got == healthv1.HealthCheckResponse_SERVICE_UNKNOWN { // before the first round of probes
			got = next()
		}
		return got
	}
	if p, d := skipUnknown(policy), skipUnknown(decision); p != not || d != not {
		t.Fatalf("services before the probes succeed: %v %v", p, d)
	}
	database.set(nil)
	if got := policy(); got != serving {
		t.Fatalf("policies need the database alone: %v", got)
	}
	engine.set(nil)
	if d, all := decision(), server(); d != serving || all != serving {
		t.Fatalf("all probes succeed: %v %v", d, all)
	}
	engine.set(errors.New("quarantined"))
	if d, all := decision(), server(); d != not || all != not {
		t.Fatalf("the engine's probe fails: %v %v", d, all)
	}
	engine.set(nil)
	if d, all := decision(), server(); d != serving || all != serving {
		t.Fatalf("the engine is back: %v %v", d, all)
	}
	database.set(errors.New("gone"))
	if p, d, all := policy(), decision(), server(); p != not || d != not || all != not {
		t.Fatalf("the database's probe fails: %v %v %v", p, d, all)
	}
	for _, probe := range []string{"database", "engine"} {
		var ups int
		for _, l := range s.Log.Lines(t, "probe succeeds") {
			if l["probe"] == probe {
				ups++
			}
		}
		if ups == 0 {
			t.Errorf("nothing in the log says that %s came up", probe)
		}
	}
}

func TestHealthOfUnknownServices(t *testing.T) {
	t.Parallel()
	s := start(t, grpcservertest.Options{}, policies{})
	conn := s.Dial(t, "", "")
	_, err := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{Service: "no.such.Service"})
	if status.Code(err) != codes.NotFound {
		t.Errorf("Check = %v", err)
	}
	if got := watch(t, s, "no.such.Service")(); got != healthv1.HealthCheckResponse_SERVICE_UNKNOWN {
		t.Errorf("Watch = %v", got)
	}
	ready(t, s)
	list, err := healthv1.NewHealthClient(conn).List(t.Context(), &healthv1.HealthListRequest{})
	if err != nil || list.GetStatuses()[policyService].GetStatus() != healthv1.HealthCheckResponse_SERVING {
		t.Errorf("List = %v, %v", list, err)
	}
}

// ready waits until the server as a whole serves.
func ready(t *testing.T, s *grpcservertest.Server) {
	t.Helper()
	for next := watch(t, s, ""); next() != healthv1.HealthCheckResponse_SERVING; {
	}
}

func TestProbesHaveADeadline(t *testing.T) {
	t.Parallel()
	s := start(t, grpcservertest.Options{
		Server: grpcserver.Config{ProbeTimeout: 10 * time.Millisecond},
		Setup: func(s *grpcserver.Server) {
			s.AddProbe("stuck", func(ctx context.Context) error {
				<-ctx.Done()
				return ctx.Err()
			})
		},
	}, policies{})
	for len(s.Log.Lines(t, "probe fails")) == 0 {
		if next := watch(t, s, policyService); next() == healthv1.HealthCheckResponse_SERVING {
			t.Fatal("serving with a probe that does not answer")
		}
	}
}

type readiness struct {
	Ready  bool
	Reason string
	Probes []struct {
		Name, Error string
		OK          bool
	}
}

func fetch(t *testing.T, s *grpcservertest.Server, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.AdminAddr()+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func readyz(t *testing.T, s *grpcservertest.Server) (int, readiness) {
	t.Helper()
	code, body := fetch(t, s, "/readyz")
	var r readiness
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		t.Fatalf("%q: %v", body, err)
	}
	return code, r
}

func TestAdminPort(t *testing.T) {
	t.Parallel()
	database := &failing{err: errors.New("run `governance migrate`")}
	s := start(t, grpcservertest.Options{Setup: func(s *grpcserver.Server) {
		s.AddProbe("database", database.check)
		s.AddProbe("wall", func(context.Context) error { return nil })
	}}, policies{})
	next := watch(t, s, policyService)
	for next() != healthv1.HealthCheckResponse_NOT_SERVING {
	}
	if code, r := readyz(t, s); code != http.StatusServiceUnavailable || r.Ready || len(r.Probes) != 2 ||
		r.Probes[0].Error != "run `governance migrate`" || r.Probes[0].OK || !r.Probes[1].OK {
		t.Errorf("readyz = %d %+v", code, r)
	}
	if code, body := fetch(t, s, "/healthz"); code != http.StatusOK || !strings.Contains(body, "alive") {
		t.Errorf("healthz = %d %s", code, body)
	}
	database.set(nil)
	for next() != healthv1.HealthCheckResponse_SERVING {
	}
	ready(t, s)
	if code, r := readyz(t, s); code != http.StatusOK || !r.Ready {
		t.Errorf("readyz = %d %+v", code, r)
	}
	if err := get(t.Context(), client(t, s)); err != nil {
		t.Fatal(err)
	}
	_, metrics := fetch(t, s, "/metrics")
	for _, want := range []string{
		`grpc_server_handled_total{grpc_code="OK",grpc_method="GetPolicy",grpc_service="aumos.governance.v1.PolicyService",grpc_type="unary"} 1`,
		`grpc_server_handling_seconds_count{grpc_method="GetPolicy"`, "aumos_build_info{", "go_goroutines ", "grpc_server_panics_total 0",
		// Methods are there before their first call.
		`grpc_server_handled_total{grpc_code="Internal",grpc_method="CreatePolicy"`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	for _, path := range []string{"/", "/debug/pprof/", "/metrics/x"} {
		if code, _ := fetch(t, s, path); code != http.StatusNotFound {
			t.Errorf("%s answers %d", path, code)
		}
	}
}

func TestGracefulStop(t *testing.T) {
	t.Parallel()
	p := policies{reached: make(chan struct{}), release: make(chan struct{})}
	s := start(t, grpcservertest.Options{Server: grpcserver.Config{StopTimeout: time.Hour}}, p)
	ready(t, s)
	health := watch(t, s, "")
	if got := health(); got != healthv1.HealthCheckResponse_SERVING {
		t.Fatal(got)
	}
	inFlight := make(chan error, 1)
	c := client(t, s)
	go func() { inFlight <- get(t.Context(), c) }()
	<-p.reached
	s.StopSoon()
	if got := health(); got != healthv1.HealthCheckResponse_NOT_SERVING {
		t.Errorf("health while stopping = %v", got)
	}
	if code, r := readyz(t, s); code != http.StatusServiceUnavailable || r.Reason != "stopping" {
		t.Errorf("readyz while stopping = %d %+v", code, r)
	}
	select {
	case err := <-inFlight:
		t.Fatalf("the rpc in flight ended early: %v", err)
	case <-s.Done():
		t.Fatal("the server did not wait for the rpc in flight")
	default:
	}
	close(p.release)
	if err := <-inFlight; err != nil {
		t.Errorf("the rpc in flight: %v", err)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	var dial net.Dialer
	for _, addr := range []string{s.Addr(), s.AdminAddr()} {
		if conn, err := dial.DialContext(t.Context(), "tcp", addr); err == nil {
			_ = conn.Close()
			t.Errorf("%s is still open", addr)
		}
	}
}

// Balancers open connections and ask nothing: the stop waits for one no longer than for a probe, and is a good one.
func TestSilentAdminConnectionsAreCut(t *testing.T) {
	t.Parallel()
	s := start(t, grpcservertest.Options{Server: grpcserver.Config{ProbeTimeout: 50 * time.Millisecond}}, policies{})
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.AdminAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ready(t, s) // the server has accepted it
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if n, err := conn.Read(make([]byte, 1)); err == nil {
		t.Errorf("the connection is open: %d", n)
	}
}

// One client that watches must not hold the stop until its timeout.
func TestWatchesEndAtStop(t *testing.T) {
	t.Parallel()
	s := start(t, grpcservertest.Options{Server: grpcserver.Config{StopTimeout: time.Hour}}, policies{})
	ready(t, s)
	stream, err := healthv1.NewHealthClient(s.Dial(t, "", "")).Watch(t.Context(), &healthv1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	last, err := stream.Recv()
	if err != nil || last.GetStatus() != healthv1.HealthCheckResponse_NOT_SERVING {
		t.Errorf("last status = %v, %v", last, err)
	}
	if _, err := stream.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("the watch ends with %v", err)
	}
}

func TestStuckRPCsAreCut(t *testing.T) {
	t.Parallel()
	p := policies{reached: make(chan struct{}), cut: make(chan struct{}), ended: &atomic.Bool{}}
	s := start(t, grpcservertest.Options{Server: grpcserver.Config{StopTimeout: 50 * time.Millisecond}}, p)
	inFlight := make(chan error, 1)
	c := client(t, s)
	go func() { inFlight <- get(t.Context(), c) }()
	<-p.reached
	s.StopSoon()
	if err := <-inFlight; status.Code(err) != codes.Unavailable {
		t.Errorf("the rpc that was cut: %v", err)
	}
	// The handler still runs: whoever called Run closes what it uses as soon as Run returns.
	select {
	case <-s.Done():
		t.Error("Run returned before the handler")
	default:
	}
	for range 50 { // the admin port, which closes last, is open
		if code, _ := fetch(t, s, "/readyz"); code != http.StatusServiceUnavailable {
			t.Errorf("readyz = %d", code)
		}
	}
	close(p.cut)
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if !p.ended.Load() {
		t.Error("Run returned before the handler")
	}
	if n := len(s.Log.Lines(t, "cutting rpcs that did not end in time")); n != 1 {
		t.Errorf("logged %d times", n)
	}
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
