package audit_test

import (
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

// Three witnesses, a quorum of two, as the log grows: each step is proven to each witness, and every checkpoint carries what they signed.
func TestWitnessesCosign(t *testing.T) {
	t.Parallel()
	w, path, policy := startWitnesses(t, 3)
	db := postgrestest.Audit(t)
	wall, logged, stop := startWitnessedWall(t, db, path)
	for _, n := range []int{1, 1, 5, 13, 100} {
		record(t, wall, n)
		head, _ := mustWitness(t, wall, policy)
		checkReceipt(t, wall, db, head, policy)
	}
	// Signing a head that did not change asks nobody again.
	size := platformSize(t, db)
	awaitSum(t, wall, "aumos_audit_witness_tree_size", 3*size)
	before := w[0].requests.Load() + w[1].requests.Load() + w[2].requests.Load()
	mustWitness(t, wall, policy)
	if now := w[0].requests.Load() + w[1].requests.Load() + w[2].requests.Load(); now != before {
		t.Errorf("%d requests for a head that all had cosigned", now-before)
	}
	if got := sumOf(t, wall, "aumos_audit_witnessed_tree_size"); got != size {
		t.Errorf("witnessed size %v, want %v", got, size)
	}
	// Tenants' heads are not shown to witnesses: the platform's log, which they cosign, commits to them.
	id := newTenant(t)
	appendMany(t, wall, id, 3)
	c := mustCommit(t, wall, id)
	if strings.Contains(c.Head.Note, "w0.example.com") {
		t.Errorf("a tenant's head is cosigned:\n%s", c.Head.Note)
	}
	opts := auditlog.ReceiptOptions{Keys: keyring(t, wall, auditlog.PlatformTenant), Policy: &policy}
	committed, report := auditlog.VerifyHeadCommitment(c.Leaf, c.Receipt, opts)
	if report.Verdict != auditlog.Verified || len(report.WitnessedBy) < 2 || committed != c.Head.Checkpoint {
		t.Errorf("the commitment: %s %v, witnessed by %q", report.Verdict, report.Findings, report.WitnessedBy)
	}
	stop()
	if strings.Contains(logged.String(), "ERROR") || strings.Contains(logged.String(), "WARN") {
		t.Errorf("logged:\n%s", logged)
	}
}

// A wall whose database was restored from an older backup, together with its files, does not know that anything is missing. The witnesses do.
func TestWitnessesFindRestoredBackup(t *testing.T) {
	t.Parallel()
	_, path, policy := startWitnesses(t, 2)
	db := postgrestest.Audit(t)
	wall, _, stop := startWitnessedWall(t, db, path)
	record(t, wall, 10)
	mustWitness(t, wall, policy)
	awaitSum(t, wall, "aumos_audit_witness_tree_size", 2*platformSize(t, db))
	stop()

	t.Run("restored", func(t *testing.T) {
		for name, entries := range map[string]int{
			"cut":                  4,  // fewer entries than the witnesses have seen
			"of the same size":     10, // as many, others
			"rewritten and longer": 17, // the proof from what the witnesses have seen does not hold
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				restored, logged, _ := startWitnessedWall(t, postgrestest.Audit(t), path)
				record(t, restored, entries)
				head, err := restored.Witnessed(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if who, ok, err := policy.Satisfied(head.Note); ok || err != nil || len(who) > 0 {
					t.Errorf("cosigned by %q, %v", who, err)
				}
				logged.await(t, "ERROR", "contradicts", "witness=w0")
				logged.await(t, "ERROR", "contradicts", "witness=w1")
				awaitSum(t, restored, "aumos_audit_witness_contradicts", 2)
				if sumOf(t, restored, "aumos_audit_log_inconsistencies_total") < 2 {
					t.Error("the inconsistencies are not counted")
				}
				if err := restored.Ready(); err != nil {
					t.Errorf("witnesses made the wall unready: %v", err)
				}
			})
		}
	})
	// The witnesses go on with the true history.
	wall, logged, _ := startWitnessedWall(t, db, path)
	record(t, wall, 1)
	mustWitness(t, wall, policy)
	if strings.Contains(logged.String(), "ERROR") {
		t.Errorf("logged:\n%s", logged)
	}
}

// Two replicas present their heads to the same witnesses, in whatever order: neither is taken for a fork.
func TestWitnessesOfTwoReplicas(t *testing.T) {
	t.Parallel()
	w, path, policy := startWitnesses(t, 2)
	db := postgrestest.Audit(t)
	a, loggedA, stopA := startWitnessedWall(t, db, path)
	b, loggedB, stopB := startWitnessedWall(t, db, path)
	for i := range 6 {
		record(t, a, 1+i)
		record(t, b, 1)
		for _, wall := range []*audit.Wall{a, b} {
			mustWitness(t, wall, policy)
		}
	}
	// What one replica had cosigned, the other one reads without asking.
	head, _ := mustWitness(t, a, policy)
	asked := w[0].requests.Load() + w[1].requests.Load()
	other, err := b.Checkpoint(as(t, auditlog.PlatformTenant))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := policy.Satisfied(other.Note); !ok || err != nil || other.Size != head.Size {
		t.Errorf("the other replica's checkpoint after %d questions: %t, %v\n%s", asked, ok, err, other.Note)
	}
	stopA()
	stopB()
	for _, logged := range []*syncBuffer{loggedA, loggedB} {
		if strings.Contains(logged.String(), "ERROR") {
			t.Errorf("logged:\n%s", logged)
		}
	}
}

// A restart asks the witnesses again, and what they signed before is not asked for.
func TestWitnessesAfterRestart(t *testing.T) {
	t.Parallel()
	w, path, policy := startWitnesses(t, 2)
	db := postgrestest.Audit(t)
	wall, _, stop := startWitnessedWall(t, db, path)
	record(t, wall, 5)
	mustWitness(t, wall, policy)
	stop()
	w[0].down.Store(true)
	w[1].down.Store(true)
	wall, _, _ = startWitnessedWall(t, db, path)
	mustWitness(t, wall, policy) // from the database
	w[0].down.Store(false)
	w[1].down.Store(false)
	record(t, wall, 5)
	if _, err := wall.Checkpoint(as(t, auditlog.PlatformTenant)); err != nil {
		t.Fatal(err)
	}
	awaitSum(t, wall, "aumos_audit_witnessed_tree_size", platformSize(t, db)) // once they are asked again
	mustWitness(t, wall, policy)
}
