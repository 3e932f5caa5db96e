package audit_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// strangerKeys are keys that no test's wall has unless it says so.
const strangerKeys = "Y2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2M="

// TestLostHeadsDirectory: a replica without signed heads on file holds a log to the newest checkpoint in the database that its keys signed.
func TestLostHeadsDirectory(t *testing.T) {
	t.Parallel()
	const n = 20
	for name, tc := range map[string]struct {
		sql  string
		grow int  // entries that are appended then
		ok   bool // whether the log is signed
	}{
		"untouched":              {``, 0, true},
		"grown":                  {``, 5, true},
		"cut":                    {`DELETE FROM gov_audit_trail_entries WHERE leaf_index >= 15`, 0, false},
		"cut and grown":          {`DELETE FROM gov_audit_trail_entries WHERE leaf_index >= 15`, 9, false},
		"dropped":                {`DELETE FROM gov_audit_trail_entries`, 0, false},
		"a node changed":         {`UPDATE gov_audit_trail_entries SET hashes = set_byte(hashes, 128, get_byte(hashes, 128) # 1) WHERE leaf_index = 15`, 0, false},
		"cut with all its heads": {`DELETE FROM gov_audit_trail_entries WHERE leaf_index >= 15; DELETE FROM gov_audit_checkpoints`, 0, true}, // for witnesses to find
		"a false head on top":    {`INSERT INTO gov_audit_checkpoints SELECT tenant_id, 99, sha256('x'), note || 'x', key_ids, created_at FROM gov_audit_checkpoints WHERE tree_size = 20`, 0, true},
		"a false head and a cut": {`INSERT INTO gov_audit_checkpoints SELECT tenant_id, 99, sha256('x'), note || 'x', key_ids, created_at FROM gov_audit_checkpoints WHERE tree_size = 20; DELETE FROM gov_audit_trail_entries WHERE leaf_index >= 15`, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.Audit(t)
			wall, stop := startWall(t, db, wallConfig(t))
			id := newTenant(t)
			appendMany(t, wall, id, 8)
			mustCheckpoint(t, wall, id)
			appendMany(t, wall, id, n-8)
			before := mustCheckpoint(t, wall, id)
			stop()
			withoutGuards(t, db, tc.sql)
			cfg := wallConfig(t)
			wall, stop = startWall(t, db, cfg)
			appendMany(t, wall, id, tc.grow)
			head, err := wall.Checkpoint(as(t, id))
			switch lines := heads(t, cfg, id); {
			case !tc.ok && errs.ReasonOf(err) != errs.ReasonLogInconsistent:
				t.Errorf("Checkpoint: size %d, %v, want LOG_INCONSISTENT", head.Size, err)
			case !tc.ok && (len(lines) != 1 || !strings.Contains(lines[0], before.Root.String())):
				t.Errorf("on file: %q", lines)
			case tc.ok && err != nil:
				t.Errorf("Checkpoint: %v", err)
			case tc.ok && tc.grow > 0 && len(lines) != 2:
				t.Errorf("on file: %q", lines)
			}
			stop()
		})
	}
}

// TestOtherReplicasHeadsBind: a replica holds a log to what another one signed after it.
func TestOtherReplicasHeadsBind(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		sql  string
		grow int
		ok   bool
	}{
		"untouched":     {``, 0, true},
		"grown":         {``, 5, true},
		"cut":           {`DELETE FROM gov_audit_trail_entries WHERE leaf_index >= 15`, 0, false},
		"cut and grown": {`DELETE FROM gov_audit_trail_entries WHERE leaf_index >= 15`, 9, false},
		"a false head":  {`INSERT INTO gov_audit_checkpoints SELECT tenant_id, 99, root_hash, note, key_ids, created_at FROM gov_audit_checkpoints WHERE tree_size = 8`, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.Audit(t)
			cfg := wallConfig(t)
			wall, stop := startWall(t, db, cfg)
			id := newTenant(t)
			appendMany(t, wall, id, 8)
			mustCheckpoint(t, wall, id)
			stop()
			other, stopOther := startWall(t, db, wallConfig(t))
			appendMany(t, other, id, 12)
			mustCheckpoint(t, other, id)
			stopOther()
			withoutGuards(t, db, tc.sql)
			wall, stop = startWall(t, db, cfg)
			defer stop()
			appendMany(t, wall, id, tc.grow)
			switch head, err := wall.Checkpoint(as(t, id)); {
			case tc.ok && (err != nil || head.Size < 20):
				t.Errorf("Checkpoint: size %d, %v", head.Size, err)
			case !tc.ok && errs.ReasonOf(err) != errs.ReasonLogInconsistent:
				t.Errorf("Checkpoint: size %d, %v, want LOG_INCONSISTENT", head.Size, err)
			}
		})
	}
}

// TestDroppedLogIsNoticedWithoutFiles: a log of which nothing is left but its checkpoints raises the alarm without being asked for.
func TestDroppedLogIsNoticedWithoutFiles(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, stop := startWall(t, db, wallConfig(t))
	appendMany(t, wall, newTenant(t), 4)
	stop()
	withoutGuards(t, db, `DELETE FROM gov_audit_trail_entries WHERE event_type = 'policy.version_activated'`)
	cfg := wallConfig(t)
	cfg.CheckpointInterval = 5 * time.Millisecond
	wall, _ = startWall(t, db, cfg)
	eventually(t, "the alarm", func() bool { return metric(t, wall, "aumos_audit_log_inconsistencies_total") > 1 })
}

// TestForeignCheckpointsBindNobody: whoever can write into the database, but has no key, cannot keep a log from being signed.
func TestForeignCheckpointsBindNobody(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	foreign := wallConfig(t)
	foreign.SigningKeys = strangerKeys
	wall, stop := startWall(t, db, foreign)
	id := newTenant(t)
	appendMany(t, wall, id, 6)
	mustCheckpoint(t, wall, id)
	stop()
	withoutGuards(t, db, `DELETE FROM gov_audit_trail_entries WHERE leaf_index >= 3; UPDATE gov_audit_checkpoints SET tree_size = tree_size + 100`)
	wall, _ = startWall(t, db, wallConfig(t))
	head, err := wall.Checkpoint(as(t, id))
	if err != nil || head.Size != 4 { // the log says that its keys have changed
		t.Errorf("Checkpoint: size %d, %v", head.Size, err)
	}
}

// announcements returns the keys that a log's entries announce.
func announcements(t testing.TB, db postgrestest.AuditDB, id tenant.ID) (list []map[string]any) {
	t.Helper()
	for _, row := range readRows(t, db.Admin(), id) {
		e, err := auditlog.Unmarshal(row.leaf)
		if err != nil {
			t.Fatal(err)
		}
		if e.EventType == "audit.keys_changed" {
			list = append(list, e.Details)
		}
	}
	return list
}

// wantAnnouncement checks how many keys an announcement names.
func wantAnnouncement(t testing.TB, got map[string]any, present, added, removed int) {
	t.Helper()
	for name, want := range map[string]int{"present": present, "added": added, "removed": removed} {
		if list, ok := got[name].([]any); !ok || len(list) != want {
			t.Errorf("%s: %v, want %d", name, got[name], want)
		}
	}
}

// TestKeyChangesAreOnTheLog rotates from one key over both to the other and back, on two replicas that come to it one after the other.
func TestKeyChangesAreOnTheLog(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	id := newTenant(t)
	cfgs := []audit.Config{wallConfig(t), wallConfig(t)}
	first := cfgs[0].SigningKeys
	for _, keys := range []config.Secret{first, first + "," + strangerKeys, strangerKeys, first} {
		for i := range cfgs {
			cfgs[i].SigningKeys = keys
			wall, stop := startWall(t, db, cfgs[i])
			appendMany(t, wall, id, 1)
			if head := mustCheckpoint(t, wall, id); len(head.KeyIDs) != strings.Count(string(keys), "=") {
				t.Errorf("%d keys signed", len(head.KeyIDs))
			}
			mustCommit(t, wall, id)
			stop()
		}
	}
	for _, log := range []tenant.ID{id, auditlog.PlatformTenant} {
		list := announcements(t, db, log)
		if log == auditlog.PlatformTenant {
			if len(list) == 0 {
				t.Fatal("the platform's log does not begin with its keys")
			}
			wantAnnouncement(t, list[0], 1, 1, 0)
			list = list[1:]
		}
		if len(list) != 3 {
			t.Fatalf("%d announcements on the log of %s, want 3", len(list), log)
		}
		wantAnnouncement(t, list[0], 2, 1, 0)
		wantAnnouncement(t, list[1], 1, 0, 1)
		wantAnnouncement(t, list[2], 1, 1, 1)
	}
}

// TestIdleLogsKeepTheirLastSignature: the platform's log announces new keys when the service starts; another log does when it is signed with them.
func TestIdleLogsKeepTheirLastSignature(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	cfg := wallConfig(t)
	wall, stop := startWall(t, db, cfg)
	id := newTenant(t)
	appendMany(t, wall, id, 2)
	stop()
	cfg.SigningKeys += "," + strangerKeys
	cfg.CheckpointInterval = 5 * time.Millisecond
	wall, _ = startWall(t, db, cfg)
	eventually(t, "the announcement on the platform's log", func() bool { return len(announcements(t, db, auditlog.PlatformTenant)) == 2 })
	if list := announcements(t, db, id); len(list) != 0 {
		t.Errorf("the idle log announces %v", list)
	}
	c := mustCommit(t, wall, id)
	if list := announcements(t, db, id); len(list) != 1 || c.Head.Size != 3 {
		t.Errorf("the head of %d entries follows %d announcements", c.Head.Size, len(list))
	}
}
