package publish_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/governance/internal/publish"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/kafka"
	"github.com/aumos-enterprise/platform/pkg/porttest"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

var _ publish.Sink = (*publish.Kafka)(nil)

// patience bounds every wait: it is only used up when something is wrong.
const patience = 60 * time.Second

// startCluster starts a broker that speaks Kafka's protocol, on a port or on any.
func startCluster(t *testing.T, options ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	cluster, err := kfake.NewCluster(append(options, kfake.NumBrokers(1), kfake.SeedTopics(3, publish.CheckpointTopic))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

func newKafka(t *testing.T, brokers ...string) *publish.Kafka {
	t.Helper()
	k, err := publish.NewKafka(kafka.Config{Brokers: brokers}, "governance", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

// consume hands over the topic's messages from its beginning until until says that it has seen enough.
func consume(t *testing.T, brokers []string, until func(*kgo.Record) bool) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(publish.CheckpointTopic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		fetches := client.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			t.Fatalf("waited for a message that did not come: %v", err)
		}
		if slices.ContainsFunc(fetches.Records(), until) {
			return
		}
	}
}

func TestKafka(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t)
	sink := newKafka(t, cluster.ListenAddrs()...)
	id := tenant.ID(uuid.New())
	mustPublish(t, sink, id, 1)
	mustPublish(t, sink, id, 2)
	var got []*kgo.Record
	consume(t, cluster.ListenAddrs(), func(r *kgo.Record) bool {
		got = append(got, r)
		return len(got) == 2
	})
	if got[0].Partition != got[1].Partition {
		t.Error("the heads of one log are not in order: they are in two partitions")
	}
	head := headOf(t, id, 2)
	if string(got[1].Key) != head.Origin || string(got[1].Value) != head.Note || time.Since(got[1].Timestamp) > patience {
		t.Errorf("got %s at %v: %s", got[1].Key, got[1].Timestamp, got[1].Value)
	}
	if c, err := auditlog.Read(string(got[1].Value)); err != nil || c != head.Checkpoint {
		t.Errorf("the note says %+v, %v", c, err)
	}
	headers := map[string]string{}
	for _, h := range got[1].Headers {
		headers[h.Key] = string(h.Value)
	}
	sum := sha256.Sum256([]byte(head.Note))
	want := map[string]string{
		"ce_specversion": "1.0",
		"ce_id":          hex.EncodeToString(sum[:]),
		"ce_source":      "/aumos/governance/audit",
		"ce_type":        "aumos.governance.audit.checkpoint.v1",
		"ce_subject":     head.Origin,
		"ce_time":        "2026-01-02T03:04:05.000006Z",
		"content-type":   "text/plain; charset=utf-8",
	}
	if diff := cmp.Diff(want, headers); diff != "" {
		t.Error(diff)
	}
}

// TestKafkaBounded: a broker that is away, or has no such topic, costs no more than the caller's time.
func TestKafkaBounded(t *testing.T) {
	t.Parallel()
	// Connections are made, and nobody answers.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	id := tenant.ID(uuid.New())
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if err := newKafka(t, listener.Addr().String()).Publish(ctx, id, headOf(t, id, 1)); err == nil {
		t.Error("published to nobody")
	}
	if took := time.Since(begun); took > patience/4 {
		t.Errorf("took %v", took)
	}
}

// TestKafkaOutage runs a wall whose broker comes, goes and comes back on the same port: the newest head of the log arrives.
func TestKafkaOutage(t *testing.T) {
	t.Parallel()
	data, port := t.TempDir(), kfake.Ports(porttest.Free(t))
	cluster := startCluster(t, port, kfake.DataDir(data))
	brokers := cluster.ListenAddrs()
	wall, id := startWall(t, newKafka(t, brokers...)), tenant.ID(uuid.New())
	grow(t, wall, id)
	consume(t, brokers, sized(t, id, 1))
	cluster.Close()
	for range 4 {
		grow(t, wall, id)
	}
	startCluster(t, port, kfake.DataDir(data))
	consume(t, brokers, sized(t, id, 5))
}

// TestKafkaTopicMadeAnew: heads go to a topic of the same name that took the first one's place, or to a new cluster in the old one's place.
func TestKafkaTopicMadeAnew(t *testing.T) {
	t.Parallel()
	port := kfake.Ports(porttest.Free(t))
	cluster := startCluster(t, port)
	brokers := cluster.ListenAddrs()
	sink, id := newKafka(t, brokers...), tenant.ID(uuid.New())
	mustPublish(t, sink, id, 1)
	cluster.Close()
	startCluster(t, port) // with another topic id
	if err := sink.Publish(t.Context(), id, headOf(t, id, 2)); err == nil {
		t.Error("the client took the other topic for the first one: this test shows nothing")
	}
	mustPublish(t, sink, id, 3)
	consume(t, brokers, sized(t, id, 3))
}

// sized waits for a head of a log.
func sized(t *testing.T, id tenant.ID, size int64) func(*kgo.Record) bool {
	t.Helper()
	return func(r *kgo.Record) bool {
		c, err := auditlog.Read(string(r.Value))
		if err != nil {
			t.Error(err)
		}
		return c.Origin == auditlog.Origin(audittest.OriginPrefix, id) && c.Size == size
	}
}

// startWall runs a wall that signs on demand, until the test ends.
func startWall(t *testing.T, sink publish.Sink) *audit.Wall {
	t.Helper()
	wall, _ := audittest.Start(t, audittest.Databases(postgrestest.Audit(t)), audittest.Config(t), sink)
	return wall
}

// grow appends an entry and has the head signed.
func grow(t *testing.T, wall *audit.Wall, id tenant.ID) {
	t.Helper()
	audittest.Append(t, wall, audittest.NewEntry(t, id))
	if _, err := wall.Checkpoint(tenant.NewContext(t.Context(), id)); err != nil {
		t.Fatal(err)
	}
}
