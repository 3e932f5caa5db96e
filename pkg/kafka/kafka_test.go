package kafka_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/kafka"
)

const topic = "test"

// patience bounds every wait: it is only used up when something is wrong.
const patience = 30 * time.Second

// broker starts a broker that speaks the protocol and returns its address.
func broker(t *testing.T, options ...kfake.Opt) []string {
	t.Helper()
	cluster, err := kfake.NewCluster(append(options, kfake.NumBrokers(1), kfake.SeedTopics(1, topic))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster.ListenAddrs()
}

// produce sends a message and returns why that failed, without trying again.
func produce(t *testing.T, cfg kafka.Config) error {
	t.Helper()
	client, err := kafka.NewClient(cfg, "test", slog.New(slog.DiscardHandler), kgo.RequestRetries(0), kgo.RecordRetries(0), kgo.UnknownTopicRetries(0))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := client.Ping(ctx); err != nil {
		return err
	}
	return client.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: []byte("hello")}).FirstErr()
}

func TestAuthentication(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			t.Parallel()
			good := kafka.Config{
				Brokers:          broker(t, kfake.EnableSASL(), kfake.Superuser(mechanism, "ann", "s3cret")),
				SecurityProtocol: "SASL_PLAINTEXT", SASLMechanism: mechanism, SASLUsername: "ann", SASLPassword: "s3cret",
			}
			if err := produce(t, good); err != nil {
				t.Errorf("with the password: %v", err)
			}
			bad := good
			bad.SASLPassword = "secret"
			if produce(t, bad) == nil {
				t.Error("let in with another password")
			}
			none := kafka.Config{Brokers: good.Brokers}
			if produce(t, none) == nil {
				t.Error("let in without a password")
			}
		})
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	ours, theirs := newAuthority(t), newAuthority(t)
	server, client, stranger := ours.issue(t), ours.issue(t), theirs.issue(t)
	plain := broker(t, kfake.TLS(server.config(t)))
	mutual := broker(t, kfake.TLS(server.mutual(t)), kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "ann", "s3cret"))

	trusting := kafka.Config{Brokers: plain, SecurityProtocol: "SSL", CAFile: server.authority}
	if err := produce(t, trusting); err != nil {
		t.Errorf("a trusted broker: %v", err)
	}
	wary := kafka.Config{Brokers: plain, SecurityProtocol: "SSL", CAFile: stranger.authority}
	var unknown x509.UnknownAuthorityError
	if err := produce(t, wary); !errors.As(err, &unknown) {
		t.Errorf("a broker of another authority: %v", err)
	}
	if produce(t, kafka.Config{Brokers: plain}) == nil {
		t.Error("a TLS port took plaintext")
	}
	all := kafka.Config{
		Brokers: mutual, SecurityProtocol: "SASL_SSL", CAFile: server.authority, ClientCertFile: client.cert, ClientKeyFile: client.key,
		SASLMechanism: "SCRAM-SHA-512", SASLUsername: "ann", SASLPassword: "s3cret",
	}
	if err := produce(t, all); err != nil {
		t.Errorf("both certificates and a password: %v", err)
	}
	bare := all
	bare.ClientCertFile, bare.ClientKeyFile = "", ""
	if produce(t, bare) == nil {
		t.Error("let in without a certificate")
	}
	foreign := all
	foreign.ClientCertFile, foreign.ClientKeyFile = stranger.cert, stranger.key
	if produce(t, foreign) == nil {
		t.Error("let in with a certificate of another authority")
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		cfg  kafka.Config
		want string // "": fine
	}{
		"off":                    {kafka.Config{SecurityProtocol: "nonsense"}, ""},
		"plaintext":              {kafka.Config{}, ""},
		"plaintext by name":      {kafka.Config{SecurityProtocol: "PLAINTEXT"}, ""},
		"TLS":                    {kafka.Config{SecurityProtocol: "SSL"}, ""},
		"password":               {kafka.Config{SecurityProtocol: "SASL_SSL", SASLMechanism: "PLAIN", SASLUsername: "ann", SASLPassword: "x"}, ""},
		"unknown protocol":       {kafka.Config{SecurityProtocol: "TLS"}, "SECURITY_PROTOCOL is none of PLAINTEXT, SSL"},
		"unknown mechanism":      {kafka.Config{SecurityProtocol: "SASL_SSL", SASLMechanism: "GSSAPI", SASLUsername: "ann", SASLPassword: "x"}, "SASL_MECHANISM is none"},
		"no mechanism":           {kafka.Config{SecurityProtocol: "SASL_SSL", SASLUsername: "ann", SASLPassword: "x"}, "SASL_MECHANISM is none"},
		"no password":            {kafka.Config{SecurityProtocol: "SASL_SSL", SASLMechanism: "PLAIN", SASLUsername: "ann"}, "are both needed"},
		"password for nobody":    {kafka.Config{SecurityProtocol: "SSL", SASLUsername: "ann", SASLPassword: "hunter2"}, "SASL settings have no effect"},
		"authorities for nobody": {kafka.Config{CAFile: "ca.pem"}, "certificates have no effect"},
		"certificate, no key":    {kafka.Config{SecurityProtocol: "SSL", ClientCertFile: "cert.pem"}, "CLIENT_KEY_FILE are both needed"},
		"empty address":          {kafka.Config{Brokers: []string{"a:1", " "}}, "empty address"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name != "off" && len(tc.cfg.Brokers) == 0 {
				tc.cfg.Brokers = []string{"localhost:9092"}
			}
			err := tc.cfg.Validate()
			switch {
			case tc.want == "" && err != nil:
				t.Error(err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v", err)
			case err != nil && strings.Contains(err.Error(), "hunter2"):
				t.Errorf("shows a password: %v", err)
			}
			if _, clientErr := kafka.NewClient(tc.cfg, "test", slog.New(slog.DiscardHandler)); (clientErr == nil) != (err == nil && name != "off") {
				t.Errorf("a client of these settings: %v", clientErr)
			}
		})
	}
}

func TestUnreadableFiles(t *testing.T) {
	t.Parallel()
	empty := t.TempDir() + "/empty.pem"
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, cfg := range []kafka.Config{
		{CAFile: "/nowhere.pem"}, {CAFile: empty}, {ClientCertFile: empty, ClientKeyFile: empty},
	} {
		cfg.Brokers, cfg.SecurityProtocol = []string{"localhost:9092"}, "SSL"
		if _, err := kafka.NewClient(cfg, "test", slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("a client of %+v", cfg)
		}
	}
}

// TestInsecure: whatever goes over a network without TLS is refused in production.
func TestInsecure(t *testing.T) {
	t.Parallel()
	for protocol, want := range map[string]bool{"": true, "PLAINTEXT": true, "SASL_PLAINTEXT": true, "SSL": false, "SASL_SSL": false} {
		cfg := kafka.Config{Brokers: []string{"kafka:9092"}, SecurityProtocol: protocol}
		err := config.Deployment{Production: true}.Check(cfg.InsecureSettings()...)
		if (err != nil) != want {
			t.Errorf("%q: %v", protocol, err)
		}
		cfg.Brokers = nil
		if err := (config.Deployment{Production: true}).Check(cfg.InsecureSettings()...); err != nil {
			t.Errorf("no brokers: %v", err)
		}
	}
}

// config returns a broker's side of TLS.
func (f files) config(t *testing.T) *tls.Config {
	t.Helper()
	cert, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}}
}

// mutual is config with clients that must show a certificate of the same authority.
func (f files) mutual(t *testing.T) *tls.Config {
	t.Helper()
	pem, err := os.ReadFile(f.authority)
	if err != nil {
		t.Fatal(err)
	}
	cfg := f.config(t)
	cfg.ClientCAs, cfg.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
	cfg.ClientCAs.AppendCertsFromPEM(pem)
	return cfg
}
