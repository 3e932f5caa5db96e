package postgreslocal_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/pkg/postgreslocal"
)

// script makes a directory with an initdb and a postgres that says it is of some version.
func script(t *testing.T, postgres string) string {
	t.Helper()
	dir := tempDirIn(t, os.TempDir()) // memory may be mounted noexec
	for name, text := range map[string]string{"initdb": "#!/bin/sh\n", "postgres": "#!/bin/sh\n" + postgres + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, name), 0o755); err != nil { // whatever the umask
			t.Fatal(err)
		}
	}
	return dir
}

func TestFindInDirectory(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		dir  string
		want string // the version, or what the error holds
		ok   bool
	}{
		{"right", script(t, "echo 'postgres (PostgreSQL) 17.5 (Debian 17.5-1)'"), "postgres (PostgreSQL) 17.5 (Debian 17.5-1)", true},
		{"beta", script(t, "echo 'postgres (PostgreSQL) 19beta1'"), "postgres (PostgreSQL) 19beta1", true},
		{"too old", script(t, "echo 'postgres (PostgreSQL) 14.18'"), "needs 15 or later", false},
		{"something else", script(t, "echo hello"), `says "hello"`, false},
		{"broken", script(t, "echo 'libpq.so.5: not found' >&2; exit 127"), "libpq.so.5: not found", false},
		{"empty", t.TempDir(), "no initdb", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			found, err := postgreslocal.Find(t.Context(), c.dir, slog.New(slog.DiscardHandler))
			if c.ok {
				if err != nil || found.Version != c.want || found.Dir != c.dir {
					t.Errorf("Find = %+v, %v; want %s in %s", found, err, c.want, c.dir)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.dir) {
				t.Errorf("error %v, want one with %q and the directory", err, c.want)
			}
		})
	}
}

// The environment variable is an order, not a hint: nothing else is tried.
func TestFindObeysEnvironment(t *testing.T) {
	t.Setenv("AUMOS_POSTGRES_BIN", filepath.Join(t.TempDir(), "nothing"))
	if found, err := postgreslocal.Find(t.Context(), "", slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "nothing") {
		t.Errorf("Find = %+v, %v; want an error that names the directory", found, err)
	}
}
