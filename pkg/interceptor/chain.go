// Package interceptor is the path of every rpc before its handler: request id, logging, metrics, errors, recovery, authentication and authorization,
// tenant, rate limit, validation. It is the only place that makes gRPC statuses. What is read over HTTP goes the same way.
package interceptor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"buf.build/go/protovalidate"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc/filters"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/aumos-enterprise/platform/pkg/auth"
)

// Config says what the chain is made of.
type Config struct {
	Log      *slog.Logger
	Registry *prometheus.Registry
	Verifier *auth.Verifier
	// Domain names the service in ErrorInfo, for example "governance.aumos".
	Domain    string
	RateLimit RateLimit
	// Silence is how long the next message of a stream may take, or its end; 0: five minutes.
	Silence time.Duration
	// ExpiryLeeway is how long a stream of answers outlasts the token that opened it; 0: thirty seconds.
	ExpiryLeeway time.Duration
	// Traces makes a span of each call, or passes the caller's on to the calls that its handler makes.
	Traces bool
	// Files holds the contract; nil: the descriptors that are linked into the program.
	Files *protoregistry.Files
}

// Chain is the interceptors of one server.
type Chain struct {
	log      *slog.Logger
	verifier *auth.Verifier
	domain   string
	files    *protoregistry.Files
	limiter  *limiter // nil: no limit
	metrics  *metrics
	silence  time.Duration
	leeway   time.Duration
	traces   bool
}

// NewChain makes a chain and registers its metrics.
func NewChain(cfg Config) (*Chain, error) {
	if cfg.Log == nil || cfg.Registry == nil || cfg.Verifier == nil || cfg.Domain == "" {
		return nil, errors.New("make interceptor chain: the log, registry, verifier and domain are all needed")
	}
	if cfg.Files == nil {
		cfg.Files = protoregistry.GlobalFiles
	}
	if err := protovalidate.Validate(nil); err != nil { // nothing to check: it makes the validator
		return nil, fmt.Errorf("make validator: %w", err)
	}
	limiter, err := newLimiter(cfg.RateLimit)
	if err != nil {
		return nil, fmt.Errorf("make rate limiter: %w", err)
	}
	metrics, err := newMetrics(cfg.Registry, requirementsOf(cfg.Files))
	if err != nil {
		return nil, fmt.Errorf("register rpc metrics: %w", err)
	}
	return &Chain{
		log: cfg.Log, verifier: cfg.Verifier, domain: cfg.Domain, files: cfg.Files,
		limiter: limiter, metrics: metrics, traces: cfg.Traces, silence: cmp.Or(cfg.Silence, defaultSilence),
		leeway: cmp.Or(cfg.ExpiryLeeway, defaultLeeway),
	}, nil
}

// layers is the order of the chain, outermost first.
//
// The request id comes before all of them, with the call's context, since everything below reports it. Logging and metrics stand outside of errors to see
// what the client sees. Recovery stands inside of errors, so that a panic becomes an error that is logged, counted and masked. Authentication precedes
// tenant and rate limit, which need the principal. Validation is last: it costs the most, and callers that are not let in must not learn the schema from it.
func (c *Chain) layers() []layer {
	return []layer{
		observing(),
		c.errors(),
		c.metrics.recovery(),
		guarded(step(c.authenticate, c.tenant, c.limit)),
		guarded(c.expiry()),
		guarded(validation()),
	}
}

// ServerOptions returns the chain for unary and streaming rpcs, and tracing. They are all that a server needs to be safe to register services on.
func (c *Chain) ServerOptions() []grpc.ServerOption {
	layers := c.layers()
	stream := []grpc.StreamServerInterceptor{c.stream}
	for _, l := range layers {
		stream = append(stream, l.stream)
	}
	options := []grpc.ServerOption{grpc.UnaryInterceptor(c.unary(chained(layers))), grpc.ChainStreamInterceptor(stream...)}
	if c.traces {
		options = append(options, grpc.StatsHandler(otelgrpc.NewServerHandler(otelgrpc.WithFilter(filters.Not(filters.HealthCheck())))))
	}
	return options
}

// layer is one link of the chain, for both kinds of rpc.
type layer struct {
	unary  grpc.UnaryServerInterceptor
	stream grpc.StreamServerInterceptor
}

// chained puts the layers one inside the other. gRPC's own chain does it anew for each call; here the call brings along what differs.
func chained(layers []layer) grpc.UnaryHandler {
	handler := func(ctx context.Context, req any) (any, error) { return callOf(ctx).handler(ctx, req) }
	for _, l := range slices.Backward(layers) {
		inner := handler
		handler = func(ctx context.Context, req any) (any, error) { return l.unary(ctx, req, callOf(ctx).info, inner) }
	}
	return handler
}

// step makes a layer of functions that run once before the handler, in their order, and may refuse the call.
//
// middleware's auth interceptors have this shape too, but let a service override the function by having a certain method: a way around the contract.
func step(functions ...func(*call) error) layer {
	all := func(ctx context.Context) error {
		call := callOf(ctx)
		for _, f := range functions {
			if err := f(call); err != nil {
				return err
			}
		}
		return nil
	}
	return layer{
		unary: func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			if err := all(ctx); err != nil {
				return nil, err
			}
			return handler(ctx, req)
		},
		stream: func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
			if err := all(ss.Context()); err != nil {
				return err
			}
			return handler(srv, ss)
		},
	}
}

// guarded leaves the layer out for the methods that anyone may call. middleware's selector does the same, but puts the method's name together again for each
// layer of each call.
func guarded(l layer) layer {
	return layer{
		unary: func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			if callOf(ctx).method.open {
				return handler(ctx, req)
			}
			return l.unary(ctx, req, info, handler)
		},
		stream: func(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
			if callOf(ss.Context()).method.open {
				return handler(srv, ss)
			}
			return l.stream(srv, ss, info, handler)
		},
	}
}
