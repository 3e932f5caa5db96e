package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// readyWithin is longer than a development stack that has been built takes on a machine that is busy with other things.
const readyWithin = time.Minute

// TestDev starts the development stack as `make dev` does, uses what it prints, stops it with an interrupt, and finds its state after a restart.
func TestDev(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	args := []string{"-dir", dir, "-base-port", "0", "-examples", example(t), "-aumosctl", binary("aumosctl")}
	environ := []string{"AUMOSCTL_CONFIG=" + filepath.Join(dir, "aumosctl.json")}

	dev := start(t, nil, "aumos-dev", args...)
	dev.awaitOutput(t, "aumosctl token")
	first := trail(t, environ)
	for _, event := range []string{"policy.version_activated", "drift.baseline_activated", "drift.detection"} {
		if !strings.Contains(first, event) {
			t.Errorf("the samples left no %s on the wall:\n%s", event, first)
		}
	}
	if r := command(t, environ, nil, "aumosctl", "--profile", "auditor", "policy", "push", example(t, "policies", "retrain.rego"), "--name", "other"); r.code == 0 {
		t.Error("the auditor may write policies")
	}
	url, err := os.ReadFile(filepath.Join(dir, "wall-url"))
	if err != nil {
		t.Fatal(err)
	}
	keys := filepath.Join(dir, "platform.vkey")
	command(t, environ, nil, "aumosctl", "audit", "keys", "--platform", "--out", keys).want(t, 0)
	command(t, environ, nil, "aumosctl", "audit", "export", "--bundle", filepath.Join(dir, "wall.zip")).want(t, 0) // asks for a commitment: all is signed
	command(t, environ, nil, "aumosctl", "audit", "verify", "--database", strings.TrimSpace(string(url)), "--all", "--key", keys).want(t, 0)
	if code := dev.stop(t); code != 0 {
		t.Errorf("got exit code %d after an interrupt", code)
	}

	dev = start(t, nil, "aumos-dev", args...)
	dev.awaitOutput(t, "aumosctl token")
	if again := trail(t, environ); again != first {
		t.Errorf("the state changed over a restart:\n%s\n%s", first, again)
	}
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
