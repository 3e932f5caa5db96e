//go:build !race

package audit

import (
	"encoding/binary"
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// TestLeavesAreMadeOnce places a batch, remembers it and finds what has to be counted: what is allocated for that does not grow with the leaves. Who counts them
// reads each where it lies.
func TestLeavesAreMadeOnce(t *testing.T) { //nolint:paralleltest // it counts what the process allocates
	const leaves = 500
	id := tenant.ID(uuid.New())
	batch := make([]*pending, leaves)
	for i := range batch {
		batch[i] = pendingOf(t, id)
	}
	eventType := batch[0].drafts[0].Entry.EventType
	now := positionTime(time.Now())
	tails := newTails(tailBytes)
	known := headCache{id: {}}
	var rows *rowBatch
	var p Piece
	writing := testing.AllocsPerRun(10, func() {
		rows = newRows(batch)
		rows.place(known, now)
		tails.forget()
		tails.add(rows.stretches)
		var ok bool
		if p, ok = tails.follow(id, Filter{EventType: eventType}, leaves, leaves); !ok || p.Count != leaves || p.End != leaves {
			t.Fatalf("got %d of %d entries, %v", p.Count, p.End, ok)
		}
	})
	if writing > leaves/10 {
		t.Errorf("%v allocations to write %d leaves", writing, leaves)
	}
	reading := testing.AllocsPerRun(10, func() {
		next := int64(0)
		for e, err := range p.Entries() {
			if err != nil || e.LeafIndex != next || e.EventType != eventType || e.LeafHash != [32]byte(rows.rows[next].hashes) {
				t.Fatalf("entry %d: %+v, %v", next, e, err)
			}
			next++
		}
	})
	one := testing.AllocsPerRun(10, func() {
		if _, err := auditlog.LeanOf(rows.rows[0].leaf); err != nil {
			t.Fatal(err)
		}
	})
	if reading > leaves*one+leaves/10 {
		t.Errorf("%v allocations to read %d leaves, each of %v", reading, leaves, one)
	}
}

// TestRecentPositionsTakeNoMemory once there are as many as there may be.
func TestRecentPositionsTakeNoMemory(t *testing.T) { //nolint:paralleltest // it counts what the process allocates
	r := newRecentPositions()
	next := uint64(0)
	fill := func() {
		for range 2 * maxRecent {
			next++
			key := entryKey{}
			binary.BigEndian.PutUint64(key.entry[:], next)
			r.add(key, answered{})
		}
	}
	fill()
	least := uint64(math.MaxUint64)
	for range 5 { // something else may allocate beside one
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		fill()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	if least > 2*maxRecent {
		t.Errorf("%d bytes for %d entries", least, 2*maxRecent)
	}
}
