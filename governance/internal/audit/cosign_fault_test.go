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

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

func TestWitnessDown(t *testing.T) {
	t.Parallel()
	w, path, policy := startWitnesses(t, 3)
	db := postgrestest.Audit(t)
	wall, logged, stop := startWitnessedWall(t, db, path)

	w[1].down.Store(true)
	record(t, wall, 3)
	if _, who := mustWitness(t, wall, policy); !slices.Equal(who, []string{"w0", "w2"}) {
		t.Errorf("cosigned by %q", who)
	}
	logged.await(t, "WARN", "witness:w1", "503")
	if err := wall.Ready(); err != nil {
		t.Errorf("a silent witness made the wall unready: %v", err)
	}

	// Two down: nobody waits in vain for what is known not to come, and the head is answered all the same.
	w[2].down.Store(true)
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
	w[1].down.Store(false)
	w[2].down.Store(false)
	awaitSum(t, wall, "aumos_audit_witnessed_tree_size", platformSize(t, db))
	mustWitness(t, wall, policy)
	stop()
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

// A superuser's line among the cosignatures does not get into a note, and does not go unnoticed.
func TestForgedCosignatureIsLeftOut(t *testing.T) {
	t.Parallel()
	_, path, policy := startWitnesses(t, 2)
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
