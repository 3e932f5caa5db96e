package tile

import (
	"fmt"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/httpport"
	"github.com/aumos-enterprise/platform/governance/internal/reading"
	"github.com/aumos-enterprise/platform/pkg/grpcserver"
	"github.com/aumos-enterprise/platform/pkg/interceptor"
)

// Config says whether the logs are served over HTTP, and where.
type Config struct {
	Listen string `env:"LISTEN" help:"Address of the HTTP port with the audit logs in the tlog-tiles layout, host:port; empty: none. It has the gRPC port's TLS."`
}

// Deps are what a server needs around it.
type Deps struct {
	Wall *audit.Wall
	// Reading records who is shown entries.
	Reading *reading.Recorder
	// Chain decides who may read. Its rate limit counts these requests together with rpcs.
	Chain    *interceptor.Chain
	Log      *slog.Logger
	Registry *prometheus.Registry
	// GRPC gives the TLS files and the times of the stop.
	GRPC grpcserver.Config
}

// Server serves the logs of all tenants on a port of its own.
type Server struct{ *httpport.Port }

// New binds the port. Close releases it when Run is not called.
func New(cfg Config, deps Deps) (*Server, error) {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "aumos", Subsystem: "audit", Name: "tile_requests_total", Help: "Requests for audit logs over HTTP, by what was asked for and status.",
	}, []string{"kind", "code"})
	if err := deps.Registry.Register(requests); err != nil {
		return nil, fmt.Errorf("register tile metrics: %w", err)
	}
	h := &handler{wall: deps.Wall, reading: deps.Reading, slots: make(chan struct{}, maxRequests), timeout: requestTimeout}
	served := deps.Chain.HTTP(interceptor.Resource{Name: "audit log", Permission: permission, Tenant: tenantOf, Serve: h.serve})
	port, err := httpport.New(httpport.Config{
		Name: "audit logs", Listen: cfg.Listen, Handler: counted(served, requests), Timeout: requestTimeout, GRPC: deps.GRPC, Log: deps.Log,
	})
	if err != nil {
		return nil, err
	}
	return &Server{port}, nil
}

// tenantOf returns the tenant that the URL names.
func tenantOf(r *http.Request) string {
	id, _ := splitPath(r.URL.EscapedPath())
	return id
}

// counted counts requests by kind and status.
func counted(next http.Handler, requests *prometheus.CounterVec) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, path := splitPath(r.URL.EscapedPath())
		recorder := httpport.NewStatusRecorder(w)
		next.ServeHTTP(recorder, r)
		requests.WithLabelValues(parsePath(path).kind.String(), strconv.Itoa(recorder.Code)).Inc()
	})
}
