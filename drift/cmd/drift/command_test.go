package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/drifttest"
)

func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := command()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(append([]string{}, args...)) // for nil, cobra would take the test's
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func TestCommands(t *testing.T) {
	t.Parallel()
	out, err := run(t, "config")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"AUMOS_DRIFT_GOVERNANCE__TARGET", "AUMOS_DRIFT_KEYCLOAK__CLIENT_SECRET_FILE", "AUMOS_DRIFT_DEBUG"} {
		if !strings.Contains(out, key) {
			t.Errorf("config does not tell of %s", key)
		}
	}
	if _, err := run(t); err == nil || !strings.Contains(err.Error(), "AUMOS_DRIFT_DATABASE__URL is not set") {
		t.Errorf("serve without settings: got %v", err)
	}
	if _, err := run(t, "migrate"); err == nil || !strings.Contains(err.Error(), "ADMIN_URL") {
		t.Errorf("migrate without a URL: got %v", err)
	}
	if _, err := run(t, "healthcheck"); err == nil {
		t.Error("healthcheck of nothing succeeds")
	}
	db := drifttest.EmptyDatabase(t)
	out, err = run(t, "migrate", "--admin-url", db.AdminURL)
	if err != nil || !strings.Contains(out, "applied 0001_idempotency.sql") || !strings.Contains(out, "up to date") {
		t.Errorf("got %s, %v", out, err)
	}
	if _, err := run(t, "serve", "now"); err == nil {
		t.Error("an argument too many is taken")
	}
}
