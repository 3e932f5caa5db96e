// Package grpcserver serves gRPC with what every service of the platform has beside its own rpcs: TLS, limits, health, reflection, an admin HTTP
// port and an ordered stop.
package grpcserver

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"
)

// Config says where and how a server listens. Listen and AdminListen have no default: each service sets its own before config.Load.
type Config struct {
	Listen          string        `env:"LISTEN" help:"Address of the gRPC port, host:port; port 0 takes a free one."`
	AdminListen     string        `env:"ADMIN_LISTEN" help:"Address of the HTTP port with /metrics, /healthz and /readyz; keep it internal."`
	TLS             TLS           `envPrefix:"TLS__"`
	MaxMessageBytes int           `env:"MAX_MESSAGE_BYTES" envDefault:"16777216" help:"Largest message received or sent, in bytes. Far above the limits on fields, so that what is too long is named."`
	MaxStreams      uint32        `env:"MAX_STREAMS" envDefault:"1000" help:"Rpcs in flight on one connection; more wait on the client's side."`
	MaxAge          time.Duration `env:"MAX_CONNECTION_AGE" envDefault:"30m" help:"Age at which a connection is closed politely, so that clients spread over new replicas."`
	MaxAgeGrace     time.Duration `env:"MAX_CONNECTION_AGE_GRACE" envDefault:"5m" help:"Time that rpcs have to end after that; longer streams are cut and resume."`
	DrainDelay      time.Duration `env:"DRAIN_DELAY" envDefault:"0s" help:"Time between saying NOT_SERVING and refusing connections at stop, for load balancers to notice."`
	StopTimeout     time.Duration `env:"STOP_TIMEOUT" envDefault:"20s" help:"Time that rpcs have to end at stop before they are cut."`
	ProbeInterval   time.Duration `env:"PROBE_INTERVAL" envDefault:"5s" help:"Time between readiness probes."`
	ProbeTimeout    time.Duration `env:"PROBE_TIMEOUT" envDefault:"2s" help:"Time that one readiness probe may take."`
}

// TLS names the files of the server's identity. Without them the port is plaintext.
type TLS struct {
	CertFile     string `env:"CERT_FILE" help:"PEM file with the server's certificate chain; empty: plaintext."`
	KeyFile      string `env:"KEY_FILE" help:"PEM file with the certificate's private key."`
	ClientCAFile string `env:"CLIENT_CA_FILE" help:"PEM file with the authorities of client certificates; set: clients must present one (mutual TLS)."`
}

// Plaintext reports whether the gRPC port has no TLS, which production refuses unless allowed by name.
func (c Config) Plaintext() bool { return c.TLS == TLS{} }

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		value *time.Duration
		def   time.Duration
	}{
		{&c.MaxAge, 30 * time.Minute},
		{&c.MaxAgeGrace, 5 * time.Minute},
		{&c.StopTimeout, 20 * time.Second},
		{&c.ProbeInterval, 5 * time.Second},
		{&c.ProbeTimeout, 2 * time.Second},
	} {
		if *d.value <= 0 {
			*d.value = d.def
		}
	}
	if c.MaxMessageBytes <= 0 {
		c.MaxMessageBytes = 16 << 20
	}
	if c.MaxStreams == 0 {
		c.MaxStreams = 1000
	}
	return c
}

// Config returns the settings for crypto/tls, or nil for plaintext.
func (t TLS) Config() (*tls.Config, error) {
	if t == (TLS{}) {
		return nil, nil // no files, no TLS
	}
	if t.CertFile == "" || t.KeyFile == "" {
		return nil, errors.New("TLS needs both a certificate file and a key file")
	}
	cert, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("load server certificate: %w", err)
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert}}
	if t.ClientCAFile == "" {
		return cfg, nil
	}
	pem, err := os.ReadFile(t.ClientCAFile)
	if err != nil {
		return nil, fmt.Errorf("load client authorities: %w", err)
	}
	cfg.ClientCAs = x509.NewCertPool()
	if !cfg.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("load client authorities: %s holds no certificate", t.ClientCAFile)
	}
	cfg.ClientAuth = tls.RequireAndVerifyClientCert
	return cfg, nil
}
