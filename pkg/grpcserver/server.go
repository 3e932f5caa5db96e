package grpcserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	"github.com/aumos-enterprise/platform/pkg/interceptor"
	"github.com/aumos-enterprise/platform/pkg/structwire"
)

const (
	// minKeepalive is the shortest time between a client's pings; faster ones close the connection (ENHANCE_YOUR_CALM).
	minKeepalive = 10 * time.Second
	// connectTimeout bounds the handshakes of a connection.
	connectTimeout = 10 * time.Second
	// maxHeaderBytes admits a token of the largest size and the rest of the metadata.
	maxHeaderBytes = 64 << 10
	// streamWorkers is the number of goroutines that are kept for rpcs: growing a new one's stack costs as much as a small policy's evaluation. Further
	// rpcs get goroutines of their own.
	streamWorkers = 256
	// streamWindow and connectionWindow are HTTP/2's flow-control windows. Fixed, since gRPC would otherwise estimate them by a ping with every small
	// message. They carry 20 MB/s on a path of 50 ms.
	streamWindow     = 1 << 20
	connectionWindow = 4 << 20
)

// Server is a gRPC server and its admin HTTP server. Register services on GRPC and add probes before Run.
type Server struct {
	cfg    Config
	log    *slog.Logger
	chain  *interceptor.Chain
	grpc   *grpc.Server
	health *health
	probes []probe
	admin  *http.Server

	listener      net.Listener
	adminListener net.Listener
}

// New binds both ports, so that Addr and AdminAddr are known before Run. Close releases them when Run is not called.
func New(cfg Config, chain *interceptor.Chain, log *slog.Logger, registry *prometheus.Registry) (_ *Server, err error) {
	cfg = cfg.withDefaults()
	tlsConfig, err := cfg.TLS.Config()
	if err != nil {
		return nil, fmt.Errorf("make server: %w", err)
	}
	s := &Server{cfg: cfg, log: log, chain: chain, health: newHealth()}
	s.grpc = grpc.NewServer(s.options(tlsConfig, chain)...)
	healthv1.RegisterHealthServer(s.grpc, s.health)
	reflection.RegisterV1(s.grpc)
	s.admin = s.adminServer(registry)
	var listen net.ListenConfig
	if s.listener, err = listen.Listen(context.Background(), "tcp", cfg.Listen); err != nil {
		return nil, fmt.Errorf("make server: %w", err)
	}
	if s.adminListener, err = listen.Listen(context.Background(), "tcp", cfg.AdminListen); err != nil {
		return nil, errors.Join(fmt.Errorf("make admin server: %w", err), s.listener.Close())
	}
	return s, nil
}

// GRPC returns the server to register services on.
func (s *Server) GRPC() *grpc.Server { return s.grpc }

// Addr returns the address of the gRPC port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// AdminAddr returns the address of the admin HTTP port.
func (s *Server) AdminAddr() string { return s.adminListener.Addr().String() }

// Close releases the ports of a server that is not run.
func (s *Server) Close() error { return errors.Join(s.listener.Close(), s.adminListener.Close()) }

// Run serves until ctx ends, then stops in order: health says NOT_SERVING, rpcs in flight end or are cut after StopTimeout, the admin port closes
// last so that the stop can be watched. It returns when everything it started has ended; a stop that was asked for is no error.
func (s *Server) Run(ctx context.Context) error {
	if err := s.chain.CheckMethods(s.grpc); err != nil {
		return errors.Join(err, s.Close())
	}
	// The group's own context: a port that fails stops the other parts as ctx does.
	group, running := errgroup.WithContext(ctx)
	adminDone := make(chan struct{})
	group.Go(func() error {
		if err := s.grpc.Serve(s.listener); err != nil && !errors.Is(err, grpc.ErrServerStopped) { // stopped before it began
			return fmt.Errorf("serve gRPC: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		defer close(adminDone)
		if err := s.admin.Serve(s.adminListener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve admin HTTP: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		s.watchProbes(running)
		return nil
	})
	group.Go(func() error {
		<-running.Done()
		return s.stop(context.WithoutCancel(ctx))
	})
	s.log.LogAttrs(ctx, slog.LevelInfo, "serving", slog.String("grpc", s.Addr()), slog.String("admin", s.AdminAddr()))
	return group.Wait()
}

// stop ends the servers in order.
func (s *Server) stop(ctx context.Context) error {
	s.health.stop()
	if s.cfg.DrainDelay > 0 {
		<-time.After(s.cfg.DrainDelay)
	}
	graceful := make(chan struct{})
	go func() {
		defer close(graceful)
		s.grpc.GracefulStop()
	}()
	hasCut := make(chan struct{})
	cut := time.AfterFunc(s.cfg.StopTimeout, func() {
		defer close(hasCut)
		s.log.LogAttrs(ctx, slog.LevelWarn, "cutting rpcs that did not end in time", slog.Duration("timeout", s.cfg.StopTimeout))
		s.grpc.Stop()
	})
	<-graceful // Stop ends GracefulStop too
	if !cut.Stop() {
		<-hasCut
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.ProbeTimeout)
	defer cancel()
	err := s.admin.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) { // a connection on which nobody has asked anything counts as busy for five seconds
		err = s.admin.Close()
	}
	if err != nil {
		return fmt.Errorf("stop admin HTTP: %w", err)
	}
	return nil
}

func (s *Server) options(tlsConfig *tls.Config, chain *interceptor.Chain) []grpc.ServerOption {
	options := append(chain.ServerOptions(),
		grpc.ForceServerCodecV2(structwire.NewCodec()),
		grpc.MaxRecvMsgSize(s.cfg.MaxMessageBytes),
		grpc.MaxSendMsgSize(s.cfg.MaxMessageBytes),
		grpc.MaxHeaderListSize(maxHeaderBytes),
		grpc.MaxConcurrentStreams(s.cfg.MaxStreams),
		grpc.ConnectionTimeout(connectTimeout),
		grpc.WaitForHandlers(true),
		grpc.NumStreamWorkers(streamWorkers),
		grpc.InitialWindowSize(streamWindow),
		grpc.InitialConnWindowSize(connectionWindow),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: minKeepalive, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionAge: s.cfg.MaxAge, MaxConnectionAgeGrace: s.cfg.MaxAgeGrace}),
	)
	if tlsConfig != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(tlsConfig)))
	}
	return options
}
