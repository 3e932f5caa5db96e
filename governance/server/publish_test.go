package server_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const checkpointTopic = "governance.audit.checkpoint"

// TestCheckpointsLeave: the heads that the service signs are in the checkpoint log and in Kafka when it has stopped; Kafka's absence at the start
// keeps it neither from serving nor from stopping, and costs no head.
func TestCheckpointsLeave(t *testing.T) {
	t.Parallel()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, checkpointTopic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	s := newStack(t)
	id := tenant.ID(uuid.New())
	file := filepath.Join(s.cfg.Audit.HeadsDir, "checkpoints.log")

	// Nobody listens on this port: it is asked for and refused at once.
	s.cfg.Kafka.Brokers = []string{"127.0.0.1:1"}
	running := s.run(t)
	record(t, s, running, id)
	running.stop()
	first := fileHeads(t, file, id)
	if len(first) != 1 || first[0].Size != 1 {
		t.Fatalf("the checkpoint log holds %+v", first)
	}

	s.cfg.Kafka.Brokers = cluster.ListenAddrs()
	running = s.run(t)
	sent := topicHeads(t, cluster.ListenAddrs(), id, 1)
	if sent[0] != first[0] {
		t.Errorf("Kafka got %+v", sent)
	}
	record(t, s, running, id)
	running.stop()
	sent = topicHeads(t, cluster.ListenAddrs(), id, 2)
	written := fileHeads(t, file, id)
	if last := written[len(written)-1]; last.Size != 2 || sent[len(sent)-1] != last {
		t.Errorf("Kafka got %+v, the checkpoint log %+v", sent, written)
	}
}

// fileHeads returns the heads of a log in a checkpoint log.
func fileHeads(t *testing.T, path string, id tenant.ID) (heads []auditlog.Checkpoint) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var l struct{ Note string }
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		heads = appendHead(t, heads, l.Note, id)
	}
	return heads
}

// topicHeads waits for the head of a log at a size and returns the log's heads up to it.
func topicHeads(t *testing.T, brokers []string, id tenant.ID, size int64) (heads []auditlog.Checkpoint) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(checkpointTopic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for len(heads) == 0 || heads[len(heads)-1].Size < size {
		fetches := client.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			t.Fatalf("wait for the head of %d entries: %v", size, err)
		}
		for _, r := range fetches.Records() {
			heads = appendHead(t, heads, string(r.Value), id)
		}
	}
	return heads
}

// appendHead adds what a note says if it is of the tenant's log.
func appendHead(t *testing.T, heads []auditlog.Checkpoint, note string, id tenant.ID) []auditlog.Checkpoint {
	t.Helper()
	head, err := auditlog.Read(note)
	if err != nil {
		t.Error(err)
	}
	if !strings.HasSuffix(head.Origin, id.String()) {
		return heads
	}
	return append(heads, head)
}
