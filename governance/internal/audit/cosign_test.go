package audit_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

// Three witnesses, a quorum of two, as the log grows: each step is proven to each witness, and every checkpoint carries what they signed.
func TestWitnessesCosign(t *testing.T) {
	t.Parallel()
	key := platformKey(t)
	w0, w1, w2 := startWitness(t, "w0.example.com", key), startWitness(t, "w1.example.com", key), startWitness(t, "w2.example.com", key)
	path, policy := policyFile(t, w0, w1, w2)
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
	before := w0.requests.Load() + w1.requests.Load() + w2.requests.Load()
	mustWitness(t, wall, policy)
	if now := w0.requests.Load() + w1.requests.Load() + w2.requests.Load(); now != before {
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

// checkReceipt verifies a receipt of the last entry with the demands of an auditor.
func checkReceipt(t *testing.T, wall *audit.Wall, db postgrestest.AuditDB, head auditlog.SignedHead, policy auditlog.Policy) {
	t.Helper()
	rows := readRows(t, db.Admin(), auditlog.PlatformTenant)
	e, err := auditlog.Unmarshal(rows[len(rows)-1].leaf)
	if err != nil {
		t.Fatal(err)
	}
	receipt, _, err := wall.Receipt(as(t, auditlog.PlatformTenant), e.EntryID)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := auditlog.ParseKeys(platformKey(t))
	if err != nil {
		t.Fatal(err)
	}
	report := auditlog.VerifyReceipt(receipt, auditlog.ReceiptOptions{Keys: ring, Leaf: rows[len(rows)-1].leaf, Policy: &policy})
	if report.Verdict != auditlog.Verified || len(report.WitnessedBy) < 2 || report.TreeSize != head.Size {
		t.Errorf("the receipt: %s %v, witnessed by %q, of %d entries", report.Verdict, report.Findings, report.WitnessedBy, report.TreeSize)
	}
}

// platformSize returns the number of entries of the platform's log, of which the wall writes some by itself.
func platformSize(t *testing.T, db postgrestest.AuditDB) float64 {
	t.Helper()
	return float64(len(readRows(t, db.Admin(), auditlog.PlatformTenant)))
}

// awaitSum polls until a metric has a value that another goroutine brings about.
func awaitSum(t *testing.T, wall *audit.Wall, name string, want float64) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); sumOf(t, wall, name) != want; {
		if time.Now().After(deadline) {
			t.Fatalf("%s is %v, want %v", name, sumOf(t, wall, name), want)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func TestWitnessDown(t *testing.T) {
	t.Parallel()
	key := platformKey(t)
	w0, w1, w2 := startWitness(t, "w0.example.com", key), startWitness(t, "w1.example.com", key), startWitness(t, "w2.example.com", key)
	path, policy := policyFile(t, w0, w1, w2)
	db := postgrestest.Audit(t)
	wall, logged, stop := startWitnessedWall(t, db, path)

	w1.down.Store(true)
	record(t, wall, 3)
	if _, who := mustWitness(t, wall, policy); !slices.Equal(who, []string{"w0", "w2"}) {
		t.Errorf("cosigned by %q", who)
	}
	logged.await(t, "WARN", "witness:w1", "503")
	if err := wall.Ready(); err != nil {
		t.Errorf("a silent witness made the wall unready: %v", err)
	}

	// Two down: nobody waits in vain for what is known not to come, and the head is answered all the same.
	w2.down.Store(true)
	record(t, wall, 1)
	if _, err := wall.Checkpoint(as(t, auditlog.PlatformTenant)); err != nil {
		t.Fatal(err)
	}
	logged.await(t, "WARN", "witness:w2", "503")
	start := time.Now()
	head, err := wall.Witnessed(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if who, ok, err := policy.Satisfied(head.Note); ok || err != nil || slices.Contains(who, "w1") || float64(head.Size) != platformSize(t, db) {
		t.Errorf("%d entries cosigned by %q, %t, %v", head.Size, who, ok, err)
	}
	if waited := time.Since(start); waited > 10*time.Second {
		t.Errorf("waited %s for witnesses that are down", waited)
	}

	// Back again: the newest head gets its cosignatures without anything new to sign.
	w1.down.Store(false)
	w2.down.Store(false)
	awaitSum(t, wall, "aumos_audit_witnessed_tree_size", platformSize(t, db))
	mustWitness(t, wall, policy)
	stop()
	if strings.Contains(logged.String(), "ERROR") {
		t.Errorf("logged:\n%s", logged)
	}
}

// A wall whose database was restored from an older backup, together with its files, does not know that anything is missing. The witnesses do.
func TestWitnessesFindRestoredBackup(t *testing.T) {
	t.Parallel()
	key := platformKey(t)
	w0, w1 := startWitness(t, "w0.example.com", key), startWitness(t, "w1.example.com", key)
	path, policy := policyFile(t, w0, w1)
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

// A witness that was restored itself is told everything again. One that makes no sense is not asked for ever.
func TestWitnessThatForgets(t *testing.T) {
	t.Parallel()
	own, err := auditlog.NewCosigningKey("w0.example.com", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var size, requests int
	var confused bool
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		requests++
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if old, _, _ := strings.Cut(string(body), "\n"); old != fmt.Sprintf("old %d", size) || confused {
			if confused {
				size = 1 - size
			}
			rw.Header().Set("Content-Type", "text/x.tlog.size")
			rw.WriteHeader(http.StatusConflict)
			fmt.Fprintf(rw, "%d\n", size)
			return
		}
		_, signed, _ := strings.Cut(string(body), "\n\n")
		line, err := own.Cosign(signed, time.Now())
		if err != nil {
			t.Error(err)
		}
		size, err = strconv.Atoi(strings.Split(signed, "\n")[1])
		if err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(rw, line)
	}))
	t.Cleanup(server.Close)
	text := fmt.Sprintf("witness w0 %s %s\nquorum w0\n", own.VKey(), server.URL)
	policy, err := auditlog.ParsePolicy([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	wall, logged, _ := startWitnessedWall(t, postgrestest.Audit(t), writePolicy(t, text))
	record(t, wall, 3)
	head, _ := mustWitness(t, wall, policy)
	mu.Lock()
	size = 2
	mu.Unlock()
	record(t, wall, 3)
	mustWitness(t, wall, policy)
	logged.await(t, "WARN", "forgot", "size=2", fmt.Sprintf("cosigned=%d", head.Size))

	mu.Lock()
	confused, requests, size = true, 0, 0
	mu.Unlock()
	record(t, wall, 1)
	if _, err := wall.Checkpoint(as(t, auditlog.PlatformTenant)); err != nil {
		t.Fatal(err)
	}
	logged.await(t, "WARN", "another size each time")
	mu.Lock()
	defer mu.Unlock()
	if requests > 8 {
		t.Errorf("it was asked %d times", requests)
	}
}

// A size that a witness claims is no proof: it is asked again, and once it signs the alarm is over.
func TestWitnessThatClaimsTooMuch(t *testing.T) {
	t.Parallel()
	own, err := auditlog.NewCosigningKey("w0.example.com", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	var mistaken atomic.Bool
	mistaken.Store(true)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if mistaken.Load() {
			rw.Header().Set("Content-Type", "text/x.tlog.size")
			rw.WriteHeader(http.StatusConflict)
			_, _ = io.WriteString(rw, "1000000\n")
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		_, signed, _ := strings.Cut(string(body), "\n\n")
		line, err := own.Cosign(signed, time.Now())
		if err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(rw, line)
	}))
	t.Cleanup(server.Close)
	text := fmt.Sprintf("witness w0 %s %s\nquorum w0\n", own.VKey(), server.URL)
	policy, err := auditlog.ParsePolicy([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	wall, logged, _ := startWitnessedWall(t, postgrestest.Audit(t), writePolicy(t, text))
	record(t, wall, 3)
	if _, err := wall.Checkpoint(as(t, auditlog.PlatformTenant)); err != nil {
		t.Fatal(err)
	}
	logged.await(t, "ERROR", "contradicts", "cosigned a head with 1000000 entries")
	awaitSum(t, wall, "aumos_audit_witness_contradicts", 1)
	mistaken.Store(false)
	awaitSum(t, wall, "aumos_audit_witness_contradicts", 0)
	mustWitness(t, wall, policy)
}

// Two replicas present their heads to the same witnesses, in whatever order: neither is taken for a fork.
func TestWitnessesOfTwoReplicas(t *testing.T) {
	t.Parallel()
	key := platformKey(t)
	w0, w1 := startWitness(t, "w0.example.com", key), startWitness(t, "w1.example.com", key)
	path, policy := policyFile(t, w0, w1)
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
	asked := w0.requests.Load() + w1.requests.Load()
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
	key := platformKey(t)
	w0, w1 := startWitness(t, "w0.example.com", key), startWitness(t, "w1.example.com", key)
	path, policy := policyFile(t, w0, w1)
	db := postgrestest.Audit(t)
	wall, _, stop := startWitnessedWall(t, db, path)
	record(t, wall, 5)
	mustWitness(t, wall, policy)
	stop()
	w0.down.Store(true)
	w1.down.Store(true)
	wall, _, _ = startWitnessedWall(t, db, path)
	mustWitness(t, wall, policy) // from the database
	w0.down.Store(false)
	w1.down.Store(false)
	record(t, wall, 5)
	if _, err := wall.Checkpoint(as(t, auditlog.PlatformTenant)); err != nil {
		t.Fatal(err)
	}
	awaitSum(t, wall, "aumos_audit_witnessed_tree_size", platformSize(t, db)) // once they are asked again
	mustWitness(t, wall, policy)
}

// A superuser's line among the cosignatures does not get into a note, and does not go unnoticed.
func TestForgedCosignatureIsLeftOut(t *testing.T) {
	t.Parallel()
	key := platformKey(t)
	w0, w1 := startWitness(t, "w0.example.com", key), startWitness(t, "w1.example.com", key)
	path, policy := policyFile(t, w0, w1)
	db := postgrestest.Audit(t)
	wall, logged, _ := startWitnessedWall(t, db, path)
	record(t, wall, 2)
	head, _ := mustWitness(t, wall, policy)
	forge := func(name, id, line string) {
		t.Helper()
		_, err := db.Admin().Exec(t.Context(), `
			INSERT INTO public.gov_audit_cosignatures (tenant_id, tree_size, root_hash, key_name, key_id, line, cosigned_at)
			VALUES ($1, $2, $3, $4, $5, $6, now())`, [16]byte(auditlog.PlatformTenant), head.Size, head.Root[:], name, id, line)
		if err != nil {
			t.Fatal(err)
		}
	}
	forge("a", "00000000", "no line")
	line := lineOf(t, head.Note, "w0.example.com")
	forge("a", "00000001", line[:len(line)-8]+"AAAAAAA=") // in the name of w0, which sorts before the real one
	got, err := wall.Checkpoint(as(t, auditlog.PlatformTenant))
	if err != nil {
		t.Fatal(err)
	}
	if who, ok, err := policy.Satisfied(got.Note); !ok || err != nil {
		t.Errorf("cosigned by %q, %v:\n%s", who, err, got.Note)
	}
	logged.await(t, "ERROR", "a stored cosignature was altered", "no signature line")
	logged.await(t, "ERROR", "a stored cosignature was altered", "does not verify")
}

func lineOf(t *testing.T, signed, name string) string {
	t.Helper()
	for line := range strings.Lines(signed) {
		if strings.HasPrefix(line, "— "+name+" ") {
			return strings.TrimSuffix(line, "\n")
		}
	}
	t.Fatalf("no line of %s in:\n%s", name, signed)
	return ""
}

func TestNewRefusesUselessPolicies(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	w := startWitness(t, "w0.example.com", platformKey(t))
	stranger, err := auditlog.NewCosigningKey("x", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"": "no quorum line",
		fmt.Sprintf("witness a %s\nquorum a\n", w.vkey):                                                                  "too few for the quorum a",
		fmt.Sprintf("witness a %s http://w.example.com\nquorum a\n", w.vkey):                                             "not an https prefix",
		fmt.Sprintf("witness a %s %s\nwitness b %s\ngroup g all a b\nquorum g\n", w.vkey, w.server.URL, stranger.VKey()): "too few for the quorum g",
		"log example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\nquorum none\n":                       "none of the keys that sign " + platformOrigin,
	} {
		cfg := wallConfig(t)
		cfg.WitnessPolicyFile = writePolicy(t, text)
		wall, err := audit.New(t.Context(), cfg, audit.Databases{Writer: db.Writer, Reader: db.Reader}, quiet())
		if err == nil {
			wall.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	cfg := wallConfig(t)
	cfg.WitnessPolicyFile = "/no/such/file"
	if _, err := audit.New(t.Context(), cfg, audit.Databases{Writer: db.Writer, Reader: db.Reader}, quiet()); err == nil {
		t.Error("a policy that is not there was accepted")
	}
}
