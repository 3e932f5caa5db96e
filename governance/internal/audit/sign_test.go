package audit_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

func mustCheckpoint(t testing.TB, wall *audit.Wall, id tenant.ID) auditlog.SignedHead {
	t.Helper()
	head, err := wall.Checkpoint(as(t, id))
	if err != nil {
		t.Fatalf("Checkpoint: %v", err)
	}
	return head
}

// heads returns the lines of a log's file of signed heads.
func heads(t testing.TB, cfg audit.Config, id tenant.ID) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(cfg.HeadsDir, id.String()+".heads"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

func TestCheckpointOfAnEmptyLog(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	cfg := wallConfig(t)
	wall, _ := startWall(t, db, cfg)
	id := newTenant(t)
	head := mustCheckpoint(t, wall, id)
	c, _, err := auditlog.Open(head.Note, keyring(t, wall, id))
	if err != nil || c.Size != 0 || c.Origin != auditlog.Origin(testPrefix, id) {
		t.Errorf("checkpoint: %+v, %v", c, err)
	}
	if _, err := os.Stat(filepath.Join(cfg.HeadsDir, id.String()+".heads")); !os.IsNotExist(err) {
		t.Errorf("something is kept for a tenant without entries: %v", err)
	}
	if r := verify(t, export(t, wall, id, head.Note), auditlog.Options{Keys: keyring(t, wall, id)}); r.Verdict != auditlog.Verified {
		t.Errorf("export of an empty log: %+v", r)
	}
}

func TestCheckpointsCoverWhatWasAnswered(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	cfg := wallConfig(t)
	wall, _ := startWall(t, db, cfg)
	replica, _ := startWall(t, db, wallConfig(t))
	id := newTenant(t)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 6 {
				p, err := wall.Append(context.Background(), newEntry(t, id))
				if err != nil {
					t.Error(err)
					return
				}
				for _, w := range []*audit.Wall{wall, replica} {
					if head, err := w.Checkpoint(tenant.NewContext(context.Background(), id)); err != nil || head.Size <= p.LeafIndex {
						t.Errorf("the checkpoint covers %d entries, entry %d was answered before (%v)", head.Size, p.LeafIndex, err)
					}
				}
			}
		})
	}
	wg.Wait()
	for _, line := range heads(t, cfg, id) {
		if !strings.HasPrefix(line, `{"tree_size":`) {
			t.Errorf("line %q", line)
		}
	}
}

// TestDemandsShareASignature: however many ask, and however often, a head is signed once.
func TestDemandsShareASignature(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	cfg := wallConfig(t)
	wall, stop := startWall(t, db, cfg)
	id := newTenant(t)
	appendMany(t, wall, id, 3)
	var wg sync.WaitGroup
	notes := make([]string, 50)
	for i := range notes {
		wg.Go(func() { notes[i] = mustCheckpoint(t, wall, id).Note })
	}
	wg.Wait()
	for _, n := range notes {
		if n != notes[0] {
			t.Error("the same head has several notes")
		}
	}
	stop()
	wall, _ = startWall(t, db, cfg)
	if mustCheckpoint(t, wall, id).Note != notes[0] {
		t.Error("after a restart the same head has another note")
	}
	if lines := heads(t, cfg, id); len(lines) != 1 {
		t.Errorf("%d heads are kept, want 1", len(lines))
	}
}

func TestGrowingLogsAreSignedByThemselves(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	cfg := wallConfig(t)
	cfg.CheckpointInterval = 5 * time.Millisecond
	wall, stop := startWall(t, db, cfg)
	id := newTenant(t)
	appendMany(t, wall, id, 3)
	admin := db.Admin()
	covered := func() (size int64) {
		if err := admin.QueryRow(t.Context(), `SELECT coalesce(max(tree_size), 0) FROM gov_audit_checkpoints`).Scan(&size); err != nil {
			t.Fatal(err)
		}
		return size
	}
	eventually(t, "the log is signed", func() bool { return covered() == 3 })
	stop()

	// What a predecessor left unsigned is signed when a replica starts, here one with a directory of its own.
	other := wallConfig(t)
	startWall(t, db, other)
	other.CheckpointInterval = 5 * time.Millisecond
	other.HeadsDir = t.TempDir()
	startWall(t, db, other)
	eventually(t, "the log is signed by the new replica", func() bool { return strings.HasPrefix(heads(t, other, id)[0], `{"tree_size":3,`) })
}

// TestNothingIsSignedAgainstAnEarlierHead changes the database behind a signed head, as a restored backup, a cut or a rewriting do.
func TestNothingIsSignedAgainstAnEarlierHead(t *testing.T) {
	t.Parallel()
	const n = 20
	for name, tc := range map[string]struct {
		sql   string
		grows bool // entries can be appended after the change
	}{
		"restored to an earlier state": {`DELETE FROM gov_audit_trail_entries WHERE leaf_index >= 15; DELETE FROM gov_audit_checkpoints WHERE tree_size > 15`, true},
		"emptied":                      {`TRUNCATE gov_audit_trail_entries; TRUNCATE gov_audit_checkpoints`, true},
		"a node changed":               {`UPDATE gov_audit_trail_entries SET hashes = set_byte(hashes, 128, get_byte(hashes, 128) # 1) WHERE leaf_index = 15`, true},
		"a node's row deleted":         {`DELETE FROM gov_audit_trail_entries WHERE leaf_index = 15`, false},
		"a row's hashes cut":           {`UPDATE gov_audit_trail_entries SET hashes = substring(hashes FOR 32) WHERE leaf_index = 15`, false},
		"another checkpoint stored":    {`UPDATE gov_audit_checkpoints SET root_hash = sha256('x')`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.Audit(t)
			cfg := wallConfig(t)
			wall, stop := startWall(t, db, cfg)
			id, bystander := newTenant(t), newTenant(t)
			entries := appendMany(t, wall, id, n)
			signed := mustCheckpoint(t, wall, id)
			withoutGuards(t, db, tc.sql)
			inconsistent := func(what string, err error) {
				t.Helper()
				if errs.ReasonOf(err) != errs.ReasonLogInconsistent {
					t.Errorf("%s: %v, want LOG_INCONSISTENT", what, err)
				}
			}
			_, err := wall.Checkpoint(as(t, id))
			inconsistent("Checkpoint", err)
			_, err = wall.Checkpoint(as(t, id))
			inconsistent("Checkpoint again", err)
			_, _, err = wall.Receipt(as(t, id), entries[0].EntryID)
			if reason := errs.ReasonOf(err); reason != errs.ReasonLogInconsistent && reason != errs.ReasonNotFound {
				t.Errorf("Receipt: %v", err)
			}
			stop()

			// A restart forgets nothing.
			wall, stop = startWall(t, db, cfg)
			_, err = wall.Checkpoint(as(t, id))
			inconsistent("Checkpoint after a restart", err)
			if tc.grows && name != "another checkpoint stored" { // growing beyond the signed size makes it no better
				appendMany(t, wall, id, 8)
				_, err = wall.Checkpoint(as(t, id))
				inconsistent("Checkpoint of the larger log", err)
			} else if !tc.grows {
				_, err = wall.Append(t.Context(), newEntry(t, id))
				inconsistent("Append", err)
				if err := wall.Ready(); err != nil {
					t.Errorf("one tenant's damage takes the wall down: %v", err)
				}
			}
			appendMany(t, wall, bystander, 3)
			mustCheckpoint(t, wall, bystander)
			if lines := heads(t, cfg, id); len(lines) != 1 || !strings.Contains(lines[0], fmt.Sprintf(`"tree_size":%d`, signed.Size)) {
				t.Errorf("heads: %q", lines)
			}
			stop()
		})
	}
}

// TestRewrittenHistoryIsNotSigned recomputes a whole log after a change, which only the head outside the database can tell.
func TestRewrittenHistoryIsNotSigned(t *testing.T) {
	t.Parallel()
	db, forged := postgrestest.Audit(t), postgrestest.Audit(t)
	cfg := wallConfig(t)
	wall, stop := startWall(t, db, cfg)
	id := newTenant(t)
	entries := appendMany(t, wall, id, 20)
	before := mustCheckpoint(t, wall, id)
	stop()

	// The forger runs a wall of his own, with the real key, and appends the same entries but one.
	forgedCfg := wallConfig(t)
	forger, _ := startWall(t, forged, forgedCfg)
	entries[6].Outcome = auditlog.Denied
	for _, e := range entries {
		mustAppend(t, forger, e)
	}
	forgedHead := mustCheckpoint(t, forger, id)
	keys := keyring(t, forger, id)
	file := export(t, forger, id, forgedHead.Note)
	if r := verify(t, file, auditlog.Options{Keys: keys}); r.Verdict != auditlog.Verified {
		t.Fatalf("the forged log is not consistent: %+v", r)
	}
	r := verify(t, file, auditlog.Options{Keys: keys, Known: []string{before.Note}})
	if r.Verdict != auditlog.Tampered || r.Findings[0].Reason != auditlog.ReasonCheckpointConflict {
		t.Errorf("an auditor who holds a checkpoint: %+v", r)
	}

	// The platform, pointed at the forged database, does not sign it.
	wall, _ = startWall(t, forged, cfg)
	if _, err := wall.Checkpoint(as(t, id)); errs.ReasonOf(err) != errs.ReasonLogInconsistent {
		t.Errorf("Checkpoint of the forged log: %v", err)
	}
}

func TestOperatorResolvesAnInconsistency(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	cfg := wallConfig(t)
	cfg.CheckpointInterval = 5 * time.Millisecond
	wall, _ := startWall(t, db, cfg)
	id := newTenant(t)
	appendMany(t, wall, id, 5)
	mustCheckpoint(t, wall, id)
	withoutGuards(t, db, `DELETE FROM gov_audit_trail_entries WHERE leaf_index = 4; DELETE FROM gov_audit_checkpoints`)
	if _, err := wall.Checkpoint(as(t, id)); errs.ReasonOf(err) != errs.ReasonLogInconsistent {
		t.Fatalf("Checkpoint: %v", err)
	}
	eventually(t, "the alarm goes on without being asked", func() bool { return metric(t, wall, "aumos_audit_log_inconsistencies_total") > 3 })
	path := filepath.Join(cfg.HeadsDir, id.String()+".heads")
	if err := os.Rename(path, path+".resolved"); err != nil {
		t.Fatal(err)
	}
	if head := mustCheckpoint(t, wall, id); head.Size != 4 {
		t.Errorf("checkpoint of %d entries", head.Size)
	}
}

func TestHeadsDirectoryHasOneOwner(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	cfg := wallConfig(t)
	startWall(t, db, cfg)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := audit.New(ctx, cfg, databases(db), quiet()); err == nil || !strings.Contains(err.Error(), "each replica") {
		t.Errorf("New with a directory that is in use: %v", err)
	}
}
