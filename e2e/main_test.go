package e2e_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// binaries is where TestMain has put the programs under test.
var binaries string

func TestMain(m *testing.M) {
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func buildAndRun(m *testing.M) (code int, err error) {
	binaries, err = os.MkdirTemp("", "aumos-e2e-bin-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(binaries)
	build := exec.CommandContext(context.Background(), "go", "build", "-pgo=off", "-o", binaries,
		"../governance/cmd/governance", "../drift/cmd/drift", "../pkg/cmd/aumosctl", "./cmd/aumos-dev")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		return 1, fmt.Errorf("build the programs under test: %w", err)
	}
	return m.Run(), nil
}

// binary returns the path of a program under test.
func binary(name string) string { return filepath.Join(binaries, name) }

// example returns the path of a file in examples/.
func example(t *testing.T, names ...string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(append([]string{"..", "examples"}, names...)...))
	if err != nil {
		t.Fatal(err)
	}
	return path
}
