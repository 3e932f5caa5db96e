package audit_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

func TestNewRefusesUselessPolicies(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	w := startWitness(t, "w0.example.com", platformKey(t))
	stranger, err := auditlog.NewCosigningKey("x", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"": "no quorum line",
		fmt.Sprintf("witness a %s\nquorum a\n", w.vkey):                                                                  "too few for the quorum a",
		fmt.Sprintf("witness a %s http://w.example.com\nquorum a\n", w.vkey):                                             "not an https prefix",
		fmt.Sprintf("witness a %s %s\nwitness b %s\ngroup g all a b\nquorum g\n", w.vkey, w.server.URL, stranger.VKey()): "too few for the quorum g",
		"log example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\nquorum none\n":                       "none of the keys that sign " + platformOrigin,
	} {
		cfg := wallConfig(t)
		cfg.WitnessPolicyFile = writePolicy(t, text)
		wall, err := audit.New(t.Context(), cfg, audit.Databases{Writer: db.Writer, Reader: db.Reader}, quiet())
		if err == nil {
			wall.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	cfg := wallConfig(t)
	cfg.WitnessPolicyFile = "/no/such/file"
	if _, err := audit.New(t.Context(), cfg, audit.Databases{Writer: db.Writer, Reader: db.Reader}, quiet()); err == nil {
		t.Error("a policy that is not there was accepted")
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	if wrong, err := config.Undocumented(&audit.Config{}); err != nil || len(wrong) > 0 {
		t.Errorf("Undocumented: %q, %v", wrong, err)
	}
	var cfg audit.Config
	if err := config.Load("X_", &cfg, nil); err != nil {
		t.Fatal(err)
	}
	if err := cfg.Validate(); err != nil {
		t.Errorf("defaults: %v", err)
	}
	for name, change := range map[string]func(*audit.Config){
		"key":      func(c *audit.Config) { c.SigningKeys = "x" },
		"origin":   func(c *audit.Config) { c.OriginPrefix = "a b" },
		"queue":    func(c *audit.Config) { c.QueueEntries = -1 },
		"batch":    func(c *audit.Config) { c.BatchEntries = 1 << 20 },
		"interval": func(c *audit.Config) { c.CheckpointInterval = -1 },
	} {
		c := cfg
		change(&c)
		if err := c.Validate(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	db := postgrestest.Audit(t)
	bad := wallConfig(t)
	bad.SigningKeys = "x"
	if _, err := audit.New(t.Context(), bad, databases(db), quiet()); err == nil {
		t.Error("New accepted a bad key")
	}
}
