package interceptor_test

import (
	"math"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/auth/authtest"
	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/interceptor"
	"github.com/aumos-enterprise/platform/pkg/telemetry"
)

func TestRateLimitIsPerTenant(t *testing.T) {
	t.Parallel()
	for kind, rpc := range rpcs() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			b := setup(t, interceptor.RateLimit{PerSecond: 0.001, Burst: 3})
			token := func(subject, id string) string { return b.Issuer.Token(t, subject, parse(t, id), auth.RoleMLEngineer) }
			alice, anna, bob := b.Dial(t, token("alice", tenantA), ""), b.Dial(t, token("anna", tenantA), ""), b.Dial(t, token("bob", tenantB), "")
			for range 2 {
				if err := rpc.call(t.Context(), alice, true); err != nil {
					t.Fatal(err)
				}
			}
			if err := rpc.call(t.Context(), anna, true); err != nil {
				t.Fatal(err)
			}
			a := want(t, rpc.call(t.Context(), alice, true), codes.ResourceExhausted, "OVERLOADED")
			if d := a.retry.GetRetryDelay().AsDuration(); d <= 0 || d > 1000*time.Second {
				t.Errorf("retry after %v, want until the next token", d)
			}
			a = want(t, rpc.call(t.Context(), anna, true), codes.ResourceExhausted, "OVERLOADED")
			if d := a.retry.GetRetryDelay().AsDuration(); d > 1000*time.Second {
				t.Errorf("retry after %v: calls that were refused count", d)
			}
			if err := rpc.call(t.Context(), bob, true); err != nil {
				t.Errorf("another tenant: %v", err)
			}
		})
	}
}

// Callers that are not let in use nobody's rate.
func TestRefusedCallersUseNoRate(t *testing.T) {
	t.Parallel()
	b := setup(t, interceptor.RateLimit{PerSecond: 0.001, Burst: 1})
	intruder := b.Dial(t, b.Issuer.Token(t, "bob", parse(t, tenantB), auth.RoleMLEngineer), "")
	for range 3 {
		want(t, rpcs()["unary"].call(with(t.Context(), "x-tenant-id", tenantA), intruder, true), codes.PermissionDenied, "TENANT_MISMATCH")
	}
	if err := rpcs()["unary"].call(t.Context(), b.Dial(t, b.user(t), ""), true); err != nil {
		t.Error(err)
	}
}

func TestNoRateLimit(t *testing.T) {
	t.Parallel()
	b := setup(t, interceptor.RateLimit{})
	conn := b.Dial(t, b.user(t), "")
	for range 100 {
		if err := rpcs()["unary"].call(t.Context(), conn, true); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNewChainRefuses(t *testing.T) {
	t.Parallel()
	issuer := authtest.Start(t)
	good := interceptor.Config{Log: telemetry.NewLogger(t.Output(), nil), Registry: telemetry.NewRegistry("t"), Verifier: issuer.Verifier(t), Domain: domain}
	for name, edit := range map[string]func(*interceptor.Config){
		"no log":         func(c *interceptor.Config) { c.Log = nil },
		"no registry":    func(c *interceptor.Config) { c.Registry = nil },
		"no verifier":    func(c *interceptor.Config) { c.Verifier = nil },
		"no domain":      func(c *interceptor.Config) { c.Domain = "" },
		"negative rate":  func(c *interceptor.Config) { c.RateLimit.PerSecond = -1 },
		"no number":      func(c *interceptor.Config) { c.RateLimit.PerSecond = math.NaN() },
		"endless rate":   func(c *interceptor.Config) { c.RateLimit.PerSecond = math.Inf(1) },
		"negative burst": func(c *interceptor.Config) { c.RateLimit = interceptor.RateLimit{PerSecond: 1, Burst: -1} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := good
			cfg.Registry = telemetry.NewRegistry("t")
			edit(&cfg)
			if _, err := interceptor.NewChain(cfg); err == nil {
				t.Error("no error")
			}
		})
	}
	if _, err := interceptor.NewChain(good); err != nil {
		t.Error(err)
	}
	if _, err := interceptor.NewChain(good); err == nil {
		t.Error("two chains share a registry")
	}
}

func TestConfigIsDocumented(t *testing.T) {
	t.Parallel()
	if got, err := config.Undocumented(&interceptor.RateLimit{}); err != nil || len(got) > 0 {
		t.Error(got, err)
	}
}
