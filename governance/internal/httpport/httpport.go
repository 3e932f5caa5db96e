// Package httpport runs the service's HTTP ports: with the gRPC port's TLS, bounded in what a client can take, and stopped in order.
package httpport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/aumos-enterprise/platform/pkg/grpcserver"
)

const (
	// maxHeaderBytes admits a token of the largest size, as the gRPC port does.
	maxHeaderBytes = 64 << 10
	// maxStreams bounds the requests of one HTTP/2 connection.
	maxStreams = 64
	// stopTimeout is how long requests have to end at stop when the settings do not say.
	stopTimeout = 20 * time.Second
)

// Config says what is served.
type Config struct {
	// Name says what it is, for logs and errors, for example "audit logs".
	Name    string
	Listen  string // host:port
	Handler http.Handler
	// Timeout bounds the handler's work on a request, which it sees to itself.
	Timeout time.Duration
	// GRPC gives the TLS files and the times of the stop.
	GRPC grpcserver.Config
	Log  *slog.Logger
}

// Port is a port that is bound.
type Port struct {
	HTTP *http.Server

	config   Config
	listener net.Listener
}

// New binds the port. Close releases it when Run is not called.
func New(c Config) (*Port, error) {
	tlsConfig, err := c.GRPC.TLS.Config()
	if err != nil {
		return nil, fmt.Errorf("serve %s: %w", c.Name, err)
	}
	if c.GRPC.StopTimeout <= 0 {
		c.GRPC.StopTimeout = stopTimeout
	}
	p := &Port{config: c, HTTP: &http.Server{
		Handler:           c.Handler,
		TLSConfig:         tlsConfig,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      c.Timeout + 30*time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeaderBytes,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ErrorLog:          slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug), // failed handshakes: anyone can cause them
	}}
	var listen net.ListenConfig
	if p.listener, err = listen.Listen(context.Background(), "tcp", c.Listen); err != nil {
		return nil, fmt.Errorf("serve %s: %w", c.Name, err)
	}
	return p, nil
}

// Addr returns the address of the port.
func (p *Port) Addr() string { return p.listener.Addr().String() }

// Close releases a port that is not run.
func (p *Port) Close() error { return p.listener.Close() }

// Run serves until ctx ends, then lets the requests under way end, or cuts them when they take too long. A stop that was asked for is no error.
func (p *Port) Run(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- p.serve() }()
	p.config.Log.LogAttrs(ctx, slog.LevelInfo, "serving "+p.config.Name, slog.String("http", p.Addr()))
	select {
	case err := <-ended:
		return errors.Join(fmt.Errorf("serve %s: %w", p.config.Name, err), p.HTTP.Close())
	case <-ctx.Done():
	}
	if p.config.GRPC.DrainDelay > 0 {
		<-time.After(p.config.GRPC.DrainDelay)
	}
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.config.GRPC.StopTimeout)
	defer cancel()
	if err := p.HTTP.Shutdown(stopCtx); err != nil {
		p.config.Log.LogAttrs(ctx, slog.LevelWarn, "cutting requests for "+p.config.Name+" that did not end in time",
			slog.Duration("timeout", p.config.GRPC.StopTimeout))
		if err := p.HTTP.Close(); err != nil {
			return fmt.Errorf("stop serving %s: %w", p.config.Name, err)
		}
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", p.config.Name, err)
	}
	return nil
}

// serve accepts connections until the server is shut down.
func (p *Port) serve() error {
	if p.HTTP.TLSConfig != nil {
		return p.HTTP.ServeTLS(p.listener, "", "")
	}
	return p.HTTP.Serve(p.listener)
}

// StatusRecorder remembers the status that was sent.
type StatusRecorder struct {
	http.ResponseWriter

	Code int // 200 unless another is sent
}

// NewStatusRecorder returns a recorder before w.
func NewStatusRecorder(w http.ResponseWriter) *StatusRecorder {
	return &StatusRecorder{ResponseWriter: w, Code: http.StatusOK}
}

// WriteHeader implements http.ResponseWriter.
func (r *StatusRecorder) WriteHeader(code int) {
	r.Code = code
	r.ResponseWriter.WriteHeader(code)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *StatusRecorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
