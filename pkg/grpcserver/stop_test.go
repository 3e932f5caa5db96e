package grpcserver_test

import (
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/aumos-enterprise/platform/pkg/grpcserver"
	"github.com/aumos-enterprise/platform/pkg/grpcserver/grpcservertest"
)

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
