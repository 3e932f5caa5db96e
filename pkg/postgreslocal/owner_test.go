package postgreslocal_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// ownerVariable makes TestOwner the owner of a server in the directory it names.
const ownerVariable = "AUMOS_POSTGRESLOCAL_TEST_OWNER"

// TestOwner is no test: TestServerEndsWithItsOwner runs it in a process of its own.
func TestOwner(t *testing.T) {
	t.Parallel()
	dir := os.Getenv(ownerVariable)
	if dir == "" {
		return
	}
	o := options(dir)
	o.Ephemeral = strings.HasSuffix(dir, "ephemeral")
	server := start(t, o)
	query(t, server, `CREATE TABLE kept AS SELECT 'still here' AS word`)
	fmt.Println("started") //nolint:forbidigo // what the test reads
	<-server.Done()
}

// killOwner starts a process that owns a server in dir, and kills it as the machine's operator would: without a word.
func killOwner(t *testing.T, dir string) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	owner := exec.Command(program, "-test.run=^TestOwner$", "-test.v")
	owner.Env = append(os.Environ(), ownerVariable+"="+dir)
	output, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(output)
	for lines.Scan() && lines.Text() != "started" {
	}
	if lines.Text() != "started" {
		t.Fatalf("the owner did not start: %v", owner.Wait())
	}
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, output)
	_ = owner.Wait() // it was killed
}

func TestServerEndsWithItsOwner(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	killOwner(t, dir)
	// Start waits for the server that is ending.
	if got := query(t, start(t, options(dir)), `SELECT word FROM kept`); got != "still here" {
		t.Errorf("the table holds %q", got)
	}
}
