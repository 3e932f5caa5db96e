package publish_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sync/errgroup"

	"github.com/aumos-enterprise/platform/governance/internal/publish"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

var _ publish.Sink = (*publish.File)(nil)

// headOf returns a signed head of a tenant's log.
func headOf(t *testing.T, id tenant.ID, size int64) auditlog.SignedHead {
	t.Helper()
	keys, err := auditlog.ParseSigningKeys(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	c := auditlog.Checkpoint{Origin: auditlog.Origin("audit.example.com/log", id), Size: size, Root: tlog.RecordHash(fmt.Append(nil, id, size))}
	note, ids, err := c.Sign(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return auditlog.SignedHead{Checkpoint: c, Note: note, KeyIDs: ids, SignedTime: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)}
}

func openFile(t *testing.T, path string) *publish.File {
	t.Helper()
	f, err := publish.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func mustPublish(t *testing.T, sink publish.Sink, id tenant.ID, size int64) {
	t.Helper()
	if err := sink.Publish(t.Context(), id, headOf(t, id, size)); err != nil {
		t.Fatal(err)
	}
}

// lines reads a checkpoint log as its format says: what is no JSON counts for nothing.
func lines(t *testing.T, path string) (found []publish.Line) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var l publish.Line
		if json.Unmarshal([]byte(line), &l) == nil {
			found = append(found, l)
		}
	}
	return found
}

func TestFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "checkpoints.log")
	id := tenant.ID(uuid.MustParse("0190d7a0-0000-7000-8000-000000000001"))
	f := openFile(t, path)
	mustPublish(t, f, id, 1)
	mustPublish(t, f, id, 2)
	head := headOf(t, id, 2)
	note, err := json.Marshal(head.Note)
	if err != nil {
		t.Fatal(err)
	}
	// The format is public: auditors' tools read it.
	want := `{"time":"2026-01-02T03:04:05.000006Z","origin":"audit.example.com/log/0190d7a0-0000-7000-8000-000000000001","tree_size":2,"root_hash":"` +
		base64.StdEncoding.EncodeToString(head.Root[:]) + `","note":` + string(note) + "}\n"
	text, err := os.ReadFile(path)
	if err != nil || strings.Count(string(text), "\n") != 2 || !strings.HasSuffix(string(text), "\n"+want) {
		t.Errorf("the file holds %q, %v; want at its end %q", text, err, want)
	}
	if c, err := auditlog.Read(lines(t, path)[1].Note); err != nil || c != head.Checkpoint {
		t.Errorf("the note says %+v, %v", c, err)
	}
}

// TestFileRotation: a file that was renamed or removed is followed by a new one, and nothing is written to what was taken away.
func TestFileRotation(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "checkpoints.log")
	id := tenant.ID(uuid.New())
	f := openFile(t, path)
	mustPublish(t, f, id, 1)
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	mustPublish(t, f, id, 2)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	mustPublish(t, f, id, 3)
	if err := os.Rename(path, path+".3"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil { // as logrotate does with "create"
		t.Fatal(err)
	}
	mustPublish(t, f, id, 4)
	for name, size := range map[string]int64{path + ".1": 1, path + ".3": 3, path: 4} {
		if got := lines(t, name); len(got) != 1 || got[0].TreeSize != size {
			t.Errorf("%s holds %+v, want a head of %d entries", name, got, size)
		}
	}
}

// TestFileTornLine: what a crash left of a line harms no other one, and nothing that was written is taken back.
func TestFileTornLine(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "checkpoints.log")
	id := tenant.ID(uuid.New())
	torn := `{"time":"2026-01-02T03:04`
	if err := os.WriteFile(path, []byte(torn), 0o600); err != nil {
		t.Fatal(err)
	}
	mustPublish(t, openFile(t, path), id, 1)
	mustPublish(t, openFile(t, path), id, 2)
	text, err := os.ReadFile(path)
	if err != nil || !strings.HasPrefix(string(text), torn+"\n{") || strings.Count(string(text), "\n") != 3 {
		t.Errorf("the file holds %q, %v", text, err)
	}
	if got := lines(t, path); len(got) != 2 {
		t.Errorf("%d heads are readable", len(got))
	}
}

// TestFileUnwritable: while the file cannot be written Publish says so, and once it can it goes on by itself.
func TestFileUnwritable(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "volume")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "checkpoints.log")
	id := tenant.ID(uuid.New())
	f := openFile(t, path)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := f.Publish(t.Context(), id, headOf(t, id, 1)); err == nil {
			t.Error("published into a directory that is gone")
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	mustPublish(t, f, id, 2)
	if got := lines(t, path); len(got) != 1 || got[0].TreeSize != 2 {
		t.Errorf("the file holds %+v", got)
	}
	for _, path := range []string{dir, filepath.Join(dir, "missing", "checkpoints.log"), os.DevNull} {
		if _, err := publish.OpenFile(path); err == nil {
			t.Errorf("%s was opened", path)
		}
	}
}

// TestFileManyLogs: heads that come at once are all there, each on a line of its own, while the file is renamed away under them.
func TestFileManyLogs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "checkpoints.log")
	f := openFile(t, path)
	heads := make([]auditlog.SignedHead, 400)
	for i := range heads {
		heads[i] = headOf(t, tenant.ID(uuid.New()), int64(i+1))
	}
	var g errgroup.Group
	g.SetLimit(16)
	for i, head := range heads {
		g.Go(func() error {
			if i%50 == 49 {
				if err := os.Rename(path, fmt.Sprintf("%s.%d", path, i)); err != nil && !os.IsNotExist(err) {
					return err
				}
			}
			return f.Publish(t.Context(), tenant.ID{}, head)
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	found := map[string]int64{}
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) < 2 {
		t.Errorf("files: %q, %v", files, err)
	}
	for _, name := range files {
		for _, l := range lines(t, name) {
			found[l.Origin] = l.TreeSize
		}
	}
	for _, head := range heads {
		if found[head.Origin] != head.Size {
			t.Errorf("the head of %d entries is not there", head.Size)
		}
	}
}
