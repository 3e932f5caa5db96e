package audit_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	formats "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/witness/persistence/inmemory"
	"github.com/transparency-dev/witness/witness"
	"golang.org/x/mod/sumdb/note"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

const platformOrigin = testPrefix + "/platform"

// testWitness is github.com/transparency-dev/witness, an implementation of c2sp.org/tlog-witness that is not ours, behind HTTP.
type testWitness struct {
	vkey   string
	server *httptest.Server
	// down makes it answer nothing but errors.
	down     atomic.Bool
	requests atomic.Int64
}

// startWitness runs a witness that trusts a log's key. Its memory ends with the test.
func startWitness(t testing.TB, name, logKey string) *testWitness {
	t.Helper()
	private, public, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := formats.NewSignerForCosignatureV1(private)
	if err != nil {
		t.Fatal(err)
	}
	trusted, err := note.NewVerifier(logKey)
	if err != nil {
		t.Fatal(err)
	}
	w := &testWitness{}
	if w.vkey, err = formats.VKeyToCosignatureV1(public); err != nil {
		t.Fatal(err)
	}
	real, err := witness.New(t.Context(), witness.Opts{
		Persistence: inmemory.New(), Signers: []note.Signer{signer},
		VerifierForLog: func(_ context.Context, origin string) (note.Verifier, bool, error) {
			return trusted, origin == trusted.Name(), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	handler := witness.NewHTTPHandler(real)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", func(rw http.ResponseWriter, r *http.Request) {
		w.requests.Add(1)
		if w.down.Load() {
			http.Error(rw, "down", http.StatusServiceUnavailable)
			return
		}
		handler.AddCheckpoint(rw, r)
	})
	w.server = httptest.NewServer(mux)
	t.Cleanup(w.server.Close)
	return w
}

// platformKey returns the verifier key of the platform's log under wallConfig's key.
func platformKey(t testing.TB) string {
	t.Helper()
	keys, err := auditlog.ParseSigningKeys(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	vkey, err := keys[0].VKey(platformOrigin)
	if err != nil {
		t.Fatal(err)
	}
	return vkey
}

// startWitnesses runs the witnesses w0, w1, ... of the platform's log, and writes a policy that demands two of them.
func startWitnesses(t testing.TB, n int) (witnesses []*testWitness, path string, policy auditlog.Policy) {
	t.Helper()
	var text, names strings.Builder
	fmt.Fprintf(&text, "log %s\n", platformKey(t))
	for i := range n {
		w := startWitness(t, fmt.Sprintf("w%d.example.com", i), platformKey(t))
		witnesses = append(witnesses, w)
		fmt.Fprintf(&text, "witness w%d %s %s\n", i, w.vkey, w.server.URL)
		fmt.Fprintf(&names, " w%d", i)
	}
	fmt.Fprintf(&text, "group g 2%s\nquorum g\n", &names)
	policy, err := auditlog.ParsePolicy([]byte(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	return witnesses, writePolicy(t, text.String()), policy
}

func writePolicy(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// startWitnessedWall runs a wall with heads of its own, whose log the test reads.
func startWitnessedWall(t testing.TB, db postgrestest.AuditDB, policy string) (wall *audit.Wall, logged *syncBuffer, stop func()) {
	t.Helper()
	cfg := wallConfig(t)
	cfg.WitnessPolicyFile, cfg.WitnessTimeout = policy, 20*time.Second
	logged = &syncBuffer{wrote: make(chan struct{}, 1)}
	wall, err := audit.New(t.Context(), cfg, databases(db), slog.New(slog.NewTextHandler(logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return wall, logged, audittest.Run(t, wall.Run)
}

// record appends n entries to the platform's log.
func record(t testing.TB, wall *audit.Wall, n int) {
	t.Helper()
	for range n {
		if err := wall.RecordPlatform(t.Context(), "audit.wall_started", "audit.start", nil); err != nil {
			t.Fatal(err)
		}
	}
}

// mustWitness returns a head of the platform's log that the policy is satisfied with.
func mustWitness(t testing.TB, wall *audit.Wall, policy auditlog.Policy) (head auditlog.SignedHead, who []string) {
	t.Helper()
	head, err := wall.Witnessed(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	who, ok, err := policy.Satisfied(head.Note)
	if err != nil || !ok {
		t.Fatalf("cosigned by %q, %v:\n%s", who, err, head.Note)
	}
	return head, who
}

// syncBuffer is a log that a test waits for.
type syncBuffer struct {
	mu    sync.Mutex
	text  bytes.Buffer
	wrote chan struct{}
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case b.wrote <- struct{}{}:
	default:
	}
	return b.text.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// await waits until all words stand in one line of the log, and returns that line.
func (b *syncBuffer) await(t testing.TB, words ...string) string {
	t.Helper()
	for {
	lines:
		for line := range strings.Lines(b.String()) {
			for _, word := range words {
				if !strings.Contains(line, word) {
					continue lines
				}
			}
			return line
		}
		select {
		case <-b.wrote:
		case <-t.Context().Done():
			t.Fatalf("no line with %q in:\n%s", words, b)
		case <-time.After(30 * time.Second):
			t.Fatalf("no line with %q in:\n%s", words, b)
		}
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
