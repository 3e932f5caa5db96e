package grpcserver_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/aumos-enterprise/platform/pkg/grpcserver"
	"github.com/aumos-enterprise/platform/pkg/grpcserver/grpcservertest"
)

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
