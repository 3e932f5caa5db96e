package interceptor

import (
	"log/slog"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aumos-enterprise/platform/pkg/auth/authtest"
)

// Chains and parts of requests are validated by one validator, which knows every type that is linked into the program.
func TestOneValidatorServesAll(t *testing.T) { //nolint:paralleltest // it counts what the process allocates
	issuer := authtest.Start(t)
	verifier := issuer.Verifier(t)
	objects := testing.AllocsPerRun(2, func() {
		if _, err := NewChain(Config{Log: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry(), Verifier: verifier, Domain: "test"}); err != nil {
			t.Error(err)
		}
	})
	if objects > 1000 {
		t.Errorf("another chain allocates %v objects", objects)
	}
}
