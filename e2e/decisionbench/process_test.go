//go:build linux

package decisionbench_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// build builds a program of the platform as `make build` does.
func build(b *testing.B, pkg string) string {
	b.Helper()
	binary := filepath.Join(b.TempDir(), filepath.Base(pkg))
	cmd := exec.CommandContext(b.Context(), "go", "build", "-pgo=auto", "-o", binary, pkg)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("build %s: %v\n%s", pkg, err, out)
	}
	return binary
}

// run runs a program to its end.
func run(b *testing.B, environ []string, binary string, args ...string) {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), binary, args...)
	cmd.Env = append(cleanEnviron(), environ...)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%s %v: %v\n%s", binary, args, err, out)
	}
}

// start runs a server until the benchmark ends and returns its process id. What it prints goes to a file, as it would in a deployment: decision logs are part of what is measured.
func start(b *testing.B, environ []string, binary string, args ...string) (pid int) {
	b.Helper()
	log, err := os.Create(filepath.Join(b.TempDir(), filepath.Base(binary)+".log"))
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	cmd := exec.CommandContext(b.Context(), binary, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 30 * time.Second
	cmd.Env = append(cleanEnviron(), environ...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		if b.Failed() {
			content, _ := os.ReadFile(log.Name())
			b.Logf("%s:\n%.4000s", binary, content)
		}
	})
	return cmd.Process.Pid
}

// cleanEnviron is the environment without settings of the platform.
func cleanEnviron() []string {
	var clean []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AUMOS") {
			clean = append(clean, v)
		}
	}
	return clean
}

// freeAddress returns an address that nobody listens on now.
func freeAddress(b *testing.B) string {
	b.Helper()
	listener, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
