package grpcserver_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/aumos-enterprise/platform/pkg/grpcserver"
	"github.com/aumos-enterprise/platform/pkg/grpcserver/grpcservertest"
)

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
