package audit_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// commitments returns the heads that the platform's log commits to, in order, as its rows say.
func commitments(t testing.TB, admin *pgx.Conn) (heads []auditlog.Checkpoint) {
	t.Helper()
	for _, row := range readRows(t, admin, auditlog.PlatformTenant) {
		e, err := auditlog.Unmarshal(row.leaf)
		if err != nil {
			t.Fatal(err)
		}
		if e.EventType != auditlog.EventHeadCommitted {
			continue
		}
		_, head, err := auditlog.ReadCommitment(e)
		if err != nil {
			t.Fatalf("entry %d: %v", e.LeafIndex, err)
		}
		heads = append(heads, head)
	}
	return heads
}

func mustCommit(t testing.TB, wall *audit.Wall, id tenant.ID) audit.Commitment {
	t.Helper()
	c, err := wall.HeadCommitment(as(t, id))
	if err != nil {
		t.Fatalf("HeadCommitment: %v", err)
	}
	return c
}

// storedSize returns the size of the newest stored checkpoint of a log.
func storedSize(t testing.TB, admin *pgx.Conn, id tenant.ID) (size int64) {
	t.Helper()
	err := admin.QueryRow(t.Context(), `SELECT coalesce(max(tree_size), 0) FROM gov_audit_checkpoints WHERE tenant_id = $1`, [16]byte(id)).Scan(&size)
	if err != nil {
		t.Fatal(err)
	}
	return size
}

func TestHeadCommitment(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, stop := startWall(t, db, wallConfig(t))
	id := newTenant(t)
	if _, err := wall.HeadCommitment(as(t, id)); errs.ReasonOf(err) != errs.ReasonNotFound {
		t.Errorf("of an empty log: %v", err)
	}
	if _, err := wall.HeadCommitment(as(t, auditlog.PlatformTenant)); errs.ReasonOf(err) != errs.ReasonPlatformLog {
		t.Errorf("of the platform's log: %v", err)
	}
	opts := auditlog.ReceiptOptions{Keys: keyring(t, wall, auditlog.PlatformTenant), Origin: auditlog.Origin(testPrefix, auditlog.PlatformTenant)}
	for n := int64(3); n <= 9; n += 3 {
		appendMany(t, wall, id, 3)
		c := mustCommit(t, wall, id)
		head, r := auditlog.VerifyHeadCommitment(c.Leaf, c.Receipt, opts)
		if r.Verdict != auditlog.Verified || head != c.Head.Checkpoint || head.Size != n {
			t.Fatalf("of %d entries: %+v, %+v", n, head, r)
		}
		if opened, _, err := auditlog.Open(c.Head.Note, keyring(t, wall, id)); err != nil || opened != head {
			t.Errorf("the committed head is not that of the checkpoint: %v", err)
		}
		again := mustCommit(t, wall, id)
		if again.Head.Note != c.Head.Note || string(again.Leaf) != string(c.Leaf) {
			t.Error("the same head has two commitments")
		}
	}
	if got := commitments(t, db.Admin()); len(got) != 3 {
		t.Errorf("%d commitments, want 3", len(got))
	}
	checkLog(t, wall, db.Admin(), auditlog.PlatformTenant)
	stop()
	if _, err := wall.HeadCommitment(as(t, id)); errs.ReasonOf(err) != errs.ReasonUnavailable {
		t.Errorf("after the end: %v", err)
	}
}

// TestCommitmentsShareRounds: however many ask on however many replicas, the platform's log commits to a head once.
func TestCommitmentsShareRounds(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := startWall(t, db, wallConfig(t))
	replica, _ := startWall(t, db, wallConfig(t))
	tenants := []tenant.ID{newTenant(t), newTenant(t), newTenant(t)}
	for _, id := range tenants {
		appendMany(t, wall, id, 2)
	}
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			c, err := []*audit.Wall{wall, replica}[i%2].HeadCommitment(tenant.NewContext(context.Background(), tenants[i%3]))
			if err != nil || c.Head.Size != 2 {
				t.Errorf("HeadCommitment: size %d, %v", c.Head.Size, err)
			}
		})
	}
	wg.Wait()
	if got := commitments(t, db.Admin()); len(got) != 3 {
		t.Errorf("%d commitments to 3 heads", len(got))
	}
	for _, w := range []*audit.Wall{wall, replica} {
		checkLog(t, w, db.Admin(), auditlog.PlatformTenant)
	}
}

// TestRoundsCommit: logs that grow are committed to without being asked, and the platform's log, which grows by that, does not keep itself busy.
func TestRoundsCommit(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	cfg := wallConfig(t)
	cfg.CheckpointInterval = 5 * time.Millisecond
	wall, stop := startWall(t, db, cfg)
	first, second := newTenant(t), newTenant(t)
	appendMany(t, wall, first, 3)
	appendMany(t, wall, second, 1)
	admin := db.Admin()
	covered := func() bool {
		size := map[string]int64{}
		for _, c := range commitments(t, admin) {
			size[c.Origin] = c.Size
		}
		return size[auditlog.Origin(testPrefix, first)] == 3 && size[auditlog.Origin(testPrefix, second)] == 1 &&
			storedSize(t, admin, auditlog.PlatformTenant) == int64(len(readRows(t, admin, auditlog.PlatformTenant)))
	}
	eventually(t, "both logs are committed to, and the platform's log is signed", covered)
	rounds := metric(t, wall, "aumos_audit_checkpoints_signed_total")
	stop()
	if got := metric(t, wall, "aumos_audit_checkpoints_signed_total"); got != rounds {
		t.Errorf("%v heads were signed when nothing had grown", got-rounds)
	}
	for _, c := range commitments(t, admin) {
		if c.Origin == auditlog.Origin(testPrefix, auditlog.PlatformTenant) {
			t.Error("the platform's log is committed to itself")
		}
	}
}

// TestLastHeadsAreCommittedTo: the heads that are signed when the wall ends are on the platform's log, and its head is signed, before it has ended.
func TestLastHeadsAreCommittedTo(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	cfg := wallConfig(t)
	wall, stop := startWall(t, db, cfg)
	const n = 40
	for range n {
		appendMany(t, wall, newTenant(t), 1)
	}
	stop()
	admin := db.Admin()
	if got := commitments(t, admin); len(got) != n {
		t.Errorf("%d commitments, want %d", len(got), n)
	}
	if size, rows := storedSize(t, admin, auditlog.PlatformTenant), readRows(t, admin, auditlog.PlatformTenant); size != int64(len(rows)) {
		t.Errorf("the platform's signed head covers %d of %d entries", size, len(rows))
	}
	if _, err := wall.Append(t.Context(), newEntry(t, newTenant(t))); errs.ReasonOf(err) != errs.ReasonUnavailable {
		t.Errorf("Append after the end: %v", err)
	}
}

// TestCommitmentsAreCaughtUp: heads that a predecessor signed and did not come to commit to are committed to by its successor.
func TestCommitmentsAreCaughtUp(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	cfg := wallConfig(t)
	wall, stop := startWall(t, db, cfg)
	id := newTenant(t)
	appendMany(t, wall, id, 4)
	stop()
	withoutGuards(t, db, `DELETE FROM gov_audit_trail_entries WHERE tenant_id = '`+auditlog.PlatformTenant.String()+`';
		DELETE FROM gov_audit_checkpoints WHERE tenant_id = '`+auditlog.PlatformTenant.String()+`'`)
	if err := os.Remove(filepath.Join(cfg.HeadsDir, auditlog.PlatformTenant.String()+".heads")); err != nil {
		t.Fatal(err)
	}
	cfg.CheckpointInterval = 5 * time.Millisecond
	startWall(t, db, cfg)
	admin := db.Admin()
	eventually(t, "the head is committed to", func() bool {
		got := commitments(t, admin)
		return len(got) == 1 && got[0].Size == 4
	})
}

// TestDroppedPlatformLogIsNoticed: the platform's log is guarded like every other.
func TestDroppedPlatformLogIsNoticed(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, _ := startWall(t, db, wallConfig(t))
	id := newTenant(t)
	appendMany(t, wall, id, 4)
	mustCommit(t, wall, id)
	withoutGuards(t, db, `DELETE FROM gov_audit_trail_entries WHERE tenant_id = '`+auditlog.PlatformTenant.String()+`'`)
	appendMany(t, wall, id, 1)
	if _, err := wall.HeadCommitment(as(t, id)); errs.ReasonOf(err) != errs.ReasonLogInconsistent {
		t.Errorf("HeadCommitment: %v", err)
	}
	if head := mustCheckpoint(t, wall, id); head.Size != 5 {
		t.Errorf("the tenant's log is no longer signed: size %d", head.Size)
	}
}

func TestSignedHeadsAreOffered(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	cfg := wallConfig(t)
	wall, err := audit.New(t.Context(), cfg, databases(db), quiet())
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	offered := map[tenant.ID][]int64{}
	audit.OnSigned(wall, func(id tenant.ID, h auditlog.SignedHead) {
		mu.Lock()
		defer mu.Unlock()
		offered[id] = append(offered[id], h.Size)
		if lines := heads(t, cfg, id); len(lines) != len(offered[id]) {
			t.Errorf("a head is offered before it is on disk: %q", lines)
		}
	})
	stop := audittest.Run(t, wall.Run)
	id := newTenant(t)
	appendMany(t, wall, id, 2)
	mustCheckpoint(t, wall, id)
	mustCheckpoint(t, wall, id)
	appendMany(t, wall, id, 1)
	stop()
	if got := offered[id]; len(got) != 2 || got[0] != 2 || got[1] != 3 {
		t.Errorf("offered %v of the tenant's log, want 2 and 3", got)
	}
	if got := offered[auditlog.PlatformTenant]; len(got) != 1 {
		t.Errorf("offered %v of the platform's log, want one", got)
	}
}
