package headstore

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

func headOf(t testing.TB, size int64) auditlog.SignedHead {
	t.Helper()
	keys, err := auditlog.ParseSigningKeys(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	c := auditlog.Checkpoint{Origin: "audit.example.com/log/x", Size: size, Root: tlog.RecordHash([]byte{byte(size)})}
	note, ids, err := c.Sign(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return auditlog.SignedHead{Checkpoint: c, Note: note, KeyIDs: ids, SignedTime: time.Date(2026, 1, 1, 0, 0, int(size%60), 0, time.UTC)}
}

func TestStore(t *testing.T) {
	t.Parallel()
	store, err := Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	id := tenant.ID(uuid.New())
	if _, ok, err := store.Last(id); ok || err != nil {
		t.Fatalf("last of nothing: %v, %v", ok, err)
	}
	for size := int64(1); size < 300; size++ { // several windows
		if err := store.Add(id, headOf(t, size)); err != nil {
			t.Fatal(err)
		}
		h, ok, err := store.Last(id)
		if err != nil || !ok || h.Checkpoint != headOf(t, size).Checkpoint || h.Note != headOf(t, size).Note || len(h.KeyIDs) != 1 || !h.SignedTime.Equal(headOf(t, size).SignedTime) {
			t.Fatalf("last after %d: %+v, %v, %v", size, h, ok, err)
		}
	}
	ids, err := store.Tenants()
	if err != nil || len(ids) != 1 || ids[0] != id {
		t.Errorf("tenants: %v, %v", ids, err)
	}
}

// TestStoreTornTail cuts the last line at every byte, as a crash while it was written may: the head before it counts, and the next
// one follows it.
func TestStoreTornTail(t *testing.T) {
	t.Parallel()
	store, err := Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	id := tenant.ID(uuid.New())
	if err := store.Add(id, headOf(t, 5)); err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(store.path(id))
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Add(id, headOf(t, 6)); err != nil {
		t.Fatal(err)
	}
	both, err := os.ReadFile(store.path(id))
	if err != nil {
		t.Fatal(err)
	}
	for n := len(first); n < len(both); n++ {
		for _, junk := range []string{"", "\x00\x00", "\x00\n"} {
			if n == len(first) && junk == "" {
				continue
			}
			if err := os.WriteFile(store.path(id), append(bytes.Clone(both[:n]), junk...), 0o600); err != nil {
				t.Fatal(err)
			}
			h, ok, err := store.Last(id)
			if err != nil || !ok || h.Checkpoint.Size != 5 {
				t.Fatalf("cut at %d with %q: size %d, %v, %v", n, junk, h.Checkpoint.Size, ok, err)
			}
			if err := store.Add(id, headOf(t, 7)); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(store.path(id))
			if err != nil || !bytes.HasPrefix(text, first) || strings.Count(string(text), "\n") != 2 {
				t.Fatalf("after another head: %q, %v", text, err)
			}
		}
	}
	if err := os.WriteFile(store.path(id), []byte("torn"), 0o600); err != nil { // the very first head
		t.Fatal(err)
	}
	if _, ok, err := store.Last(id); ok || err != nil {
		t.Errorf("last of a torn first line: %v, %v", ok, err)
	}
}

func TestStoreRefusesDamage(t *testing.T) {
	t.Parallel()
	store, err := Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	id := tenant.ID(uuid.New())
	for _, size := range []int64{1, 2} {
		if err := store.Add(id, headOf(t, size)); err != nil {
			t.Fatal(err)
		}
	}
	good, err := os.ReadFile(store.path(id))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"two bad lines at the end": string(good) + "x\ny\n",
		"other size than the note": strings.ReplaceAll(string(good), `"tree_size":`, `"tree_size":9`),
		"long rubbish":             strings.Repeat("x", 200<<10),
	} {
		if err := os.WriteFile(store.path(id), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if h, ok, err := store.Last(id); err == nil {
			t.Errorf("%s: %+v, %v", name, h.Checkpoint, ok)
		}
		if err := store.Add(id, headOf(t, 3)); err == nil {
			t.Errorf("%s: another head was added", name)
		}
	}
}
