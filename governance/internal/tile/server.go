package tile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/reading"
	"github.com/aumos-enterprise/platform/pkg/grpcserver"
	"github.com/aumos-enterprise/platform/pkg/interceptor"
)

const (
	// maxHeaderBytes admits a token of the largest size, as the gRPC port does.
	maxHeaderBytes = 64 << 10
	// maxStreams bounds the requests of one HTTP/2 connection.
	maxStreams = 64
	// stopTimeout is how long requests have to end at stop when the settings do not say.
	stopTimeout = 20 * time.Second
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
type Server struct {
	log         *slog.Logger
	http        *http.Server
	listener    net.Listener
	drainDelay  time.Duration
	stopTimeout time.Duration
}

// New binds the port. Close releases it when Run is not called.
func New(cfg Config, deps Deps) (*Server, error) {
	tlsConfig, err := deps.GRPC.TLS.Config()
	if err != nil {
		return nil, fmt.Errorf("make tile server: %w", err)
	}
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "aumos", Subsystem: "audit", Name: "tile_requests_total", Help: "Requests for audit logs over HTTP, by what was asked for and status.",
	}, []string{"kind", "code"})
	if err := deps.Registry.Register(requests); err != nil {
		return nil, fmt.Errorf("register tile metrics: %w", err)
	}
	h := &handler{wall: deps.Wall, reading: deps.Reading, slots: make(chan struct{}, maxRequests), timeout: requestTimeout}
	served := deps.Chain.HTTP(interceptor.Resource{Name: "audit log", Permission: permission, Tenant: tenantOf, Serve: h.serve})
	s := &Server{
		log: deps.Log, drainDelay: deps.GRPC.DrainDelay, stopTimeout: deps.GRPC.StopTimeout,
		http: &http.Server{
			Handler:           counted(served, requests),
			TLSConfig:         tlsConfig,
			ReadHeaderTimeout: 5 * time.Second,
			ReadTimeout:       10 * time.Second,
			WriteTimeout:      requestTimeout + 30*time.Second,
			IdleTimeout:       2 * time.Minute,
			MaxHeaderBytes:    maxHeaderBytes,
			HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
			ErrorLog:          slog.NewLogLogger(deps.Log.Handler(), slog.LevelDebug), // failed handshakes: anyone can cause them
		},
	}
	if s.stopTimeout <= 0 {
		s.stopTimeout = stopTimeout
	}
	var listen net.ListenConfig
	if s.listener, err = listen.Listen(context.Background(), "tcp", cfg.Listen); err != nil {
		return nil, fmt.Errorf("make tile server: %w", err)
	}
	return s, nil
}

// Addr returns the address of the port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Close releases the port of a server that is not run.
func (s *Server) Close() error { return s.listener.Close() }

// Run serves until ctx ends, then lets the requests under way end, or cuts them when they take too long. A stop that was asked for is no error.
func (s *Server) Run(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- s.serve() }()
	s.log.LogAttrs(ctx, slog.LevelInfo, "serving audit logs", slog.String("http", s.Addr()))
	select {
	case err := <-ended:
		return errors.Join(fmt.Errorf("serve audit logs: %w", err), s.http.Close())
	case <-ctx.Done():
	}
	if s.drainDelay > 0 {
		<-time.After(s.drainDelay)
	}
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.stopTimeout)
	defer cancel()
	if err := s.http.Shutdown(stopCtx); err != nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "cutting requests for audit logs that did not end in time", slog.Duration("timeout", s.stopTimeout))
		if err := s.http.Close(); err != nil {
			return fmt.Errorf("stop serving audit logs: %w", err)
		}
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve audit logs: %w", err)
	}
	return nil
}

// serve accepts connections until the server is shut down.
func (s *Server) serve() error {
	if s.http.TLSConfig != nil {
		return s.http.ServeTLS(s.listener, "", "")
	}
	return s.http.Serve(s.listener)
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
		recorder := &statusRecorder{ResponseWriter: w, code: http.StatusOK}
		next.ServeHTTP(recorder, r)
		requests.WithLabelValues(parsePath(path).kind.String(), strconv.Itoa(recorder.code)).Inc()
	})
}

// statusRecorder remembers the status that was sent.
type statusRecorder struct {
	http.ResponseWriter
	code int
}

// WriteHeader implements http.ResponseWriter.
func (r *statusRecorder) WriteHeader(code int) {
	r.code = code
	r.ResponseWriter.WriteHeader(code)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *statusRecorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
