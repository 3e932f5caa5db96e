package audit_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// TestRandomWorkload appends, repeats and restarts at random, and verifies every log completely after each step.
func TestRandomWorkload(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	admin := db.Admin()
	cfg := wallConfig(t)
	tenants := []tenant.ID{newTenant(t), newTenant(t), newTenant(t)}
	wall, stop := startWall(t, db, cfg)
	appended := map[tenant.ID][]auditlog.Entry{}
	positions := map[tenant.ID][]audit.Position{}
	rapid.Check(t, func(rt *rapid.T) {
		id := rapid.SampledFrom(tenants).Draw(rt, "tenant")
		switch rapid.IntRange(0, 6).Draw(rt, "step") {
		case 0: // a restart
			stop()
			wall, stop = startWall(t, db, cfg)
		case 1: // a repetition
			if n := len(appended[id]); n > 0 {
				i := rapid.IntRange(0, n-1).Draw(rt, "again")
				if got := mustAppend(t, wall, appended[id][i]); got != positions[id][i] {
					rt.Fatalf("repeated append: %+v, first %+v", got, positions[id][i])
				}
			}
		case 2: // a batch
			batch := newEntries(t, id, rapid.IntRange(1, 9).Draw(rt, "batch"))
			placed := mustAppendBatch(t, wall, batch)
			if placed[0].LeafIndex != int64(len(appended[id])) {
				rt.Fatalf("batch appended at %+v, want index %d", placed[0], len(appended[id]))
			}
			appended[id], positions[id] = append(appended[id], batch...), append(positions[id], placed...)
		default:
			for range rapid.IntRange(1, 9).Draw(rt, "entries") {
				e := newEntry(t, id)
				e.Details["text"] = rapid.StringN(0, 200, -1).Draw(rt, "text")
				p := mustAppend(t, wall, e)
				if p.LeafIndex != int64(len(appended[id])) || p.EntryID != e.EntryID {
					rt.Fatalf("appended at %+v, want index %d", p, len(appended[id]))
				}
				appended[id], positions[id] = append(appended[id], e), append(positions[id], p)
			}
		}
		rows := checkLog(t, wall, admin, id)
		if len(rows) != len(appended[id]) {
			rt.Fatalf("%d rows, appended %d", len(rows), len(appended[id]))
		}
		for i, p := range positions[id] {
			if auditlog.LeafHash(rows[i].leaf) != p.LeafHash {
				rt.Fatalf("entry %d has another leaf hash than was answered", i)
			}
		}
	})
	stop()
	wall, _ = startWall(t, db, cfg)
	for _, id := range tenants {
		head, err := wall.Checkpoint(as(t, id))
		if err != nil {
			t.Fatal(err)
		}
		r := verify(t, export(t, wall, id, head.Note), auditlog.Options{Keys: keyring(t, wall, id)})
		if r.Verdict != auditlog.Verified || r.Entries != int64(len(appended[id])) {
			t.Errorf("export: %+v", r)
		}
	}
}
