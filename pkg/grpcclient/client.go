// Package grpcclient connects to the platform's services: TLS, a bearer token and the tenant on every call, and retries where the contract says that
// a call may be repeated.
package grpcclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"golang.org/x/oauth2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/aumos-enterprise/platform/pkg/requestid"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Config says where to connect and as whom.
type Config struct {
	Target string `env:"TARGET" help:"Address of the service, host:port or a gRPC target such as dns:///host:port."`
	TLS    TLS    `envPrefix:"TLS__"`
	// Plaintext turns TLS off. A token is then sent to this machine alone, unless PlaintextToken allows more.
	Plaintext       bool `env:"PLAINTEXT" envDefault:"false" help:"Connect without TLS."`
	PlaintextToken  bool `env:"PLAINTEXT_TOKEN" envDefault:"false" help:"Send the bearer token without TLS to other machines too: whoever is on the path can take it."`
	MaxMessageBytes int  `env:"MAX_MESSAGE_BYTES" envDefault:"4194304" help:"Largest message received, in bytes."`
	MaxAttempts     int  `env:"MAX_ATTEMPTS" envDefault:"4" help:"Attempts of a call that may be repeated while the service is unavailable, 1 to 5; 1: no retries."`
	// TokenSource gives the bearer token; nil: none is sent.
	TokenSource oauth2.TokenSource
	// TenantID is named on calls whose context has no tenant; "": none is.
	TenantID string
}

// TLS names the files of the client's side. Without them the system's authorities are trusted.
type TLS struct {
	CAFile     string `env:"CA_FILE" help:"PEM file with the authorities to trust; empty: the system's."`
	CertFile   string `env:"CERT_FILE" help:"PEM file with the client's certificate chain, for mutual TLS."`
	KeyFile    string `env:"KEY_FILE" help:"PEM file with the certificate's private key."`
	ServerName string `env:"SERVER_NAME" help:"Name to expect in the server's certificate; empty: the target's host."`
}

const (
	// keepaliveTime is between pings on a connection with calls; servers allow one every 10 seconds.
	keepaliveTime    = 30 * time.Second
	keepaliveTimeout = 10 * time.Second
	// streamWindow and connectionWindow are HTTP/2's flow-control windows: fixed, since gRPC would otherwise estimate them by a ping with every message.
	streamWindow     = 1 << 20
	connectionWindow = 4 << 20
)

// Dial returns a connection; it connects on first use.
func Dial(cfg Config) (*grpc.ClientConn, error) {
	transport, err := cfg.transport()
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", cfg.Target, err)
	}
	if cfg.MaxMessageBytes <= 0 {
		cfg.MaxMessageBytes = 4 << 20
	}
	if cfg.MaxAttempts <= 0 {
		cfg.MaxAttempts = 4
	}
	serviceConfig, err := retryPolicy(protoregistry.GlobalFiles, cfg.MaxAttempts)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", cfg.Target, err)
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithInitialWindowSize(streamWindow),
		grpc.WithInitialConnWindowSize(connectionWindow),
		grpc.WithDisableServiceConfig(), // the contract decides, not DNS
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(cfg.MaxMessageBytes)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveTime, Timeout: keepaliveTimeout}),
		grpc.WithStatsHandler(otelgrpc.NewClientHandler()),
		grpc.WithChainUnaryInterceptor(cfg.unary, repeatable),
		grpc.WithChainStreamInterceptor(cfg.stream),
	}
	if cfg.TokenSource != nil {
		if cfg.Plaintext && !cfg.PlaintextToken && !local(cfg.Target) {
			return nil, fmt.Errorf("dial %s: a bearer token is not sent to another machine without TLS", cfg.Target)
		}
		options = append(options, grpc.WithPerRPCCredentials(bearer{cfg.TokenSource, !cfg.Plaintext}))
	}
	conn, err := grpc.NewClient(cfg.Target, options...)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", cfg.Target, err)
	}
	return conn, nil
}

// transport returns what secures the connection.
func (c Config) transport() (credentials.TransportCredentials, error) {
	if c.Plaintext {
		if c.TLS != (TLS{}) {
			return nil, errors.New("TLS files are named and TLS is off: choose one")
		}
		return insecure.NewCredentials(), nil
	}
	cfg, err := c.TLS.Config()
	if err != nil {
		return nil, err
	}
	return credentials.NewTLS(cfg), nil
}

// Config reads the files.
func (t TLS) Config() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS13, ServerName: t.ServerName}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("load authorities: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("load authorities: %s holds no certificate", t.CAFile)
		}
	}
	if t.CertFile != "" || t.KeyFile != "" {
		cert, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("load client certificate: %w", err)
		}
		cfg.Certificates = []tls.Certificate{cert}
	}
	return cfg, nil
}

func (c Config) unary(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, call grpc.UnaryInvoker, options ...grpc.CallOption) error {
	return call(c.outgoing(ctx), method, req, reply, conn, options...)
}

func (c Config) stream(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
	return open(c.outgoing(ctx), desc, conn, method, options...)
}

// outgoing passes the context's request id and tenant on. What the caller has set itself stands: the server refuses a second value.
func (c Config) outgoing(ctx context.Context) context.Context {
	set, _ := metadata.FromOutgoingContext(ctx)
	if id := requestid.FromContext(ctx); id != "" && len(set.Get(requestid.MetadataKey)) == 0 {
		ctx = metadata.AppendToOutgoingContext(ctx, requestid.MetadataKey, id)
	}
	tenantID := c.TenantID
	if id, ok := tenant.FromContext(ctx); ok {
		tenantID = id.String()
	}
	if tenantID != "" && len(set.Get(tenant.MetadataKey)) == 0 {
		ctx = metadata.AppendToOutgoingContext(ctx, tenant.MetadataKey, tenantID)
	}
	return ctx
}
