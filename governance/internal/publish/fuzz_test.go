package publish_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/publish"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// TestTornLinesAreRead cuts the last line of a checkpoint log at every byte, as a crash may, and goes on writing it: an auditor reads the others.
func TestTornLinesAreRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "checkpoints.log")
	id := tenant.ID(uuid.MustParse("0198c0de-0000-7000-8000-00000000000a"))
	mustPublish(t, openFile(t, path), id, 1)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(whole) - 1 { // without its newline alone it is whole
		if err := os.WriteFile(path, append(bytes.Clone(whole), whole[:cut]...), 0o600); err != nil {
			t.Fatal(err)
		}
		mustPublish(t, openFile(t, path), id, 2)
		if got := notes(t, path); len(got) != 2 || got[0] != headOf(t, id, 1).Note || got[1] != headOf(t, id, 2).Note {
			t.Fatalf("cut at %d: %q", cut, got)
		}
	}
}

func notes(t *testing.T, path string) (got []string) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if err := auditlog.ReadNotes(file, func(note string) error { got = append(got, note); return nil }); err != nil {
		t.Fatal(err)
	}
	return got
}

// FuzzFile goes on writing a file with anything in it: that stays as it is, and what follows is a line of its own.
func FuzzFile(f *testing.F) {
	path := filepath.Join(f.TempDir(), "checkpoints.log")
	id := tenant.ID(uuid.MustParse("0198c0de-0000-7000-8000-00000000000a"))
	f.Add([]byte("{\"note\":\"x\"}\n{\"no"))
	f.Add([]byte("\x00\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := publish.OpenFile(path)
		if err != nil {
			t.Fatal(err)
		}
		mustPublish(t, file, id, 7)
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		after, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		rest, kept := bytes.CutPrefix(after, content)
		if begun := len(content) > 0 && content[len(content)-1] != '\n'; begun {
			rest, kept = bytes.CutPrefix(after, append(bytes.Clone(content), '\n'))
		}
		if !kept || bytes.Count(rest, []byte("\n")) != 1 || rest[len(rest)-1] != '\n' {
			t.Fatalf("%q became %q", content, after)
		}
		if err := os.WriteFile(path, rest, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := notes(t, path); len(got) != 1 || got[0] != headOf(t, id, 7).Note {
			t.Fatalf("%q was appended", rest)
		}
	})
}
