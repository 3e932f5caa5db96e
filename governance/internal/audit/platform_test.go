package audit_test

import (
	"testing"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

// platformEntries returns the platform's log of which the wall signs a head first.
func platformEntries(t testing.TB, wall *audit.Wall, db postgrestest.AuditDB) []auditlog.Entry {
	t.Helper()
	mustCheckpoint(t, wall, auditlog.PlatformTenant) // what the signing itself adds comes first
	var entries []auditlog.Entry
	for _, row := range checkLog(t, wall, db.Admin(), auditlog.PlatformTenant) {
		e, err := auditlog.Unmarshal(row.leaf)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, e)
	}
	return entries
}

func TestRecordPlatform(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := startWall(t, db, wallConfig(t))
	if err := wall.RecordPlatform(t.Context(), "audit.wall_started", "audit.start", map[string]any{"digest": "abc"}); err != nil {
		t.Fatal(err)
	}
	entries := platformEntries(t, wall, db)
	e := entries[0]
	if e.EventType != "audit.wall_started" || e.Action != "audit.start" || e.Details["digest"] != "abc" || e.Outcome != auditlog.Success ||
		e.Actor.Kind != auditlog.ActorSystem || e.SourceService != "governance" {
		t.Errorf("the entry is %+v", e)
	}
}
