package postgreslocal_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/aumos-enterprise/platform/pkg/postgreslocal"
)

func TestServerSurvivesCrash(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	first := start(t, options(dir))
	query(t, first, `CREATE TABLE kept AS SELECT 'still here' AS word`)
	if err := syscall.Kill(postmaster(t, dir), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-first.Done()
	if err := first.Stop(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("Stop after a crash: %v, want how the server ended", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "data", "postmaster.pid")); err != nil {
		t.Fatalf("the crash left nothing behind: %v", err)
	}
	second, err := postgreslocal.Start(t.Context(), options(dir))
	if err != nil {
		t.Fatal(err)
	}
	if got := query(t, second, `SELECT word FROM kept`); got != "still here" {
		t.Errorf("the table holds %q", got)
	}
	if err := second.Stop(); err != nil {
		t.Error(err)
	}
}

// After a crash the process id in postmaster.pid may be another program's.
func TestServerStartsOverStalePIDFile(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	if err := start(t, options(dir)).Stop(); err != nil {
		t.Fatal(err)
	}
	stranger := exec.Command("cat")
	input, err := stranger.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = input.Close()
		if err := stranger.Wait(); err != nil {
			t.Errorf("the stranger was hurt: %v", err)
		}
	}()
	text := fmt.Sprintf("%d\n%s\n1\n5432\n%s\n", stranger.Process.Pid, filepath.Join(dir, "data"), filepath.Join(dir, "run"))
	if err := os.WriteFile(filepath.Join(dir, "data", "postmaster.pid"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	query(t, start(t, options(dir)), `SELECT 'it answers'`)
}

func postmaster(t *testing.T, dir string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}
