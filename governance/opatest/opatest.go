// Package opatest gives tests a real OPA: the program of the same version as the library that governance embeds, built once from its Go module.
package opatest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/version"

	"github.com/aumos-enterprise/platform/pkg/postgreslocal/filelock"
)

// buildTimeout bounds the build, with what it downloads.
const buildTimeout = 10 * time.Minute

// Binary returns the path of the program: the one on the PATH, where make puts its tools, if it is of the version, else one that is built into the user's
// cache by whoever asks first.
func Binary(t testing.TB) string {
	t.Helper()
	if path, err := exec.LookPath("opa"); err == nil {
		said, err := exec.CommandContext(t.Context(), path, "version").Output()
		if err == nil && strings.HasPrefix(string(said), "Version: "+version.Version+"\n") {
			return path
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatalf("find OPA: %v", err)
	}
	dir := filepath.Join(cache, "aumos", "opa-"+version.Version)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatalf("find OPA: %v", err)
	}
	path := filepath.Join(dir, "opa")
	ctx, cancel := context.WithTimeout(t.Context(), buildTimeout)
	defer cancel()
	release, err := filelock.Acquire(ctx, filepath.Join(dir, "lock")) // packages are tested at the same time
	if err != nil {
		t.Fatalf("find OPA: %v", err)
	}
	defer release()
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if err := build(ctx, dir); err != nil {
		t.Fatal(err)
	}
	return path
}

// build installs the program into the directory. It is the library's own module, with the dependencies that its go.mod names.
func build(ctx context.Context, dir string) error {
	scratch, err := os.MkdirTemp(dir, "build-")
	if err != nil {
		return fmt.Errorf("build OPA: %w", err)
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	cmd := exec.CommandContext(ctx, "go", "install", "github.com/open-policy-agent/opa@v"+version.Version)
	cmd.Dir = scratch // outside the workspace
	cmd.Env = append(os.Environ(), "GOBIN="+scratch, "GOWORK=off", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build OPA: %w\n%s", err, out)
	}
	if err := os.Rename(filepath.Join(scratch, "opa"), filepath.Join(dir, "opa")); err != nil { // whole or not at all
		return fmt.Errorf("build OPA: %w", err)
	}
	return nil
}
