package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func TestPolicyBundle(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.run(t, "policy", "bundle").expect(t, 0).says(t, "revision", "cafe", "no policy is active")
	p.bundle.body = "the bundle"
	p.run(t, "policy", "bundle").expect(t, 0).says(t, "Amounts", "order.pay order.ship", "aumos-1", "bytes", "10", bundlePath)
	shown := decode(t, p.run(t, "policy", "bundle", "-o", "json").expect(t, 0).stdout)
	if b := shown["bundle"].(map[string]any); b["revision"] != "cafe" || len(b["policies"].([]any)) != 1 {
		t.Errorf("shown %v", b)
	}

	url, file := p.bundle.serve(t), filepath.Join(t.TempDir(), "bundle.tar.gz")
	p.run(t, "policy", "bundle", "--out", file, "--url", url).expect(t, 0).says(t, file)
	if got, err := os.ReadFile(file); err != nil || string(got) != "the bundle" {
		t.Errorf("got %q, %v", got, err)
	}
	p.run(t, "policy", "bundle", "--out", file, "--url", url+"/elsewhere").expect(t, 3).says(t, "404 Not Found")
	p.bundle.body = "another bundle"
	other := filepath.Join(t.TempDir(), "other.tar.gz")
	p.run(t, "policy", "bundle", "--out", other, "--url", url).expect(t, 3).says(t, "not the bundle that governance describes")
	if _, err := os.Stat(other); err == nil {
		t.Error("another bundle was written")
	}
	p.run(t, "policy", "bundle", "--out", file).expect(t, 3).says(t, "--out and --url go together")
	p.run(t, "policy", "bundle", "--out", file, "--url", "governance:9390").expect(t, 3).says(t, "no http or https URL")
	p.run(t, "policy", "bundle", "--out", file, "--url", "http://governance.example.com:9390").expect(t, 3).says(t, "unencrypted")
}

func TestPolicyBundleKeysAndConfig(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	configure := []string{"policy", "bundle", "config", "--url", "https://g.example.com:9390/x/", "--sidecar", "eu-1", "--token-file", "/run/token"}
	p.run(t, configure...).expect(t, 3).says(t, "no keys for bundles")
	p.bundle.keys = []*governancev1.BundleKey{
		{KeyId: "aumos-2", Algorithm: "ES256", PublicKeyPem: "PEM two\n"}, {KeyId: "aumos-1", Algorithm: "ES256", PublicKeyPem: "PEM one\n"},
	}
	if got, want := p.run(t, "policy", "bundle", "keys").expect(t, 0).stdout, "aumos-2 ES256\nPEM two\naumos-1 ES256\nPEM one\n"; got != want {
		t.Errorf("printed %q", got)
	}
	printed := p.run(t, configure...).expect(t, 0).stdout
	got := decode(t, printed)
	service := got["services"].(map[string]any)["aumos"].(map[string]any)
	bundle := got["bundles"].(map[string]any)["aumos"].(map[string]any)
	if service["url"] != "https://g.example.com:9390/x/bundles/"+tenantID || bundle["resource"] != "bundle.tar.gz" ||
		bundle["signing"].(map[string]any)["scope"] != tenantID || got["labels"].(map[string]any)["sidecar"] != "eu-1" ||
		got["keys"].(map[string]any)["aumos-1"].(map[string]any)["key"] != "PEM one\n" || got["status"].(map[string]any)["service"] != "aumos" {
		t.Errorf("printed %v", got)
	}
	if strings.Contains(printed, goodToken) {
		t.Error("the configuration holds the token")
	}
	p.run(t, "policy", "bundle", "config", "--url", "https://g", "--sidecar", "-", "--token-file", "x").expect(t, 3).says(t, "--sidecar must begin")
	p.run(t, "policy", "bundle", "config", "--url", "https://g").expect(t, 3).
		says(t, `required flag(s) "sidecar", "token-file" not set; usage: aumosctl policy bundle config --url URL --sidecar NAME --token-file FILE`)
}

func TestPolicyBundleSidecars(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.run(t, "policy", "bundle", "sidecars", "--check").expect(t, 0)
	p.bundle.sidecars = []*governancev1.Sidecar{
		sidecar("eu-1", func(*governancev1.Sidecar) {}),
		sidecar("eu-0", func(s *governancev1.Sidecar) { s.Alive, s.UpToDate = false, false }),
	}
	p.run(t, "policy", "bundle", "sidecars", "--check").expect(t, 0).says(t, "eu-1", "up to date", "cafe01234567", "silent since")
	p.bundle.sidecars = append(p.bundle.sidecars, sidecar("us-1", func(s *governancev1.Sidecar) { s.UpToDate = false }))
	p.run(t, "policy", "bundle", "sidecars").expect(t, 0).says(t, "us-1", "behind")
	p.run(t, "policy", "bundle", "sidecars", "--check").expect(t, 1)
	p.bundle.sidecars[2] = sidecar("us-1", func(s *governancev1.Sidecar) { s.Healthy, s.Message = false, "bundle_error: digest mismatch" })
	p.run(t, "policy", "bundle", "sidecars", "--check").expect(t, 1).says(t, "NOT WELL", "digest mismatch")
	if got := p.run(t, "policy", "bundle", "sidecars", "--limit", "1").expect(t, 0).stdout; strings.Contains(got, "us-1") {
		t.Errorf("--limit 1 prints\n%s", got)
	}
	p.run(t, "policy", "bundle", "release", "us-1").expect(t, 3).says(t, "required flag(s)")
	p.run(t, "policy", "bundle", "release", "us-1", "--reason", "moved").expect(t, 0).says(t, "svc-us-1")
	p.run(t, "policy", "bundle", "release", "us-1", "--reason", "moved").expect(t, 3).says(t, "NOT_FOUND")
}
