// Package kafka connects to Apache Kafka with the settings that its own clients know: security protocol, SASL mechanism, certificates. What is sent
// is each service's.
package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/aumos-enterprise/platform/pkg/config"
)

// InsecurePlaintext is the insecure setting of brokers that are reached without TLS, as it stands in ALLOW_INSECURE.
const InsecurePlaintext = "plaintext_kafka"

// Security protocols and SASL mechanisms, by Kafka's names.
const (
	protocolPlaintext     = "PLAINTEXT"
	protocolTLS           = "SSL"
	protocolSASLPlaintext = "SASL_PLAINTEXT"
	protocolSASLTLS       = "SASL_SSL"

	mechanismPlain    = "PLAIN"
	mechanismSCRAM256 = "SCRAM-SHA-256"
	mechanismSCRAM512 = "SCRAM-SHA-512"
)

// Config says how brokers are reached. Without brokers there is no Kafka.
type Config struct {
	Brokers          []string      `env:"BROKERS" help:"Kafka brokers to start from, host:port, separated by commas; empty: nothing is sent to Kafka."`
	SecurityProtocol string        `env:"SECURITY_PROTOCOL" envDefault:"PLAINTEXT" help:"PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."`
	SASLMechanism    string        `env:"SASL_MECHANISM" help:"PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512, with a SASL protocol."`
	SASLUsername     string        `env:"SASL_USERNAME" help:"User name, with a SASL protocol."`
	SASLPassword     config.Secret `env:"SASL_PASSWORD" help:"Password, with a SASL protocol."`
	CAFile           string        `env:"CA_FILE" help:"PEM file with the authorities of the brokers' certificates; empty: the system's."`
	ClientCertFile   string        `env:"CLIENT_CERT_FILE" help:"PEM file with the client's certificate chain, for mutual TLS."`
	ClientKeyFile    string        `env:"CLIENT_KEY_FILE" help:"PEM file with the certificate's private key."`
}

// Enabled reports whether there are brokers.
func (c Config) Enabled() bool { return len(c.Brokers) > 0 }

// InsecureSettings lists what production refuses unless it is allowed by name.
func (c Config) InsecureSettings() []config.InsecureSetting {
	return []config.InsecureSetting{{
		Name: InsecurePlaintext, On: c.Enabled() && !c.secured(),
		Why: "Kafka is reached without TLS: passwords and messages can be read and changed on the way",
	}}
}

func (c Config) protocol() string {
	if c.SecurityProtocol == "" {
		return protocolPlaintext
	}
	return c.SecurityProtocol
}

func (c Config) secured() bool {
	return slices.Contains([]string{protocolTLS, protocolSASLTLS}, c.protocol())
}

func (c Config) authenticates() bool {
	return slices.Contains([]string{protocolSASLPlaintext, protocolSASLTLS}, c.protocol())
}

// Validate says what is wrong with the settings. A setting that would have no effect is wrong: whoever set it believes otherwise.
func (c Config) Validate() error {
	if !c.Enabled() {
		return nil
	}
	var problems []error
	problem := func(wrong bool, text string) {
		if wrong {
			problems = append(problems, errors.New(text))
		}
	}
	protocols := []string{protocolPlaintext, protocolTLS, protocolSASLPlaintext, protocolSASLTLS}
	mechanisms := []string{mechanismPlain, mechanismSCRAM256, mechanismSCRAM512}
	problem(slices.ContainsFunc(c.Brokers, func(b string) bool { return strings.TrimSpace(b) == "" }), "BROKERS holds an empty address")
	problem(!slices.Contains(protocols, c.protocol()), "SECURITY_PROTOCOL is none of "+strings.Join(protocols, ", "))
	if c.authenticates() {
		problem(!slices.Contains(mechanisms, c.SASLMechanism), "SASL_MECHANISM is none of "+strings.Join(mechanisms, ", "))
		problem(c.SASLUsername == "" || c.SASLPassword == "", "SASL_USERNAME and SASL_PASSWORD are both needed")
	} else {
		problem(c.SASLMechanism != "" || c.SASLUsername != "" || c.SASLPassword != "",
			"SASL settings have no effect with SECURITY_PROTOCOL "+c.protocol())
	}
	if !c.secured() {
		problem(c.CAFile != "" || c.ClientCertFile != "" || c.ClientKeyFile != "", "certificates have no effect with SECURITY_PROTOCOL "+c.protocol())
	}
	problem((c.ClientCertFile == "") != (c.ClientKeyFile == ""), "CLIENT_CERT_FILE and CLIENT_KEY_FILE are both needed")
	if len(problems) > 0 {
		return fmt.Errorf("kafka: %w", errors.Join(problems...))
	}
	return nil
}

// tls returns the settings of connections, or nil for plaintext. TLS 1.2 is allowed because brokers on older Java offer nothing newer.
func (c Config) tls() (*tls.Config, error) {
	if !c.secured() {
		return nil, nil // plaintext
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("load authorities: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("load authorities: %s holds no certificate", c.CAFile)
		}
	}
	if c.ClientCertFile != "" {
		cert, err := tls.LoadX509KeyPair(c.ClientCertFile, c.ClientKeyFile)
		if err != nil {
			return nil, fmt.Errorf("load client certificate: %w", err)
		}
		cfg.Certificates = []tls.Certificate{cert}
	}
	return cfg, nil
}

// mechanism returns how the client says who it is, or nil.
func (c Config) mechanism() sasl.Mechanism {
	user, password := c.SASLUsername, c.SASLPassword.Reveal()
	switch {
	case !c.authenticates():
		return nil
	case c.SASLMechanism == mechanismSCRAM256:
		return scram.Auth{User: user, Pass: password}.AsSha256Mechanism()
	case c.SASLMechanism == mechanismSCRAM512:
		return scram.Auth{User: user, Pass: password}.AsSha512Mechanism()
	default:
		return plain.Auth{User: user, Pass: password}.AsMechanism()
	}
}
