package kafka

import (
	"context"
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
		kgo.WithLogger(logger{log}),
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

// logger gives the client's warnings and errors to the service's log. What is below, it says of every request.
type logger struct{ log *slog.Logger }

// Level returns what the client need not say.
func (l logger) Level() kgo.LogLevel { return kgo.LogLevelWarn }

// Log writes one message of the client.
func (l logger) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	at := slog.LevelWarn
	if level == kgo.LogLevelError {
		at = slog.LevelError
	}
	l.log.Log(context.Background(), at, "kafka client: "+msg, keyvals...)
}
