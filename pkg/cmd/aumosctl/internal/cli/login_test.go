package cli_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func TestLogin(t *testing.T) {
	t.Parallel()
	p, endpoint := newPlatform(t), newTokenEndpoint(t, 3600)
	config := filepath.Join(t.TempDir(), "nested", "config.json")
	env := map[string]string{"AUMOSCTL_CONFIG": config}
	login := []string{"login", "--governance", p.address, "--drift", p.address, "--token-url", endpoint.url, "--client-id", "analyst"}

	runWith(t, env, "", "policy", "list").expect(t, 3).says(t, "no address of governance is known: run aumosctl login")
	runWith(t, env, "open sesame\n", append(login, "--client-secret-stdin")...).expect(t, 0).says(t, "Logged in as analyst")
	runWith(t, env, "", "policy", "list").expect(t, 0)
	if got := runWith(t, env, "", "token").expect(t, 0).stdout; got != goodToken+"\n" {
		t.Errorf("token prints %q", got)
	}
	if endpoint.count() != 1 {
		t.Errorf("%d tokens were issued: the first is valid for an hour", endpoint.count())
	}
	private(t, filepath.Dir(config), 4)

	secret := writeFile(t, "secret.txt", "open sesame")
	runWith(t, env, "", append(login, "--client-secret-file", secret, "--profile", "second", "-o", "json")...).expect(t, 0).says(t, `"profile": "second"`)
	runWith(t, env, "", "--profile", "second", "policy", "list").expect(t, 0)
	runWith(t, env, "", "--profile", "default", "policy", "list").expect(t, 0)
	runWith(t, env, "", "--profile", "third", "policy", "list").expect(t, 3).says(t, `no profile "third"`)

	wrong := writeFile(t, "wrong.txt", "guess")
	refused := runWith(t, env, "", append(login, "--client-secret-file", wrong)...).expect(t, 3).says(t, "gave no token: 401 Unauthorized, invalid_client")
	if strings.Contains(refused.stderr, "internal detail") || strings.Contains(refused.stderr, "guess") {
		t.Errorf("too much is printed: %s", refused.stderr)
	}
	runWith(t, env, "", "policy", "list").expect(t, 0) // a login that failed changes nothing

	for _, bad := range [][]string{
		{"login", "--token-url", endpoint.url, "--client-id", "analyst", "--client-secret-file", secret},                                        // no service
		{"login", "--token-url", "http://id.example.com/token", "--client-id", "analyst", "--client-secret-file", secret, "--drift", "x:1"},     // secret in the clear
		{"login", "--token-url", "ftp://id.example.com", "--client-id", "analyst", "--client-secret-file", secret, "--drift", "x:1"},            // no URL
		{"login", "--token-url", endpoint.url, "--client-id", "analyst", "--drift", "x:1"},                                                      // no secret
		{"login", "--token-url", endpoint.url, "--client-id", "analyst", "--client-secret-file", secret, "--drift", "x:1", "--profile", "../x"}, // a path
		{"login", "--token-url", endpoint.url, "--client-id", "analyst", "--client-secret-file", secret, "--drift", "x:1", "--tls-ca", wrong},   // no certificate
	} {
		runWith(t, env, "", bad...).expect(t, 3)
	}
}

// private fails the test unless the directory holds so many files, all readable by their owner alone.
func private(t *testing.T, dir string, files int) {
	t.Helper()
	count := 0
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		if !entry.IsDir() {
			count++
		}
		return nil
	})
	if err != nil || count != files-1 {
		t.Errorf("%d files, want %d: %v", count, files-1, err)
	}
}

func TestTokenIsRenewed(t *testing.T) {
	t.Parallel()
	p, endpoint := newPlatform(t), newTokenEndpoint(t, 20) // less than what a cached token must be valid for
	env := map[string]string{"AUMOSCTL_CONFIG": filepath.Join(t.TempDir(), "config.json")}
	runWith(t, env, "open sesame", "login", "--governance", p.address, "--token-url", endpoint.url, "--client-id", "analyst", "--client-secret-stdin").expect(t, 0)
	runWith(t, env, "", "token").expect(t, 0)
	runWith(t, env, "", "token").expect(t, 0)
	if endpoint.count() != 3 {
		t.Errorf("%d tokens were issued, want one for each run", endpoint.count())
	}
}

// A profile that something else wrote works without login, with paths relative to the file.
func TestReadyMadeProfile(t *testing.T) {
	t.Parallel()
	p, endpoint := newPlatform(t), newTokenEndpoint(t, 3600)
	dir := t.TempDir()
	config := filepath.Join(dir, "aumosctl.json")
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("secret", "open sesame")
	write("aumosctl.json", `{"current":"demo","profiles":{"demo":{"governance":"`+p.address+`","drift":"`+p.address+`","token_url":"`+endpoint.url+
		`","client_id":"analyst","client_secret_file":"secret","tenant":"`+tenantID+`"}}}`)
	runWith(t, map[string]string{"AUMOSCTL_CONFIG": config}, "", "policy", "list").expect(t, 0)
	runWith(t, nil, "", "--config", config, "drift", "list").expect(t, 0)
	if !slices.Contains(p.tenants, tenantID) {
		t.Errorf("tenants %q were named", p.tenants)
	}
	for _, text := range p.requestIDs {
		if _, err := uuid.Parse(text); err != nil {
			t.Errorf("request id %q", text)
		}
	}
	if len(p.requestIDs) != 2 {
		t.Errorf("%d calls had a request id", len(p.requestIDs))
	}
	write("aumosctl.json", `{"profiles":{"demo":{"government":"x"}}}`)
	runWith(t, nil, "", "--config", config, "policy", "list").expect(t, 3).says(t, "government")
	write("aumosctl.json", `{"profiles":{"../demo":{}}}`)
	runWith(t, nil, "", "--config", config, "policy", "list").expect(t, 3).says(t, "cannot be the name of a profile")
}

func TestErrorsAreExplained(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	env := map[string]string{"AUMOSCTL_TOKEN": "an expired token"}
	none := filepath.Join(t.TempDir(), "none.json")
	got := runWith(t, env, "", "--config", none, "--governance", p.address, "policy", "list").expect(t, 3).says(t,
		"error: the token does not verify", "UNAUTHENTICATED", "INVALID_TOKEN (test.aumos)", "resource", "request", "log in again")
	if strings.Contains(got.stderr, "expired token") {
		t.Error("the token is printed")
	}
	asJSON := runWith(t, env, "", "--config", none, "--governance", p.address, "policy", "list", "-o", "json").expect(t, 3)
	failure, ok := decode(t, asJSON.stderr)["error"].(map[string]any)
	if !ok || failure["code"] != "UNAUTHENTICATED" || failure["reason"] != "INVALID_TOKEN" || failure["request_id"] == "" || asJSON.stdout != "" {
		t.Errorf("got %v", failure)
	}
	runWith(t, env, "", "--config", none, "--governance", "127.0.0.1:1", "--timeout", "5s", "policy", "list").expect(t, 3).says(t, "UNAVAILABLE", "check that the service runs")
	runWith(t, env, "", "--config", none, "--governance", "governance.example.com:1", "--tls-ca", none, "policy", "list").expect(t, 3).says(t, "none.json")
	runWith(t, env, "", "--tenant", "acme", "--governance", p.address, "policy", "list").expect(t, 3).says(t, `--tenant "acme" is no UUID`)
	runWith(t, env, "", "--output", "yaml", "version").expect(t, 3).says(t, "none of table, json, jsonl")
	runWith(t, nil, "", "--config", none, "--governance", p.address, "policy", "list").expect(t, 3).says(t, "there is no token")
	runWith(t, env, "", "policy", "frobnicate").expect(t, 3)
	runWith(t, env, "", "--bogus").expect(t, 3).says(t, "unknown flag: --bogus")
	runWith(t, env, "", "version").expect(t, 0).says(t, "aumosctl")
	runWith(t, env, "", "version", "-o", "json").expect(t, 0).says(t, `"go"`)
	runWith(t, env, "").expect(t, 0).says(t, "Available Commands")
	runWith(t, env, "", "audit").expect(t, 0).says(t, "verify")
}
