package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/kafka"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	// CheckpointTopic is where signed heads go. It is to be kept for ever and not compacted: consumers compare heads of all ages.
	CheckpointTopic = "governance.audit.checkpoint"
	// checkpointType is the events' type in CloudEvents.
	checkpointType = "aumos.governance.audit.checkpoint.v1"
	// checkpointSource is the events' source. The log is the subject.
	checkpointSource = "/aumos/governance/audit"
)

// Kafka sends signed heads to a topic as CloudEvents 1.0 in Kafka's binary mode: the value is the C2SP signed note as it is, the key is the log's
// origin, so that the heads of one log stay in order. Replicas may send the same head: its id is the same then. A consumer trusts the note's
// signature alone.
type Kafka struct{ client *kgo.Client }

// NewKafka returns a sink on brokers that need not be there yet.
func NewKafka(cfg kafka.Config, id string, log *slog.Logger) (*Kafka, error) {
	client, err := kafka.NewClient(cfg, id, log,
		kgo.DefaultProduceTopic(CheckpointTopic),
		// A head given up may have been written, and is then written again: it comes in time rather than once.
		kgo.AllowIdempotentProduceCancellation(),
		kgo.UnknownTopicRetries(1), // who calls tries again
	)
	if err != nil {
		return nil, fmt.Errorf("publish checkpoints: %w", err)
	}
	return &Kafka{client: client}, nil
}

// Close ends the connections.
func (k *Kafka) Close() { k.client.Close() }

// Name implements Sink.
func (k *Kafka) Name() string { return "kafka" }

// Publish implements Sink. It returns when all brokers in sync have the head.
func (k *Kafka) Publish(ctx context.Context, _ tenant.ID, head auditlog.SignedHead) error {
	id := sha256.Sum256([]byte(head.Note))
	record := &kgo.Record{ // its time is the present: a head that comes late must not be too old for the topic's retention
		Key: []byte(head.Origin), Value: []byte(head.Note),
		Headers: []kgo.RecordHeader{
			{Key: "ce_specversion", Value: []byte("1.0")},
			{Key: "ce_id", Value: []byte(hex.EncodeToString(id[:]))},
			{Key: "ce_source", Value: []byte(checkpointSource)},
			{Key: "ce_type", Value: []byte(checkpointType)},
			{Key: "ce_subject", Value: []byte(head.Origin)},
			{Key: "ce_time", Value: []byte(head.SignedTime.UTC().Format(time.RFC3339Nano))},
			{Key: "content-type", Value: []byte("text/plain; charset=utf-8")},
		},
	}
	err := k.client.ProduceSync(ctx, record).FirstErr()
	if errors.Is(err, kerr.UnknownTopicID) {
		// The topic was made anew. The client, which cannot know whether that was meant, sends nothing more to it until it is told to forget the old one.
		k.client.PurgeTopicsFromProducing(CheckpointTopic)
	}
	if err != nil {
		return fmt.Errorf("produce to %s: %w", CheckpointTopic, err)
	}
	return nil
}
