package headstore

import (
	"bytes"
	"os"
	"testing"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// FuzzStore puts anything into a file of signed heads: what is read from it is a line of it, what cannot be read stays as it is, and a head that
// is added is the last from then on, with what was sound before it untouched.
func FuzzStore(f *testing.F) {
	dir := f.TempDir()
	store, err := Open(f.Context(), dir)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(store.Close)
	id := tenant.ID(uuid.MustParse("0198c0de-0000-7000-8000-00000000000a"))
	for size := int64(1); size < 3; size++ {
		if err := store.Add(id, headOf(f, size)); err != nil {
			f.Fatal(err)
		}
	}
	lines, err := os.ReadFile(store.path(id))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(lines)
	f.Add(lines[:len(lines)-9])
	f.Add(append(bytes.Clone(lines), "\x00\x00\n{}"...))
	f.Add([]byte("{}\n{}\n"))
	added := headOf(f, 77)
	f.Fuzz(func(t *testing.T, content []byte) {
		if err := os.WriteFile(store.path(id), content, 0o600); err != nil {
			t.Fatal(err)
		}
		last, ok, err := store.Last(id)
		if ok && (err != nil || !bytes.Contains(content, []byte(last.Checkpoint.Root.String()))) {
			t.Fatalf("read %+v, %v", last, err)
		}
		failed := store.Add(id, added)
		after, readErr := os.ReadFile(store.path(id))
		if readErr != nil {
			t.Fatal(readErr)
		}
		switch {
		case (failed != nil) != (err != nil):
			t.Fatalf("it reads: %v; it is added to: %v", err, failed)
		case failed != nil && !bytes.Equal(after, content):
			t.Fatal("a file that does not read was changed")
		case failed != nil:
			return
		}
		end := bytes.LastIndexByte(after[:len(after)-1], '\n') + 1
		if !bytes.HasPrefix(content, after[:end]) || ok && !bytes.Contains(after[:end], []byte(last.Checkpoint.Root.String())) {
			t.Fatalf("added to %q: %q", content, after)
		}
		if h, ok, err := store.Last(id); err != nil || !ok || h.Checkpoint != added.Checkpoint || h.Note != added.Note {
			t.Fatalf("read back %+v, %t, %v", h, ok, err)
		}
	})
}
