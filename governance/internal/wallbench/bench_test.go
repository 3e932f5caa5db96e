package wallbench_test

import (
	"context"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/aumos-enterprise/platform/governance/internal/durabletest"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	rounds    = 2 // the wall and the limit take turns, so that both meet the same disk
	runFor    = 2500 * time.Millisecond
	warmUp    = 500 * time.Millisecond
	limitRows = 100_000 // most rows of one run of the limit
)

// BenchmarkWall measures everything once, whatever b.N, and writes docs/bench-wall.md when UPDATE_BENCH_WALL is set. `make bench-wall` runs it.
func BenchmarkWall(b *testing.B) {
	db := durabletest.Start(b)
	w := startWall(b, db)
	d := document{machine: describe(b, db.AuditAdmin)}
	for _, c := range []struct{ callers, tenants int }{{1, 1}, {32, 1}, {256, 1}, {256, 200}} {
		d.add(besideLimit(b, w, c.callers, c.tenants))
	}
	id := newTenants(1)[0]
	clients := serve(b, w, id, 8)
	record(b, w, clients, id, 256, warmUp)
	d.add(row{name: "RecordEntry through gRPC", callers: 256, tenants: 1, wall: record(b, w, clients, id, 256, 2*runFor)})
	d.add(row{name: "RecordEntry through gRPC", callers: 1, tenants: 1, wall: record(b, w, clients, id, 1, runFor)})
	d.add(row{name: "BatchRecordEntries of 100", callers: 16, tenants: 1, wall: recordBatches(b, w, clients, id, 16, 100, 2*runFor)})
	d.curve = curve(b)
	text := d.render()
	_, _ = os.Stdout.WriteString(text)
	if os.Getenv("UPDATE_BENCH_WALL") != "" {
		if err := os.WriteFile(documentPath, []byte(documentHead+text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(0, "ns/op")
}

// besideLimit runs callers that append one entry each at a time, and then inserts the same rows plainly, in batches of the size that the wall's had.
func besideLimit(b *testing.B, w wall, n, tenants int) row {
	b.Helper()
	r := row{name: "Append", callers: n, tenants: tenants}
	for round := range rounds {
		ids := newTenants(tenants)
		do := func(ctx context.Context, _ int, number int64) error {
			_, err := w.Append(ctx, newEntry(ids[number%int64(len(ids))], number))
			return err
		}
		callers(b, n, 1, warmUp, 0, do)
		wall := w.watch(b, func() measured { return callers(b, n, 1, runFor, 0, do) })
		limit := plain(b, w.db, readTable(b, w.db, ids, min(int(wall.entries), limitRows)), max(1, int(wall.perBatch+0.5)))
		if round == 0 {
			r.wall, r.limit = wall, limit
			continue
		}
		r.wall, r.limit = r.wall.add(wall), r.limit.add(limit)
	}
	return r
}

// point is what an append costs in a log of a size.
type point struct {
	size  int64
	many  measured // 256 callers
	alone measured
}

// curve fills one tenant's log and measures at each power of ten, up to BENCH_WALL_MAX entries (10⁶).
func curve(b *testing.B) []point {
	b.Helper()
	most := int64(1_000_000)
	if text := os.Getenv("BENCH_WALL_MAX"); text != "" {
		var err error
		if most, err = strconv.ParseInt(text, 10, 64); err != nil {
			b.Fatal(err)
		}
	}
	w := startWall(b, durabletest.Start(b))
	id := newTenants(1)[0]
	do := func(ctx context.Context, _ int, number int64) error {
		_, err := w.Append(ctx, newEntry(id, number))
		return err
	}
	var points []point
	var size int64
	for target := int64(10_000); target <= most; target *= 10 {
		size += fill(b, w, id, size, target-size)
		p := point{size: size}
		p.many = w.watch(b, func() measured { return callers(b, 256, 1, time.Minute, 40_000, do) })
		p.alone = w.watch(b, func() measured { return callers(b, 1, 1, time.Minute, 1_000, do) })
		points = append(points, p)
		size += p.many.entries + p.alone.entries
	}
	return points
}

// fill appends n entries in batches and returns how many it appended.
func fill(b *testing.B, w wall, id tenant.ID, size, n int64) int64 {
	b.Helper()
	const perCall = 200
	if n <= 0 {
		return 0
	}
	return callers(b, 16, perCall, time.Hour, (n+perCall-1)/perCall, func(ctx context.Context, _ int, number int64) error {
		entries := make([]auditlog.Entry, perCall)
		for i := range entries {
			entries[i] = newEntry(id, size+number*perCall+int64(i))
		}
		_, err := w.AppendBatch(ctx, entries)
		return err
	}).entries
}
