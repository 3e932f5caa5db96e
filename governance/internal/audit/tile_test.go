package audit_test

import (
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Tiles hold what a checkpoint covers, and nothing of another tenant's.
func TestTiles(t *testing.T) {
	t.Parallel()
	wall, _ := startWall(t, postgrestest.Audit(t), wallConfig(t))
	id, other := newTenant(t), newTenant(t)
	appendMany(t, wall, id, 3)
	if _, err := wall.TileHashes(as(t, id), audit.Tile{Width: 1}); errs.ReasonOf(err) != errs.ReasonNotFound {
		t.Errorf("before the first checkpoint: %v", err)
	}
	for _, id := range []tenant.ID{id, other} {
		if _, err := wall.Checkpoint(as(t, id)); err != nil {
			t.Fatal(err)
		}
	}
	appendMany(t, wall, id, 1)
	leaves, err := wall.TileLeaves(as(t, id), audit.Tile{Width: 3})
	if err != nil || len(leaves) != 3 {
		t.Fatalf("%d leaves, %v", len(leaves), err)
	}
	hashes, err := wall.TileHashes(as(t, id), audit.Tile{Width: 3})
	if err != nil || len(hashes) != 3 {
		t.Fatalf("%d hashes, %v", len(hashes), err)
	}
	for i, leaf := range leaves {
		if e, err := auditlog.Unmarshal(leaf); err != nil || e.LeafIndex != int64(i) || e.TenantID != id || tlog.RecordHash(leaf) != hashes[i] {
			t.Errorf("entry %d is %+v, %v", i, e, err)
		}
	}
	for _, c := range []struct {
		name string
		id   tenant.ID
		tile audit.Tile
	}{
		{"not covered", id, audit.Tile{Width: 4}},
		{"not written", id, audit.Tile{Width: 5}},
		{"another tenant, whose log is empty", other, audit.Tile{Width: 1}},
		{"no width", id, audit.Tile{}},
		{"too wide", id, audit.Tile{Width: audit.TileWidth + 1}},
		{"a negative index", id, audit.Tile{Index: -1, Width: 1}},
		{"a negative level", id, audit.Tile{Level: -1, Width: 1}},
		{"the largest index", id, audit.Tile{Index: 1<<63 - 1, Width: audit.TileWidth}},
		{"an index beyond every log", id, audit.Tile{Index: 1 << 52, Width: 1}},
		{"the last index of any log", id, audit.Tile{Index: 1<<52 - 1, Width: audit.TileWidth}},
		{"a level beyond every log", id, audit.Tile{Level: 8, Width: 1}},
		{"the largest level", id, audit.Tile{Level: 63, Width: audit.TileWidth}},
	} {
		if _, err := wall.TileHashes(as(t, c.id), c.tile); errs.ReasonOf(err) != errs.ReasonNotFound {
			t.Errorf("%s: hashes: %v", c.name, err)
		}
		if _, err := wall.TileLeaves(as(t, c.id), c.tile); errs.ReasonOf(err) != errs.ReasonNotFound {
			t.Errorf("%s: leaves: %v", c.name, err)
		}
	}
	if _, err := wall.TileHashes(t.Context(), audit.Tile{Width: 1}); err == nil {
		t.Error("tiles are read without a tenant")
	}
}

// What was cut or altered is not served, and is told from what was never there.
func TestTilesOfADamagedLog(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sql            string
		hashes, leaves bool // whether the tile is still served
	}{
		"row deleted":      {`DELETE FROM gov_audit_trail_entries WHERE tenant_id = :tenant AND leaf_index = 1`, false, false},
		"last row deleted": {`DELETE FROM gov_audit_trail_entries WHERE tenant_id = :tenant AND leaf_index = 2`, false, false},
		"all rows deleted": {`DELETE FROM gov_audit_trail_entries WHERE tenant_id = :tenant`, false, false},
		"hash cut":         {`UPDATE gov_audit_trail_entries SET hashes = substring(hashes FROM 1 FOR 31) WHERE tenant_id = :tenant AND leaf_index = 0`, false, false},
		"entry altered":    {`UPDATE gov_audit_trail_entries SET entry = set_byte(entry, 5, 1) WHERE tenant_id = :tenant AND leaf_index = 1`, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.Audit(t)
			wall, _ := startWall(t, db, wallConfig(t))
			id := newTenant(t)
			appendMany(t, wall, id, 3)
			if _, err := wall.Checkpoint(as(t, id)); err != nil {
				t.Fatal(err)
			}
			_, err := db.Admin().Exec(t.Context(), strings.ReplaceAll(`
				ALTER EVENT TRIGGER aumos_audit_deny_ddl DISABLE;
				ALTER TABLE gov_audit_trail_entries DISABLE TRIGGER ALL;
				ALTER TABLE gov_audit_trail_entries_p0 DISABLE TRIGGER ALL;
				ALTER TABLE gov_audit_trail_entries_p1 DISABLE TRIGGER ALL;
				ALTER TABLE gov_audit_trail_entries_p2 DISABLE TRIGGER ALL;
				ALTER TABLE gov_audit_trail_entries_p3 DISABLE TRIGGER ALL;
				DO $$
				DECLARE
					rule name;
				BEGIN
					FOR rule IN SELECT conname FROM pg_constraint WHERE conrelid = 'gov_audit_trail_entries'::regclass AND contype = 'c' LOOP
						EXECUTE format('ALTER TABLE gov_audit_trail_entries DROP CONSTRAINT %I', rule);
					END LOOP;
				END
				$$;
				`+c.sql, ":tenant", "'"+id.String()+"'"))
			if err != nil {
				t.Fatal(err)
			}
			tile := audit.Tile{Width: 3}
			_, hashes := wall.TileHashes(as(t, id), tile)
			_, leaves := wall.TileLeaves(as(t, id), tile)
			for what, got := range map[string]struct {
				err    error
				served bool
			}{"hashes": {hashes, c.hashes}, "leaves": {leaves, c.leaves}} {
				if got.served && got.err != nil || !got.served && errs.ReasonOf(got.err) != errs.ReasonLogInconsistent {
					t.Errorf("%s: %v", what, got.err)
				}
			}
		})
	}
}
