package audit_test

import (
	"testing"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

func TestScan(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := audittest.Start(t, audittest.Databases(db), audittest.Config(t))
	id, other := newTenant(t), newTenant(t)
	var hashes [][32]byte
	for range 5 {
		hashes = append(hashes, audittest.Append(t, wall, newEntry(t, id)).LeafHash)
		audittest.Append(t, wall, newEntry(t, other))
	}
	read := newEntry(t, id)
	read.EventType, read.Action = "audit.read", "audit.read"
	audittest.Append(t, wall, read)
	ctx := tenant.NewContext(t.Context(), id)
	for _, tt := range []struct {
		name   string
		filter audit.Filter
		after  int64
		limit  int
		want   []int64
		more   bool
	}{
		{"all", audit.Filter{}, -1, 6, []int64{0, 1, 2, 3, 4, 5}, false},
		{"a page", audit.Filter{}, 1, 2, []int64{2, 3}, true},
		{"newest first", audit.Filter{NewestFirst: true, EventType: "policy.version_activated"}, -1, 3, []int64{4, 3, 2}, true},
		{"before", audit.Filter{NewestFirst: true}, 1, 3, []int64{0}, false},
		{"none", audit.Filter{MinIndex: 6}, -1, 3, nil, false},
	} {
		s, err := wall.Scan(ctx, tt.filter, tt.after, tt.limit)
		if err != nil || s.Size != 6 || s.More != tt.more || len(s.Entries) != len(tt.want) {
			t.Errorf("%s: got %d entries, more %t, of %d, %v", tt.name, len(s.Entries), s.More, s.Size, err)
			continue
		}
		for i, e := range s.Entries {
			if e.LeafIndex != tt.want[i] || e.TenantID != id || e.LeafIndex < 5 && e.LeafHash != hashes[e.LeafIndex] || e.LeafSize == 0 {
				t.Errorf("%s: entry %d is %+v", tt.name, i, e)
			}
		}
	}
	if n, err := wall.Size(ctx); n != 6 || err != nil {
		t.Errorf("got size %d, %v", n, err)
	}
}

// TestScanRefusesAlteredEntries finds a changed leaf, and a row in another's place.
func TestScanRefusesAlteredEntries(t *testing.T) {
	t.Parallel()
	for name, update := range map[string]string{
		"leaf":  `SET entry = set_byte(entry, octet_length(entry) - 1, get_byte(entry, octet_length(entry) - 1) # 1)`,
		"hash":  `SET hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1)`,
		"place": `SET leaf_index = 7`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.Audit(t)
			wall, _ := audittest.Start(t, audittest.Databases(db), audittest.Config(t))
			id := newTenant(t)
			audittest.Append(t, wall, newEntry(t, id))
			alter(t, db, `UPDATE gov_audit_trail_entries `+update)
			s, err := wall.Scan(tenant.NewContext(t.Context(), id), audit.Filter{}, -1, 10)
			if errs.ReasonOf(err) != errs.ReasonLogInconsistent {
				t.Errorf("got %d entries, %v; want LOG_INCONSISTENT", len(s.Entries), err)
			}
		})
	}
}

// alter changes entries around every guard.
func alter(t *testing.T, db postgrestest.AuditDB, sql string) {
	t.Helper()
	for _, partition := range []string{"", "_p0", "_p1", "_p2", "_p3"} {
		audittest.Lift(t, db, `ALTER TABLE gov_audit_trail_entries`+partition+` DISABLE TRIGGER ALL`)
	}
	audittest.Lift(t, db, sql)
}

func TestGrowth(t *testing.T) {
	t.Parallel()
	wall, _ := audittest.Start(t, audittest.Databases(postgrestest.Audit(t)), audittest.Config(t))
	one, two := wall.Growth(), wall.Growth()
	id, other := newTenant(t), newTenant(t)
	var entries []auditlog.Entry
	for range 3 {
		entries = append(entries, newEntry(t, id))
	}
	if _, err := wall.AppendBatch(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
	audittest.Append(t, wall, newEntry(t, id))
	for _, g := range []*audit.Growth{one, two} {
		seen := map[tenant.ID]bool{}
		eventually(t, "the log has grown", func() bool {
			select {
			case <-g.Wake():
			default:
			}
			for _, grown := range g.Take() {
				seen[grown] = true
			}
			return seen[id]
		})
		if seen[other] {
			t.Error("a log is named that did not grow")
		}
	}
	one.Add(other)
	<-one.Wake()
	if grown := one.Take(); len(grown) == 0 {
		t.Error("what was added is not named")
	}
}
