package audit_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/governance/internal/durabletest"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// durableServer starts a server that waits for the disk, with an audit database.
func durableServer(b *testing.B) (dbs audit.Databases, admin *pgx.Conn) {
	b.Helper()
	d := durabletest.Start(b)
	return audit.Databases{Writer: d.Writer, Reader: d.Reader}, d.AuditAdmin
}

// benchEntry makes an entry whose leaf has about 600 bytes.
func benchEntry(id tenant.ID, n int64) auditlog.Entry {
	entryID, _ := uuid.NewV7()
	sum := sha256.Sum256(fmt.Append(nil, n))
	return auditlog.Entry{
		EntryID: entryID, TenantID: id, EventType: "decision.evaluated", Action: "decision.evaluate", Outcome: auditlog.Success,
		Actor:         auditlog.Actor{Kind: auditlog.ActorService, ID: "svc-drift-detector"},
		Resource:      auditlog.Resource{Type: "decision", ID: entryID.String()},
		SourceService: "governance", RequestID: entryID.String(), CorrelationID: entryID.String(),
		Details: map[string]any{
			"policy_digest": hex.EncodeToString(sum[:]), "input_digest": hex.EncodeToString(sum[:]),
			"decision_point": "drift.retrain", "engine": "opa 1.22.2", "latency_us": 812.0,
		},
		Digests: []auditlog.Digest{{Name: "input", SHA256: sum}},
	}
}

func benchTenants(n int) []tenant.ID {
	ids := make([]tenant.ID, n)
	for i := range ids {
		id, _ := uuid.NewV7()
		ids[i] = tenant.ID(id)
	}
	return ids
}

// BenchmarkAppend measures durable appends: callers that each wait for their answer.
func BenchmarkAppend(b *testing.B) {
	for _, bc := range []struct{ callers, tenants int }{{1, 1}, {32, 1}, {256, 1}, {256, 200}} {
		b.Run(fmt.Sprintf("callers=%d/tenants=%d", bc.callers, bc.tenants), func(b *testing.B) {
			dbs, _ := durableServer(b)
			wall, _ := audittest.Start(b, dbs, wallConfig(b))
			ids := benchTenants(bc.tenants)
			var next atomic.Int64
			latencies := make([][]time.Duration, bc.callers)
			var wg sync.WaitGroup
			b.ResetTimer()
			for c := range bc.callers {
				wg.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						start := time.Now()
						if _, err := wall.Append(context.Background(), benchEntry(ids[n%int64(len(ids))], n)); err != nil {
							b.Error(err)
							return
						}
						latencies[c] = append(latencies[c], time.Since(start))
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			all := slices.Concat(latencies...)
			slices.Sort(all)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
			b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkPlainInsert is the limit that the wall is measured against: batches of the same rows by the same statement in the same table, one
// after the other, made beforehand and without a tree, a queue or an answer for each row.
func BenchmarkPlainInsert(b *testing.B) {
	const batch = 128
	for _, tenants := range []int{1, 200} {
		b.Run(fmt.Sprintf("rows=%d/tenants=%d", batch, tenants), func(b *testing.B) {
			dbs, _ := durableServer(b)
			inserts := audit.PlainInserts(b, b.N, batch, benchTenants(tenants), benchEntry)
			b.ResetTimer()
			for _, insert := range inserts {
				if err := insert(b.Context(), dbs.Writer); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}
