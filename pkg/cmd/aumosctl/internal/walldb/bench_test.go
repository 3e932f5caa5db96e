package walldb_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/walldb"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const prefix = "audit.example.com/log"

// fill writes a log of n entries and its checkpoint around the wall, as a superuser, and returns the log's key.
func fill(b *testing.B, db postgrestest.AuditDB, id tenant.ID, n int64) auditlog.Keyring {
	b.Helper()
	var tree auditlog.Range
	recorded := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	admin := db.Admin()
	columns := []string{
		"tenant_id", "leaf_index", "entry_id", "content_sha256", "hashes", "recorded_at", "effective_at", "state_change", "event_type", "action",
		"outcome", "actor_id", "resource_type", "resource_id", "source_service", "correlation_id", "request_id", "entry",
	}
	copied, err := admin.CopyFrom(b.Context(), pgx.Identifier{"public", "gov_audit_trail_entries"}, columns, pgx.CopyFromFunc(func() ([]any, error) {
		index := tree.Size()
		if index == n {
			return nil, nil
		}
		e := auditlog.Entry{
			EntryID: uuid.NewSHA1(uuid.Nil, fmt.Append(nil, index)), TenantID: id, LeafIndex: index, RecordedTime: recorded.Add(time.Duration(index) * time.Millisecond),
			EventType: "decision.evaluated", Action: "decision.evaluate", Outcome: auditlog.Success,
			Actor:    auditlog.Actor{Kind: auditlog.ActorService, ID: "svc-drift-detector"},
			Resource: auditlog.Resource{Type: "decision", ID: fmt.Sprintf("decision-%d", index)}, SourceService: "governance", RequestID: "request-1",
			Details: map[string]any{"decision_point": "drift.retrain", "engine": "opa 1.22.2", "latency_us": 812.0, "input": string(bytes.Repeat([]byte("x"), 256))},
		}
		leaf, err := e.Marshal()
		if err != nil {
			return nil, err
		}
		content, err := e.ContentDigest()
		if err != nil {
			return nil, err
		}
		var hashes []byte
		for _, h := range tree.Append(nil, auditlog.LeafHash(leaf)) {
			hashes = append(hashes, h[:]...)
		}
		return []any{
			[16]byte(id), index, [16]byte(e.EntryID), content[:], hashes, e.RecordedTime, e.Effective(), e.ChangesState(), e.EventType, e.Action,
			e.Outcome.String(), e.Actor.ID, e.Resource.Type, e.Resource.ID, e.SourceService, e.CorrelationID, e.RequestID, leaf,
		}, nil
	}))
	if err != nil || copied != n {
		b.Fatalf("%d rows, %v", copied, err)
	}
	keys, err := auditlog.ParseSigningKeys(base64.StdEncoding.EncodeToString(make([]byte, ed25519.SeedSize)))
	if err != nil {
		b.Fatal(err)
	}
	c := auditlog.Checkpoint{Origin: auditlog.Origin(prefix, id), Size: n, Root: tree.Root()}
	signed, keyIDs, err := c.Sign(keys...)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := admin.Exec(b.Context(), `
		INSERT INTO gov_audit_checkpoints (tenant_id, tree_size, root_hash, note, key_ids, created_at)
		VALUES ($1, $2, $3, $4, $5, now())`, [16]byte(id), c.Size, c.Root[:], signed, keyIDs); err != nil {
		b.Fatal(err)
	}
	vkey, err := keys[0].VKey(c.Origin)
	if err != nil {
		b.Fatal(err)
	}
	ring, err := auditlog.ParseKeys(vkey)
	if err != nil {
		b.Fatal(err)
	}
	return ring
}

// liveHeap returns the bytes that the last garbage collection found in use.
func liveHeap() int64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}

// BenchmarkVerifyDatabase verifies a log of 300,000 entries in the database, and fails when memory grows with it: beyond the rows of one fetch and the
// ids that are compared, of which Options.MaxIDs are kept.
func BenchmarkVerifyDatabase(b *testing.B) {
	const entries, bound = 300_000, 16 << 20
	db := postgrestest.Audit(b)
	id := tenant.ID(uuid.New())
	opts := auditlog.Options{Keys: fill(b, db, id, entries), MaxIDs: 1000}
	runtime.GC()
	before, peak := liveHeap(), int64(0)
	opts.Progress = func(int64) { peak = max(peak, liveHeap()) }
	for b.Loop() {
		snapshot, err := walldb.Open(context.Background(), db.ReaderURL)
		if err != nil {
			b.Fatal(err)
		}
		r, err := snapshot.Verify(context.Background(), walldb.Log{TenantID: id}, opts)
		if err != nil || r.Verdict != auditlog.Verified || r.Entries != entries {
			b.Fatalf("%+v, %v", r, err)
		}
		if err := snapshot.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(entries)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
	b.ReportMetric(float64(peak-before)/(1<<20), "MB-heap")
	if peak == 0 || peak-before > bound {
		b.Errorf("the heap grew by %d kB", (peak-before)>>10)
	}
}
