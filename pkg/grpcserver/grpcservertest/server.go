// Package grpcservertest runs a service in a test as production does: the real interceptor chain, the real server on loopback and real tokens.
package grpcservertest

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/oauth2"
	"google.golang.org/grpc"

	"github.com/aumos-enterprise/platform/pkg/auth/authtest"
	"github.com/aumos-enterprise/platform/pkg/grpcclient"
	"github.com/aumos-enterprise/platform/pkg/grpcserver"
	"github.com/aumos-enterprise/platform/pkg/interceptor"
	"github.com/aumos-enterprise/platform/pkg/telemetry"
)

// Options change what Start runs. The zero value will do.
type Options struct {
	Server    grpcserver.Config
	RateLimit interceptor.RateLimit
	Silence   time.Duration // as in interceptor.Config
	Leeway    time.Duration // ExpiryLeeway of interceptor.Config
	LogLevel  slog.Leveler  // nil: all
	// Setup is called before the server runs, for example to add probes; it may be nil.
	Setup func(*grpcserver.Server)
}

// Server is a running service.
type Server struct {
	*grpcserver.Server
	Issuer   *authtest.Issuer
	Registry *prometheus.Registry
	Log      *Log

	stop context.CancelFunc
	done chan struct{}
	err  error // of Run; read it after done
}

// Start runs a server until the test ends.
func Start(tb testing.TB, domain string, options Options, register func(*grpc.Server)) *Server {
	tb.Helper()
	s := &Server{Issuer: authtest.Start(tb), Registry: telemetry.NewRegistry(domain), Log: &Log{}, done: make(chan struct{})}
	if options.LogLevel == nil {
		options.LogLevel = slog.LevelDebug
	}
	log := telemetry.NewLogger(s.Log, options.LogLevel)
	chain, err := interceptor.NewChain(interceptor.Config{
		Log: log, Registry: s.Registry, Verifier: s.Issuer.Verifier(tb), Domain: domain, RateLimit: options.RateLimit, Silence: options.Silence,
		ExpiryLeeway: options.Leeway,
	})
	if err != nil {
		tb.Fatal(err)
	}
	cfg := options.Server
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	cfg.AdminListen = "127.0.0.1:0"
	if cfg.ProbeInterval == 0 {
		cfg.ProbeInterval = 10 * time.Millisecond
	}
	if s.Server, err = grpcserver.New(cfg, chain, log, s.Registry); err != nil {
		tb.Fatal(err)
	}
	register(s.GRPC())
	if options.Setup != nil {
		options.Setup(s.Server)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(tb.Context()))
	s.stop = stop
	go func() {
		defer close(s.done)
		s.err = s.Run(ctx)
	}()
	tb.Cleanup(func() {
		if err := s.Stop(); err != nil {
			tb.Errorf("run server: %v", err)
		}
	})
	return s
}

// Stop stops the server and returns what Run returned.
func (s *Server) Stop() error {
	s.StopSoon()
	<-s.done
	return s.err
}

// StopSoon begins the stop without waiting for its end.
func (s *Server) StopSoon() { s.stop() }

// Done is closed when Run has returned.
func (s *Server) Done() <-chan struct{} { return s.done }

// Dial connects with a token ("": none) and, for service principals, a tenant ("": that of the calls' contexts). Nothing is retried: tests see the
// first answer.
func (s *Server) Dial(tb testing.TB, token, tenantID string) *grpc.ClientConn {
	tb.Helper()
	cfg := grpcclient.Config{Target: s.Addr(), Plaintext: true, TenantID: tenantID, MaxAttempts: 1}
	if token != "" {
		cfg.TokenSource = oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token})
	}
	conn, err := grpcclient.Dial(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	return conn
}

// Log keeps what a service logs. It is safe for concurrent use.
type Log struct {
	mu     sync.Mutex // guards the rest
	buffer bytes.Buffer
}

// Write implements io.Writer.
func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.Write(b)
}

// String returns everything logged.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.String()
}

// Lines returns the lines with the message.
func (l *Log) Lines(tb testing.TB, message string) []map[string]any {
	tb.Helper()
	var lines []map[string]any
	for decoder := json.NewDecoder(bytes.NewBufferString(l.String())); decoder.More(); {
		var line map[string]any
		if err := decoder.Decode(&line); err != nil {
			tb.Fatalf("log line: %v", err)
		}
		if line["msg"] == message {
			lines = append(lines, line)
		}
	}
	return lines
}

// New returns a server on free ports that is not running.
func New(chain *interceptor.Chain) (*grpcserver.Server, error) {
	cfg := grpcserver.Config{Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0"}
	return grpcserver.New(cfg, chain, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
}
