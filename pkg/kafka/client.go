package kafka

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"
)

// NewClient returns a client; it connects on first use. id names the client to the brokers. What it produces is acknowledged by all replicas that
// are in sync and is written once, however often the client itself had to send it.
func NewClient(cfg Config, id string, log *slog.Logger, options ...kgo.Opt) (*kgo.Client, error) {
	if !cfg.Enabled() {
		return nil, errors.New("kafka: no brokers")
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	all := []kgo.Opt{
		kgo.SeedBrokers(cfg.Brokers...),
		kgo.ClientID(id),
		kgo.RequiredAcks(kgo.AllISRAcks()), // and with it franz-go's idempotent writes
		kgo.WithLogger(newLogger(log)),
	}
	secure, err := cfg.tls()
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	if secure != nil {
		all = append(all, kgo.DialTLSConfig(secure))
	}
	if mechanism := cfg.mechanism(); mechanism != nil {
		all = append(all, kgo.SASL(mechanism))
	}
	client, err := kgo.NewClient(append(all, options...)...)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	return client, nil
}
