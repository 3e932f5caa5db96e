//go:build linux

package decisionbench_test

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"testing"
	"time"

	governance "github.com/aumos-enterprise/platform/governance/server"
	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/headroom"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

const (
	profileCallers = 32
	profileTime    = 20 * time.Second
)

// BenchmarkProfile is the load of BenchmarkDecisions on governance in this process, whose profile `make profile` keeps for the compiler: with sockets, tokens and
// the wall, as it is when a service decides. The program that asks is in it, too, but governance has none of its functions.
func BenchmarkProfile(b *testing.B) {
	l := serveHere(b).connections(profileCallers, profileCallers)
	for b.Loop() {
		m := saturate(b, l, profileTime)
		b.ReportMetric(m.perSecond(), "decisions/s")
	}
}

// serveHere is a platform with the sample policy whose governance is in this process.
func serveHere(b *testing.B) *platform {
	b.Helper()
	policy, err := filepath.Abs("../../examples/policies/retrain.rego")
	if err != nil {
		b.Fatal(err)
	}
	p := newPlatform(b)
	p.serve()
	p.activate(policy)
	return p
}

// serve runs governance until the benchmark ends.
func (p *platform) serve() {
	p.b.Helper()
	cfg, err := governance.Load(p.environ)
	if err != nil {
		p.b.Fatal(err)
	}
	_, err = governance.Migrate(p.b.Context(), governance.Migration{
		AdminURL: config.Secret(p.AdminURL(postgres.DatabaseGovernance)), AuditAdminURL: config.Secret(p.AdminURL(postgres.DatabaseAudit)),
	})
	if err != nil {
		p.b.Fatal(err)
	}
	restore := headroom.Keep(cfg.Headroom) // as the program does
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- governance.Run(ctx, cfg, governance.NewLogger(io.Discard, cfg), nil) }()
	p.b.Cleanup(func() {
		end()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			p.b.Error(err)
		}
		restore()
	})
}
