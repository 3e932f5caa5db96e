package e2e_test

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/aumos-enterprise/platform/e2e/internal/stack"
	"github.com/aumos-enterprise/platform/pkg/porttest"
)

// process is a service under test.
type process struct {
	cmd  *exec.Cmd
	done chan error
	log  string
}

// stopTimeout is longer than a service takes to stop gracefully.
const stopTimeout = 40 * time.Second

// start runs a program until the test ends or it is stopped; its log is printed when the test fails.
func start(t *testing.T, environ []string, name string, args ...string) *process {
	t.Helper()
	log, err := os.CreateTemp(t.TempDir(), name+"-*.log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.CommandContext(t.Context(), binary(name), args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = stopTimeout
	cmd.Env = append(cleanEnviron(), environ...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd, done: make(chan error, 1), log: log.Name()}
	go func() { p.done <- cmd.Wait() }()
	t.Cleanup(func() {
		p.stop(t)
		if t.Failed() {
			content, _ := os.ReadFile(p.log)
			t.Logf("log of %s:\n%s", name, tail(content))
		}
	})
	return p
}

// tail keeps a failing test's output readable.
func tail(content []byte) []byte {
	const most = 2 << 10
	if len(content) <= most {
		return content
	}
	return content[len(content)-most:]
}

// awaitOutput waits until the program has printed text.
func (p *process) awaitOutput(t *testing.T, text string) {
	t.Helper()
	deadline := time.After(readyWithin)
	ticker := time.NewTicker(20 * time.Millisecond) // a file says nothing when it grows
	defer ticker.Stop()
	for {
		content, err := os.ReadFile(p.log)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte(text)) {
			return
		}
		select {
		case <-ticker.C:
		case err := <-p.done:
			p.done <- err
			t.Fatalf("the program ended: %v\n%s", err, content)
		case <-deadline:
			t.Fatalf("%q was not printed within %s:\n%s", text, readyWithin, content)
		}
	}
}

// stop ends the program politely, waits for it, and returns its exit code.
func (p *process) stop(t *testing.T) int {
	t.Helper()
	p.end(t, os.Interrupt)
	return p.cmd.ProcessState.ExitCode()
}

// kill ends the program as a crash would.
func (p *process) kill(t *testing.T) {
	t.Helper()
	p.end(t, syscall.SIGKILL)
}

func (p *process) end(t *testing.T, signal os.Signal) {
	t.Helper()
	select {
	case err := <-p.done:
		p.done <- err // it has ended before
		return
	default:
	}
	if err := p.cmd.Process.Signal(signal); err != nil {
		t.Logf("signal: %v", err)
	}
	select {
	case err := <-p.done:
		p.done <- err
	case <-time.After(stopTimeout):
		t.Errorf("%s does not stop", p.cmd.Path)
	}
}

// cleanEnviron is this process's environment without settings of the platform.
func cleanEnviron() []string {
	var clean []string
	for _, variable := range os.Environ() {
		if !bytes.HasPrefix([]byte(variable), []byte("AUMOS")) {
			clean = append(clean, variable)
		}
	}
	return clean
}

// freeAddress returns a loopback address that nobody listens on and that stays the test's own while its service is down.
func freeAddress(t *testing.T) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(porttest.Free(t)))
}

// openDir returns a directory that PostgreSQL's own user can enter: a test's temporary directory is closed to it when the tests run as root, and the
// server would keep its data elsewhere, where nobody removes it.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "aumos-e2e-") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// result is what a command did.
type result struct {
	code           int
	stdout, stderr string
}

// command runs a program to its end.
func command(t *testing.T, environ []string, stdin []byte, name string, args ...string) result {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary(name), args...)
	cmd.Env = append(cleanEnviron(), environ...)
	cmd.Dir = filepath.Dir(binaries)
	cmd.Stdin = bytes.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatalf("run %s: %v", name, err)
	}
	return result{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
}

// want fails the test unless the command ended with the code.
func (r result) want(t *testing.T, code int) result {
	t.Helper()
	if r.code != code {
		t.Fatalf("got exit code %d, want %d\nstdout:\n%s\nstderr:\n%s", r.code, code, r.stdout, r.stderr)
	}
	return r
}

// awaitServing waits until the service at target serves.
func awaitServing(t *testing.T, target string) {
	t.Helper()
	if err := stack.AwaitServing(t.Context(), target); err != nil {
		t.Fatal(err)
	}
}
