package profile_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/profile"
	"github.com/aumos-enterprise/platform/pkg/grpcclient"
)

func TestIsLoopback(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"localhost:9090": true, "127.0.0.1:9090": true, "127.8.9.1:1": true, "[::1]:9090": true, "localhost": true, "::1": true,
		"example.com:443": false, "10.0.0.1:443": false, "localhost.example.com:1": false, "127.0.0.1.example.com:1": false, "": false,
	} {
		if got := profile.IsLoopback(address); got != want {
			t.Errorf("IsLoopback(%q) = %t", address, got)
		}
	}
}

// A token is sent in plaintext to this machine alone, unless the profile says otherwise.
func TestClientTransport(t *testing.T) {
	t.Parallel()
	config, err := profile.Load(filepath.Join(t.TempDir(), "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name            string
		profile         profile.Profile
		address         string
		plaintext, sent bool
	}{
		{"loopback", profile.Profile{}, "localhost:1", true, false},
		{"loopback with TLS", profile.Profile{TLS: &profile.TLS{CAFile: "ca.pem"}}, "localhost:1", false, false},
		{"elsewhere", profile.Profile{}, "example.com:1", false, false},
		{"elsewhere in plaintext", profile.Profile{Plaintext: true}, "example.com:1", true, true},
	} {
		got := config.Client(test.profile, test.address, nil)
		if got.Plaintext != test.plaintext || got.PlaintextToken != test.sent {
			t.Errorf("%s: plaintext %t, token in plaintext %t", test.name, got.Plaintext, got.PlaintextToken)
		}
	}
	got := config.Client(profile.Profile{TLS: &profile.TLS{CAFile: "ca.pem", CertFile: "/abs/cert.pem"}}, "localhost:1", nil)
	want := grpcclient.TLS{CAFile: filepath.Join(filepath.Dir(config.Path()), "ca.pem"), CertFile: "/abs/cert.pem"}
	if got.TLS != want {
		t.Errorf("TLS files %+v, want %+v", got.TLS, want)
	}
}

func TestDefaultPath(t *testing.T) {
	t.Parallel()
	path, err := profile.DefaultPath(func(name string) string { return map[string]string{"AUMOSCTL_CONFIG": "x.json"}[name] })
	if err != nil || path != "x.json" {
		t.Errorf("%q, %v", path, err)
	}
}

func TestSaveAndLoad(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config.json")
	config, err := profile.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	config.Current, config.Profiles["a"] = "a", profile.Profile{Governance: "localhost:1", TLS: &profile.TLS{ServerName: "x"}}
	if err := config.Save(); err != nil {
		t.Fatal(err)
	}
	again, err := profile.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if again.Current != "a" || again.Profiles["a"].Governance != "localhost:1" || again.Profiles["a"].TLS.ServerName != "x" {
		t.Errorf("read back %+v", again)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v: %v", info.Mode(), err)
	}
	for _, content := range []string{"", "{", "[]", `{"profiles":{"a":{"unknown":1}}}`} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := profile.Load(path); err == nil {
			t.Errorf("Load accepts %q", content)
		}
	}
	for _, content := range []string{`{}`, `{"profiles":null}`} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if config, err = profile.Load(path); err != nil || config.Profiles == nil {
			t.Errorf("%s: profiles %v: %v", content, config.Profiles, err)
		}
	}
}
