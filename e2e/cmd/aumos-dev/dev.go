package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	drift "github.com/aumos-enterprise/platform/drift/server"
	"github.com/aumos-enterprise/platform/e2e/internal/stack"
	governance "github.com/aumos-enterprise/platform/governance/server"
	"github.com/aumos-enterprise/platform/pkg/auth"
	"github.com/aumos-enterprise/platform/pkg/auth/devissuer"
	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

type options struct {
	dir, examples, aumosctl string
	basePort                int
	noSamples               bool
}

// person is a client of the development issuer that stands in for somebody of the demo tenant.
type person struct {
	id    string
	roles []auth.Role
}

// people are the demo tenant's: one who may do everything, and those among whom a company shares it out. Whoever has written a policy cannot approve it.
func people() []person {
	return []person{
		{"demo", []auth.Role{auth.RoleAdmin}},
		{"author", []auth.Role{auth.RolePolicyAuthor}},
		{"approver", []auth.Role{auth.RolePolicyApprover}},
		{"operator", []auth.Role{auth.RoleOperator}},
		{"auditor", []auth.Role{auth.RoleAuditor}},
	}
}

// port returns the address of the n-th port.
func (o options) port(n int) string {
	if o.basePort == 0 {
		return "127.0.0.1:0"
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(o.basePort+n))
}

// run runs everything until ctx ends, then stops it in the reverse order.
func (o options) run(ctx context.Context, stdout io.Writer) (err error) {
	started := time.Now()
	st, err := openState(o.dir)
	if err != nil {
		return err
	}
	logFile, err := os.OpenFile(st.path("aumos.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	defer func() { err = errors.Join(err, logFile.Close()) }()

	fmt.Fprintln(stdout, "starting PostgreSQL, the token issuer and both services; logs go to", st.path("aumos.log"))
	s, err := o.startStack(ctx, st, slog.New(slog.NewJSONHandler(logFile, nil)))
	if err != nil {
		return o.explain(err)
	}
	defer func() { err = errors.Join(err, s.Stop()) }()

	group, ctx := errgroup.WithContext(ctx)
	up, err := o.startServices(ctx, group, st, s, logFile)
	if err == nil {
		err = o.welcome(ctx, st, s, up, stdout, started)
	}
	if err != nil {
		group.Go(func() error { return err }) // ends the services
	}
	err = group.Wait()
	if errors.Is(err, context.Canceled) { // interrupted while starting
		err = nil
	}
	err = o.explain(err)
	fmt.Fprintln(stdout, "stopped")
	return err
}

func (o options) startStack(ctx context.Context, st state, log *slog.Logger) (*stack.Stack, error) {
	driftSecret, err := st.secret("drift")
	if err != nil {
		return nil, err
	}
	inputsKey, err := st.key("inputs")
	if err != nil {
		return nil, err
	}
	cfg := stack.Config{Dir: string(st), IssuerListen: o.port(0), DriftSecret: driftSecret, InputsKey: inputsKey, Log: log}
	for _, p := range people() {
		secret, err := st.secret(p.id)
		if err != nil {
			return nil, err
		}
		cfg.Clients = append(cfg.Clients, devissuer.Client{ID: p.id, Secret: secret, TenantID: demoTenant, Roles: p.roles})
	}
	return stack.Start(ctx, cfg)
}

// explain adds what to do about a port that is taken, and about what another version of the platform left behind.
func (o options) explain(err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w: another program uses the port; choose others with -base-port (make dev ARGS='-base-port 8700')", err)
	case errors.Is(err, postgres.ErrOtherVersion):
		return fmt.Errorf("%[2]s holds the databases of another version of the platform, which this one cannot go on with: move it away "+
			"(mv %[2]s %[2]s.old) and start again, or keep it and name another directory (make dev ARGS='-dir .dev-new'): %[1]w", err, o.dir)
	default:
		return err
	}
}

// services are where the services listen.
type services struct {
	governance governance.Addresses
	drift      drift.Addresses
}

// startServices migrates the databases and runs both services in the group. It returns when both say that they serve.
func (o options) startServices(ctx context.Context, group *errgroup.Group, st state, s *stack.Stack, logs io.Writer) (up services, err error) {
	govConfig, err := governance.Load(environ(governance.Prefix, s.GovernanceEnviron(stack.Addresses{GRPC: o.port(1), Admin: o.port(2)})))
	if err != nil {
		return up, err
	}
	govConfig.Bundles.Listen = o.port(5)
	if govConfig.Bundles.SigningKey, err = st.bundleKey(); err != nil {
		return up, err
	}
	govLog := governance.NewLogger(logs, govConfig)
	if _, err := governance.Migrate(ctx, governance.Migration{
		AdminURL:      config.Secret(s.AdminURL(postgres.DatabaseGovernance)),
		AuditAdminURL: config.Secret(s.AdminURL(postgres.DatabaseAudit)),
	}); err != nil {
		return up, err
	}
	govReady := make(chan governance.Addresses, 1)
	group.Go(func() error {
		return governance.Run(ctx, govConfig, govLog, func(a governance.Addresses) { govReady <- a })
	})
	if up.governance, err = await(ctx, govReady); err != nil {
		return up, err
	}
	driftConfig, err := drift.Load(environ(drift.Prefix, s.DriftEnviron(stack.Addresses{GRPC: o.port(3), Admin: o.port(4)}, up.governance.GRPC)))
	if err != nil {
		return up, err
	}
	driftLog := drift.NewLogger(logs, driftConfig)
	if _, err := drift.Migrate(ctx, s.AdminURL(postgres.DatabaseDrift), driftLog); err != nil {
		return up, err
	}
	driftReady := make(chan drift.Addresses, 1)
	group.Go(func() error {
		return drift.Run(ctx, driftConfig, driftLog, func(a drift.Addresses) { driftReady <- a })
	})
	if up.drift, err = await(ctx, driftReady); err != nil {
		return up, err
	}
	for _, target := range []string{up.governance.GRPC, up.drift.GRPC} {
		if err := stack.AwaitServing(ctx, target); err != nil {
			return up, err
		}
	}
	return up, nil
}

// environ returns a service's variables: what the stack sets, then what the user's environment says, which wins.
func environ(prefix string, own []string) []string {
	for _, variable := range os.Environ() {
		if strings.HasPrefix(variable, prefix) {
			own = append(own, variable)
		}
	}
	return own
}

// await returns what arrives, unless ctx ends first, as it does when a service fails to start.
func await[T any](ctx context.Context, arrival <-chan T) (T, error) {
	select {
	case v := <-arrival:
		return v, nil
	case <-ctx.Done():
		var zero T
		return zero, context.Cause(ctx)
	}
}
