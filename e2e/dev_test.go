package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// readyWithin is longer than a development stack that has been built takes on a machine that is busy with other things.
const readyWithin = time.Minute

// lastPrinted ends what the development stack prints.
const lastPrinted = "aumos.governance.v1.DecisionService/Evaluate"

// TestDev starts the development stack as `make dev` does, uses what it prints, stops it with an interrupt, and finds its state after a restart.
func TestDev(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	args := []string{"-dir", dir, "-base-port", "0", "-examples", example(t), "-aumosctl", binary("aumosctl")}
	environ := []string{"AUMOSCTL_CONFIG=" + filepath.Join(dir, "aumosctl.json")}

	dev := start(t, nil, "aumos-dev", args...)
	dev.awaitOutput(t, lastPrinted)
	paste(t, environ, readFile(t, dev.log))
	first := trail(t, environ)
	for _, event := range []string{"policy.version_activated", "drift.baseline_activated", "drift.detection"} {
		if !strings.Contains(first, event) {
			t.Errorf("the samples left no %s on the wall:\n%s", event, first)
		}
	}
	if r := command(t, environ, nil, "aumosctl", "--profile", "auditor", "policy", "push", example(t, "policies", "retrain.rego"), "--name", "other"); r.code == 0 {
		t.Error("the auditor may write policies")
	}
	if code := dev.stop(t); code != 0 {
		t.Errorf("got exit code %d after an interrupt", code)
	}

	dev = start(t, nil, "aumos-dev", args...)
	dev.awaitOutput(t, lastPrinted)
	if again := trail(t, environ); again != first {
		t.Errorf("the state changed over a restart:\n%s\n%s", first, again)
	}
}

// paste types the printed commands of aumosctl into a shell, in an empty directory.
func paste(t *testing.T, environ []string, printed string) {
	t.Helper()
	dir, typed := t.TempDir(), 0
	for line := range strings.Lines(printed) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, binary("aumosctl")+" ") {
			continue
		}
		want := 0
		if strings.Contains(line, "drift detect") {
			want = 1 // the summer's data has drifted
		}
		if strings.Contains(line, "verify --database") { // asks for a commitment: all is signed
			command(t, environ, nil, "aumosctl", "audit", "export", "--bundle", filepath.Join(dir, "wall.zip")).want(t, 0)
		}
		shell := exec.CommandContext(t.Context(), "sh", "-c", line)
		shell.Env, shell.Dir = append(cleanEnviron(), environ...), dir
		output, err := shell.CombinedOutput()
		if code := shell.ProcessState.ExitCode(); code != want {
			t.Errorf("%s: exit code %d, want %d, %v\n%s", line, code, want, err, output)
		}
		typed++
	}
	if typed == 0 {
		t.Errorf("no command was printed:\n%s", printed)
	}
	if config := readFile(t, filepath.Join(dir, "opa.json")); !strings.Contains(config, "token.txt") {
		t.Errorf("the configuration for OPA: %s", config)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// trail returns the entries on the wall, without those that tell of reading it: each look adds to them.
func trail(t *testing.T, environ []string) string {
	t.Helper()
	var kept strings.Builder
	for line := range strings.Lines(command(t, environ, nil, "aumosctl", "audit", "list", "-o", "jsonl", "--limit", "0").want(t, 0).stdout) {
		if !strings.Contains(line, `"audit.read"`) {
			kept.WriteString(line)
		}
	}
	return kept.String()
}
